import math
import os
from pathlib import Path

import h5py
import numpy as np
import pytest

from csnn_tf.data import MeshSet, ShapeSet, load_modelnet40, load_point_clouds
from csnn_tf.errors import InputError
from tests.data.data_files import (
    SQUARE,
    class_tree,
    export,
    hdf5_form,
    text_form,
    write_hdf5,
)

LOADERS = pytest.mark.parametrize("load", [load_modelnet40, load_point_clouds])


@LOADERS
@pytest.mark.parametrize("from_parent", [False, True])
@pytest.mark.parametrize("split", ["train", "test"])
def test_hdf5_form(tmp_path, load, from_parent, split):
    folder = hdf5_form(tmp_path)
    shapes = load(tmp_path if from_parent else str(folder), split)
    assert shapes.clouds.shape == (5, 16, 3)
    assert shapes.class_names == tuple(f"class{number}" for number in range(40))
    assert shapes.names[3] == f"ply_data_{split}1.h5[0]"
    for number, part in ((0, slice(0, 3)), (1, slice(3, 5))):
        with h5py.File(folder / f"ply_data_{split}{number}.h5") as file:
            np.testing.assert_array_equal(shapes.clouds[part], file["data"])
            np.testing.assert_array_equal(shapes.labels[part, None], file["label"])


def test_hdf5_form_keeps_the_first_points(tmp_path):
    folder = hdf5_form(tmp_path)
    whole, part = load_modelnet40(folder, "test"), load_modelnet40(folder, "test", 7)
    np.testing.assert_array_equal(part.clouds, whole.clouds[:, :7])
    with pytest.raises(InputError, match=r"test0\.h5 has 16 points a shape where 17 are asked"):
        load_modelnet40(folder, "test", 17)
    with pytest.raises(InputError, match="num_points"):
        load_modelnet40(folder, "test", 0)


def test_hdf5_form_without_names_has_the_usual_ones(tmp_path):
    shapes = load_modelnet40(hdf5_form(tmp_path, names=False), "train")
    assert len(shapes.class_names) == 40
    assert shapes.class_names[:2] == ("airplane", "bathtub")
    assert shapes.class_names[-1] == "xbox"


@pytest.mark.parametrize("options", [{"chunks": (1, 8, 3)}, {"compression": "gzip"}])
def test_hdf5_may_be_chunked_and_packed(tmp_path, options):
    folder = hdf5_form(tmp_path, counts=(2,))
    data = np.random.default_rng(0).normal(size=(2, 16, 3))
    write_hdf5(folder / "ply_data_test0.h5", data, np.array([3, 4]), **options)
    shapes = load_modelnet40(folder, "test")
    np.testing.assert_array_equal(shapes.clouds, data.astype(np.float32))
    assert shapes.labels.tolist() == [3, 4]


def test_the_files_that_tensorflow_graphics_ships():
    datasets = pytest.importorskip("tensorflow_graphics").__path__[0] + "/datasets/modelnet40"
    shapes = load_modelnet40(datasets + "/fakes", "train", 64)
    assert shapes.clouds.shape == (24, 64, 3)
    assert len(load_point_clouds(datasets + "/fakes", "test")) == 16


def hdf5_cases():
    good = np.zeros((2, 4, 3), np.float32)
    labels = np.zeros((2, 1), np.uint8)
    return {
        "`data` must be floats": (good[0], labels),
        "`data` must be": (good[..., :2], labels),
        "must be floats": (good.astype(int), labels),
        "holds no shape": (good[:0], labels[:0]),
        "`label` must be": (good, labels[:1]),
        "whole numbers": (good, labels.astype(float)),
        r"test0\.h5\[1\] has a coordinate that is not finite": (
            np.stack([good[0], good[1] * np.nan]),
            labels,
        ),
        r"test0\.h5\[0\] has the label 40": (good, labels + np.uint8(40)),
    }


@pytest.mark.parametrize("message", hdf5_cases())
def test_wrong_hdf5_content_is_refused(tmp_path, message):
    folder = hdf5_form(tmp_path, counts=(2,))
    write_hdf5(folder / "ply_data_test0.h5", *hdf5_cases()[message])
    with pytest.raises(InputError, match=message):
        load_modelnet40(folder, "test")


def test_missing_data_sets_are_named(tmp_path):
    folder = hdf5_form(tmp_path, counts=(2,))
    with h5py.File(folder / "ply_data_test0.h5", "a") as file:
        del file["label"]
    with pytest.raises(InputError, match=r"test0\.h5 is not a readable .h5 file: .*`label`"):
        load_modelnet40(folder, "test")


def _unwritten(file, shape):
    file.create_dataset("data", shape, "f4")


def _unwritten_chunks(file, shape):
    file.create_dataset("data", shape, "f4", chunks=(1, 4, 3))


def _unwritten_packed(file, shape):
    file.create_dataset("data", shape, "f4", chunks=(1, 4, 3), compression="gzip")


def _external(file, shape):
    file.create_dataset("data", (1, 4, 3), "f4", external=[("/dev/zero", 0, 48)])


def _link(file, shape):
    file["data"] = h5py.ExternalLink("ply_data_train0.h5", "data")


def _virtual(file, shape):
    layout = h5py.VirtualLayout((1, 4, 3), "f4")
    layout[:] = h5py.VirtualSource("ply_data_train0.h5", "data", (2, 16, 3))[:1, :4]
    file.create_virtual_dataset("data", layout)


def _group(file, shape):
    file.create_group("data")


@pytest.mark.parametrize(
    "make", [_unwritten, _unwritten_chunks, _unwritten_packed, _external, _link, _virtual, _group]
)
def test_hdf5_claims_and_detours_are_refused(tmp_path, make):
    folder = hdf5_form(tmp_path, counts=(2,))
    path = folder / "ply_data_test0.h5"
    with h5py.File(path, "w") as file:
        make(file, (10**12 // 4, 4, 3))
        file["label"] = np.zeros((1, 1), np.uint8)
    assert path.stat().st_size < 20_000
    with pytest.raises(InputError, match=r"the file itself|more than the file holds"):
        load_modelnet40(folder, "test")


def test_an_hdf5_file_cut_off_anywhere_is_refused_or_whole(tmp_path):
    folder = hdf5_form(tmp_path, counts=(2,), points=4)
    path = folder / "ply_data_test0.h5"
    content, whole = path.read_bytes(), load_modelnet40(folder, "test").clouds
    refused = 0
    for end in range(0, len(content), math.ceil(len(content) / 1000)):
        path.write_bytes(content[:end])
        try:
            clouds = load_modelnet40(folder, "test").clouds
        except InputError:
            refused += 1
        else:
            np.testing.assert_array_equal(clouds, whole)
    assert refused > 100


def test_lists_are_followed_by_file_name_only(tmp_path):
    folder = hdf5_form(tmp_path)
    (folder / "test_files.txt").write_text("/etc/../ply_data_test1.h5\n\n")
    assert load_modelnet40(folder, "test").names == ["ply_data_test1.h5[0]", "ply_data_test1.h5[1]"]
    (folder / "test_files.txt").write_text("a/b/gone.h5\n")
    with pytest.raises(InputError, match=r"gone\.h5 does not exist"):
        load_modelnet40(folder, "test")
    (folder / "test_files.txt").write_text("\n")
    with pytest.raises(InputError, match=r"test_files\.txt lists nothing"):
        load_modelnet40(folder, "test")
    (folder / "test_files.txt").unlink()
    with pytest.raises(InputError, match=r"test_files\.txt does not exist"):
        load_modelnet40(folder, "test")


def test_files_may_differ_in_points_only_if_as_many_are_kept(tmp_path):
    folder = hdf5_form(tmp_path)
    write_hdf5(folder / "ply_data_test1.h5", np.zeros((1, 8, 3)), np.zeros((1, 1), np.uint8))
    assert load_modelnet40(folder, "test", 8).clouds.shape == (4, 8, 3)
    with pytest.raises(InputError, match="differ in their number of points"):
        load_modelnet40(folder, "test")


@LOADERS
@pytest.mark.parametrize("from_parent", [False, True])
def test_text_form(tmp_path, load, from_parent):
    folder = text_form(tmp_path)
    shapes = load(tmp_path if from_parent else folder, "train")
    assert isinstance(shapes, ShapeSet)
    assert shapes.class_names == ("flower_pot", "sofa")
    assert shapes.labels.tolist() == [0, 1, 1, 0]
    expected = np.loadtxt(folder / "sofa" / "sofa_0002.txt", delimiter=",")[:, :3]
    np.testing.assert_allclose(shapes.clouds[2], expected, rtol=1e-6)
    assert shapes.names[2].endswith("sofa_0002.txt")
    np.testing.assert_array_equal(load(folder, "train", 5).clouds, shapes.clouds[:, :5])
    assert len(load(folder, "test")) == 2


def test_text_form_refuses_what_is_wrong(tmp_path):
    folder = text_form(tmp_path)
    with pytest.raises(InputError, match=r"flower_pot_0001\.txt has 16 points where 17"):
        load_modelnet40(folder, "train", 17)
    assert load_point_clouds(folder, "train", 5, whole=True).clouds.shape[1] == 16
    with pytest.raises(InputError, match=r"flower_pot_0001\.txt has 16 points where 17"):
        load_point_clouds(folder, "train", 17, whole=True)
    (folder / "sofa" / "sofa_0003.txt").write_text("1,2,3,0,0,1\n1,nan,3,0,0,1\n")
    with pytest.raises(InputError, match=r"sofa_0003\.txt has a coordinate"):
        load_modelnet40(folder, "test")
    (folder / "sofa" / "sofa_0003.txt").unlink()
    with pytest.raises(InputError, match=r"sofa_0003\.txt does not exist"):
        load_modelnet40(folder, "test")
    for line in ("chair_0001", "sofa/../sofa_0001", "sofa", "sofa_a\\b"):
        (folder / "modelnet40_test.txt").write_text(line)
        with pytest.raises(InputError, match=r"modelnet40_test\.txt lists"):
            load_modelnet40(folder, "test")
    (folder / "modelnet40_test.txt").unlink()
    with pytest.raises(InputError, match=r"modelnet40_test\.txt does not exist"):
        load_modelnet40(folder, "test")


@LOADERS
@pytest.mark.parametrize("from_parent", [False, True])
def test_mesh_form(tmp_path, load, from_parent):
    off = export(SQUARE, "off").replace(b"OFF\n", b"OFF")
    files = {
        f"{c}/{s}/{c}_000{n}.off": off for c in "ba" for s in ("train", "test") for n in (2, 1)
    }
    folder = class_tree(tmp_path / "ModelNet40", files)
    (folder / "README.txt").write_text("of the archive")
    meshes = load(tmp_path if from_parent else folder, "train", 512)
    assert isinstance(meshes, MeshSet)
    assert meshes.class_names == ("a", "b")
    assert [Path(name).name for name in meshes.names] == [
        "a_0001.off",
        "a_0002.off",
        "b_0001.off",
        "b_0002.off",
    ]
    assert meshes.to_shape_set(8, seed=0).clouds.shape == (4, 8, 3)


@LOADERS
def test_unknown_layouts_are_refused(tmp_path, load):
    (tmp_path / "something").mkdir()
    with pytest.raises(InputError, match=f"{tmp_path} is .*expected .*train_files.txt"):
        load(tmp_path, "train")
    with pytest.raises(InputError, match="is not a folder"):
        load(tmp_path / "gone", "train")
    with pytest.raises(InputError, match="split must be train or test, not 'validation'"):
        load(tmp_path, "validation")


def test_the_published_data_set():
    folder = os.environ.get("CSNN_TF_MODELNET40")
    if not folder:
        pytest.skip("needs the folder of ModelNet40 in the environment variable CSNN_TF_MODELNET40")
    training, test = load_point_clouds(folder, "train"), load_point_clouds(folder, "test")
    assert len(training) in (9840, 9843)
    assert len(test) == 2468
    assert len(training.class_names) == 40
    assert set(training.labels) == set(test.labels) == set(range(40))


@pytest.mark.parametrize("form", [hdf5_form, text_form])
def test_a_class_that_is_named_twice_is_shown(tmp_path, form):
    folder = form(tmp_path)
    (names,) = folder.glob("*shape_names.txt")
    first = names.read_text().split("\n")[0]
    names.write_text(names.read_text() + f"{first}\n")
    with pytest.raises(InputError, match=f"{names.name} names the class '{first}' twice"):
        load_modelnet40(folder, "train")

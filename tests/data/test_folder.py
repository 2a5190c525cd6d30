import tracemalloc
from pathlib import Path, PurePath

import numpy as np
import pytest

from csnn_tf.data import MeshSet, ShapeSet, load_folder, load_point_clouds
from csnn_tf.data.folder import passed_over
from csnn_tf.errors import InputError
from tests.data.data_files import SQUARE, TETRAHEDRON, class_tree, export, npy, npz

RANDOM = np.random.default_rng(0)
SMALL, LARGE = RANDOM.normal(size=(8, 3)), RANDOM.normal(size=(30, 3))


def test_clouds_of_different_sizes(tmp_path):
    folder = class_tree(
        tmp_path,
        {
            "mug/train/2.npy": npy(SMALL),
            "mug/train/1.npz": npz(points=LARGE),
            "mug/train/.hidden.npy": b"junk",
            "mug/train/notes.md": b"junk",
            "bolt/train/a.XYZ": b"1 2 3\n",
            ".cache/train/a.npy": b"junk",
            "__MACOSX/train/a.npy": b"junk",
            "labels.csv": b"junk",
        },
    )
    shapes = load_folder(folder, "train")
    assert isinstance(shapes, ShapeSet)
    assert shapes.class_names == ("bolt", "mug")
    assert shapes.labels.tolist() == [0, 1, 1]
    assert [len(cloud) for cloud in shapes.clouds] == [1, 30, 8]
    assert shapes.names[1] == str(folder / "mug" / "train" / "1.npz")
    assert load_point_clouds(folder, "train").names == shapes.names


def test_larger_clouds_are_drawn_from_without_repetition(tmp_path):
    folder = class_tree(tmp_path, {"mug/train/1.npy": npy(SMALL), "mug/train/2.npy": npy(LARGE)})
    shapes = load_folder(folder, "train", num_points=8)
    np.testing.assert_array_equal(shapes.clouds[0], SMALL.astype(np.float32))
    drawn = {tuple(point) for point in shapes.clouds[1]}
    assert len(drawn) == 8
    assert drawn <= {tuple(point) for point in LARGE.astype(np.float32)}
    assert drawn != {tuple(point) for point in LARGE[:8].astype(np.float32)}
    again, other = load_folder(folder, "train", 8), load_folder(folder, "train", 8, seed=1)
    np.testing.assert_array_equal(again.clouds, shapes.clouds)
    assert not np.array_equal(other.clouds[1], shapes.clouds[1])
    assert [len(cloud) for cloud in load_folder(folder, "train", 9).clouds] == [8, 9]
    whole = load_point_clouds(folder, "train", 8, whole=True).clouds
    assert [len(cloud) for cloud in whole] == [8, 30]


def test_clouds_are_drawn_from_one_by_one(tmp_path):
    cloud = npy(np.tile(RANDOM.normal(size=(10_000, 3)).astype(np.float32), (2, 1)))
    folder = class_tree(tmp_path, {f"mug/train/{place}.npy": cloud for place in range(20)})
    load_folder(folder, "train", 8)  # imports what is lazy, too
    tracemalloc.start()
    try:
        load_folder(folder, "train", 8)
        assert tracemalloc.get_traced_memory()[1] < 8 * len(cloud)
    finally:
        tracemalloc.stop()


def test_meshes_of_all_kinds_stay_meshes(tmp_path):
    kinds = ("off", "obj", "stl", "ply")
    folder = class_tree(
        tmp_path, {f"mug/test/a.{kind}": export(TETRAHEDRON, kind) for kind in kinds}
    )
    meshes = load_folder(folder, "test")
    assert isinstance(meshes, MeshSet)
    assert [len(mesh.faces) for mesh in meshes.meshes] == [4, 4, 4, 4]
    assert len(load_folder(folder, "test", suffixes=(".off", ".stl"))) == 2


def test_mixed_trees_are_sampled(tmp_path):
    folder = class_tree(
        tmp_path, {"mug/train/1.off": export(SQUARE, "off"), "mug/train/2.npy": npy(LARGE)}
    )
    shapes = load_point_clouds(folder, "train", num_points=20)
    assert shapes.clouds.shape == (2, 20, 3)
    square = shapes.clouds[0]
    assert (square[:, 2] == 0).all()
    assert ((square >= 0) & (square <= 1)).all()
    with pytest.raises(InputError, match="mixes meshes and point clouds: give num_points"):
        load_folder(folder, "train")


def test_the_folder_that_is_missing_or_empty_is_named(tmp_path):
    with pytest.raises(InputError, match=f"{tmp_path} has no folder a class"):
        load_folder(tmp_path, "train")
    class_tree(tmp_path, {"mug/train/1.npy": npy(SMALL)})
    with pytest.raises(InputError, match=r"mug/test does not exist"):
        load_folder(tmp_path, "test")
    (tmp_path / "bolt" / "train").mkdir(parents=True)
    with pytest.raises(InputError, match=r"bolt/train has no file that ends in \.off"):
        load_point_clouds(tmp_path, "train")


def test_folders_beside_those_of_the_classes_are_no_classes(tmp_path):
    files = {"mug/train/1.npy": npy(SMALL), "bolt/test/1.npy": npy(SMALL)}
    run = {"runs/test/config.json": b"{}", "runs/test/checkpoint.npz": b""}
    class_tree(tmp_path, {**files, "mug/test/1.npy": npy(SMALL), **run})
    shapes = load_folder(tmp_path, "test")
    assert shapes.class_names == ("bolt", "mug")
    assert passed_over(tmp_path, "test") == ([], [], [tmp_path / "runs"])
    with pytest.raises(InputError, match=r"bolt/train does not exist"):
        load_folder(tmp_path, "train")
    for place in ("Train/1.npy", "1.npy"):  # a class all the same
        folder = class_tree(tmp_path / place[0], {"mug/train/1.npy": b"", f"cup/{place}": b""})
        with pytest.raises(InputError, match=r"cup/train does not exist"):
            load_folder(folder, "train")
    class_tree(tmp_path / "other", {"mug/1.npy": npy(SMALL)})
    with pytest.raises(InputError, match=r"other/mug/test does not exist"):
        load_folder(tmp_path / "other", "test")


def test_a_folder_that_cannot_be_read_is_named_but_for_those_of_systems(tmp_path, monkeypatch):
    files = {f"mug/{split}/1.npy": npy(SMALL) for split in ("train", "test")}
    class_tree(tmp_path, files)
    (tmp_path / "lost+found").mkdir()
    refused = "lost+found"

    def refusing(look):
        def refuse(path):
            if refused in (path if look == Path.iterdir else path.parent).parts:
                raise PermissionError(13, "Permission denied", str(path))
            return look(path)

        return refuse

    for name in ("is_dir", "is_file", "exists", "iterdir"):
        monkeypatch.setattr(Path, name, refusing(getattr(Path, name)))
    assert load_point_clouds(tmp_path, "train").class_names == ("mug",)
    assert passed_over(tmp_path, "train") == ([], [], [])
    class_tree(tmp_path, {"cup/1.npy": npy(SMALL)})
    refused = "cup"
    with pytest.raises(InputError, match="cup/train cannot be read: Permission denied"):
        load_point_clouds(tmp_path, "train")


def test_the_order_of_classes_is_that_of_their_names_on_every_system(tmp_path, monkeypatch):
    class_tree(tmp_path, {f"{name}/train/1.npy": npy(SMALL) for name in ("bolt", "Mug", "cup")})
    monkeypatch.setattr(PurePath, "__lt__", lambda a, b: str(a).lower() < str(b).lower())
    assert load_folder(tmp_path, "train").class_names == ("Mug", "bolt", "cup")


def test_class_folders_without_splits_are_told_what_is_expected(tmp_path):
    class_tree(tmp_path, {"mug/1.npy": npy(SMALL), "bolt/1.npy": npy(SMALL)})
    with pytest.raises(InputError, match="no known layout: expected CLASS/train and CLASS/test"):
        load_point_clouds(tmp_path, "train")


@pytest.mark.parametrize("load", [load_folder, load_point_clouds])
@pytest.mark.parametrize("name", ["1.off", "1.npy"])
def test_a_tree_with_the_splits_first_is_told_that_the_class_is(tmp_path, load, name):
    class_tree(tmp_path, {f"{split}/mug/{name}": b"" for split in ("train", "test")})
    with pytest.raises(InputError, match=r"the class comes first, as in .*/chair/train/1\.off"):
        load(tmp_path, "train")


def test_a_broken_file_is_named(tmp_path):
    class_tree(tmp_path, {"mug/train/1.npy": npy(SMALL), "mug/train/2.off": b"OFF\n3 1 0\n0 0 0\n"})
    with pytest.raises(InputError, match=r"mug/train/2\.off is not a readable"):
        load_folder(tmp_path, "train")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"split": "val"}, "split"),
        ({"split": "train", "num_points": -1}, "num_points"),
        ({"split": "train", "seed": -1}, "seed"),
    ],
)
def test_wrong_arguments(tmp_path, arguments, message):
    class_tree(tmp_path, {"mug/train/1.npy": npy(SMALL)})
    with pytest.raises(InputError, match=message):
        load_folder(tmp_path, **arguments)

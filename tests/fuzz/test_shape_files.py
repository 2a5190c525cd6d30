"""Damaged files of shapes, in every format and layout that is read."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from csnn_tf.data import Mesh, load_point_clouds, read_shape
from tests.data.data_files import class_tree, hdf5_form, text_form
from tests.data.shape_files import CLOUD_FILES, MESH_FILES
from tests.fuzz.cases import cases, damaged, ends, refused_or_right

FILES = CLOUD_FILES | MESH_FILES


def check_shape(path):
    with refused_or_right(path):
        shape = read_shape(path)
        points = shape.vertices if isinstance(shape, Mesh) else shape
        assert points.dtype == np.float32
        assert points.ndim == 2
        assert points.shape[1] == 3
        assert len(points) > 0
        assert np.isfinite(points).all()
        if isinstance(shape, Mesh):
            assert shape.faces.min() >= 0
            assert shape.faces.max() < len(points)


def check_set(folder, split):
    with refused_or_right(folder):
        shapes = load_point_clouds(folder, split, 3)
        assert len(shapes.clouds) == len(shapes.labels) > 0
        for cloud in shapes.clouds:
            assert cloud.shape == (3, 3)
            assert np.isfinite(cloud).all()


@given(data=st.data(), name=st.sampled_from(sorted(FILES)))
@cases(2, short=100)
def test_shape_files(tmp_path_factory, data, name):
    path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(data.draw(damaged(FILES[name])))
    check_shape(path)


@pytest.fixture(scope="module")
def layouts(tmp_path_factory):
    root = tmp_path_factory.mktemp("layouts")
    files = {f"{c}/{s}/1.npy": CLOUD_FILES["a.npy"] for c in "ab" for s in ("train", "test")}
    return {
        "hdf5": hdf5_form(root, counts=(2,), points=4),
        "text": text_form(root, points=4),
        "tree": class_tree(root / "tree", files),
    }


@given(data=st.data(), layout=st.sampled_from(["hdf5", "text", "tree"]))
@cases(1, short=50)
def test_layouts(layouts, data, layout):
    folder = layouts[layout]
    path = data.draw(st.sampled_from(sorted(p for p in folder.rglob("*") if p.is_file())))
    whole = path.read_bytes()
    path.write_bytes(data.draw(damaged(whole)))
    try:
        check_set(folder, data.draw(st.sampled_from(["train", "test"])))
    finally:
        path.write_bytes(whole)


# What a file that is cut off may still be taken for, tests/data tells byte by byte.
@pytest.mark.parametrize("name", sorted(FILES))
def test_every_truncation(tmp_path, name):
    path = tmp_path / name
    for end in ends(FILES[name], short=20):
        path.write_bytes(FILES[name][:end])
        check_shape(path)


def test_every_truncation_of_an_hdf5_file(layouts):
    path = layouts["hdf5"] / "ply_data_test0.h5"
    whole = path.read_bytes()
    try:
        for end in ends(whole, short=200):
            path.write_bytes(whole[:end])
            check_set(layouts["hdf5"], "test")
    finally:
        path.write_bytes(whole)

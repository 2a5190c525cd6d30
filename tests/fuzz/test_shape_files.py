"""Damaged files of shapes, in every format and layout that is read."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from csnn_tf.data import Mesh, load_point_clouds, read_shape
from tests.data.data_files import class_tree, hdf5_form, text_form
from tests.data.test_readers import CLOUD_FILES, MESH_FILES
from tests.fuzz.cases import cases, damaged, refused_or_right

FILES = CLOUD_FILES | MESH_FILES


@given(data=st.data(), name=st.sampled_from(sorted(FILES)))
@cases(2, short=100)
def test_shape_files(tmp_path_factory, data, name):
    path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(data.draw(damaged(FILES[name])))
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
        with refused_or_right(folder):
            shapes = load_point_clouds(folder, data.draw(st.sampled_from(["train", "test"])), 3)
            assert len(shapes.clouds) == len(shapes.labels) > 0
            for cloud in shapes.clouds:
                assert cloud.shape == (3, 3)
                assert np.isfinite(cloud).all()
    finally:
        path.write_bytes(whole)

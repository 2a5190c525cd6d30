"""Wavefront files (.obj)."""

import numpy as np
import pytest

from csnn_tf.data import read_cloud, read_mesh, read_shape
from csnn_tf.errors import InputError
from tests.data.shape_files import write

VERTICES = [[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 5], [2, 0, 5], [0, 2, 5]]
LINES = ["v {} {} {}\n".format(*vertex) for vertex in VERTICES]
FIRST, SECOND = "".join(LINES[:4]), "".join(LINES[4:])


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "content",
    [
        f"{FIRST}{SECOND}f 1 2 3 4\nf 5 6 7\n",
        f"{FIRST}f 1 2 3 4\n{SECOND}f 5 6 7 # the roof\n",
        f"{FIRST}f -4 -3 -2 -1\n{SECOND}f -3 6 -1\n",
        f"mtllib a.mtl\no A\n{FIRST}vn 0 0 1\nvt 0 0\nusemtl m1\nf 1/1/1 2/1/1 3/1/1 4/1/1\n"
        f"o B\n{SECOND}usemtl m2\nf 5//1 6//1 7//1\nl 1 2\n",
        f"\ufeff{FIRST}  f 1/ 2/ \\\n 3/ 4/\n{SECOND}\n# f 1 2 3\nf\t5/1 6/1\t7/1",
        f"{FIRST}{SECOND}f 1 2 3 4\nf 1 2\nf 5 6 7\n".replace("\n", "\r\n"),
        f"{FIRST}{SECOND}f 1 2 3 4\nf 5 6 7\n".replace(" 0\n", " 0 1.0 0.5 0.5\n"),
    ],
)
def test_vertices_and_faces_come_back_whatever_else_there_is(tmp_path, content):
    mesh = read_mesh(write(tmp_path, "a.obj", content.encode()))
    assert mesh.vertices.tolist() == VERTICES
    assert mesh.faces.tolist() == [[0, 1, 2], [0, 2, 3], [4, 5, 6]]


def test_vertices_without_faces_are_a_cloud(tmp_path):
    path = write(tmp_path, "a.obj", f"{FIRST}{SECOND}p 1\nl 1 2\n".encode())
    np.testing.assert_array_equal(read_cloud(path), VERTICES)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("o A\n", "no vertex"),
        ("f 1 2 3\n", "no vertex"),
        (FIRST + "f 1 2 5\n", "vertex that is not there"),
        (FIRST + "f 1 2 -5\n", "vertex that is not there"),
        ("v 0 0 0\nf -1 -2 -3\n" + FIRST, "vertex that is not there"),
        (FIRST + "f 0 1 2\n", "the corner 0"),
        (FIRST + "f\n", "face 0 has no corner"),
        (FIRST + "f 1 2 3.5\n", "3.5"),
        (FIRST + "v 1 2\n", "column"),
        (FIRST + "v 1 2 x\n", "x"),
    ],
)
def test_a_text_that_is_no_shape_is_refused(tmp_path, content, reason):
    with pytest.raises(InputError, match=rf"a\.obj is not a readable \.obj file: .*{reason}"):
        read_shape(write(tmp_path, "a.obj", content.encode()))

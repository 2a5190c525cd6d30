"""PLY files in the form of a text."""

import numpy as np
import pytest

from csnn_tf.data import read_cloud, read_mesh, read_shape
from csnn_tf.errors import InputError
from tests.data.shape_files import write

VERTICES = "element vertex 4\nproperty uchar red\n"
VERTICES += "".join(f"property float {axis}\n" for axis in "zyx")
POINTS = "9 0 0 0\n9 0 0 1\n\n9 0 1 1\n9 0 1 0\n"
FACES = "element face 3\nproperty uchar red\nproperty list uchar float texcoord\n"
FACES += "property list uchar int vertex_index\n"
EDGES = "element edge 2\nproperty int vertex1\nproperty int vertex2\n"
CORNERS = [[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]]


def text_ply(elements, rows):
    return f"ply\nformat ascii 1.0\n{elements}end_header\n{rows}".encode()


def test_faces_have_any_number_of_corners_and_other_properties(tmp_path):
    rows = "9 2 .5 1 3 0 1 2\n9 0 4 0 1 2 3\n9 0 2 0 1\n"
    for content in (
        text_ply(VERTICES + FACES, POINTS + rows),
        text_ply(FACES + VERTICES, rows + POINTS),
        text_ply(VERTICES + EDGES + FACES, POINTS + "0 1\n1 2\n" + rows),
    ):
        mesh = read_mesh(write(tmp_path, "a.ply", content))
        assert mesh.vertices.tolist() == CORNERS
        assert mesh.faces.tolist() == [[0, 1, 2], [0, 1, 2], [0, 2, 3]]


def test_vertices_without_faces_are_a_cloud(tmp_path):
    for content in (
        text_ply(VERTICES + EDGES, POINTS + "0 1\n1 2\n"),
        text_ply(VERTICES + FACES.replace("3", "0"), POINTS),
    ):
        np.testing.assert_array_equal(read_cloud(write(tmp_path, "a.ply", content)), CORNERS)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (text_ply(VERTICES + EDGES, POINTS + "0 1\n1\n"), "line '1' lacks values"),
        (text_ply(VERTICES + EDGES, POINTS + "0 1\n"), "announces 6 lines and 5 follow"),
        (text_ply(VERTICES + FACES, POINTS + "9 0 1 0\n9 0 3 0\n9 0 1 0\n"), "'9 0 3 0' lacks"),
        (text_ply(VERTICES + FACES, POINTS + "9 0 1 0\n9 -2 0\n9 0 1 0\n"), "'9 -2 0' lacks"),
        (text_ply(VERTICES + FACES, POINTS + "9 0 1 0\n9 0 1 1.5\n9 0 1 0\n"), "1.5"),
        (text_ply(VERTICES.replace("float x", "float w"), POINTS), "no x"),
        (text_ply(EDGES, "0 1\n1 2\n"), "no vertex"),
    ],
)
def test_a_text_that_is_no_shape_is_refused(tmp_path, content, reason):
    with pytest.raises(InputError, match=rf"a\.ply is not a readable \.ply file: .*{reason}"):
        read_shape(write(tmp_path, "a.ply", content))

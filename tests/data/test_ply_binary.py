"""Binary PLY files whose records have no fixed length."""

import re
import struct

import numpy as np
import pytest

from csnn_tf.data import read_cloud, read_mesh, read_shape
from csnn_tf.errors import InputError
from tests.data.shape_files import write


def binary_ply(order="<", length="B", lengths=(3, 4, 5), extra=True):
    """A pentagon's corners and faces of several sizes; other properties and elements between."""
    kinds = {"b": "char", "B": "uchar", "h": "short", "I": "uint"}
    form = "binary_little_endian" if order == "<" else "binary_big_endian"
    header = f"ply\nformat {form} 1.0\ncomment by hand\nelement vertex 5\n"
    header += "property float x\nproperty float y\nproperty float z\n" + "property uchar red\n"
    header += "element strip 2\nproperty list int short of\n" * extra
    header += f"element face {len(lengths)}\n" + "property uchar red\n" * extra
    header += f"property list {kinds[length]} int vertex_indices\n"
    header += "property list uchar float texcoord\n" * extra + "end_header\n"
    body = b"".join(
        struct.pack(f"{order}3fB", *place, 9)
        for place in [(0, 0, 0), (2, 0, 0), (3, 1, 0), (1, 2, 0), (0, 1, 0)]
    )
    body += (struct.pack(f"{order}i2h", 2, 1, 2) + struct.pack(f"{order}i", 0)) * extra
    for size in lengths:
        body += b"\7" * extra + struct.pack(f"{order}{length}{size}i", size, *range(size))
        body += struct.pack(f"{order}B{size}f", size, *range(size)) * extra
    return header.encode() + body


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("extra", [False, True])
@pytest.mark.parametrize("length", "BhI")
def test_faces_of_a_binary_ply_have_any_number_of_corners(tmp_path, order, extra, length):
    fans = {3: [[0, 1, 2]], 4: [[0, 1, 2], [0, 2, 3]], 5: [[0, 1, 2], [0, 2, 3], [0, 3, 4]]}
    for lengths in ((3, 4, 5), (3, 3), (4, 4), (5,), (4, 3, 4)):
        content = binary_ply(order, length, lengths, extra)
        mesh = read_mesh(write(tmp_path, "a.ply", content))
        assert mesh.vertices.tolist() == [[0, 0, 0], [2, 0, 0], [3, 1, 0], [1, 2, 0], [0, 1, 0]]
        assert mesh.faces.tolist() == [face for size in lengths for face in fans[size]]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (binary_ply() + b"x", "announces [0-9]+ bytes and [0-9]+ follow"),
        (binary_ply().replace(b"face 3", b"face 4"), "announces"),
        (binary_ply(extra=False, lengths=(4, 0)), "face 1 has no corner"),
        (binary_ply(length="b", extra=False)[:-21] + b"\xff" + bytes(20), "list of -1 entries"),
        (binary_ply(extra=False).replace(b"int vertex", b"float vertex"), "no list of whole"),
        (binary_ply(extra=False).replace(b"list uchar", b"list float"), "wrong line"),
        (binary_ply().replace(b"vertex_indices", b"corners"), "no list of whole"),
        (re.sub(rb"property list uchar.*\n", b"", binary_ply()), "no list of whole"),
        (binary_ply().replace(b"binary_little_endian", b"binary_middle_endian"), "wrong line"),
        (re.sub(rb"format.*\n", b"", binary_ply()), "names no format"),
        (binary_ply().replace(b"float y", b"float w"), "y"),
    ],
)
def test_a_binary_ply_that_is_none_is_refused(tmp_path, content, reason):
    with pytest.raises(InputError, match=rf"a\.ply is not a readable \.ply file: .*{reason}"):
        read_shape(write(tmp_path, "a.ply", content))


@pytest.mark.parametrize("second", [1, 2])
def test_vertices_of_a_binary_ply_may_have_lists(tmp_path, second):
    header = b"ply\nformat binary_little_endian 1.0\nelement vertex 2\n"
    header += b"".join(b"property float %c\n" % axis for axis in b"xyz")
    header += b"property list uchar short seen_by\nend_header\n"
    content = header + struct.pack("<3fBh", 1, 2, 3, 1, 7)
    content += struct.pack(f"<3fB{second}h", 4, 5, 6, second, *range(second))
    path = write(tmp_path, "a.ply", content)
    if second == 1:
        np.testing.assert_array_equal(read_cloud(path), [[1, 2, 3], [4, 5, 6]])
    else:
        with pytest.raises(InputError, match="vertices have lists of different lengths"):
            read_cloud(path)


@pytest.mark.parametrize("lengths", [(3, 4, 5), (4, 4)])
def test_a_binary_ply_cut_off_anywhere_is_refused(tmp_path, lengths):
    content = binary_ply(lengths=lengths)
    for end in range(len(content)):
        with pytest.raises(InputError):
            read_shape(write(tmp_path, "a.ply", content[:end]))

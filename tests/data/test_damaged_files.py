"""Files of shapes that are cut off, damaged, or announce more than they hold."""

import contextlib
import io
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from csnn_tf.data import Mesh, read_mesh, read_shape
from csnn_tf.errors import InputError
from tests.data.data_files import TETRAHEDRON, npy, npz
from tests.data.shape_files import CLOUD, CLOUD_FILES, MESH_FILES, write

LARGE = 10**12
NPY = npy(np.zeros((1, 3)))
NPY_BOMB = NPY.replace(b"(1, 3), }" + b" " * 12, b"(1000000000000, 3), }")


def zipped(name, content):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(name, content)
    return stream.getvalue()


BOMBS = {
    "a.npy": NPY_BOMB,
    "negative.npy": NPY.replace(b"(1, 3), } ", b"(-1, 3), }"),
    "a.npz": zipped("points.npy", NPY_BOMB),
    "vertices.off": b"OFF\n%d 1 0\n0 0 0\n" % LARGE,
    "faces.off": b"OFF\n1 %d 0\n0 0 0\n" % LARGE,
    "ascii.ply": CLOUD_FILES["ascii.ply"].replace(b"vertex 7", b"vertex %d" % LARGE),
    "binary.ply": CLOUD_FILES["binary.ply"].replace(b"vertex 7", b"vertex %d" % LARGE),
    "faces.ply": MESH_FILES["binary.ply"].replace(b"face 4", b"face %d" % LARGE),
    "no_properties.ply": b"ply\nformat ascii 1.0\nelement vertex %d\nend_header\n" % LARGE,
    "list.ply": MESH_FILES["binary.ply"][: MESH_FILES["binary.ply"].rindex(b"end_header")].replace(
        b"list uchar", b"list uint"
    )
    + b"end_header\n"
    + bytes(48)
    + struct.pack("<I", 2**32 - 1) * 20,
    "a.stl": bytes(80) + struct.pack("<I", 2**32 - 1) + bytes(50),
}


@pytest.mark.parametrize("name", BOMBS)
def test_headers_that_announce_too_much_allocate_nothing(tmp_path, name):
    path = write(tmp_path, name, BOMBS[name])
    assert len(BOMBS[name]) < 1000
    with pytest.raises(InputError, match=r"announce|dimension"):  # imports what is lazy, too
        read_shape(path)
    tracemalloc.start()
    try:
        with pytest.raises(InputError):
            read_shape(path)
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


def test_a_zip_member_may_not_unpack_to_more_than_deflate_can(tmp_path):
    content = npz(compressed=True, points=CLOUD)
    size = struct.pack("<I", 128 + CLOUD.nbytes)
    assert size in content
    path = write(tmp_path, "a.npz", content.replace(size, struct.pack("<I", 2**31 - 1)))
    with pytest.raises(InputError, match="more than the file can hold"):
        read_shape(path)


@pytest.mark.parametrize(
    "name", ["a.off", "glued.off", "binary.ply", "ascii.ply", "a.stl", "text.stl"]
)
def test_a_mesh_cut_off_anywhere_is_refused_or_whole(tmp_path, name):
    content, whole = MESH_FILES[name], TETRAHEDRON.vertices[TETRAHEDRON.faces]
    path = tmp_path / name
    refused = 0
    for end in range(len(content)):
        path.write_bytes(content[:end])
        try:
            mesh = read_mesh(path)
        except InputError:
            refused += 1
        else:
            np.testing.assert_allclose(mesh.vertices[mesh.faces], whole, atol=1e-7)
    assert refused > 0.95 * len(content)


def test_blank_lines_do_not_keep_the_reader_busy(tmp_path):
    path = write(tmp_path, "a.stl", b"solid a\n" + b"\n" * 400_000)  # minutes, if squared
    with pytest.raises(InputError, match="cut off"):
        read_shape(path)


@pytest.mark.parametrize("name", ["a.npy", "a.npz", "packed.npz", "binary.ply"])
def test_a_binary_cloud_cut_off_anywhere_is_refused(tmp_path, name):
    content = CLOUD_FILES[name]
    path = tmp_path / name
    for end in range(len(content)):
        path.write_bytes(content[:end])
        with pytest.raises(InputError) as caught:
            read_shape(path)
        assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize("name", ["a.txt", "normals.txt", "a.xyz", "ascii.ply", "cloud.obj"])
def test_a_text_cloud_cut_off_anywhere_is_refused_or_its_beginning(tmp_path, name):
    content = CLOUD_FILES[name]
    path = tmp_path / name
    for end in range(len(content)):
        path.write_bytes(content[:end])
        try:
            cloud = read_shape(path)
        except InputError:
            continue
        # The last number may lack digits, which cannot be told.
        np.testing.assert_allclose(cloud[:-1], CLOUD[: len(cloud) - 1], rtol=1e-6)


@given(data=st.data())
@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_damaged_files_raise_nothing_but_input_errors(tmp_path, data):
    files = CLOUD_FILES | MESH_FILES
    name = data.draw(st.sampled_from(sorted(files)))
    content = bytearray(files[name])
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(content)))
        end = min(len(content), start + data.draw(st.integers(0, 8)))
        content[start:end] = data.draw(st.binary(max_size=8))
    path = write(tmp_path, name, bytes(content))
    with contextlib.suppress(InputError):
        shape = read_shape(path)
        points = shape.vertices if isinstance(shape, Mesh) else shape
        assert points.dtype == np.float32
        assert points.ndim == 2
        assert np.isfinite(points).all()

import contextlib
import io
import re
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest
import trimesh
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from csnn_tf.data import Mesh, read_cloud, read_mesh, read_shape
from csnn_tf.errors import InputError
from tests.data.data_files import SQUARE, TETRAHEDRON, export, npy, npz

CLOUD = np.random.default_rng(0).normal(size=(7, 3)).astype(np.float32)
TABLE = np.hstack([CLOUD, CLOUD])  # with normals


def text(table, separator):
    return "".join(separator.join(f"{v:.9g}" for v in row) + "\n" for row in table).encode()


def ply_cloud(encoding):
    return trimesh.PointCloud(CLOUD).export(file_type="ply", encoding=encoding)


CLOUD_FILES = {
    "a.npy": npy(CLOUD),
    "float64.npy": npy(CLOUD.astype(np.float64)),
    "fortran.npy": npy(np.asfortranarray(TABLE)),
    "a.npz": npz(points=TABLE, other=np.zeros(3)),
    "only.npz": npz(whatever=CLOUD),
    "packed.npz": npz(compressed=True, points=CLOUD),
    "a.txt": text(CLOUD, ","),
    "normals.txt": text(TABLE, ", "),
    "untidy.csv": text(CLOUD, ",").replace(b",-", b", -"),
    "numbered.csv": b"0,1,2\n" + text(CLOUD, ","),
    "a.xyz": text(CLOUD, " "),
    "tabs.xyz": text(TABLE, "\t"),
    "A.XYZ": text(TABLE, "  "),
    "comments.xyz": b"\xef\xbb\xbf# x y z\n\n" + text(CLOUD, " ") + b"\n",
    "windows.txt": text(CLOUD, ",").replace(b"\n", b"\r\n"),
    "no_newline.txt": text(CLOUD, ",").rstrip(),
    "binary.ply": ply_cloud("binary"),
    "ascii.ply": ply_cloud("ascii"),
    "cloud.obj": b"# made by hand \xe9\n"
    + b"".join(b"v " + r for r in text(CLOUD, " ").splitlines(1)),
}
OFF = export(TETRAHEDRON, "off")
COUNTS = b"4 4 0"
MESH_FILES = {
    "a.off": OFF,
    "glued.off": OFF.replace(b"OFF\n", b"OFF"),
    "one_line.off": OFF.replace(b"OFF\n", b"OFF "),
    "two_counts.off": OFF.replace(COUNTS, b"4 4"),
    "comments.off": OFF.replace(b"OFF\n", b"# hello\nOFF # c\n\n").replace(b"\n3 ", b"\n\n3 "),
    "windows.off": OFF.replace(b"\n", b"\r\n"),
    "lower_case.off": OFF.replace(b"OFF\n", b"off\n"),
    "marked.off": "\ufeff".encode() + OFF,
    "a.obj": export(TETRAHEDRON, "obj"),
    "normals.obj": export(TETRAHEDRON, "obj", include_normals=True),
    "a.stl": export(TETRAHEDRON, "stl"),
    "text.stl": export(TETRAHEDRON, "stl_ascii"),
    "odd_normals.stl": re.sub(
        rb"normal .*", b"normal -1.#IND 0 0", export(TETRAHEDRON, "stl_ascii")
    ),
    "named.stl": export(TETRAHEDRON, "stl_ascii").replace(b"solid ", b"solid facet vertex\n", 1),
    "binary.ply": export(TETRAHEDRON, "ply"),
    "ascii.ply": export(TETRAHEDRON, "ply", encoding="ascii"),
    "normals.ply": export(TETRAHEDRON, "ply", vertex_normal=True),
}


def write(folder, name, content):
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("name", CLOUD_FILES)
def test_clouds_come_back(tmp_path, name):
    cloud = read_cloud(write(tmp_path, name, CLOUD_FILES[name]))
    assert cloud.dtype == np.float32
    assert cloud.flags.c_contiguous
    np.testing.assert_allclose(cloud, CLOUD, rtol=1e-6)


@pytest.mark.parametrize("name", MESH_FILES)
def test_meshes_come_back(tmp_path, name):
    mesh = read_mesh(str(write(tmp_path, name, MESH_FILES[name])))
    assert isinstance(mesh, Mesh)
    assert mesh.vertices.dtype == np.float32
    assert mesh.faces.dtype == np.int32
    corners = mesh.vertices[mesh.faces]
    np.testing.assert_allclose(corners, TETRAHEDRON.vertices[TETRAHEDRON.faces], atol=1e-7)


def test_polygons_are_cut_into_triangles_that_cover_them(tmp_path):
    pentagon = b"OFF\n5 2 0\n0 0 0\n2 0 0\n3 1 0\n1 2 0\n0 1 0\n5 0 1 2 3 4\n4 0 1 2 3 255 0 0\n"
    mesh = read_mesh(write(tmp_path, "a.off", pentagon))
    assert mesh.faces.tolist() == [[0, 1, 2], [0, 2, 3], [0, 3, 4], [0, 1, 2], [0, 2, 3]]
    quads = b"v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\no a\nf 1 2 3 4\no b\nusemtl m\nf -4 -3 -2\n"
    assert len(read_mesh(write(tmp_path, "a.obj", quads)).faces) == 3
    ply = export(SQUARE, "ply", encoding="ascii").replace(b"face 2", b"face 1")
    ply = ply[: ply.index(b"3 0")] + b"4 0 1 2 3\n"
    assert len(read_mesh(write(tmp_path, "a.ply", ply)).faces) == 2


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


def test_nothing_is_merged_or_dropped(tmp_path):
    doubled = b"OFF\n7 3 0\n" + b"0 0 0\n1 0 0\n0 1 0\n" * 2 + b"9 9 9\n3 0 1 2\n3 3 4 5\n3 0 0 0\n"
    for name, content in {"a.off": doubled}.items():
        mesh = read_mesh(write(tmp_path, name, content))
        assert mesh.vertices.shape == (7, 3)
        assert mesh.faces.tolist() == [[0, 1, 2], [3, 4, 5], [0, 0, 0]]
    for kind in ("ply", "obj"):
        mesh = read_mesh(write(tmp_path, f"b.{kind}", export(mesh, kind)))
        assert mesh.vertices.shape == (7, 3)
        assert len(mesh.faces) == 3


@pytest.mark.parametrize("kind", ["ascii", "binary_big_endian"])
def test_triangle_strips_are_no_cloud(tmp_path, kind):
    header = f"ply\nformat {kind} 1.0\nelement vertex 4\n"
    header += "".join(f"property float {axis}\n" for axis in "xyz")
    header += "element tristrips 1\nproperty list int int vertex_indices\nend_header\n"
    corners = [0, 0, 0, 1, 0, 0, 0, 1, 0, 1, 1, 0]
    body = struct.pack(">12f5i", *corners, 4, 0, 1, 2, 3)
    if kind == "ascii":
        body = b"0 0 0\n1 0 0\n0 1 0\n1 1 0\n4 0 1 2 3\n"
    path = write(tmp_path, "a.ply", header.encode() + body)
    with pytest.raises(InputError, match="has triangle strips: save it with faces"):
        read_shape(path)
    path = write(tmp_path, "b.ply", header.replace("strips 1", "strips 0").encode() + body[:48])
    if kind != "ascii":
        assert read_cloud(path).shape == (4, 3)


def test_a_mesh_is_no_cloud_and_a_cloud_no_mesh(tmp_path):
    with pytest.raises(InputError, match="holds a mesh"):
        read_cloud(write(tmp_path, "a.off", OFF))
    with pytest.raises(InputError, match="holds a point cloud"):
        read_mesh(write(tmp_path, "a.ply", CLOUD_FILES["ascii.ply"]))


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.npy", npy(np.zeros((0, 3))), "no point"),
        ("a.npy", npy(np.zeros((4, 2))), "three coordinates"),
        ("a.npy", npy(np.zeros(12)), "numbers"),
        ("a.npy", npy(np.zeros((4, 3), dtype=complex)), "complex"),
        ("a.npy", npy(np.full((4, 3), "text")), "numbers"),
        ("a.npy", npy(np.full((4, 3), np.nan)), "not finite"),
        ("a.npy", npy(np.full((4, 3), 1e300)), "not finite"),
        ("a.npz", npz(a=CLOUD, b=CLOUD), "points"),
        ("a.npz", npz(), "points"),
        ("a.npz", b"PK junk", "zip"),
        ("a.txt", b"\n# nothing\n\n", "no point"),
        ("a.txt", b"1,2\n3,4\n", "three coordinates"),
        ("a.txt", b"x y z\n", "no point"),
        ("a.csv", b"id,x,y\n1,2,3\n", "id"),
        ("a.txt", (b"1 " * 99 + b"\n") * 3, r"\(3, 99\), not \[points, 3\]: transpose it"),
        ("a.csv", b"0,12345, -0,50000, 0,33333\n" * 3, "'0,12345, -0,50000, .* has decimal commas"),
        ("a.xyz", b"1, 2, 0,5\n", "decimal commas"),
        ("a.xyz", b"1,5\t2,5\t3,5\n", "decimal commas"),
        ("a.txt", b"1,2,3\n4,5\n", "columns"),
        ("a.txt", b"1,2,3\n4,5,x\n", "x"),
        ("a.xyz", b"1 2 nan\n", "not finite"),
        ("a.xyz", b"1 2 1e39\n", "not finite"),
        ("a.xyz", b"2\nwater\nH 0 0 0\n", "readable"),
        ("a.xyz", bytes(range(256)), "readable"),
        ("a.off", b"", "empty"),
        ("a.off", b"hello", "does not begin with OFF"),
        ("a.off", b"OFFICE", "does not begin with OFF"),
        ("a.off", b"OFF", "ends before"),
        ("a.off", b"OFF\n3 x 0", "counts"),
        ("a.off", b"OFF\n0 0 0\n", "no vertex"),
        ("a.off", b"OFF\n1 0 0\n0 0 0\n", "no face"),
        ("a.off", OFF.replace(b"3 0 2 1", b"3 0 2 7"), "not there"),
        ("a.off", OFF.replace(b"3 0 2 1", b"3 0 2 1.5"), "1.5"),
        ("a.off", OFF.replace(b"3 0 2 1", b"3 0 2"), "lacks corners"),
        ("a.off", re.sub(rb"1\.0+", b"nan", OFF, count=1), "not finite"),
        ("a.off", bytes(range(256)), "OFF"),
        ("a.obj", b"junk", "no vertex"),
        ("a.obj", b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 4\n", "readable"),
        ("a.obj", b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 x\n", "readable"),
        ("a.obj", b"v 0 0 nan\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", "not finite"),
        ("a.obj", bytes(range(256)), "no vertex"),
        ("a.stl", b"solid a\nendsolid a\n", "cut off"),
        ("a.stl", bytes(84), "0 triangles"),
        ("a.stl", bytes(range(256)), "triangles"),
        ("a.ply", b"ply\nformat ascii 1.0\n", "header"),
        ("a.ply", b"hello", "header"),
        ("a.ply", b"ply\nelement face 1\nproperty list\nend_header\n", "line: 'property list'"),
        ("a.ply", b"ply\nformat ascii 1.0\nelement vertex 0\nend_header\n", "no vertex"),
        ("a.ply", CLOUD_FILES["ascii.ply"].replace(b"float x", b"quad x"), "wrong line"),
        ("a.ply", CLOUD_FILES["ascii.ply"].replace(b"vertex 7", b"vertex -7"), "wrong line"),
        ("a.ply", CLOUD_FILES["ascii.ply"].replace(b"vertex 7", b"vertex 8"), "lines"),
        ("a.ply", CLOUD_FILES["ascii.ply"] + b"hello", "characters"),
        ("a.ply", CLOUD_FILES["ascii.ply"].replace(b".", b".-", 99), "readable"),
        (
            "a.ply",
            MESH_FILES["ascii.ply"].replace(b"3 0 2 1", b"3 0 2 9"),
            "not there",
        ),
        ("a.ply", MESH_FILES["binary.ply"] + b"x", "announces 100 bytes and 101"),
        ("a.md", b"1 2 3", "must end in"),
    ],
)
def test_what_cannot_be_read_names_the_file(tmp_path, name, content, reason):
    path = write(tmp_path, name, content)
    with pytest.raises(InputError, match=reason) as caught:
        read_shape(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        b"x,y,z\n1,2,3\n4,5,6\n",
        b'# a scan\n\n"id", "X", "Y", "Z"\n7,1,2,3\n8,4,5,6\n',
        b"z y x label\n3 2 1 0\n# between\n6 5 4 0\n",
        b"z y x label\n# 4 words are here\n3 2 1 0\n6 5 4 0\n",
        b"# id x y z\n# of a scan\n7 1 2 3\n8 4 5 6\n",
        b"//X,Y,Z,R\n1,2,3,0\n4,5,6,0\n",
        b"# columns: x y z\n1 2 3\n4 5 6\n",
        b"x,y,z # metres\n1,2,3\n4,5,6\n",
        b"# id X[m] Y[m] Z[m]\n7 1 2 3\n8 4 5 6\n",
        b"id,x [mm],y (mm),z [mm]\n7,1,2,3\n8,4,5,6\n",
        b"id x [m] y [m] z [m]\n7 1 2 3\n8 4 5 6\n",
        b"# id x y z (r g b)\n7 1 2 3 0 0 0\n8 4 5 6 0 0 0\n",
        b"1 2 3 # from x to y or z\n4 5 6\n",
        b"1 2 3\n4 5 6\n",
        b"1, 2,3\n4, 5,6\n",
        b"1,2, 3\n4,5, 6\n",
    ],
)
def test_the_first_line_may_name_the_columns(tmp_path, content):
    for name in ("a.csv", "a.txt"):
        found = read_cloud(write(tmp_path, name, content))
        np.testing.assert_array_equal(found, [[1, 2, 3], [4, 5, 6]])


@pytest.mark.parametrize(
    ("name", "content", "points"),
    [
        ("a.csv", b"0,1,2\n", 1),
        ("a.csv", b"0,1,3\n4,5,6\n", 2),
        ("a.csv", b"0,1,2.0\n4,5,6\n", 2),
        ("a.csv", b"x,y,z\n0,1,2\n4,5,6\n", 2),
        ("a.txt", b"0,1,2\n4,5,6\n", 2),
        ("a.csv", b"0,1,2,3\n4,5,6,7\n", 1),
    ],
)
def test_numbers_of_columns_are_no_point(tmp_path, name, content, points):
    assert len(read_cloud(write(tmp_path, name, content))) == points


def test_missing_files_and_folders(tmp_path):
    with pytest.raises(InputError, match=r"a\.npy does not exist"):
        read_shape(tmp_path / "a.npy")
    for name in ("b.npy", "shapes"):
        (tmp_path / name).mkdir()
        with pytest.raises(InputError, match=rf"{name} is a folder: name the .*{name}/\*"):
            read_shape(tmp_path / name)


def test_pickles_are_not_loaded(tmp_path):
    stream = io.BytesIO()
    np.save(stream, np.array([[{}, 1, 2]], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match="numbers"):
        read_shape(write(tmp_path, "a.npy", stream.getvalue()))


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

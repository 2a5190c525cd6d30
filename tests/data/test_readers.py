import io
import re
import struct

import numpy as np
import pytest

from csnn_tf.data import Mesh, read_cloud, read_mesh, read_shape
from csnn_tf.data.mesh import face_areas
from csnn_tf.errors import InputError
from tests.data.data_files import SQUARE, TETRAHEDRON, export, npy, npz
from tests.data.shape_files import CLOUD, CLOUD_FILES, MESH_FILES, OFF, write


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


U = [(0, 0, 0), (3, 0, 0), (3, 3, 0), (2, 3, 0), (2, 1, 0), (1, 1, 0), (1, 3, 0), (0, 3, 0)]
U_PLY = "element vertex 8\n" + "".join(f"property float {axis}\n" for axis in "xyz")
U_PLY += "element face 2\nproperty list uchar int vertex_indices\nend_header\n"
U_TEXT = "".join(f"{x} {y} {z}\n" for x, y, z in U)
U_FACE = "0 1 2 3 4 5 6 7"
U_FILES = {
    "a.off": f"OFF\n8 2 0\n{U_TEXT}8 {U_FACE}\n4 4 5 6 3\n".encode(),
    "quads.off": f"OFF\n8 2 0\n{U_TEXT}4 1 4 6 0\n4 4 5 6 3 255 0 0\n".encode(),
    "binary.ply": f"ply\nformat binary_little_endian 1.0\n{U_PLY}".encode()
    + struct.pack("<24f", *(axis for point in U for axis in point))
    + struct.pack("<B8iB4i", 8, *range(8), 4, 4, 5, 6, 3),
    "text.ply": f"ply\nformat ascii 1.0\n{U_PLY}{U_TEXT}8 {U_FACE}\n4 4 5 6 3\n".encode(),
    "a.obj": "".join(f"v {x} {y} {z}\n" for x, y, z in U).encode()
    + b"f 1 2 3 4 5 6 7 8\nf -4/1/1 -3/1/1 \\\n-2/1/1 4/1/1\n",
}


@pytest.mark.parametrize("name", U_FILES)
def test_a_concave_polygon_has_its_own_area(tmp_path, name):
    mesh = read_mesh(write(tmp_path, name, U_FILES[name]))
    assert face_areas(mesh).sum() == pytest.approx(6 if name == "quads.off" else 9)


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
        ("a.txt", b"1 2 3 chair\n4 5 x chair\n", "'x'"),
        ("a.txt", b"1 2 3 chair\n4 5 6\n", "chair"),
        ("a.txt", b"chair 1 2 3\nchair 4 5 6\n", "chair"),
        ("a.txt", b"1 2 chair\n4 5 chair\n", "chair"),
        ("a.txt", b"1 2 3\n4 5 6\xe9\n", "6"),
        ("a.csv", b"1,2,\n4,5,\n", "''"),
        ("a.csv", b"1,,2,3\n4,,5,6\n", "''"),
        ("a.csv", "x,y,z\n1,2,3\n".encode("utf-16"), "UTF-16: save it as UTF-8"),
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
        ("a.obj", b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 4\n", "not there"),
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
        b"1 2 3 chair\n4 5 6 table # a comment\n",
        b"1,2,3,night stand\n\n4,5,6,\n",
        b"1,2,3,\n4,5,6\n",
        b"# gr\xf6\xdfe\n1 2 3 # \xe9\n4 5 6\n",
        b"x,y,z,gr\xf6\xdfe\n1,2,3,\xe9\n4,5,6,1\n",
    ],
)
def test_what_is_beside_the_coordinates_is_left_out(tmp_path, content):
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

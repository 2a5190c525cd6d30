"""The same cloud and the same mesh in every kind of file."""

import re

import numpy as np
import trimesh

from tests.data.data_files import TETRAHEDRON, export, npy, npz

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

"""Small files and folders of shapes for the tests here."""

import io
from pathlib import Path

import h5py
import numpy as np
import trimesh

from csnn_tf.data import Mesh

TETRAHEDRON = Mesh(
    np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], dtype=np.float32),
    np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]], dtype=np.int32),
)
SQUARE = Mesh(
    np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], dtype=np.float32),
    np.array([[0, 1, 2], [0, 2, 3]], dtype=np.int32),
)


def export(mesh: Mesh, kind: str, **options) -> bytes:
    """The content of a mesh file of that kind."""
    content = trimesh.Trimesh(*mesh, process=False).export(file_type=kind, **options)
    return content.encode() if isinstance(content, str) else content


def npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def npz(compressed: bool = False, **arrays: np.ndarray) -> bytes:
    stream = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(stream, **arrays)
    return stream.getvalue()


def write_hdf5(path: Path, data: np.ndarray, label: np.ndarray, **options) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("data", data=data, **options)
        file.create_dataset("label", data=label)


def hdf5_form(
    root: Path, counts: tuple[int, ...] = (3, 2), points: int = 16, names: bool = True
) -> Path:
    """A folder in the public HDF5 layout: for each split, files of `counts` shapes."""
    folder = root / "modelnet40_ply_hdf5_2048"
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    for split in ("train", "test"):
        lines = []
        for number, count in enumerate(counts):
            name = f"ply_data_{split}{number}.h5"
            data = random.normal(size=(count, points, 3)).astype(np.float32)
            label = random.integers(0, 40, (count, 1)).astype(np.uint8)
            write_hdf5(folder / name, data, label)
            lines.append(f"data/modelnet40_ply_hdf5_2048/{name}\n")
        (folder / f"{split}_files.txt").write_text("".join(lines))
    if names:
        class_names = [f"class{number}" for number in range(40)]
        (folder / "shape_names.txt").write_text("\n".join(class_names) + "\n")
    return folder


def text_form(root: Path, points: int = 16) -> Path:
    """A folder in the layout of modelnet40_normal_resampled."""
    folder = root / "modelnet40_normal_resampled"
    random = np.random.default_rng(0)
    for class_name in ("flower_pot", "sofa"):
        (folder / class_name).mkdir(parents=True)
        for number in (1, 2, 3):
            table = random.normal(size=(points, 6))
            np.savetxt(
                folder / class_name / f"{class_name}_000{number}.txt",
                table,
                delimiter=",",
                fmt="%.6f",
            )
    (folder / "modelnet40_shape_names.txt").write_text("flower_pot\nsofa\n")
    (folder / "modelnet40_train.txt").write_text(
        "flower_pot_0001\nsofa_0001\nsofa_0002\nflower_pot_0002\n"
    )
    (folder / "modelnet40_test.txt").write_text("flower_pot_0003\nsofa_0003\n")
    return folder


def class_tree(root: Path, files: dict[str, bytes]) -> Path:
    """A tree of files, by their path."""
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    return root

"""A labelled set of triangle meshes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from csnn_tf.checks import check_positive, check_seed
from csnn_tf.data.labelled import check_indices, check_labelling, split_indices
from csnn_tf.data.mesh import Mesh, check_mesh
from csnn_tf.data.shape_set import ShapeSet


@dataclass(frozen=True, eq=False, repr=False)
class MeshSet:
    """Triangle meshes with their classes, checked when made.

    Example:
        >>> triangle = Mesh(np.eye(3, dtype=np.float32), np.array([[0, 1, 2]], dtype=np.int32))
        >>> meshes = MeshSet([triangle, triangle], [0, 1], ["a.off", "b.off"], ("cup", "bowl"))
        >>> meshes.to_shape_set(1024, seed=0)
        ShapeSet(2 shapes of 1024 points, 2 classes)

    Args:
        meshes: S pairs (vertices [v, 3] in the files' own units, faces [f, 3]). Kept as `Mesh` of
            float32 and int32 arrays.
        labels: [S] whole numbers, places in `class_names`. Kept as int32.
        names: S strings that tell a user which mesh is meant, such as a path; None calls them
            "shape 0" and so on.
        class_names: names of the classes.

    Raises:
        InputError: something is missing, of the wrong shape, not finite or not a class, or a mesh
            has no surface; the message gives the name of the mesh.
    """

    meshes: list[Mesh]
    labels: NDArray[np.int32]
    names: list[str]
    class_names: tuple[str, ...]

    def __post_init__(self) -> None:
        labels, names, class_names = check_labelling(
            len(self.meshes), self.labels, self.names, self.class_names
        )
        object.__setattr__(self, "labels", labels)
        object.__setattr__(self, "names", names)
        object.__setattr__(self, "class_names", class_names)
        object.__setattr__(self, "meshes", _check_meshes(self.meshes, names))

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        return f"MeshSet({len(self)} meshes, {len(self.class_names)} classes)"

    def subset(self, indices: ArrayLike) -> MeshSet:
        """The meshes at `indices`, whole numbers [K] from 0 to S - 1, in that order."""
        indices = check_indices(indices, len(self))
        return MeshSet(
            [self.meshes[index] for index in indices],
            self.labels[indices],
            [self.names[index] for index in indices],
            self.class_names,
        )

    def split(self, fraction: float, seed: int) -> tuple[MeshSet, MeshSet]:
        """Holds out a share of every class, for validation; see `ShapeSet.split`."""
        stays, held_out = split_indices(self.labels, fraction, seed)
        return self.subset(stays), self.subset(held_out)

    def to_shape_set(self, num_points: int, seed: int) -> ShapeSet:
        """Draws points on every surface once, uniformly by area.

        Args:
            num_points: N, points a shape.
            seed: the same seed draws the same points.

        Returns:
            Clouds [S, N, 3] in the units of the meshes, with the same labels and names.
        """
        num_points, seed = check_positive("num_points", num_points), check_seed(seed)
        clouds = np.empty((len(self), num_points, 3), dtype=np.float32)
        for index, mesh in enumerate(self.meshes):
            clouds[index] = sample_surface(mesh, num_points, (seed, index))
        return ShapeSet(clouds, self.labels, self.names, self.class_names)


def sample_surface(mesh: Mesh, num_points: int, seed: Sequence[int]) -> NDArray[np.float32]:
    """Points [num_points, 3] drawn on the surface of a mesh, uniformly by area."""
    import trimesh

    surface = trimesh.Trimesh(mesh.vertices.astype(np.float64), mesh.faces, process=False)
    points, _ = trimesh.sample.sample_surface(surface, num_points, seed=np.random.default_rng(seed))
    return np.asarray(points, dtype=np.float32)


def _check_meshes(meshes: Sequence[tuple[ArrayLike, ArrayLike]], names: list[str]) -> list[Mesh]:
    return [
        check_mesh(vertices, faces, name)
        for (vertices, faces), name in zip(meshes, names, strict=True)
    ]

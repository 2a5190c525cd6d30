"""The icosahedral grid: vertices, neighbours, hierarchy, rotations, nearest vertices; NumPy."""

from csnn_tf.grid.corners import CornerTable, corner_table
from csnn_tf.grid.icosphere import MAX_LEVEL, Icosphere, icosphere, num_vertices
from csnn_tf.grid.nearest import NearestTable, nearest_table
from csnn_tf.grid.rotations import icosahedral_rotations, random_rotations, vertex_permutations

__all__ = [
    "CornerTable",
    "MAX_LEVEL",
    "Icosphere",
    "NearestTable",
    "corner_table",
    "icosahedral_rotations",
    "icosphere",
    "nearest_table",
    "num_vertices",
    "random_rotations",
    "vertex_permutations",
]

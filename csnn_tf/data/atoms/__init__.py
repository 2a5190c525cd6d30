"""Atomic structures and their densities of states: neighbour lists, readers, the built-in set."""

from csnn_tf.data.atoms.ase_files import (
    read_ase,
    read_frames,
    structure_from_atoms,
    structures_from_atoms,
)
from csnn_tf.data.atoms.builtin import builtin_carbon
from csnn_tf.data.atoms.load import load_structures
from csnn_tf.data.atoms.neighbors import neighbor_list
from csnn_tf.data.atoms.npz import read_npz, write_npz
from csnn_tf.data.atoms.published import read_published, write_published
from csnn_tf.data.atoms.rebinning import (
    DEFAULT_ENERGIES,
    check_electrons,
    rebin_cumulative,
    rebin_dos,
)
from csnn_tf.data.atoms.structure import Structure, check_dos, electrons_per_atom
from csnn_tf.data.atoms.structure_set import StructureSet
from csnn_tf.data.atoms.vasp import read_vasp

__all__ = [
    "DEFAULT_ENERGIES",
    "Structure",
    "StructureSet",
    "builtin_carbon",
    "check_dos",
    "check_electrons",
    "electrons_per_atom",
    "load_structures",
    "neighbor_list",
    "read_ase",
    "read_frames",
    "read_npz",
    "read_published",
    "read_vasp",
    "rebin_cumulative",
    "rebin_dos",
    "structure_from_atoms",
    "structures_from_atoms",
    "write_npz",
    "write_published",
]

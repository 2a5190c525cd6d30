"""The small carbon data set that ships with the package."""

from __future__ import annotations

from pathlib import Path

from csnn_tf.data.atoms.npz import read_npz
from csnn_tf.data.atoms.structure_set import StructureSet

_FILE = Path(__file__).with_name("carbon_small.npz")


def builtin_carbon() -> StructureSet:
    """Eight carbon allotropes with their densities of states, small enough to ship.

    Graphene, graphite, the fullerenes C20, C40 and C60, and the (6,4), (9,9) and (8,0) nanotubes,
    at 300 and 600 K: of each 16 training and 4 validation snapshots from two trajectories, and 8
    test snapshots from two others. Molecular dynamics with the LCBOP potential,
    tight binding with s and p orbitals, Gaussian broadening 0.2 eV, 310 bins of 0.1 eV from -30 eV
    below the vacuum level. It is a lower level of theory than the paper's data, so errors on it do
    not compare with the paper's Table II. Made by
    `python scripts/generate_carbon_dos.py --train-val 10 --test 4 --every 500 --single FILE`.

    Returns:
        224 structures with `split` set; carbon has 4 electrons/atom.
    """
    return read_npz(_FILE)

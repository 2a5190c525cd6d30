"""Files that hold one point cloud: .npy, .npz, .txt, .xyz, .csv.

Each function reads a file, or raises whatever went wrong in it; `readers` turns that into an
`InputError` that names the file.
"""

from __future__ import annotations

import codecs
import re
import zipfile
from itertools import islice
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from csnn_tf.data.npy_headers import check_packed, read_header

# Three words, and what is between them.
_POINT = re.compile(r"[^\s,]+(\s*,\s*|\s+)[^\s,]+(\s*,\s*|\s+)[^\s,]+(?:,\d)?")
# Of a column, after its name.
_UNIT = re.compile(r"\s*(?:\[[^\s\]]*\]|\([^\s)]*\))")


def read_npy_cloud(path: Path) -> NDArray:
    """The array [n, 3 or more] of a .npy file."""
    with path.open("rb") as file:
        return _read_array(file, path.stat().st_size)


def read_npz_cloud(path: Path) -> NDArray:
    """The array [n, 3 or more] called `points`, or the only array, of a .npz file."""
    with zipfile.ZipFile(path) as archive:
        arrays = {
            info.filename.removesuffix(".npy"): info
            for info in archive.infolist()
            if info.filename.endswith(".npy")
        }
        if len(arrays) != 1 and "points" not in arrays:
            raise ValueError(
                f"it must hold an array `points` or one array only, and holds {sorted(arrays)}"
            )
        info = arrays["points"] if "points" in arrays else next(iter(arrays.values()))
        check_packed(info, path.stat().st_size)
        with archive.open(info) as file:
            return _read_array(file, info.file_size)


def read_text_cloud(path: Path, max_points: int | None = None) -> NDArray[np.float64]:
    """The numbers [n, 3 or more] of a text file, a point a line, commas or blanks between.

    The first line may name the columns, x, y and z among them, which are then the ones that count;
    so may the comment above the points, if it has as many words as they have numbers. Units may
    follow in brackets. A first line 0,1,2 and so on of a .csv file numbers the columns. If further
    columns hold text, the first three are returned.

    Args:
        path: the file; blank lines and what follows a # are skipped.
        max_points: stop after so many lines.
    """
    with path.open("rb") as file:
        if file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            raise ValueError("its text is UTF-16: save it as UTF-8")
    with path.open(encoding="utf-8-sig", errors="replace") as file:  # comments may have any bytes
        lines = list(islice(file, max_points))
    place, columns = _first_point(lines)
    # As pandas writes an array's columns.
    if columns is None and path.suffix.lower() == ".csv" and _is_numbered(lines[place]):
        place += any(map(str.strip, lines[place + 1 :]))
    point = lines[place].split("#")[0].strip()
    found = _POINT.match(point)
    # With blanks between three, a comma between two digits is a number's own, unless a point is.
    commas = found and found.group(1, 2) != (",", ",") and re.search(r"\d,\d", found[0])
    if commas and "." not in found[0] and len(re.split(r",?\s+", point)) > 2:
        raise ValueError(f"{point[:60]!r} has decimal commas")
    delimiter = "," if "," in point else None
    try:
        return np.loadtxt(lines[place:], delimiter=delimiter, usecols=columns, ndmin=2)
    except ValueError:
        # Labels and empty ends of lines do no harm, lines of different lengths may.
        if columns is not None or not _is_even(lines[place:], delimiter):
            raise
        return np.loadtxt(lines[place:], delimiter=delimiter, usecols=(0, 1, 2), ndmin=2)


def _is_even(lines: list[str], delimiter: str | None) -> bool:
    """Whether all lines have as many words, or would without a comma at the end of some."""
    texts = [line.split("#")[0].strip() for line in lines]
    return any(
        len({len(text.removesuffix(end).split(delimiter)) for text in texts if text}) == 1
        for end in ("", ",")
    )


def _first_point(lines: list[str]) -> tuple[int, list[int] | None]:
    """Which line is the first point's, and where in it x, y and z are if a line above says so."""
    columns, width = None, None
    for place, text in enumerate(map(str.strip, lines)):
        is_comment = text.startswith(("#", "//"))
        named = text.lstrip("#/ ") if is_comment else text.split("#")[0]
        words = _words(_UNIT.sub("", named))
        if found := _named_columns(words):
            columns, width = found, len(words) if is_comment else None
        elif text and not is_comment:
            numbers = len(_words(text.split("#")[0].strip()))
            return place, columns if width in (None, numbers) else None
    raise ValueError("it holds no point")


def _words(line: str) -> list[str]:
    return line.split("," if "," in line else None)


def _named_columns(words: list[str]) -> list[int] | None:
    """Where x, y and z are, by words that name the columns; None for other words."""
    names = [word.strip().strip("\"'").lower() for word in words]
    return [names.index(axis) for axis in "xyz"] if {*"xyz"} <= {*names} else None


def _is_numbered(line: str) -> bool:
    """Whether a line is the numbers of three or more columns, from 0, with commas between."""
    words = line.strip().split(",")
    return len(words) >= 3 and words == [*map(str, range(len(words)))]


def _read_array(file: IO[bytes], size: int) -> NDArray:
    """Reads the .npy format, once its header claims no more than the `size` bytes there are."""
    shape, dtype = read_header(file, size)
    if dtype.kind not in "fiu" or len(shape) != 2:
        raise ValueError(f"it must hold numbers [points, 3], not {dtype} of shape {shape}")
    file.seek(0)
    return np.lib.format.read_array(file, allow_pickle=False)

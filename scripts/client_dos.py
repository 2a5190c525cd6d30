#!/usr/bin/env python3
"""Density of states of structures from a served model over REST. Needs Python and nothing else.

    python client_dos.py --model NAME graphene.xyz c60.xyz

A file is an xyz file: the number of atoms; a line that may hold Lattice="ax ay az bx by bz cx cy
cz" in Å, and then pbc="T T F" if not all three are periodic; then a line for each atom, its
chemical symbol and x y z in Å, or the columns that Properties=species:S:1:pos:R:3 name. It may hold
several structures one after the other. Prints a JSON list with one answer for each structure.
"""

import argparse
import http.client
import json
import math
import os
import re
import sys
import urllib.error
import urllib.parse
import urllib.request

SYMBOLS = (
    "H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se "
    "Br Kr Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy "
    "Ho Er Tm Yb Lu Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn"
)
FLAGS = {"T": True, "True": True, "1": True, "F": False, "False": False, "0": False}

_UNLIKE = (http.client.HTTPException, LookupError, RecursionError, TypeError, ValueError)
"""What an answer ends in that is not HTTP, not JSON or not of the server's form."""


def read_structures(path):
    """What `structure_of` returns of each structure in an xyz file."""
    try:
        with sys.stdin if path == "-" else open(path, encoding="utf-8-sig") as file:
            # At ends of lines alone: a comment may hold what else Python splits lines at.
            lines = file.read().removeprefix("\ufeff").rstrip().split("\n")
        found = []
        while lines or not found:
            if len(lines) < 3:
                raise ValueError("a structure has fewer than three lines")
            size = 2 + count_of(lines[0])
            found.append(structure_of(lines[:size]))
            lines = lines[size:]
        return found
    except ValueError as error:
        raise ValueError(f"{path} is not an xyz file: {error}") from None


def count_of(line):
    """The number of atoms in the first line of a structure."""
    try:
        count = whole(line)
    except ValueError:
        raise ValueError(f"{line[:40]!r} is not a number of atoms") from None
    if count < 1:
        raise ValueError("no atoms")
    return count


def whole(word):
    """A whole number, without the _ that Python takes for nothing."""
    return int(word.replace("_", "?"))


def finite(word):
    """A number that is finite, without the _ that Python takes for nothing."""
    number = float(word.replace("_", "?"))
    if not math.isfinite(number):
        raise ValueError(f"{word} is not finite")
    return number


def structure_of(lines):
    """Numbers [n], positions [n][3], cell [3][3] and pbc [3] of one structure's lines."""
    first, comment, *atoms = lines
    if len(atoms) < whole(first):
        raise ValueError(f"it has {len(atoms)} of its {whole(first)} atoms")
    species, place, width = columns_of(comment)
    rows = [line.split() for line in atoms]
    if any(len(row) < width for row in rows):
        raise ValueError("an atom is a symbol and x y z")
    return {
        "numbers": [number_of(row[species]) for row in rows],
        "positions": [[finite(number) for number in row[place : place + 3]] for row in rows],
        **periodicity_of(comment),
    }


def number_of(symbol):
    """The atomic number of a chemical symbol."""
    symbols = SYMBOLS.split()
    if symbol not in symbols:
        raise ValueError(f"{symbol} is not a chemical symbol")
    return symbols.index(symbol) + 1


def periodicity_of(comment):
    """Cell [3][3] and pbc [3] of a comment line."""
    lattice, pbc = value_of("Lattice", comment), value_of("pbc", comment)
    cell = [0.0] * 9 if lattice is None else [finite(number) for number in lattice.split()]
    flags = [str(lattice is not None)] * 3 if pbc is None else pbc.split()
    if len(cell) != 9 or len(flags) != 3 or not set(flags) <= FLAGS.keys():
        raise ValueError("Lattice is nine numbers, and pbc three letters T or F")
    return {"cell": [cell[:3], cell[3:6], cell[6:]], "pbc": [FLAGS[flag] for flag in flags]}


def value_of(key, comment):
    """What a comment line says of a key, with or without quotes, or None."""
    found = re.search(rf"""(?<!\S){key}\s*=\s*(?:"([^"]*)"|'([^']*)'|(\S+))""", comment)
    return found and "".join(filter(None, found.groups()))


def columns_of(comment):
    """Where symbol and x begin in an atom's line, and how many columns that takes."""
    properties = value_of("Properties", comment)
    if properties is None:
        return 0, 1, 4
    parts = properties.split(":")
    first, column = {}, 0
    try:
        for name, size in zip(parts[::3], parts[2::3], strict=False):
            first[name, size], column = column, column + int(size)
        return first["species", "1"], first["pos", "3"], column
    except (KeyError, ValueError):
        raise ValueError("its Properties have no species:S:1 and pos:R:3") from None


def refusal(error):
    """What the server says, in one line; of an answer that is cut short what came of it."""
    with error:
        try:
            body = error.read()
        except (http.client.HTTPException, OSError) as cut:
            body = getattr(cut, "partial", b"")
    return " ".join(body.decode(errors="replace").split())


def predict(url, model, structures, signature="serving_default", timeout=60):
    """Outputs of a served model by name.

    Args:
        url: Address of the REST interface, such as http://localhost:8501.
        model: Name of the served model.
        structures: Dictionaries as `read_structures` gives them.
        signature: "serving_default" (dos, energies, fermi_level, band_energy) or "atomic".
        timeout: Seconds to wait.

    Raises:
        RuntimeError: With the server's message, if it refuses, or if it is no such server.
        urllib.error.URLError: If it does not answer.
    """
    # All atoms one after the other: structures are too different in size to be filled up.
    inputs = {
        "positions": [row for each in structures for row in each["positions"]],
        "numbers": [number for each in structures for number in each["numbers"]],
        "cell": [each["cell"] for each in structures],
        "pbc": [each["pbc"] for each in structures],
        "counts": [len(each["numbers"]) for each in structures],
    }
    try:
        request = urllib.request.Request(
            f"{url.rstrip('/')}/v1/models/{urllib.parse.quote(model, safe='')}:predict",
            json.dumps({"signature_name": signature, "inputs": inputs}).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=timeout) as response:
            outputs = json.load(response)["outputs"]
    except urllib.error.HTTPError as error:
        raise RuntimeError(f"the server answered {error.code}: {refusal(error)}") from error
    except (http.client.InvalidURL, UnicodeEncodeError) as error:
        raise RuntimeError(f"{url} is not an address: {error}") from error
    except _UNLIKE as error:
        raise RuntimeError(f"{url} answers unlike TensorFlow Serving: {error!r}") from error
    except urllib.error.URLError:
        raise
    except OSError as error:  # that comes while the answer is read comes as it is
        raise urllib.error.URLError(error) from error
    if not isinstance(outputs, dict) or "energies" not in outputs:
        raise RuntimeError(f"{model} is not a model of densities of states")
    return outputs


def names_of(files):
    """Of each structure its file and, if that holds several, its place in it."""
    return [
        {"file": path, **({"frame": frame} if len(found) > 1 else {})}
        for path, found in files
        for frame in range(len(found))
    ]


def rows_of(outputs, names):
    """One row for each structure, which begins with its name."""
    outputs = dict(outputs)
    energies = outputs.pop("energies")
    if any(not isinstance(each, list) or len(each) != len(names) for each in outputs.values()):
        raise RuntimeError("the server answers without a row for each structure")
    return [
        {**name, **{key: value[place] for key, value in outputs.items()}, "energies": energies}
        for place, name in enumerate(names)
    ]


def plain(value):
    """None in place of numbers that are not finite, as KServe has it: JSON knows none of them."""
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def show(answers):
    """Print answers as JSON. Who reads them, such as `head`, may have enough before their end."""
    answers = plain(answers)
    text = json.dumps(answers, indent=2, ensure_ascii=False)
    try:
        text.encode(sys.stdout.encoding)
    except UnicodeEncodeError:  # halves of characters, or what a terminal lacks
        text = json.dumps(answers, indent=2)
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def main(arguments=None):
    """Command line."""
    parser = argparse.ArgumentParser(description="Densities of states from a served model.")
    parser.add_argument("files", nargs="+", metavar="FILE", help="xyz; - reads stdin")
    parser.add_argument("--url", default="http://localhost:8501", help="default: %(default)s")
    parser.add_argument("--model", required=True, help="name of the served model")
    parser.add_argument("--timeout", type=float, default=60, help="seconds; default: %(default)s")
    options = parser.parse_args(arguments)
    if not 0 < options.timeout <= 1e6:
        parser.error("--timeout is a positive number of seconds")
    if options.files.count("-") > 1:
        parser.error("- is the standard input, which can be read once")
    if not options.url.startswith(("http://", "https://")):
        parser.error(f"--url begins with http:// or https://, unlike {options.url}")
    try:
        files = [(path, read_structures(path)) for path in options.files]
        structures = [each for _, found in files for each in found]
        outputs = predict(options.url, options.model, structures, timeout=options.timeout)
        rows = rows_of(outputs, names_of(files))
    except urllib.error.URLError as error:
        raise SystemExit(f"client_dos: {options.url} does not answer: {error.reason}") from None
    except (OSError, RuntimeError, ValueError) as error:
        raise SystemExit(f"client_dos: {error}") from None
    show(rows)


if __name__ == "__main__":
    main()

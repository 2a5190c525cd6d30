#!/usr/bin/env python3
"""Density of states of structures from a served model over REST. Needs Python and nothing else.

    python client_dos.py --model NAME graphene.xyz c60.xyz

A file is an xyz file: the number of atoms; a line that may hold Lattice="ax ay az bx by bz cx cy
cz" in Å, and then pbc="T T F" if not all three are periodic; then a line for each atom, its
chemical symbol and x y z in Å. Prints a JSON list with one answer for each file.
"""

import argparse
import json
import re
import sys
import urllib.error
import urllib.request

SYMBOLS = (
    "H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se "
    "Br Kr Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy "
    "Ho Er Tm Yb Lu Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn"
)


def read_structure(path):
    """Numbers [n], positions [n][3], cell [3][3] and pbc [3] of an xyz file."""
    try:
        with sys.stdin if path == "-" else open(path, encoding="utf-8") as file:
            return structure_of(file.read())
    except ValueError as error:
        raise ValueError(f"{path} is not an xyz file: {error}") from None


def structure_of(text):
    """What `read_structure` returns, of an xyz file's text."""
    lines = text.splitlines()
    if len(lines) < 3:
        raise ValueError("it has fewer than three lines")
    count, comment, *lines = lines
    atoms = [line.split() for line in lines[: int(count)]]
    if not atoms or len(atoms) < int(count):
        raise ValueError(f"it has {len(atoms)} of its {int(count)} atoms")
    if any(len(atom) < 4 for atom in atoms):
        raise ValueError("an atom is a symbol and x y z")
    symbols = SYMBOLS.split()
    lattice = re.search(r'Lattice="([^"]*)"', comment)
    cell = [float(number) for number in lattice[1].split()] if lattice else [0.0] * 9
    periodic = re.search(r'pbc="([^"]*)"', comment)
    flags = (
        [flag in ("T", "1") for flag in periodic[1].split()] if periodic else [bool(lattice)] * 3
    )
    return {
        "numbers": [symbols.index(symbol) + 1 for symbol, *_ in atoms],
        "positions": [[float(number) for number in rest[:3]] for _, *rest in atoms],
        "cell": [cell[:3], cell[3:6], cell[6:]],
        "pbc": flags,
    }


def predict(url, model, structures, signature="serving_default", timeout=60):
    """Outputs of a served model by name.

    Args:
        url: Address of the REST interface, such as http://localhost:8501.
        model: Name of the served model.
        structures: Dictionaries as `read_structure` gives them.
        signature: "serving_default" (dos, energies, fermi_level, band_energy) or "atomic".
        timeout: Seconds to wait.

    Raises:
        RuntimeError: With the server's message, if it refuses.
    """
    # All atoms one after the other: structures are too different in size to be filled up.
    inputs = {
        "positions": [row for each in structures for row in each["positions"]],
        "numbers": [number for each in structures for number in each["numbers"]],
        "cell": [each["cell"] for each in structures],
        "pbc": [each["pbc"] for each in structures],
        "counts": [len(each["numbers"]) for each in structures],
    }
    request = urllib.request.Request(
        f"{url.rstrip('/')}/v1/models/{model}:predict",
        json.dumps({"signature_name": signature, "inputs": inputs}).encode(),
        {"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=timeout) as response:
            return json.load(response)["outputs"]
    except urllib.error.HTTPError as error:
        with error:
            body = error.read().decode(errors="replace")
        raise RuntimeError(f"the server answered {error.code}: {body}") from error


def main(arguments=None):
    """Command line."""
    parser = argparse.ArgumentParser(description="Densities of states from a served model.")
    parser.add_argument("files", nargs="+", metavar="FILE", help="xyz; - reads stdin")
    parser.add_argument("--url", default="http://localhost:8501", help="default: %(default)s")
    parser.add_argument("--model", required=True, help="name of the served model")
    options = parser.parse_args(arguments)
    if not options.url.startswith(("http://", "https://")):
        parser.error(f"--url begins with http:// or https://, unlike {options.url}")
    try:
        structures = [read_structure(path) for path in options.files]
        outputs = predict(options.url, options.model, structures)
    except urllib.error.URLError as error:
        raise SystemExit(f"client_dos: {options.url} does not answer: {error.reason}") from None
    except (OSError, RuntimeError, ValueError) as error:
        raise SystemExit(f"client_dos: {error}") from None
    energies = outputs.pop("energies")
    rows = [
        {"file": path, **{name: value[place] for name, value in outputs.items()}}
        for place, path in enumerate(options.files)
    ]
    print(json.dumps([{**row, "energies": energies} for row in rows], indent=2))


if __name__ == "__main__":
    main()

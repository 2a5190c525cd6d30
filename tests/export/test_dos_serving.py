"""The exported density-of-states model in TensorFlow's C++ runtime, without XLA, and over HTTP."""

import json
import subprocess
import sys
import urllib.error
import urllib.request

import numpy as np
import pytest
from ase.build import bulk, molecule
from ase.io import read, write

from csnn_tf.dos_inference import DosPredictor
from csnn_tf.export.warmup import read_warmup
from tests.export.conftest import HERE, Job, run_outside, script
from tests.export.dos_cases import (
    ENERGIES,
    crystal_request,
    dos_model,
    frames,
    neighbor_request,
    structures,
)
from tests.helpers import relative

MODEL = dos_model()  # the fixture's: weights are drawn from a seed
CRYSTALS, PAIRS = crystal_request(frames()), neighbor_request(MODEL, frames())
ONE = crystal_request([bulk("C", cubic=True)])
ONE_ATOM = {
    "positions": [[0.0, 0.0, 0.0]],
    "cell": [[[2.0, 0.0, 0.0], [0.0] * 3, [0.0] * 3]],
    "pbc": [[True, False, False]],
    "numbers": [6],
    "counts": [1],
}


def _with(request, name, value, place=None):
    changed = np.array(request[name])
    if place is None:
        changed = value
    else:
        changed[place] = value
    return {**request, name: changed}


GOOD = {
    "serving_default": Job("serving_default", CRYSTALS),
    "atomic": Job("atomic", CRYSTALS),
    "neighbors": Job("neighbors", PAIRS),
    "neighbors_atomic": Job("neighbors_atomic", PAIRS),
    "threads": Job("serving_default", CRYSTALS, threads=4),
    "one": Job("serving_default", ONE),
}
NO_ROWS = {name: value[:0] for name, value in CRYSTALS.items()}
BAD = {
    "NaN": (_with(CRYSTALS, "positions", np.nan, (3, 1)), "positions: must be finite"),
    "cell NaN": (_with(CRYSTALS, "cell", np.inf, (0, 1, 1)), "cell: must be finite"),
    "rank": (_with(CRYSTALS, "positions", CRYSTALS["positions"][0]), "positions_must_be_atoms_3"),
    "one cell": (_with(CRYSTALS, "cell", CRYSTALS["cell"][0]), "cell_must_be_structures_3_3"),
    "few cells": (_with(CRYSTALS, "cell", CRYSTALS["cell"][:2]), "cell: must have as many rows"),
    "few pbc": (_with(CRYSTALS, "pbc", CRYSTALS["pbc"][:2]), "pbc: must have as many rows"),
    "positions": (_with(CRYSTALS, "positions", CRYSTALS["positions"][1:]), "positions: must have"),
    "element": (_with(CRYSTALS, "numbers", 7, 2), "numbers: an element that the model does not"),
    "no number": (_with(CRYSTALS, "numbers", -(2**62), 2), "numbers: an element"),
    "no structures": (NO_ROWS, "counts: there are no structures"),
    "no atoms": (_with(CRYSTALS, "counts", np.array([2, 3, 0, 11])), "counts: a structure has no"),
    "sum": (_with(CRYSTALS, "counts", np.array([2, 3, 3, 7])), "counts: must add up"),
    "absurd": (_with(CRYSTALS, "counts", np.array([2**62] * 4)), "counts: a structure has no"),
    "many": (_with(CRYSTALS, "counts", np.ones(129, np.int64)), "counts: over 128 structures"),
    "coincident": (
        _with(CRYSTALS, "positions", CRYSTALS["positions"][2], 3),
        "positions: two atoms are less than",
    ),
    "no cell": (_with(CRYSTALS, "cell", 0, 0), "cell: periodic directions need"),
    "a million atoms": (
        _with(CRYSTALS, "numbers", np.full(1_000_000, 6)),
        "numbers: over 10000 atoms",
    ),
}
BAD_PAIRS = {
    "pair NaN": (_with(PAIRS, "displacements", np.nan, (3, 1)), "displacements: must be finite"),
    "centre": (_with(PAIRS, "centre", 16, 5), "centre: an index that is not one of the atoms"),
    "negative": (_with(PAIRS, "centre", -1, 5), "centre: an index that is not one of the atoms"),
    "short centre": (_with(PAIRS, "centre", PAIRS["centre"][1:]), "centre: must have as many"),
    "neighbour": (_with(PAIRS, "neighbor_numbers", 14, 0), "neighbor_numbers: an element that"),
    "pair coincident": (_with(PAIRS, "displacements", 0, 7), "displacements: two atoms are less"),
    "pair rank": (_with(PAIRS, "displacements", np.zeros(3, "f")), "displacements_must_be_pairs_3"),
    "million pairs": (
        _with(PAIRS, "displacements", np.ones((1_000_001, 3), "f")),
        "displacements: over 1000000 pairs",
    ),
}
BAD_JOBS = {
    **{case: Job("serving_default", request) for case, (request, _) in BAD.items()},
    **{case: Job("neighbors", request) for case, (request, _) in BAD_PAIRS.items()},
}


@pytest.fixture(scope="module")
def answers(exported_dos, tmp_path_factory):
    jobs = {**GOOD, **BAD_JOBS, "afterwards": Job("atomic", CRYSTALS)}
    outputs = run_outside(exported_dos, list(jobs.values()), tmp_path_factory.mktemp("outside"))
    return dict(zip(jobs, outputs, strict=True))


@pytest.fixture(scope="module")
def expected(exported_dos):
    return DosPredictor(exported_dos.model).predict(structures(frames()), atomic=True)


def _check(found, expected):
    assert set(found) == {"dos", "energies", "fermi_level", "band_energy"}
    assert {value.dtype.name for value in found.values()} == {"float32"}
    np.testing.assert_allclose(found["energies"], ENERGIES, rtol=1e-6)
    assert np.isfinite(expected.fermi_level).all()
    assert relative(found["dos"], expected.dos) < 1e-5
    assert relative(found["fermi_level"], expected.fermi_level) < 1e-5
    assert relative(found["band_energy"], expected.band_energy) < 1e-5


@pytest.mark.parametrize("case", ["serving_default", "neighbors", "threads"])
def test_equals_the_predictor(answers, expected, case):
    _check(answers[case], expected)


@pytest.mark.parametrize("case", ["atomic", "neighbors_atomic", "afterwards"])
def test_every_atom(answers, expected, case):
    assert relative(answers[case]["atomic_dos"], expected.atomic_dos) < 1e-5
    assert answers[case]["atomic_dos"].shape == (16, 40)


def test_another_size(answers, exported_dos):
    alone = DosPredictor(exported_dos.model).predict(structures([bulk("C", cubic=True)]))
    _check(answers["one"], alone)


@pytest.mark.parametrize("case", [*BAD, *BAD_PAIRS])
def test_bad_requests_name_the_input(answers, case):
    assert set(answers[case]) == {"error"}
    assert {**BAD, **BAD_PAIRS}[case][1] in str(answers[case]["error"])


def test_assets_and_warmup(exported_dos):
    labels = (exported_dos.path / "assets" / "labels.txt").read_text().splitlines()
    np.testing.assert_allclose(np.array(labels, float), ENERGIES, rtol=1e-5)
    card = (exported_dos.path / "assets" / "model_card.md").read_text("utf-8")
    assert "within 4 Å" in card
    signatures = exported_dos.signatures
    assert set(signatures) == {"serving_default", "atomic", "neighbors", "neighbors_atomic"}
    requests = list(read_warmup(exported_dos.path))
    assert {request.signature for request in requests} == set(signatures)
    for request in requests:
        assert set(request.inputs) == set(signatures[request.signature]["inputs"])


def test_example_client(expected, kserve_dos_url, tmp_path):
    for place, each in enumerate(frames()):
        write(tmp_path / f"{place}.xyz", each, format="extxyz")
    files = [tmp_path / f"{place}.xyz" for place in range(4)]
    command = [sys.executable, HERE.parents[1] / "scripts" / "client_dos.py", "--model", "carbon"]
    command += ["--url", kserve_dos_url, *files]
    done = subprocess.run(command, check=True, capture_output=True)
    answers = json.loads(done.stdout)
    # The files have eight decimals.
    np.testing.assert_allclose([a["dos"] for a in answers], expected.dos, atol=1e-4)
    np.testing.assert_allclose([a["band_energy"] for a in answers], expected.band_energy, rtol=1e-4)
    assert len(answers[0]["energies"]) == 40
    client = script("client_dos")
    nitrogen = client.read_structures(files[1])[0] | {"numbers": [7, 7, 7]}
    with pytest.raises(RuntimeError, match="answered 4.*numbers: an element"):
        client.predict(kserve_dos_url, "carbon", [nitrogen])
    body = {"instances": [{key: value[0] for key, value in ONE_ATOM.items()}]}
    request = urllib.request.Request(
        f"{kserve_dos_url}/v1/models/carbon:predict",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=60)
    with refused.value as error:
        assert error.code == 400
        assert "different numbers of rows (" in error.read().decode()


def test_the_example_client_reads_frames_and_columns(tmp_path, monkeypatch, capsys):
    client, path = script("client_dos"), tmp_path / "frames.xyz"
    first, second = molecule("CO2"), bulk("C")
    first.arrays["place"] = np.arange(3)
    second.arrays["forces"] = np.ones((2, 3))
    columns = ["place", "symbols", "positions"]
    write(path, first, format="extxyz", columns=columns)
    write(path, second, format="extxyz", append=True, columns=["symbols", "positions", "forces"])
    with open(path, "a", encoding="utf-8") as file:
        file.write("\n  \n")
    found = client.read_structures(path)
    for structure, atoms in zip(found, (first, second), strict=True):
        assert structure["numbers"] == atoms.numbers.tolist()
        np.testing.assert_allclose(structure["positions"], atoms.positions, atol=1e-7)
        np.testing.assert_allclose(structure["cell"], atoms.cell, atol=1e-7)
        assert structure["pbc"] == atoms.pbc.tolist()
    monkeypatch.setattr(
        client, "predict", lambda *_, **__: {"dos": [[1.0], [2.0], [3.0]], "energies": [0.0]}
    )
    write(tmp_path / "one.xyz", first)
    client.main(["--model", "any", str(path), str(tmp_path / "one.xyz")])
    answers = json.loads(capsys.readouterr().out)
    assert [each.get("frame") for each in answers] == [0, 1, None]
    assert [each["dos"] for each in answers] == [[1.0], [2.0], [3.0]]


@pytest.mark.parametrize(
    "comment",
    [
        'Lattice="2 0 0 0 3 0 0 0 4" Properties=species:S:1:pos:R:3 pbc="T F T"',
        "Lattice='2 0 0 0 3 0 0 0 4' Properties='species:S:1:pos:R:3' pbc='True False True'",
        'Lattice = "2 0 0 0 3 0 0 0 4" Properties = species:S:1:pos:R:3 pbc = "1 0 0"',
        'CoarseLattice="9 0 0 0 9 0 0 0 9" OldProperties=pos:R:3:species:S:1 nopbc="T T T"',
        'energy=-3 Lattice="2 0 0 0 3 0 0 0 4"',
        'Properties=species:S:1:pos:R:3 pbc="F T F"',
        'note="a\x0cb\x85c\u2028d" Lattice="2 0 0 0 3 0 0 0 4"',
    ],
)
def test_the_example_client_reads_what_ase_reads(tmp_path, comment):
    """However entries are enclosed, and whatever other names end like theirs."""
    (tmp_path / "one.xyz").write_text(f"2\n{comment}\nC 0 0.5 0\nH 1 0 2\n", encoding="utf-8")
    atoms = read(tmp_path / "one.xyz", format="extxyz")
    (structure,) = script("client_dos").read_structures(tmp_path / "one.xyz")
    assert structure == {
        "numbers": atoms.numbers.tolist(),
        "positions": atoms.positions.tolist(),
        "cell": atoms.cell.tolist(),
        "pbc": atoms.pbc.tolist(),
    }


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"1\n", "structure.xyz is not an xyz file: a structure has fewer than three lines"),
        (b"2\n\nC 0 0 0\n", "structure.xyz is not an xyz file: it has 1 of its 2 atoms"),
        (b"1\n\nC 0 0\n", "structure.xyz is not an xyz file: an atom is a symbol and x y z"),
        (b"0\n\n\nC 0 0 0", "structure.xyz is not an xyz file: no atoms"),
        (b"1\n\nC 0 0 0\n2\n\nC 0 0 0", "structure.xyz is not an xyz file: it has 1 of its 2"),
        (b"1\nProperties=pos:R:3\n0 0 0", "structure.xyz is not an xyz file: its Properties"),
        (b'1\nLattice="1 2"\nC 0 0 0', "structure.xyz is not an xyz file: Lattice is nine"),
        (b"1\n\nXx 0 0 0\n", "structure.xyz is not an xyz file: Xx is not a chemical symbol"),
        (b"x\n\nC 0 0 0\n", "structure.xyz is not an xyz file: 'x' is not a number of atoms"),
        (b"1\n\nC 0 0 0\n\n1\n\nC 0 0 0", "structure.xyz is not an xyz file: '' is not a number"),
        (b'1\npbc="yes no no"\nC 0 0 0', "structure.xyz is not an xyz file: Lattice is nine"),
        (b"1\nProperties=id:I:x:species:S:1:pos:R:3\n0 C 0 0 0", "its Properties have no species"),
        (b"1\nProperties=species:S:1:pos:R\nC 0 0 0", "its Properties have no species"),
        (b"\x80", "structure.xyz is not an xyz file: "),
        (b"1\n\nC 0 0 0\n", "http://127.0.0.1:9 does not answer: .*refused"),
    ],
)
def test_the_example_client_names_the_file_or_the_address(tmp_path, content, message):
    (tmp_path / "structure.xyz").write_bytes(content)
    arguments = ["--url", "http://127.0.0.1:9", "--model", "any", str(tmp_path / "structure.xyz")]
    with pytest.raises(SystemExit, match=f"^client_dos: .*{message}"):
        script("client_dos").main(arguments)

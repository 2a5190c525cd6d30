"""The commands about densities of states, as users type them."""

import csv
import json
import shutil

import numpy as np
import pytest
from ase import Atoms
from ase.build import graphene
from ase.io import read, write

from csnn_tf import dos_inference
from csnn_tf.cli import predict_dos
from csnn_tf.data.atoms import builtin_carbon, read_npz, read_published, write_npz
from csnn_tf.dos_inference import DosPredictor
from csnn_tf.errors import InputError
from csnn_tf.models import DensityOfStates
from csnn_tf.models.loading import load_model
from csnn_tf.models.schnet_dos import SchNetDensityOfStates
from csnn_tf.training.dos_config import DosConfig
from csnn_tf.training.dos_trainer import train_dos
from tests.cli.running import LEAST, run
from tests.helpers import ONE_LEVEL, eagerly, tensorflow_only
from tests.training.test_dos_trainer import MODEL

pytestmark = [tensorflow_only, eagerly]
TINY = ["--preset", "tiny", "--epochs", 1, *LEAST]
for setting in ("hidden=[8]", "channels=4", "cutoff=3", "batch_size=4"):
    TINY += ["--set", setting]
MEASURE = ("evaluate", "report")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("dos")


@pytest.fixture(scope="module")
def data(folder):
    """Of the smallest cage and of graphene: four structures to train on, one and one held out."""
    carbon, rows = builtin_carbon(), []
    for name in ("C20", "Graphene"):
        for split, count in (("train", 4), ("val", 1), ("test", 1)):
            rows += np.flatnonzero((carbon.types == name) & (carbon.split == split))[
                :count
            ].tolist()
    assert len(rows) == 12
    path = folder / "few.npz"
    write_npz(path, carbon.subset(rows))
    return path


@pytest.fixture(scope="module")
def trained(folder, data):
    out = folder / "run"
    result = run("train", "dos", "--data", data, *TINY, "--out", out)
    assert result.exit_code == 0, result.output
    assert str(out) in result.output
    assert "held-out" in result.output
    return out


@pytest.fixture(scope="module")
def sheet(folder):
    path = folder / "sheets.extxyz"
    sheets = [graphene(size=(size, 1, 1), vacuum=5.0) for size in (1, 2)]
    write(path, sheets)
    return path


def test_training_leaves_a_run_folder(trained, data):
    config = json.loads((trained / "config.json").read_text())
    assert config["data"] == str(data)
    assert config["model"] == {**ONE_LEVEL, "hidden": [8], "channels": 4, "cutoff": 3}
    assert (trained / "best.keras").is_file()


def test_a_trained_model_is_measured_before_and_after(trained, data, tmp_path):
    options = ["--data", data, "--electrons", "4", "--from", trained, "--epochs", 1]
    options += ["--set", "batch_size=4", "--set", "learning_rate=0.5"]
    found = run("train", "dos", *options, "--out", tmp_path / "run")
    assert "before training  held out " in found.stderr
    assert f"No epoch is better there than {trained}, which the run began with: DOS" in found.stdout
    made, first = (
        json.loads((each / "config.json").read_text()) for each in (tmp_path / "run", trained)
    )
    assert (made["preset"], made["model"]) == (first["preset"], first["model"])
    assert made["recipe"] == "refine"
    with pytest.raises(InputError, match="like that of --from: leave out --preset"):
        run("train", "dos", *options, "--preset", "tiny", "--out", tmp_path / "other")


def labelled(path, energies, whole=False):
    """Structures with a wide band each, of the whole cell."""
    frames = []
    for place in range(6):
        atoms = graphene(a=2.4 + 0.02 * place, vacuum=5.0, size=(1, 3, 1) if whole else (1, 1, 1))
        dos = np.exp(-((energies + 12) ** 2) / 18)
        atoms.info = {"dos": 4.5 * len(atoms) ** whole * dos / (dos.sum() * np.diff(energies)[0])}
        atoms.info |= {"dos_energies": energies, "split": ["train", "val", "test"][place % 3]}
        frames.append(atoms)
    write(path, frames)
    return path


def test_data_on_other_energies_is_brought_to_the_models(trained, tmp_path, monkeypatch):
    path = labelled(tmp_path / "other.extxyz", np.arange(-30, 2, 0.25))
    options = ["--data", path, "--electrons", "C=4"]
    line = "The DOS are re-binned from 128 bins from -30 to 1.75 eV to the model's 310 bins from"
    assert line in run("evaluate", trained, *options).stderr
    out = tmp_path / "run"
    monkeypatch.chdir(trained.parent)
    said = run("train", "dos", *options, "--epochs", 1, "--from", trained.name, "--out", out)
    assert line in said.stderr
    assert DosConfig.of_run(out).initial == str(trained)
    assert json.loads((out / "config.json").read_text())["bins"] == "-30:0.9:0.1"
    assert f"{out}: 2 structures" in run("evaluate", out).stdout
    assert "finished before" in run("train", "dos", "--out", out, "--resume").stdout
    out = tmp_path / "binned"
    run("train", "dos", *options, *TINY, "--bins", "-30:1:0.5", "--out", out)
    assert DosConfig.of_run(out).bins == "-30:1:0.5"
    assert load_model(out, DensityOfStates).energies[-1] == 1
    with pytest.raises(InputError, match="leave out --bins"):
        run("train", "dos", "--out", out, "--resume", "--bins", "-30:1:0.5")
    short = labelled(tmp_path / "short.extxyz", np.arange(-30, -8, 0.25))
    with pytest.raises(InputError, match=r"the data has 88 bins .*, the model 310 .*: .*ends at"):
        run("evaluate", trained, "--data", short, "--electrons", 2)


def test_data_without_energies_or_on_several_grids_comes_to_the_models(trained, tmp_path):
    energies = np.asarray(load_model(trained, DensityOfStates).energies)
    path = labelled(tmp_path / "silent.extxyz", energies)
    own = run("evaluate", trained, "--data", path, "--electrons", "C=4", "--json")
    frames = read(path, ":")
    for atoms in frames:
        del atoms.info["dos_energies"]
    write(path, frames)
    options = ["--data", path, "--electrons", "C=4"]
    silent = run("evaluate", trained, *options, "--json")
    assert "The DOS are read on the model's 310 bins from -30 to 0.9 eV" in silent.stderr
    assert json.loads(silent.stdout)["overall"] == json.loads(own.stdout)["overall"]
    out = tmp_path / "run"
    run("train", "dos", *options, "--epochs", 1, "--from", trained, "--out", out)
    assert f"{out}: 2 structures" in run("evaluate", out).stdout
    for atoms in frames:
        atoms.info["dos"] = atoms.info["dos"][1:]
    write(path, frames)
    with pytest.raises(InputError, match=r"the model has 310 bins .*silent.*\(309,\); expected"):
        run("evaluate", trained, *options)
    # The first grid is wider than the others, which the model's bins fit all the same.
    wide = read(labelled(tmp_path / "wide.extxyz", np.arange(-30, 4, 0.5)), ":")
    fine = read(labelled(tmp_path / "fine.extxyz", energies), ":")
    write(path, wide[:3] + fine[3:])
    write(tmp_path / "turned.extxyz", fine[3:] + wide[:3])
    found = [
        json.loads(run("evaluate", trained, "--data", each, *options[2:], "--json").stdout)
        for each in (path, tmp_path / "turned.extxyz")
    ]
    assert found[0]["overall"] == pytest.approx(found[1]["overall"], rel=1e-4)


def test_a_dos_of_the_whole_cell(tmp_path):
    path = labelled(tmp_path / "cells.extxyz", np.arange(-30, 2, 0.5), whole=True)
    out = tmp_path / "csnn"
    options = ["--data", path, "--electrons", "C=4", "--per-cell"]
    run("train", "dos", *options, *TINY, "--out", out)
    assert DosConfig.of_run(out).per_cell
    said = run("train", "dos", *options[:-1], *TINY, "--out", tmp_path / "wrong").stderr
    assert "The DOS hold 7 times the electrons: are they of the whole cell (--per-cell)?" in said
    assert f"{out}: 2 structures" in run("evaluate", out).stdout
    assert "whole cell" not in run("evaluate", out, *options).stderr
    assert "whole cell" not in run("report", out, *options, "--out", tmp_path / "a.html").stderr
    made_of = (tmp_path / "a.html").read_text("utf-8").split("<h3>This page</h3>")[1]
    assert '<th scope="row">data</th><td>cells.extxyz</td>' in made_of
    assert (
        "7 times the electrons: are they of the whole" in run("evaluate", out, *options[:-1]).stderr
    )
    atoms = labelled(tmp_path / "atoms.extxyz", np.arange(-30, 2, 0.5))
    said = run("evaluate", out, "--data", atoms, *options[2:-1]).stderr
    assert f"{out} was trained on DOS of the whole cell: are these, too (--per-cell)?" in said
    table = ["reproduce", "table2", "--out", tmp_path, "--budget", 0]
    said = run(*table, *options)
    assert "| CSNN |" in said.stdout
    assert "whole cell" not in said.stderr
    with pytest.raises(InputError, match="csnn is a run with per_cell True, not False"):
        run(*table, *options[:-1])
    for arguments in (["train", "dos"], table, *[[each, "carbon_dos_small"] for each in MEASURE]):
        with pytest.raises(InputError, match="--per-cell and .* are about --data"):
            run(*arguments, "--per-cell")


def test_evaluate_prints_tables_and_json_and_draws(trained, data, tmp_path):
    picture = tmp_path / "parity.png"
    text = run("evaluate", trained, "--data", data, "--rotations", 1, "--parity", picture).output
    for word in ("2 structures", "C20", "Graphene", "eV/atom", "arbitrary rotations"):
        assert word in text
    assert picture.read_bytes().startswith(b"\x89PNG")
    arguments = ["--data", data, "--split", "all", "--convention", "published", "--json"]
    found = json.loads(run("evaluate", trained, *arguments).output)
    assert found["yardsticks"]
    assert found["band_energy_change"] is None
    assert found["trained"]["preset"] == "tiny"
    shutil.copy(trained / "best.keras", tmp_path / "alone.keras")
    with pytest.raises(InputError, match=r"nothing says what .*alone\.keras was trained on"):
        run("evaluate", tmp_path / "alone.keras")


def test_predict_dos_prints_text_json_and_csv_and_draws(trained, sheet, tmp_path):
    names = [f"{sheet}[0]", f"{sheet}[1]"]
    text = run("predict", "dos", trained, sheet).output.splitlines()
    assert [line.startswith(f"{name}: ") for name, line in zip(names, text, strict=True)]
    assert "4 atoms" in text[1]
    rows = json.loads(run("predict", "dos", trained, sheet, "--json").output)
    assert [row["structure"] for row in rows] == names
    assert [row["atoms"] for row in rows] == [2, 4]
    voted = json.loads(run("predict", "dos", trained, sheet, "--json", "--votes", 2).output)
    assert 0 < np.abs(np.subtract(voted[0]["dos"], rows[0]["dos"])).max() < 0.5
    # The second sheet repeats the first.
    np.testing.assert_allclose(rows[0]["dos"], rows[1]["dos"], atol=1e-5)
    assert rows[0]["energies"] == np.round(builtin_carbon().energies, 6).tolist()
    table = list(csv.reader(run("predict", "dos", trained, sheet, "--csv").output.splitlines()))
    assert table[0] == ["energy_eV", *names]
    values = np.array(table[1:], float)
    np.testing.assert_allclose(values[:, 0], rows[0]["energies"], atol=1e-4)
    np.testing.assert_allclose(values[:, 2], rows[1]["dos"], atol=1e-5)
    picture = tmp_path / "dos.png"
    many = run("predict", "dos", trained, *[sheet] * 7, "--plot", picture)
    assert f"Picture: {picture}, of the first 12 structures" in many.stderr
    assert len(many.stdout.splitlines()) == 14
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_cores_are_shared_among_the_chunks_of_many_atoms(trained, sheet, monkeypatch):
    chunks = []
    monkeypatch.setattr(predict_dos, "share_cores_among_batches", chunks.append)
    run("predict", "dos", trained, sheet)
    monkeypatch.setattr(dos_inference, "_LARGEST", 5)  # of 2 + 4 atoms
    run("predict", "dos", trained, sheet)
    assert chunks == [1, 2]
    structures = builtin_carbon()
    one = structures.subset([0])
    assert dos_inference.least_chunks(DensityOfStates, one) > 1
    assert dos_inference.least_chunks(SchNetDensityOfStates, one) == 1


def test_predict_dos_reads_the_atoms_of_a_file_alone(trained, data, tmp_path):
    short = read_npz(data)
    short.electrons[:] = 40
    write_npz(tmp_path / "few.npz", short)
    said = [run("predict", "dos", trained, path).stdout for path in (data, tmp_path / "few.npz")]
    assert said[0].replace(str(data.parent), "") == said[1].replace(str(tmp_path), "")


def test_data_carbon_writes_both_layouts(tmp_path):
    carbon = builtin_carbon()
    path, published = tmp_path / "new" / "carbon.npz", tmp_path / "published"
    assert "224 structures" in run("data", "carbon", path).output
    again = read_npz(path)
    np.testing.assert_array_equal(again.dos, carbon.dos)
    np.testing.assert_array_equal(again.positions, carbon.positions)
    assert run("data", "carbon", published, "--layout", "published").exit_code == 0
    again = read_published(published)
    assert sorted(again.types) == sorted(carbon.types)
    assert again.dos.sum() == pytest.approx(carbon.dos.sum(), rel=1e-5)
    assert sorted(again.split) == sorted(carbon.split)
    with pytest.raises(InputError, match="published exists already"):
        run("train", "dos", "--data", tmp_path / "nowhere", "--out", published)
    for arguments in ([path], [published, "--layout", "published"]):
        with pytest.raises(InputError, match=f"{arguments[0].name} exists already"):
            run("data", "carbon", *arguments)


def test_a_run_of_structures_from_python_is_not_measured_on_others(tmp_path):
    carbon = builtin_carbon().subset(np.arange(12))
    config = DosConfig.from_recipe("quick", preset="tiny", epochs=1, model=MODEL)
    run_folder = train_dos(config, carbon, tmp_path / "run")
    for command in (["evaluate"], ["report", "--out", tmp_path / "page.html"]):
        with pytest.raises(InputError, match="run was trained on other structures than the built"):
            run(command[0], run_folder.path, *command[1:])
    with pytest.raises(InputError, match="run was begun with other data"):
        run("train", "dos", "--out", run_folder.path, "--resume")


def test_what_is_trained_on_is_said(data, tmp_path, monkeypatch):
    blank = read_npz(data)
    blank.split[:3], blank.electrons[:] = "", np.nan
    write_npz(tmp_path / "blank.npz", blank)
    result = run("train", "dos", "--data", tmp_path / "blank.npz", *TINY, "--out", tmp_path / "run")
    assert "structures to train on, 2 held out, 5 left out (split test or none)" in result.stderr
    assert "The model will know no Fermi level" in result.stderr
    said = run("predict", "dos", tmp_path / "run", data, "--electrons", "C=4").stdout
    assert "Fermi level -" in said
    said = run("predict", "dos", tmp_path / "run", data).stdout
    assert "no Fermi level: the model does not know how many electrons" in said
    blank = ("evaluate", tmp_path / "run", "--data", tmp_path / "blank.npz", "--split", "all")
    said = run(*blank, "--rotations", "1").stdout
    assert "no Fermi level and band energy of 12 of 12 structures: their electrons" in said
    assert "nan" not in said
    found = json.loads(run(*blank, "--json").stdout, parse_constant=pytest.fail)
    assert found["overall"]["unresolved"] == 12
    assert found["overall"]["dos_rmse"] > 0
    assert found["overall"]["band_energy_mae"] is None
    # Before anything is computed.
    monkeypatch.setattr(DosPredictor, "predict", lambda *_, **__: pytest.fail("computed"))
    for needing in (
        ("report", *blank[1:4], "--out", tmp_path / "page.html"),
        (*blank, "--parity", tmp_path / "parity.png"),
    ):
        with pytest.raises(InputError, match="electron counts are unknown: give --electrons"):
            run(*needing)
    monkeypatch.undo()
    given = run(
        *("evaluate", tmp_path / "run", "--data", data, "--electrons", "4", "--json"),
        *("--rotations", "1", "--parity", tmp_path / "parity.png"),
    )
    json.loads(given.stdout, parse_constant=pytest.fail)
    assert (tmp_path / "parity.png").is_file()


def test_bad_structures_and_pictures_are_named(trained, sheet, tmp_path):
    silicon = tmp_path / "silicon.xyz"
    write(silicon, Atoms("Si2", [[0, 0, 0], [0, 0, 2.3]]))
    with pytest.raises(InputError, match=r"silicon\.xyz\[0\].*Si"):
        run("predict", "dos", trained, silicon)
    with pytest.raises(InputError, match=r"is a folder: name a file in it"):
        run("predict", "dos", trained, tmp_path)
    with pytest.raises(InputError, match=r"missing\.xyz"):
        run("predict", "dos", trained, tmp_path / "missing.xyz")
    with pytest.raises(InputError, match=r"dos\.gif"):
        run("predict", "dos", trained, sheet, "--plot", tmp_path / "dos.gif")
    with pytest.raises(InputError, match=r"no_folder"):
        run("predict", "dos", trained, sheet, "--plot", tmp_path / "no_folder" / "dos.png")
    with pytest.raises(InputError, match="nowhere"):
        run("evaluate", trained, "--split", "nowhere")

"""csnn-tf reproduce table2, and the options of csnn-tf train dos that it builds on."""

import json

import numpy as np
import pytest

from csnn_tf.data.atoms import builtin_carbon, write_npz
from csnn_tf.errors import InputError
from csnn_tf.models import SchNetDensityOfStates
from csnn_tf.models.loading import load_model
from tests.cli.running import run
from tests.cli.test_dos_commands import TINY
from tests.helpers import eagerly, tensorflow_only

pytestmark = [tensorflow_only, eagerly]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """The smallest cages alone: four to train on, one held out, one to test."""
    carbon, rows = builtin_carbon(), []
    for split, count in (("train", 4), ("val", 1), ("test", 1)):
        found = np.flatnonzero((carbon.types == "C20") & (carbon.split == split))
        rows += found[:count].tolist()
    path = tmp_path_factory.mktemp("data") / "cages.npz"
    write_npz(path, carbon.subset(rows))
    return path


def test_the_table_is_made_from_what_is_there_and_what_is_missing(data, tmp_path, monkeypatch):
    out = tmp_path / "out"
    small = [
        "--set",
        "hidden=[8]",
        "--set",
        "cutoff=3",
        "--set",
        "batch_size=4",
        "--preset",
        "tiny",
    ]
    trained = run(
        *("train", "dos", "--model", "schnet", "--data", data.parent, *small, "--epochs", 1),
        *("--electrons", "C=4", "--out", out / "schnet"),
    )
    assert trained.exit_code == 0, trained.output
    assert isinstance(load_model(out / "schnet", SchNetDensityOfStates), SchNetDensityOfStates)
    stored = json.loads((out / "schnet" / "config.json").read_text())
    assert stored["architecture"] == "schnet"
    assert stored["electrons"] == {"C": 4.0}
    before = (out / "schnet" / "best.keras").read_bytes()

    # An evaluation and a prediction take a baseline like the model itself.
    assert "C20" in run("evaluate", out / "schnet", "--data", data).output

    monkeypatch.chdir(data.parent)
    options = ["--data", ".", "--out", out, "--preset", "tiny"]
    text = run("reproduce", "table2", *options, "--budget", 0).output
    assert f"# Table II on {data.parent.name}\n" in text
    assert "| SchNet | learned |" in text
    assert "Not trained for lack of time: csnn, agni" in text
    text = run("reproduce", "table2", *options, "--epochs", 1).output
    assert (out / "schnet" / "best.keras").read_bytes() == before
    for model in ("| AGNI | hand-crafted |", "| SchNet |", "| CSNN |", "| mean of the type |"):
        assert model in text
    assert (out / "table2.md").read_text() in text
    assert (out / "table2.csv").is_file()
    assert json.loads((out / "agni" / "config.json").read_text())["data"] == str(data.parent)


def test_resume_goes_on_with_the_run_as_it_was(data, tmp_path, monkeypatch):
    out = tmp_path / "run"
    monkeypatch.chdir(data.parent)
    assert run("train", "dos", "--data", data.name, *TINY, "--out", out).exit_code == 0
    monkeypatch.chdir(tmp_path)
    again = run("train", "dos", "--resume", "--out", out)
    assert again.exit_code == 0
    assert str(out) in again.output
    for option in (["--epochs", 3], ["--model", "agni"], ["--set", "alpha=1"], ["--data", data]):
        with pytest.raises(InputError, match=f"leave out {option[0]}"):
            run("train", "dos", "--resume", "--out", out, *option)
    with pytest.raises(InputError, match="--resume needs --out"):
        run("train", "dos", "--resume")
    with pytest.raises(InputError, match="config.json"):
        run("train", "dos", "--resume", "--out", tmp_path / "none")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--preset", "huge"], "huge"),
        (["--recipe", "secret"], "secret"),
        (["--data", "no/such.npz"], "no/such"),
        (["--preset", "tiny", "--budget", 0], "no trained model"),
    ],
)
def test_bad_requests_are_named(arguments, named, tmp_path):
    with pytest.raises(InputError, match=named):
        run("reproduce", "table2", "--out", tmp_path / "out", *arguments)

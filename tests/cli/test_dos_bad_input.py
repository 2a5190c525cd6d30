"""Structures that cannot be used: exit status 2 and one sentence that names the culprit."""

import sys

import numpy as np
import pytest
from ase import Atoms
from ase.io import write

from csnn_tf.errors import InputError
from csnn_tf.models import DensityOfStates
from csnn_tf_command import main
from tests.cli.running import run
from tests.helpers import tensorflow_only

pytestmark = tensorflow_only
ENERGIES = np.arange(24) * 0.5 - 11.0
GOOD = "2\n\nC 0 0 0\nC 0 0 1.4\n"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "tiny.keras"
    DensityOfStates.from_preset("tiny", ["C"], ENERGIES, {"C": 4.0}, hidden=(8,), channels=4).save(
        path
    )
    return path


@pytest.fixture
def refused(monkeypatch, capsys):
    """Runs the command as a shell would; gives the sentence that it ends with."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["csnn-tf", *map(str, arguments)])
        with pytest.raises(SystemExit) as caught:
            main()
        assert caught.value.code == 2
        output = capsys.readouterr()
        assert not output.out
        (line,) = output.err.splitlines()
        assert line.startswith("csnn-tf: ")
        return line

    return run


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("0\n\n", "atoms"),
        ("2\n\nC 0 0 0\nSi 0 0 1.8\n", "contains Si"),
        ('2\npbc="T T T"\nC 0 0 0\nC 0 0 1.4\n', "cell is missing"),
        ("2\n\nC 0 0 0\nC 0 nan 1.4\n", "atom 1 is not a finite number"),
        ("3\n\nC 0 0 0\nC 0 0 1.4\nC 0 0 0.001\n", "same place"),
    ],
    ids=["no atoms", "element", "cell", "nan", "coincident"],
)
def test_a_structure_that_cannot_be_predicted(model, refused, tmp_path, text, named):
    path = tmp_path / "bad.xyz"
    path.write_text(GOOD + text)
    line = refused("predict", "dos", model, path, "--plot", tmp_path / "dos.png")
    assert named in line
    assert "bad.xyz" in line
    assert not (tmp_path / "dos.png").exists()


def labelled(dos, energies=ENERGIES):
    atoms = Atoms("C2", [[0, 0, 0], [0, 0, 1.4]])
    atoms.info = {"dos": np.asarray(dos, float), "dos_energies": energies, "electrons": 4.0}
    return atoms


@pytest.mark.parametrize(
    ("dos", "named"),
    [
        (np.full(23, 0.5), "expected (24,) energy bins"),
        (np.r_[np.full(23, 0.5), -0.1], "negative in 1 bins"),
        (np.r_[np.full(23, 0.5), np.nan], "not finite"),
    ],
    ids=["length", "negative", "nan"],
)
@pytest.mark.parametrize("command", ["train", "evaluate"])
def test_a_dos_that_cannot_be_used(model, refused, tmp_path, command, dos, named):
    path, out = tmp_path / "bad.extxyz", tmp_path / "run"
    write(path, [labelled(np.full(24, 0.5)), labelled(dos)])
    arguments = {
        "train": ["train", "dos", "--data", path, "--preset", "tiny", "--out", out],
        "evaluate": ["evaluate", model, "--data", path, "--split", "all"],
    }
    line = refused(*arguments[command])
    assert named in line
    assert "bad.extxyz[1]" in line
    assert not out.exists()


def test_what_a_file_does_not_say_is_asked_for_by_its_name(model, refused, tmp_path):
    path, silent = tmp_path / "no_split.extxyz", tmp_path / "no_energies.extxyz"
    atoms = labelled(np.full(24, 8 / 23))
    write(path, [atoms])
    assert refused("evaluate", model, "--data", path) == (
        f"csnn-tf: {path} says of no structure which split it is of (atoms.info['split']): "
        "give --split all, of which the training may have seen a part."
    )
    del atoms.info["dos_energies"]
    write(silent, [atoms])
    line = refused("train", "dos", "--data", silent, "--out", tmp_path / "run")
    assert f"{silent}[0] has a DOS" in line
    assert "atoms.info['dos_energies'], in eV from the vacuum level" in line


def test_a_set_that_cannot_be_written_leaves_no_folder(refused, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError("3 requested and 2 written.")

    monkeypatch.setattr(np, "savez_compressed", full)
    assert "carbon.npz cannot be written" in refused("data", "carbon", tmp_path / "a/carbon.npz")
    assert not list(tmp_path.iterdir())


def test_a_file_of_no_known_kind(model, refused, tmp_path):
    (tmp_path / "box.off").write_text("OFF\n")
    line = refused("predict", "dos", model, tmp_path / "box.off")
    assert line.endswith("box.off is of no kind that ASE knows: off.")


def test_a_dos_on_other_bins_than_the_models(model, refused, tmp_path):
    path = tmp_path / "other.extxyz"
    write(path, [labelled(np.full(12, 0.9), ENERGIES[::2])])
    line = refused("evaluate", model, "--data", path, "--split", "all")
    assert "12 bins" in line
    assert "24" in line


def test_structures_without_a_dos_cannot_be_learnt_from(model, refused, tmp_path):
    path = tmp_path / "good.xyz"
    path.write_text(GOOD)
    expected = f"{path} holds structures without a DOS (atoms.info['dos'])."
    assert refused("train", "dos", "--data", path, "--out", tmp_path / "run").endswith(expected)
    assert refused("evaluate", model, "--data", path).endswith(expected)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["train", "dos", "--data", "no/such.npz"], "no/such.npz"),
        (["train", "dos", "--preset", "huge"], "huge"),
        (["train", "dos", "--recipe", "secret"], "secret"),
        (["train", "dos", "--set", "no_such=1"], "no_such"),
        (["train", "dos", "--data", "few.npz", "--electrons", "C=many"], "--electrons"),
        (["train", "dos", "--data", "few.npz", "--electrons", "C=-4"], "--electrons"),
        (["predict", "dos", "no-such-model", "file.xyz"], "no-such-model"),
        (
            ["predict", "dos", "modelnet40_small_so3", "file.xyz"],
            "^modelnet40_small_so3 is a classifier of point clouds, not a model of densities of ",
        ),
        (["predict", "dos", "carbon_dos_small", "file.xyz", "--csv", "--json"], "--csv and --json"),
        # Refused before anything is read.
        (["predict", "dos", "carbon_dos_small", "no.xyz", "--plot", "a.gif"], "a.gif must end in"),
        (["evaluate", "carbon_dos_small", "--data", "no", "--parity", "a"], "a must end in .png"),
        (["data", "carbon", "carbon.csv"], "carbon.csv"),
    ],
)
def test_bad_input_names_the_culprit_and_leaves_nothing(arguments, named, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=named):
        run(*arguments)
    assert not list(tmp_path.rglob("*"))


def test_a_picture_without_matplotlib_is_refused_at_once(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    predict = ["predict", "dos", "carbon_dos_small", "no.xyz", "--plot", "a.png"]
    for command in (predict, ["evaluate", "carbon_dos_small", "--data", "no", "--parity", "a.png"]):
        with pytest.raises(InputError, match="Pictures need matplotlib"):
            run(*command)

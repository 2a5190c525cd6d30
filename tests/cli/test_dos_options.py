"""What the commands about densities of states say about their data."""

import dataclasses

import numpy as np
import pytest
from ase.build import graphene

from csnn_tf.cli.dos_options import ask_about_whole_cells, structures_of
from csnn_tf.data.atoms import builtin_carbon, structures_from_atoms, write_npz
from csnn_tf.errors import InputError
from tests.cli.running import run
from tests.helpers import tensorflow_only


def test_electrons_are_read_also_where_the_data_says_its_own():
    with pytest.raises(InputError, match="--electrons needs .*, not 'nonsense'"):
        structures_of(None, "nonsense")
    assert (structures_of(None, "C=4").electrons == 4).all()


def test_doubled_dos_are_asked_about_and_empty_bands_are_not(capsys):
    carbon = builtin_carbon().subset(np.arange(8))
    pair = structures_from_atoms([graphene(vacuum=5.0)] * 2)
    energies = np.arange(-30, 21, 0.5)
    dos = np.exp(-((energies + 12) ** 2) / 18)
    dos *= 4.68 / (dos.sum() * 0.5)
    above = np.where(energies > 1, 1.0, 0.0)
    few = {"energies": energies, "electrons": np.full(2, 4.0)}
    for factor, empty, asked in ((2, 0, True), (1, 1, False), (1, 0, False)):
        rows = np.stack([factor * dos + empty * above] * 2)
        assert ask_about_whole_cells(dataclasses.replace(pair, dos=rows, **few)) == asked
        assert ("2 times the electrons" in capsys.readouterr().err) == asked
    # Of 20 atoms and more: a metal's empty bands hold twice the electrons, a whole cell many more.
    for factor in (2, 1):
        assert not ask_about_whole_cells(dataclasses.replace(carbon, dos=factor * carbon.dos))
    whole = dataclasses.replace(carbon, dos=carbon.dos * carbon.counts[:, None])
    assert ask_about_whole_cells(whole)


@tensorflow_only
@pytest.mark.parametrize("electrons", ["", "C=4,C=5", "Xx=3", "C"])
def test_electrons_that_are_none(tmp_path, electrons):
    data = tmp_path / "few.npz"
    write_npz(data, builtin_carbon().subset(np.arange(8)))
    options = ["--data", data, "--electrons", electrons, "--out", tmp_path / "run"]
    with pytest.raises(InputError, match="--electrons"):
        run("train", "dos", *options)
    assert not (tmp_path / "run").exists()


@tensorflow_only
def test_electrons_may_be_given_one_by_one(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(
        "csnn_tf.cli.dos_options.load_structures",
        lambda path, electrons, **_: seen.append(electrons) or builtin_carbon(),
    )
    for given in (["C=4,O=6"], ["C=4", "--electrons", "O=6"]):
        options = ["--data", tmp_path, "--electrons", *given, "--set", "batch_size=0"]
        with pytest.raises(InputError, match="batch_size"):
            run("train", "dos", *options)
        options = ["--data", tmp_path, "--electrons", *given, "--split", "nowhere"]
        with pytest.raises(InputError, match="nowhere"):
            run("evaluate", "carbon_dos_small", *options)
    assert len(seen) >= 2
    assert all(each == {"C": 4.0, "O": 6.0} for each in seen)

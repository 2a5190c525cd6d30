"""What the commands about densities of states say about their data."""

import dataclasses

import numpy as np
import pytest
from ase.build import graphene

from csnn_tf.cli.dos_options import ask_about_whole_cells, structures_of
from csnn_tf.data.atoms import builtin_carbon, structures_from_atoms
from csnn_tf.errors import InputError


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

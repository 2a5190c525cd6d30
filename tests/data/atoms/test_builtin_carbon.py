from pathlib import Path

import numpy as np

import csnn_tf.data.atoms as atoms
from csnn_tf.data.atoms import DEFAULT_ENERGIES, builtin_carbon, neighbor_list
from csnn_tf.electronic import solve_fermi

TYPES = ["Graphene", "Graphite", "C20", "C40", "C60", "C_6_4", "C_9_9", "C_8_0"]


def test_what_it_holds():
    carbon = builtin_carbon()
    assert list(dict.fromkeys(carbon.types.tolist())) == TYPES
    for name in TYPES:
        part = carbon.select(type=name)
        counts = [int((part.split == split).sum()) for split in ("train", "val", "test")]
        assert counts == [16, 4, 8]
        assert sorted(set(part.temperature)) == [300, 600]
    assert set(carbon.numbers) == {6}
    assert (carbon.electrons == 4).all()
    np.testing.assert_array_equal(carbon.energies, DEFAULT_ENERGIES)


def test_it_is_small():
    assert Path(atoms.__file__).with_name("carbon_small.npz").stat().st_size < 1_000_000


def test_it_is_physical():
    carbon = builtin_carbon()
    level, band = solve_fermi(carbon.energies, carbon.dos, carbon.electrons)
    assert ((level > -5.5) & (level < -4)).all()
    assert ((band > -50) & (band < -46)).all()
    for name in TYPES:  # carbon with three bonds an atom, none broken
        item = carbon.select(type=name)[0]
        centre, _, displacement = neighbor_list(item.positions, item.cell, item.pbc, 1.85)
        assert (np.bincount(centre, minlength=len(item.numbers)) == 3).all()
        assert np.linalg.norm(displacement, axis=1).min() > 1.2


def test_no_snapshot_is_twice():
    carbon = builtin_carbon()
    assert len(np.unique(carbon.dos, axis=0)) == len(carbon)

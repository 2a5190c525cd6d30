import numpy as np
import pytest
from ase import Atoms

from csnn_tf.data.atoms import DEFAULT_ENERGIES, rebin_dos, structures_from_atoms
from csnn_tf.errors import InputError
from csnn_tf.even_bins import bins_of_text, evened, text_of_bins
from csnn_tf.models import DensityOfStates

EXACT = np.linspace(-20, 5, 301)


def test_energies_with_three_decimals_are_even():
    rounded = np.round(EXACT, 3)
    np.testing.assert_allclose(evened(rounded), EXACT, rtol=0, atol=1e-9)
    dos = np.exp(-((EXACT + 8) ** 2) / 8)
    frames = [Atoms("Si"), Atoms("Si")]
    for frame, grid in zip(frames, (rounded, EXACT), strict=True):
        frame.info = {"dos": dos, "dos_energies": grid}
    found = structures_from_atoms(frames)
    np.testing.assert_allclose(found.energies, EXACT, atol=1e-9)
    np.testing.assert_allclose(found.dos[0], found.dos[1])
    model = DensityOfStates.from_preset("tiny", ["Si"], rounded, hidden=(8,), channels=4)
    np.testing.assert_allclose(model.energies, EXACT, atol=1e-9)
    np.testing.assert_array_equal(rebin_dos(rounded, dos, EXACT), dos)


def test_other_energies_stay_as_they_are():
    for energies in (DEFAULT_ENERGIES, np.round(EXACT, 2), np.round(np.linspace(-1, 1, 301), 3)):
        np.testing.assert_array_equal(evened(energies), energies)
    with pytest.raises(InputError, match=r"the same step from bin to bin.*--bins FIRST:LAST:STEP"):
        DensityOfStates.from_preset("tiny", ["Si"], np.round(EXACT, 2))


def test_grids_as_text():
    np.testing.assert_allclose(bins_of_text("-30:0.9:0.1"), DEFAULT_ENERGIES)
    np.testing.assert_allclose(bins_of_text(text_of_bins(EXACT)), EXACT, atol=1e-6)
    for text in ("-30:0.9", "a:b:c", "0:1:0", "1:0:0.1", "0:1:0.3", "0:nan:1", "0:1:1e-9", 3):
        with pytest.raises(InputError, match="bins must be FIRST:LAST:STEP"):
            bins_of_text(text)


def test_energies_that_are_even_but_for_five_decimals_stay_as_they_are():
    energies = np.round(-20.123457 + 25 / 300 * np.arange(301), 5)
    np.testing.assert_array_equal(evened(energies), energies)

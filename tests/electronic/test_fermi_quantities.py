from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import trapezoid
from scipy.special import erfc

from csnn_tf.electronic import band_energy, cumulative_dos, fermi_level, solve_fermi
from csnn_tf.errors import InputError

ENERGIES = -30 + 0.1 * np.arange(310)
GOLDEN = Path(__file__).parents[1] / "golden" / "band_energy.npz"


def gaussians(centers, sigma=0.2, states=2.0, energies=ENERGIES):
    """DOS of broadened levels, its electrons below E and their energy, all exact."""
    centers = np.asarray(centers, float)
    scaled = (energies[:, None] - centers) / sigma
    dos = states * np.exp(-(scaled**2) / 2).sum(axis=1) / (sigma * np.sqrt(2 * np.pi))

    def filled(level):
        share = erfc((centers - level) / (np.sqrt(2) * sigma)) / 2
        tail = sigma / np.sqrt(2 * np.pi) * np.exp(-((centers - level) ** 2) / (2 * sigma**2))
        return states * share.sum(), states * (centers * share - tail).sum()

    return dos, filled


def random_dos(seed, rows=3):
    """Smooth, positive DOS that holds more than 6 states/atom."""
    rng = np.random.default_rng(seed)
    rough = rng.uniform(0, 1, (rows, ENERGIES.size))
    kernel = np.exp(-(np.linspace(-2, 2, 15) ** 2))
    smooth = np.stack([np.convolve(row, kernel / kernel.sum(), "same") for row in rough])
    return smooth * 8 / (smooth.sum(axis=1, keepdims=True) * 0.1)


@pytest.mark.parametrize(("level", "count"), [(-0.75, 1.25), (0.0, 2.0), (1.31, 3.31)])
def test_constant_dos_is_exact(level, count):
    energies = np.linspace(-2, 2, 41)
    solution = solve_fermi(energies, np.ones(41), count)
    assert solution.fermi_level == pytest.approx(level, abs=1e-12)
    assert solution.band_energy == pytest.approx((level**2 - 4) / 2, abs=1e-12)


def test_cubic_dos_is_exact_on_uneven_bins():
    # DOS = E^3 from 0: cumulative E^4 / 4, band energy E^5 / 5
    energies = np.sort(np.r_[0, np.random.default_rng(0).uniform(0, 2, 30), 2])
    solution = solve_fermi(energies, energies**3, 1.5**4 / 4)
    assert solution.fermi_level == pytest.approx(1.5, abs=1e-10)
    assert solution.band_energy == pytest.approx(1.5**5 / 5, abs=1e-10)
    np.testing.assert_allclose(cumulative_dos(energies, energies**3), energies**4 / 4, atol=1e-12)


def test_broadened_levels_agree_with_their_closed_form():
    dos, filled = gaussians(np.linspace(-20, -2, 40))
    solution = solve_fermi(ENERGIES, dos, 50.0)
    count, energy = filled(solution.fermi_level)
    assert count == pytest.approx(50.0, abs=1e-4)
    assert solution.band_energy == pytest.approx(energy, abs=1e-3)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), electrons=st.floats(0.01, 7.5))
def test_the_fermi_level_fills_the_dos_up_to_the_count(seed, electrons):
    dos = random_dos(seed)
    level, band = solve_fermi(ENERGIES, dos, electrons)
    fine = np.linspace(-30, level, 40_001)
    for row in range(len(dos)):
        from scipy.interpolate import CubicSpline

        values = CubicSpline(ENERGIES, dos[row])(fine[:, row])
        assert trapezoid(values, fine[:, row]) == pytest.approx(electrons, abs=1e-5)
        moment = trapezoid(values * fine[:, row], fine[:, row])
        assert moment == pytest.approx(band[row], abs=2e-4)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), shift=st.floats(-5, 5), scale=st.floats(0.1, 10))
def test_shifting_and_scaling(seed, shift, scale):
    dos = random_dos(seed)
    level, band = solve_fermi(ENERGIES, dos, 4.0)
    moved = solve_fermi(ENERGIES + shift, dos * scale, 4.0 * scale)
    np.testing.assert_allclose(moved.fermi_level, level + shift, atol=1e-8)
    np.testing.assert_allclose(moved.band_energy, (band + 4 * shift) * scale, atol=1e-7)


def test_leading_axes_and_counts_broadcast():
    dos = random_dos(1, rows=6).reshape(2, 3, -1)
    counts = np.array([3.0, 4.0, 5.0])
    level, band = solve_fermi(ENERGIES, dos, counts)
    assert level.shape == band.shape == (2, 3)
    for i, j in np.ndindex(2, 3):
        one = solve_fermi(ENERGIES, dos[i, j], counts[j])
        assert one.fermi_level == pytest.approx(level[i, j], abs=1e-9)
        assert one.band_energy == pytest.approx(band[i, j], abs=1e-9)
    np.testing.assert_array_equal(fermi_level(ENERGIES, dos, counts), level)
    np.testing.assert_array_equal(band_energy(ENERGIES, dos, counts), band)
    assert solve_fermi(ENERGIES, np.zeros((0, 310)), 4.0).band_energy.shape == (0,)


def test_more_curves_than_one_chunk():
    dos = np.tile(random_dos(2), (400, 1))
    level = fermi_level(ENERGIES, dos, 4.0)
    np.testing.assert_allclose(level, np.tile(level[:3], 400), rtol=0, atol=1e-10)
    assert cumulative_dos(ENERGIES, dos).shape == dos.shape


@pytest.mark.parametrize("convention", ["spline", "published"])
def test_a_count_out_of_reach_is_nan(convention):
    dos = random_dos(3)
    dos[1] *= 0.1
    dos[2, 7] = np.nan
    level, band = solve_fermi(ENERGIES, dos, 4.0, convention=convention)
    np.testing.assert_array_equal(np.isnan(level), [False, True, True])
    np.testing.assert_array_equal(np.isnan(band), [False, True, True])


def test_band_energy_does_not_care_where_in_a_gap_the_level_lies():
    dos, _ = gaussians(np.r_[np.linspace(-20, -8, 20), -1.0, -0.5])
    below, above = solve_fermi(ENERGIES, dos, 40 - 1e-7), solve_fermi(ENERGIES, dos, 40 + 1e-7)
    assert above.fermi_level - below.fermi_level > 0.5
    assert above.band_energy == pytest.approx(below.band_energy, abs=1e-5)


@pytest.mark.parametrize("column", [0, 1])
def test_published_convention_equals_the_golden_numbers(column):
    with np.load(GOLDEN) as golden:
        energies, atoms, results = golden["energies"], golden["n_atoms"], golden["results"]
        dos = golden["dos_predicted" if column else "dos_reference"] / atoms[:, None]
    role = "prediction" if column else "reference"
    options = {"convention": "published", "atoms": atoms, "role": role}
    level, band = solve_fermi(energies, dos, 4.0, **options)
    np.testing.assert_allclose(level, results[:, column], rtol=0, atol=1e-9)
    np.testing.assert_allclose(band, results[:, 2 + column], rtol=0, atol=1e-9)
    # the closed form lies within the step of the scan
    exact = solve_fermi(energies, dos, 4.0)
    assert np.abs(exact.fermi_level - level).max() < 0.03
    assert np.abs(exact.band_energy - band).max() < 0.03


def test_published_convention_charges_a_perfect_prediction():
    dos = random_dos(4)
    true = solve_fermi(ENERGIES, dos, 4.0, convention="published", atoms=50)
    same = solve_fermi(ENERGIES, dos, 4.0, convention="published", atoms=50, role="prediction")
    np.testing.assert_array_equal(same.fermi_level, true.fermi_level)
    assert np.abs(same.band_energy - true.band_energy).min() > 1e-4


def test_published_cumulative_dos_is_the_running_sum():
    dos = random_dos(5)
    running = cumulative_dos(ENERGIES, dos, "published")
    np.testing.assert_allclose(running, 0.1 * np.cumsum(dos, axis=1), rtol=1e-12)


@pytest.mark.parametrize(
    ("arguments", "options", "words"),
    [
        ((ENERGIES, np.ones(309), 4.0), {}, "310 energy bins"),
        ((ENERGIES[::-1], np.ones(310), 4.0), {}, "increase"),
        ((ENERGIES[:3], np.ones(3), 4.0), {}, "at least 4"),
        ((np.r_[ENERGIES[:-1], np.inf], np.ones(310), 4.0), {}, "energies must be finite"),
        ((["a", "b", "c", "d"], np.ones(4), 4.0), {}, "energies must be an array of numbers"),
        ((ENERGIES, "abc", 4.0), {}, "dos must be an array of numbers"),
        ((ENERGIES, [[1.0] * 310, [1.0]], 4.0), {}, "dos must be an array of numbers"),
        ((ENERGIES, np.ones(310), "four"), {}, "electrons must be an array of numbers"),
        ((ENERGIES, np.ones(310), {"C": 4}), {}, "electrons must be an array of numbers"),
        ((ENERGIES, np.ones(310), 0.0), {}, "electrons must be positive"),
        ((ENERGIES, np.ones(310), np.nan), {}, "electrons must be positive"),
        ((ENERGIES, np.ones((2, 310)), np.ones(3)), {}, "leading axes"),
        ((ENERGIES, np.ones(310), 4.0), {"convention": "grid"}, "'grid'"),
        ((ENERGIES, np.ones(310), 4.0), {"role": "both"}, "'both'"),
        ((ENERGIES * 1e-4, np.ones(310), 4.0), {"convention": "published"}, "0.01 eV"),
    ],
)
def test_bad_input_is_named(arguments, options, words):
    with pytest.raises(InputError, match=words):
        solve_fermi(*arguments, **options)

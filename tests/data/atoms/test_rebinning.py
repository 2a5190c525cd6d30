import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import trapezoid

from csnn_tf.data.atoms import DEFAULT_ENERGIES, check_electrons, rebin_cumulative, rebin_dos
from csnn_tf.electronic import fermi_level, solve_fermi
from csnn_tf.errors import InputError


def bump(energies, center=-8.0, width=2.0, states=6.0):
    shape = np.exp(-(((energies - center) / width) ** 2) / 2)
    return states * shape / (width * np.sqrt(2 * np.pi))


def test_far_tails_are_read_without_warnings():
    energies = np.arange(-300, 10) / 10
    tail = np.exp(-(((energies + 4) / 0.685) ** 2) / 2)
    dos = tail * 4 / (tail.sum() * 0.1)
    check_electrons(energies, dos, 4.0, "a")
    rebin_dos(energies, dos, DEFAULT_ENERGIES, "a")
    rebin_cumulative(energies, np.cumsum(dos) * 0.1, DEFAULT_ENERGIES, "a")


@settings(max_examples=25, deadline=None)
@given(step=st.floats(0.02, 0.7), start=st.floats(-45, -32), center=st.floats(-20, -8))
def test_integral_is_conserved_on_any_grid(step, start, center):
    energies = np.arange(start, 3.0, step)
    dos = bump(energies, center)
    binned = rebin_dos(energies, dos, DEFAULT_ENERGIES)
    assert binned.shape == DEFAULT_ENERGIES.shape
    assert binned.min() >= 0
    assert 0.1 * binned.sum() == pytest.approx(6.0, abs=2e-3)
    # nothing moves: the mean energy stays
    mean = (binned * DEFAULT_ENERGIES).sum() / binned.sum()
    assert mean == pytest.approx(center, abs=2e-3)


def test_spikes_are_conserved_and_stay_positive():
    rng = np.random.default_rng(0)
    energies = np.linspace(-35, 5, 2001)
    dos = rng.uniform(0, 1, 2001) * (rng.uniform(0, 1, 2001) < 0.05)
    dos[energies < -29] = 0
    binned = rebin_dos(energies, dos, DEFAULT_ENERGIES)
    window = energies < 0.95
    assert binned.min() >= 0
    assert 0.1 * binned.sum() == pytest.approx(0.02 * dos[window].sum(), abs=0.02)


def test_same_grid_returns_the_values():
    dos = bump(DEFAULT_ENERGIES)
    np.testing.assert_array_equal(rebin_dos(DEFAULT_ENERGIES, dos, DEFAULT_ENERGIES), dos)


def test_noise_below_zero_becomes_zero():
    dos = bump(DEFAULT_ENERGIES)
    noisy = np.where(DEFAULT_ENERGIES < -29.75, -0.009 * dos.max(), dos)
    found = rebin_dos(DEFAULT_ENERGIES, noisy, DEFAULT_ENERGIES)
    np.testing.assert_array_equal(found, np.maximum(noisy, 0))
    cumulative = np.cumsum(noisy) * 0.1
    found = rebin_cumulative(DEFAULT_ENERGIES, cumulative, DEFAULT_ENERGIES[:300])
    assert found.min() == 0
    assert found.sum() * 0.1 == pytest.approx(cumulative[299], abs=0.02)
    with pytest.raises(InputError, match="negative in 3 bins, down to -0.0"):
        rebin_dos(DEFAULT_ENERGIES, noisy * np.where(noisy < 0, 2, 1), DEFAULT_ENERGIES)


def test_much_noise_below_zero_is_none():
    dos = bump(DEFAULT_ENERGIES)
    ringing = dos + 0.009 * dos.max() * (-1.0) ** np.arange(310)
    with pytest.raises(InputError, match=r"DOSCAR: .* negative in \d+ bins, by 0.0\d+ states/atom"):
        rebin_dos(DEFAULT_ENERGIES, ringing, DEFAULT_ENERGIES, "DOSCAR")
    declining = np.where(DEFAULT_ENERGIES < -20, -0.009 * dos.max(), dos)
    cumulative = np.cumsum(declining) * 0.1 + 0.2
    with pytest.raises(InputError, match=r"DOSCAR: the cumulative DOS falls by 0.1\d+ states/atom"):
        rebin_cumulative(DEFAULT_ENERGIES, cumulative, DEFAULT_ENERGIES[:300], "DOSCAR")
    # Smearing's dips, and rounding in each bin.
    for noisy in (np.where((dos < 1e-3) & (dos > 1e-4), -0.0009, dos), np.maximum(dos, 0) - 1e-12):
        assert rebin_dos(DEFAULT_ENERGIES, noisy, DEFAULT_ENERGIES).min() == 0


def test_a_dos_that_ends_in_a_gap_has_no_states_above():
    energies = np.arange(-30, -5.95, 0.1)
    dos = np.where(energies < -6.5, bump(energies), 0)
    assert not rebin_dos(energies, dos, DEFAULT_ENERGIES)[DEFAULT_ENERGIES > -6].any()


def test_fine_source_gives_bin_averages():
    energies = np.arange(-35, 3, 0.005)
    binned = rebin_dos(energies, bump(energies), DEFAULT_ENERGIES)
    for index in (150, 220, 260):
        center = DEFAULT_ENERGIES[index]
        inside = np.linspace(center - 0.05, center + 0.05, 201)
        assert binned[index] == pytest.approx(trapezoid(bump(inside), inside) / 0.1, abs=1e-6)


def test_cumulative_source_conserves_every_state():
    energies = np.linspace(-40, 10, 3001)
    dos = bump(energies)
    cumulative = np.cumsum(dos) * (energies[1] - energies[0])
    binned = rebin_cumulative(energies, cumulative, DEFAULT_ENERGIES)
    assert 0.1 * binned.sum() == pytest.approx(np.interp(0.95, energies, cumulative), abs=1e-6)
    level = fermi_level(DEFAULT_ENERGIES, binned, 4.0)
    assert level == pytest.approx(np.interp(4.0, cumulative, energies), abs=2e-3)
    with pytest.raises(InputError, match="decreases"):
        rebin_cumulative(energies, cumulative[::-1], DEFAULT_ENERGIES)
    deep = energies > -9
    with pytest.raises(InputError, match=r"1\.8\d* states/atom lie below its first energy"):
        rebin_cumulative(energies[deep], cumulative[deep], DEFAULT_ENERGIES)


def test_no_deep_level_of_a_dopant_is_lost():
    # Two electrons of 200 atoms, which the energy would have back at the Fermi level.
    energies = np.arange(-40, 2, 0.05)
    dos = bump(energies) + bump(energies, -33.0, 0.3, 0.01)
    with pytest.raises(InputError, match=r"0\.0100 states/atom lie below the first energy bin"):
        rebin_dos(energies, dos, DEFAULT_ENERGIES)
    wider = np.arange(-40, 1, 0.1)
    found = solve_fermi(wider, rebin_dos(energies, dos, wider), 4.0)
    fine = solve_fermi(energies, dos, 4.0)
    assert found.band_energy == pytest.approx(fine.band_energy, abs=1e-3)


def test_a_dos_may_begin_between_bins_but_not_in_a_band():
    energies = np.arange(-14, 2, 0.1)
    with pytest.raises(InputError, match=r"begins at -14.00 eV with 0.013\d* states/eV/atom: what"):
        rebin_dos(energies, bump(energies), DEFAULT_ENERGIES)
    gapped = np.where(energies < -13, 0, bump(energies))
    assert rebin_dos(energies, gapped, DEFAULT_ENERGIES)[:160].max() == 0


@pytest.mark.parametrize(
    ("energies", "dos", "words"),
    [
        (np.arange(-30, -2, 0.1), None, "ends at"),
        (np.arange(-60, 2, 0.1), "low", "states/atom lie below"),
        (np.arange(-31, 2, 0.1)[::-1], None, "increase"),
        (np.arange(-31, 2, 0.1), "negative", "negative in 1 bins"),
        (np.arange(-31, 2, 0.1), "nan", "not finite"),
        (np.arange(-31, 2, 0.1), "short", "same length"),
    ],
)
def test_bad_sources_are_named(energies, dos, words):
    values = bump(energies, -8.0, 4.0)
    if dos == "low":
        values = bump(energies, -40.0)
    elif dos == "negative":
        values[5] = -0.1
    elif dos == "nan":
        values[5] = np.nan
    elif dos == "short":
        values = values[1:]
    with pytest.raises(InputError, match=f"DOSCAR: .*{words}|{words}.*DOSCAR"):
        rebin_dos(energies, values, DEFAULT_ENERGIES, "DOSCAR")


UNEVEN = np.concatenate([np.linspace(-30, -5, 60), np.linspace(-4.9, 0.9, 59)])


@pytest.mark.parametrize("target", [[-5.0], [], [0.0, -1.0], [-30.0, np.nan, 0.9], "x", UNEVEN])
def test_bins_that_are_none_are_refused(target):
    energies = np.arange(-31, 2, 0.1)
    dos = bump(energies)
    for rebin, values in ((rebin_dos, dos), (rebin_cumulative, np.cumsum(dos) * 0.1)):
        with pytest.raises(InputError, match="at least 2 numbers|not evenly spaced"):
            rebin(energies, values, target)


def test_values_on_uneven_energies_stay_as_they_are():
    np.testing.assert_array_equal(rebin_dos(UNEVEN, bump(UNEVEN), UNEVEN), bump(UNEVEN))


def test_electron_mismatch_says_by_how_much():
    dos = bump(DEFAULT_ENERGIES, states=3.5)
    check_electrons(DEFAULT_ENERGIES, dos, 3.49, "f")
    check_electrons(DEFAULT_ENERGIES, dos, np.nan, "f")
    with pytest.raises(InputError, match=r"f: .*3\.5000 electrons.*0\.5000 fewer than the 4\.0000"):
        check_electrons(DEFAULT_ENERGIES, dos, 4.0, "f")
    with pytest.raises(InputError, match=r"1\.7[0-9]+ electrons.*0\.2[0-9]+ more"):
        check_electrons(DEFAULT_ENERGIES, dos, 1.5, "f", fermi_level=-8.0)

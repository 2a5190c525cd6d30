import keras
import numpy as np
import pytest
from keras import ops

from csnn_tf.electronic import cumulative_dos, solve_fermi
from csnn_tf.electronic.differentiable import DifferentiableFermi
from csnn_tf.errors import InputError

ENERGIES = -10 + 0.25 * np.arange(48)
ELECTRONS = 4.0


def smooth_dos(rows=3, seed=0):
    rng = np.random.default_rng(seed)
    centers = rng.uniform(-9, 1, (rows, 12))
    shape = np.exp(-(((ENERGIES[:, None, None] - centers) / 0.7) ** 2) / 2)
    dos = shape.sum(-1).T + 0.05
    return dos * 7 / (dos.sum(axis=1, keepdims=True) * 0.25)


def gradient(function, values):
    """Gradient of a scalar function of one tensor, on the backend in use."""
    values = ops.convert_to_tensor(values, dtype="float32")
    if keras.backend.backend() == "jax":
        import jax

        return np.asarray(jax.jit(jax.grad(function))(values))
    import tensorflow as tf

    with tf.GradientTape() as tape:
        tape.watch(values)
        result = function(values)
    return tape.gradient(result, values).numpy()


def finite_differences(function, values, step=1e-5):
    """Central differences of a NumPy function [rows, bins] -> [rows], row by row."""
    result = np.empty_like(values)
    for column in range(values.shape[1]):
        up, down = values.copy(), values.copy()
        up[:, column] += step
        down[:, column] -= step
        result[:, column] = (function(up) - function(down)) / (2 * step)
    return result


def test_values_equal_the_closed_form():
    dos = smooth_dos(8)
    exact = solve_fermi(ENERGIES, dos, ELECTRONS)
    found = DifferentiableFermi(ENERGIES)(dos.astype("float32"), ELECTRONS)
    np.testing.assert_allclose(found.fermi_level, exact.fermi_level, rtol=0, atol=1e-5)
    np.testing.assert_allclose(found.band_energy, exact.band_energy, rtol=0, atol=5e-5)
    assert np.asarray(found.reached).all()


@pytest.mark.parametrize("counts", [[1.0, 2.5, 6.0], [2.5]])
def test_one_count_a_structure_or_for_all(counts):
    dos, counts = smooth_dos(3), np.array(counts, "float32")
    exact = solve_fermi(ENERGIES, dos, counts)
    found = DifferentiableFermi(ENERGIES)(dos.astype("float32"), counts)
    np.testing.assert_allclose(found.fermi_level, exact.fermi_level, rtol=0, atol=1e-5)


@pytest.mark.parametrize("which", ["fermi_level", "band_energy"])
def test_gradients_equal_finite_differences(which):
    dos = smooth_dos()
    fermi = DifferentiableFermi(ENERGIES)

    def of_tensor(tensor):
        return ops.sum(getattr(fermi(tensor, ELECTRONS), which))

    def of_array(array):
        return getattr(solve_fermi(ENERGIES, array, ELECTRONS), which)

    expected = finite_differences(of_array, dos)
    found = gradient(of_tensor, dos)
    assert np.abs(expected).max() > 0.1
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4 * np.abs(expected).max())


def test_band_energy_gradient_is_energy_above_the_fermi_level():
    # d E_band / d DOS(e) = (e - E_F) de below E_F, zero above: the textbook functional derivative
    dos = smooth_dos(1)
    fermi = DifferentiableFermi(ENERGIES)
    found = gradient(lambda tensor: ops.sum(fermi(tensor, ELECTRONS).band_energy), dos)[0]
    level = solve_fermi(ENERGIES, dos, ELECTRONS).fermi_level[0]
    expected = np.where(level > ENERGIES, (ENERGIES - level) * 0.25, 0.0)
    inner = slice(6, -6)  # the spline's end conditions change the outermost weights
    np.testing.assert_allclose(found[inner], expected[inner], rtol=0, atol=0.03)


def test_a_count_out_of_reach_keeps_gradients_finite():
    dos = np.concatenate([smooth_dos(1) * 0.1, np.zeros((1, 48)), smooth_dos(1)])
    fermi = DifferentiableFermi(ENERGIES)
    result = fermi(dos.astype("float32"), ELECTRONS)
    np.testing.assert_array_equal(np.asarray(result.reached), [False, False, True])

    def total(tensor):
        level, band, reached = fermi(tensor, ELECTRONS)
        return ops.sum(ops.where(reached, level + band, 0.0))

    found = gradient(total, dos)
    assert np.isfinite(found).all()
    assert not found[:2].any()
    assert found[2].any()


def test_gap_gives_a_bounded_gradient():
    dos = np.zeros((1, 48))
    dos[0, 10:16] = ELECTRONS / (6 * 0.25)
    dos[0, 40:] = 1.0
    fermi = DifferentiableFermi(ENERGIES, min_dos=0.1)
    found = gradient(lambda tensor: ops.sum(fermi(tensor, ELECTRONS).fermi_level), dos)
    assert np.isfinite(found).all()
    assert np.abs(found).max() < 0.5 / 0.1


def test_cumulative_matrix_is_the_splines_integral():
    dos = smooth_dos()
    fermi = DifferentiableFermi(ENERGIES)
    np.testing.assert_allclose(dos @ fermi._cumulative, cumulative_dos(ENERGIES, dos), atol=1e-10)


def test_whole_numbers_are_numbers_too():
    dos = np.arange(96).reshape(2, 48) % 5
    exact = solve_fermi(ENERGIES, dos, 4)
    found = DifferentiableFermi(ENERGIES)(dos, 4)
    np.testing.assert_allclose(found.fermi_level, exact.fermi_level, rtol=0, atol=1e-4)


@pytest.mark.parametrize("shape", [(47,), (48,), (2, 47), (2, 3, 48)])
def test_densities_of_another_shape_are_refused(shape):
    with pytest.raises(InputError, match=r"expects densities of states \[batch, 48\], not .*shape"):
        DifferentiableFermi(ENERGIES)(np.ones(shape, "float32"), 4.0)


@pytest.mark.parametrize("shape", [(2,), (3, 1)])
def test_electrons_of_another_shape_are_refused(shape):
    with pytest.raises(InputError, match=r"electrons must be a number or \[3\], not .*shape"):
        DifferentiableFermi(ENERGIES)(smooth_dos(3).astype("float32"), np.ones(shape, "float32"))


@pytest.mark.parametrize("energies", ["abc", [*ENERGIES[:-1], np.inf]])
def test_energies_that_are_no_numbers_are_refused(energies):
    with pytest.raises(InputError, match="energies must be (an array|finite)"):
        DifferentiableFermi(energies)


def test_uneven_energies_are_refused():
    with pytest.raises(InputError, match="evenly spaced"):
        DifferentiableFermi(ENERGIES**3)

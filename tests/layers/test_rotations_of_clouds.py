import numpy as np
import pytest

from csnn_tf.errors import InputError
from csnn_tf.layers import RandomAxisRotation, RandomRotation
from tests.helpers import numpy_of

COUNT = 20_000
ERROR = 5 / np.sqrt(COUNT)  # five standard deviations of the mean of numbers of variance 1


def drawn(layer):
    """[COUNT, 3, 3]: the matrices, from what became of the three unit vectors."""
    frames = np.tile(np.eye(3, dtype="float32"), (COUNT, 1, 1))
    return numpy_of(layer(frames, training=True)).swapaxes(1, 2).astype("float64")


def assert_proper(matrices):
    identity = np.tile(np.eye(3), (len(matrices), 1, 1))
    np.testing.assert_allclose(matrices @ matrices.swapaxes(1, 2), identity, atol=2e-6)
    np.testing.assert_allclose(np.linalg.det(matrices), 1, atol=2e-6)


def test_uniform_rotations_are_haar_distributed():
    matrices = drawn(RandomRotation(seed=1))
    assert_proper(matrices)
    # Under the Haar measure E M = 0, every entry has variance 1/3, E tr = 0, E tr^2 = 1. Three
    # uniform Euler angles would give M[2, 2] the variance 1/2.
    assert np.abs(matrices.mean(axis=0)).max() < ERROR
    assert np.abs((matrices**2).mean(axis=0) - 1 / 3).max() < ERROR
    trace = np.trace(matrices, axis1=1, axis2=2)
    assert abs(trace.mean()) < ERROR
    assert abs((trace**2).mean() - 1) < 2 * ERROR
    # The turning angle has the density (1 - cos a) / pi: its mean is pi/2 + 2/pi.
    angle = np.arccos(np.clip((trace - 1) / 2, -1, 1))
    assert abs(angle.mean() - (np.pi / 2 + 2 / np.pi)) < ERROR


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_rotations_about_an_axis(axis):
    matrices = drawn(RandomAxisRotation(axis, seed=1))
    assert_proper(matrices)
    kept = np.eye(3)[axis]
    np.testing.assert_array_equal(matrices[:, axis], np.tile(kept, (COUNT, 1)))
    np.testing.assert_array_equal(matrices[:, :, axis], np.tile(kept, (COUNT, 1)))
    one, two = (axis + 1) % 3, (axis + 2) % 3
    angle = np.arctan2(matrices[:, two, one], matrices[:, one, one])
    for multiple in (1, 2, 3):  # uniform over the circle
        assert abs(np.exp(1j * multiple * angle).mean()) < ERROR


def test_the_upright_axis_of_the_public_files_by_default():
    assert RandomAxisRotation().axis == 1


@pytest.mark.parametrize("axis", [3, -1, "z", None])
def test_wrong_axis(axis):
    with pytest.raises(InputError, match="axis must be 0, 1 or 2"):
        RandomAxisRotation(axis)

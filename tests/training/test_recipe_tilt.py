"""The recipe `tilted`: which orientations training about the upright axis shows."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from csnn_tf.grid import icosahedral_rotations
from csnn_tf.training.config import TrainingConfig


def distance_to_shown(tilt, upright_axis):
    """Mean angle, degrees, from an orientation to the nearest that training under z shows.

    The grid does not tell an orientation from its 60 turns by the icosahedron's rotations.
    """
    tilt = Rotation.from_rotvec(tilt).inv()
    about = np.zeros((90, 3))
    about[:, upright_axis] = np.linspace(0, 2 * np.pi, 90, endpoint=False)
    shown = tilt * Rotation.from_rotvec(about)
    own = Rotation.from_matrix(icosahedral_rotations().copy())
    shown = np.concatenate([(rotation * shown).as_quat() for rotation in own])
    wanted = (tilt * Rotation.random(300, random_state=0)).as_quat()
    cosine = np.abs(wanted @ shown.T).max(axis=1)
    return np.degrees(2 * np.arccos(np.clip(cosine, 0, 1))).mean()


@pytest.mark.parametrize("upright_axis", [0, 1, 2])
def test_it_shows_more_views_whichever_axis_is_upright(upright_axis):
    tilt = TrainingConfig.from_recipe("tilted").model["tilt"]
    assert distance_to_shown((0, 0, 0), upright_axis) == pytest.approx(14.5, abs=0.5)
    assert distance_to_shown(tilt, upright_axis) == pytest.approx(10.3, abs=0.5)


def test_it_is_best_but_for_the_grid():
    best, tilted = (TrainingConfig.from_recipe(name).to_dict() for name in ("best", "tilted"))
    assert best.pop("recipe") != tilted.pop("recipe")
    assert "tilt" not in best["model"]
    assert len(tilted["model"].pop("tilt")) == 3
    assert tilted == best

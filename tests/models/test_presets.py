import math

import numpy as np
import pytest

from csnn_tf.errors import InputError
from csnn_tf.models import PointCloudClassifier, preset, preset_names


def trainable(model):
    return sum(math.prod(weight.shape) for weight in model.trainable_weights)


def test_names():
    assert {"paper", "small", "tiny"} <= set(preset_names())


def test_the_published_size():
    model = PointCloudClassifier.from_preset("paper", num_classes=40)
    assert trainable(model) == 3_959_784
    assert model.spheres(np.zeros((1, 1, 3), "float32")).shape == (1, 2562, 20, 8)


def test_the_small_size():
    model = PointCloudClassifier.from_preset("small", num_classes=40)
    assert 550_000 < trainable(model) < 650_000
    assert model.to_spheres.level == 3


def test_fields_can_be_replaced():
    fields = preset("tiny", spheres=6, dropout=0.5)
    assert (fields["spheres"], fields["dropout"], fields["channels"]) == (6, 0.5, 2)
    assert preset("tiny")["spheres"] == 4, "the preset itself must not change"
    model = PointCloudClassifier.from_preset(
        "tiny", num_classes=3, spheres=6, hidden=(7, 5), point_count=None
    )
    assert model.to_spheres.spheres == 6
    assert model.hidden == (7, 5)
    assert model.to_spheres.point_count is None


def test_unknown_preset():
    with pytest.raises(InputError, match="preset must be one of paper, small, tiny.*'huge'"):
        PointCloudClassifier.from_preset("huge", num_classes=3)


def test_unknown_field():
    with pytest.raises(InputError, match=r"unknown field 'shperes': did you mean spheres\?"):
        PointCloudClassifier.from_preset("tiny", num_classes=3, shperes=4)
    with pytest.raises(InputError, match="unknown field 'xyz': the classifier has .*spheres"):
        PointCloudClassifier.from_preset("tiny", num_classes=3, xyz=4)

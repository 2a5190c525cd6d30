"""Configurations of any content: from `--set`, from JSON, and as arguments of the models."""

import json

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from csnn_tf.cli.options import parse_fields
from csnn_tf.data.augmenter import Augmenter
from csnn_tf.models import PointCloudClassifier
from csnn_tf.training.config import TrainingConfig
from csnn_tf.training.dos_config import DosConfig
from tests.fuzz.cases import JSON, cases, refused_or_right
from tests.helpers import TWO_LEVELS

TRAINING = TrainingConfig().to_dict()
CLASSIFIER = PointCloudClassifier.fields()
FIELDS = st.sampled_from([*TRAINING, *CLASSIFIER, "name", "self", "cls", "no_such"])
SMALLEST = {"level": 1, **TWO_LEVELS, "spheres": 2, "channels": 1, "neighbors": 1}


def check_config(config):
    stored = json.loads(json.dumps(config.to_dict()))
    assert type(config).from_dict(stored).to_dict() == config.from_dict(stored).to_dict()
    assert config.epochs >= 1
    assert np.isfinite(config.learning_rate)


@given(changes=st.dictionaries(FIELDS, JSON, min_size=1, max_size=3))
@cases(1, short=60)
def test_from_dict_and_from_recipe(changes):
    for kind in (TrainingConfig, DosConfig):
        with refused_or_right():
            check_config(kind.from_dict({**kind().to_dict(), **changes}))
        with refused_or_right():
            check_config(kind.from_recipe("best", **changes))


@given(content=JSON)
@cases(0.5, short=25)
def test_from_anything(content):
    for kind in (TrainingConfig, DosConfig):
        with refused_or_right():
            check_config(kind.from_dict(content))
        with refused_or_right("recipe"):
            check_config(kind.from_recipe(content))


@given(settings=st.lists(st.builds("{}={}".format, FIELDS, st.text(max_size=8)) | st.text()))
@cases(1, short=50)
def test_settings(settings):
    with refused_or_right("--set"):
        fields = parse_fields(settings)
        assert len(fields) == len(settings)


@given(changes=st.dictionaries(st.sampled_from(CLASSIFIER), JSON, min_size=1, max_size=2))
@cases(0.3, short=15)
def test_fields_of_the_classifier(changes):
    with refused_or_right(*changes, "num_classes", "widths", "levels", "layers"):
        fields = {"num_classes": None if "class_names" in changes else 3, **SMALLEST, **changes}
        model = PointCloudClassifier(**fields)
        logits = model(np.eye(3, dtype=np.float32)[None])
        assert logits.shape == (1, model.num_classes)
        assert np.isfinite(np.asarray(logits)).all()


AUGMENTS = ("rotation", "upright_axis", "scale", "shift", "jitter", "jitter_clip", "point_dropout")


@given(changes=st.dictionaries(st.sampled_from(AUGMENTS), JSON, min_size=1, max_size=2))
@cases(0.3, short=20)
def test_augmentations_of_accepted_configurations(changes):
    with refused_or_right():
        config = TrainingConfig.from_recipe("best", **changes)
        augment = Augmenter(**{name: getattr(config, name) for name in AUGMENTS})
        points = np.asarray(augment(np.eye(3, dtype=np.float32)[None], np.array([1, 2], "uint32")))
        assert points.shape == (1, 3, 3)
        assert np.isfinite(points).all()

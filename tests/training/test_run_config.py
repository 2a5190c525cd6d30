import json

import numpy as np
import pytest

from csnn_tf.errors import InputError
from csnn_tf.models import PointCloudClassifier
from csnn_tf.training.config import TrainingConfig
from csnn_tf.training.dos_config import DosConfig


def recorded(folder, config, **found):
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({**config.to_dict(), **found}))
    return folder


def test_a_run_gives_its_configuration_back(tmp_path):
    shapes = TrainingConfig.from_recipe("tilted", data="shapes", seed=4)
    carbon = DosConfig.from_recipe("quick", seed=5)
    one = recorded(tmp_path / "one", shapes, classes=["a", "b"])
    two = recorded(tmp_path / "two", carbon, elements=["C"])
    assert TrainingConfig.of_run(one).seed == 4
    assert TrainingConfig.of_run(one).model == shapes.model
    assert DosConfig.of_run(two) == carbon
    with pytest.raises(InputError, match="one is not a run of a density of states"):
        DosConfig.of_run(one)
    with pytest.raises(InputError, match="two is not a run of a classifier"):
        TrainingConfig.of_run(two)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "config.json cannot be read as JSON"),
        ("[]", "is not a run of"),
        ("{}", "is not a run of"),
        ('{"classes": [], "epochs": "many"}', "epochs"),
    ],
)
def test_a_damaged_configuration_is_named(text, message, tmp_path):
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(InputError, match=message):
        TrainingConfig.of_run(tmp_path)


@pytest.mark.parametrize("name", ["empty", "nowhere"])
def test_a_folder_without_a_configuration_is_no_run(name, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=f"{name} is no run folder: it has no config.json"):
        TrainingConfig.of_run(tmp_path / name)


def test_paths_are_taken_and_kept_as_strings(tmp_path):
    model = tmp_path / "model.keras"
    PointCloudClassifier.from_preset("tiny", 2).save(model)
    config = TrainingConfig.from_recipe("finetune", folder=tmp_path, initial=model)
    assert (config.folder, config.initial) == (str(tmp_path), str(model))
    assert DosConfig(data=tmp_path, initial=model).to_dict()["data"] == str(tmp_path)


def test_numbers_of_numpy_are_taken_and_kept_as_pythons():
    config = TrainingConfig.from_recipe(
        "best",
        learning_rate=np.float32(0.5),
        epochs=np.int64(3),
        mixed_precision=np.bool_(True),
        spheres=np.int32(8),
        scale=np.array([0.5, 2]),
        tilt=(np.float64(0.5), 0, 1),
    )
    expected = TrainingConfig.from_recipe(
        "best",
        learning_rate=0.5,
        epochs=3,
        mixed_precision=True,
        spheres=8,
        scale=(0.5, 2.0),
        tilt=(0.5, 0, 1),
    )
    assert json.dumps(config.to_dict()) == json.dumps(expected.to_dict())
    with pytest.raises(InputError, match=r"epochs must be a whole number, not 2\.5"):
        TrainingConfig(epochs=np.float64(2.5))

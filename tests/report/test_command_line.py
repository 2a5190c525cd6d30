"""The command that repeats a training."""

from csnn_tf.report.command_line import training_command
from csnn_tf.report.record import run_section
from csnn_tf.report.run_source import RunSource
from csnn_tf.training.config import TrainingConfig
from tests.report.conftest import CONFIG


def test_the_command_makes_the_same_configuration():
    command = training_command({**CONFIG, "learning_rate": 0.01, "scale": None})
    assert command == (
        "csnn-tf train shapes --preset tiny --recipe quick --rotation so3 --seed 3 --epochs 3 "
        "--set learning_rate=0.01 --set scale=null --set 'hidden=[16]'"
    )
    unchanged = TrainingConfig.from_recipe("best", data="modelnet", folder="my data", epochs=9)
    assert training_command({**unchanged.to_dict(), "classes": ["a"]}) == (
        "csnn-tf train modelnet --data 'my data' --preset paper --recipe best --rotation so3 "
        "--seed 0 --epochs 9"
    )
    several = {**unchanged.to_dict(), "per_class": 5}
    assert training_command(several) == training_command(unchanged.to_dict())
    # Runs that were made before their recipe ceased to set dropout, or came to set tilt.
    older = {**unchanged.to_dict(), "model": {"dropout": 0.3}}
    assert training_command(older).endswith("--epochs 9 --set dropout=0.3")
    older = {**unchanged.to_dict(), "recipe": "tilted"}
    assert training_command(older).endswith("--epochs 9 --set tilt=null")
    assert training_command({"name": "x"}) == ""
    tuned = {**unchanged.to_dict(), "recipe": "finetune", "initial": "modelnet40_small_z"}
    tuned |= {"architecture": "csnn", "preset": "small", "model": {"tilt": [1, 2, 3]}}
    assert training_command(tuned).startswith(
        "csnn-tf train modelnet --data 'my data' --from modelnet40_small_z --recipe finetune "
        "--rotation so3 --seed 0 --epochs 9 --set "
    )
    assert "--set 'tilt=[1, 2, 3]'" in training_command(tuned)
    assert training_command({**tuned, "model": {"tilt": None}}).endswith("--set tilt=null")
    dos = {"data": "d", "preset": "small", "recipe": "best", "rotate": False, "elements": ["C"]}
    dos |= {"electrons": {"C": 4.0, "O": 6}, "architecture": "schnet", "seed": 1}
    assert training_command(dos) == (
        "csnn-tf train dos --data d --electrons C=4,O=6 --model schnet --preset small "
        "--recipe best --no-rotate --seed 1"
    )
    dos["electrons"] = {"C": 4.0000123, "O": 5.75}
    assert "--electrons C=4.0000123,O=5.75 --model" in training_command(dos)
    # Like the model that it begins with; `train dos` refuses --model and --preset beside it.
    assert training_command({**dos, "initial": "X", "electrons": 4.0}) == (
        "csnn-tf train dos --data d --electrons 4.0 --from X --recipe best --no-rotate --seed 1"
    )


def test_the_command_names_data_that_is_called_like_what_is_built_in(tmp_path):
    config = {"data": "/of someone/carbon", "preset": "small", "recipe": "best", "elements": ["C"]}
    config["model"] = {"contribution": "1/d^2"}  # no path
    source = RunSource("name", tmp_path / "best.keras", None, config, {})
    page = "".join(run_section(source, {}))
    assert "<pre>csnn-tf train dos --data carbon --preset small --recipe best --set" in page
    assert "contribution=1/d^2" in page
    assert "someone" not in page


def test_no_command_repeats_a_training_on_data_that_was_given_in_python(tmp_path):
    config = {**TrainingConfig.from_recipe("quick").to_dict(), "contents": "0"}
    for changes, repeated in (
        ({}, False),
        ({"folder": "parts"}, True),
        ({"data": "shapes"}, True),
        ({"data": "parts", "elements": ["C"]}, True),
    ):
        source = RunSource("name", tmp_path / "best.keras", None, {**config, **changes}, {})
        page = "".join(run_section(source, {}))
        assert ("<pre>csnn-tf train" in page) == repeated
        assert ("given in Python; no command repeats it" in page) != repeated

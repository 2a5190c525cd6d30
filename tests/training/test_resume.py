"""A run that is stopped and resumed ends as if it had never been stopped."""

import contextlib

import keras
import pytest

from csnn_tf.data.shapes import builtin_shapes
from csnn_tf.errors import InputError
from csnn_tf.training.trainer import train
from tests.helpers import compiled, eagerly, long_run
from tests.training.killing import EPOCHS, killed_and_whole, left_over
from tests.training.test_disk import file_size_limit
from tests.training.test_trainer import config

pytestmark = eagerly


def weights(path):
    return keras.models.load_model(path, compile=False).get_weights()


def same(one, two):
    return all((a == b).all() for a, b in zip(weights(one), weights(two), strict=True))


class StopAfter(keras.callbacks.Callback):
    def __init__(self, epochs):
        super().__init__()
        self.epochs = epochs

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epochs:
            raise KeyboardInterrupt


class FullDisk(keras.callbacks.Callback):
    """From an epoch on, no file takes more than 1000 bytes; for as long as this is open."""

    def __init__(self, epoch):
        super().__init__()
        self.epoch, self.disk = epoch, contextlib.ExitStack()

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epoch:
            self.disk.enter_context(file_size_limit(1000))


def history(run):
    """The history without the seconds."""
    return [row.rsplit(",", 1)[0] for row in (run.path / "history.csv").read_text().splitlines()]


@pytest.mark.parametrize("schedule", ["cosine", pytest.param("plateau", marks=long_run)])
def test_resumed_run_equals_the_undisturbed_one_to_the_bit(tmp_path, schedule):
    shapes = builtin_shapes("train", 2, num_points=64)
    # Dropout and augmentation draw random numbers, so they must go on where they stopped.
    settings = config(epochs=4, dropout=0.4, schedule=schedule, batch_size=8)
    whole = train(settings, shapes, tmp_path / "whole")
    out = tmp_path / "parts"
    if schedule == "cosine":
        with pytest.raises(KeyboardInterrupt):
            train(settings, shapes, out, callbacks=[StopAfter(2)])
    else:
        full = FullDisk(2)
        with full.disk, pytest.raises(InputError, match=r"last\.keras cannot be written"):
            train(settings, shapes, out, callbacks=[full])
    parts = train(settings, shapes, out, resume=True)
    assert same(whole.last, parts.last)
    assert same(whole.best, parts.best)
    assert history(whole) == history(parts)
    # A finished run has nothing left to do.
    before = parts.last.stat().st_mtime_ns
    train(settings, shapes, out, resume=True)
    assert parts.last.stat().st_mtime_ns == before


def test_damaged_checkpoint_is_named(tmp_path):
    shapes = builtin_shapes("train", 3, num_points=64)
    run = train(config(epochs=1), shapes, tmp_path / "run")
    path = run.path / "checkpoint.npz"
    whole = path.read_bytes()
    for content in (b"", whole[: len(whole) // 2], b"PK\x03\x04" + bytes(50)):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"checkpoint\.npz"):
            train(config(epochs=2), shapes, tmp_path / "run", resume=True)


def test_other_shapes_do_not_go_on(tmp_path):
    shapes = builtin_shapes("train", 2, num_points=64)
    run = train(config(epochs=1), shapes, tmp_path / "run")
    before = run.read_json("config.json"), run.last.read_bytes()
    other = builtin_shapes("test", 2, num_points=64)
    with pytest.raises(InputError, match="run was begun with other data, or it has changed"):
        train(config(epochs=2), other, run.path, resume=True)
    assert before == (run.read_json("config.json"), run.last.read_bytes())
    with pytest.raises(InputError, match="none is no run folder"):
        train(config(epochs=2), shapes, tmp_path / "none", resume=True)
    with pytest.raises(InputError, match="config must be a TrainingConfig, not a dict"):
        train({}, shapes, tmp_path / "none")
    with pytest.raises(InputError, match="shapes must be a ShapeSet or a MeshSet, not a ndarray"):
        train(config(), shapes.clouds, tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_another_configuration_does_not_go_on(tmp_path):
    shapes = builtin_shapes("train", 2, num_points=64)
    run = train(config(epochs=1, dropout=0.0), shapes, tmp_path / "run")
    recorded = run.read_json("config.json")
    # Of a version before these fields were there, which have their defaults since; and 0 for 0.0.
    recorded = {k: v for k, v in recorded.items() if k not in ("resample", "architecture")}
    run.write_json("config.json", {**recorded, "model": {**recorded["model"], "dropout": 0}})
    before = (run.path / "config.json").read_bytes(), run.last.read_bytes()
    for changes, named in (
        (
            {"seed": 7, "rotation": "none", "learning_rate": 0.1},
            "rotation was 'so3', not 'none'; seed was 0, not 7; learning_rate was 0.*, not 0.1",
        ),
        ({"preset": "small"}, "preset was 'tiny', not 'small'"),
        ({"spheres": 2}, "only epochs may change: spheres was the preset's, not 2"),
        ({"architecture": "pointnet", "model": {}}, "architecture was 'csnn', not 'pointnet'"),
    ):
        fields = {"epochs": 2, "dropout": 0.0, **changes}
        with pytest.raises(InputError, match=f"run was begun with another configuration.*{named}"):
            train(config(**fields), shapes, run.path, resume=True)
    assert before == ((run.path / "config.json").read_bytes(), run.last.read_bytes())


def test_the_number_of_epochs_that_a_run_goes_on_to_is_recorded(tmp_path):
    shapes = builtin_shapes("train", 2, num_points=64)
    run = train(config(epochs=1), shapes, tmp_path / "run")
    begun = run.read_json("config.json")
    held = []

    class Look(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            with pytest.raises(InputError, match="another process trains in"), run.locked():
                pass
            held.append(epoch)
            assert run.read_json("config.json") == {**begun, "epochs": 2}

    train(config(epochs=2), shapes, run.path, resume=True, callbacks=[Look()])
    assert held == [1]
    # What is done already is not undone.
    train(config(epochs=1), shapes, run.path, resume=True)
    assert run.read_json("config.json") == {**begun, "epochs": 2}


def run_to_kill(out, callbacks=()):
    shapes = builtin_shapes("train", 2, num_points=64)
    settings = config(epochs=EPOCHS, dropout=0.4, batch_size=8)
    return train(
        settings, shapes, out, resume=(out / "config.json").exists(), callbacks=list(callbacks)
    )


@compiled
@pytest.mark.slow
@long_run  # undisturbed and resumed runs are compared above, killed writers in test_atomic_files
def test_killed_runs_resume_to_the_same_weights(tmp_path):
    killed, whole = killed_and_whole(__name__, run_to_kill, tmp_path, seed=0)
    assert same(whole.last, killed.last)
    assert same(whole.best, killed.best)
    assert history(whole) == history(killed)
    assert left_over(killed.path) == []

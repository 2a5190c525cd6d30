"""A run of a density of states that is stopped and resumed ends as if it had never been stopped."""

import dataclasses

import keras
import numpy as np
import pytest

from csnn_tf.data.atoms import builtin_carbon
from csnn_tf.errors import InputError
from csnn_tf.training.dos_trainer import train_dos
from csnn_tf.training.run_folder import history_numbers
from csnn_tf.training.time_budget import TimeBudget
from tests.helpers import compiled, eagerly, long_run, tensorflow_only
from tests.training.killing import EPOCHS, KILLS, killed_and_whole, left_over
from tests.training.test_dos_trainer import MODEL, configuration
from tests.training.test_resume import StopAfter, history, same

pytestmark = [tensorflow_only, eagerly]


def few():
    """Four structures to train on, one of the split "val"."""
    cages = builtin_carbon().select(type="C20")
    rows = [np.flatnonzero(cages.split == split) for split in ("train", "val")]
    return cages.subset(np.r_[rows[0][:4], rows[1][:1]])


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param(
            {"schedule": "cosine", "refine": 0.3, "band_weight": 1e-3, "stratified": True},
            id="refined",
        ),
        pytest.param(
            {
                "architecture": "agni",
                "model": {"hidden": [8], "cutoff": 3.0},
                "schedule": "plateau",
                "patience": 0,
                "threshold": 0.9,
            },
            id="agni-plateau",
            marks=long_run,
        ),
        pytest.param(
            {"architecture": "schnet", "model": {"hidden": [8], "cutoff": 3.0, "filters": 4}},
            id="schnet",
            marks=long_run,
        ),
    ],
)
def test_resumed_run_equals_the_undisturbed_one_to_the_bit(tmp_path, changes):
    config, carbon = configuration(epochs=3, **changes), few()
    whole = train_dos(config, carbon, tmp_path / "whole")
    out = tmp_path / "parts"
    # Before another stage; in long runs within a stage too.
    for stop in (1, 2) if "refine" in changes and KILLS else (2,):
        with pytest.raises(KeyboardInterrupt):
            train_dos(config, carbon, out, resume=out.exists(), callbacks=[StopAfter(stop)])
    parts = train_dos(config, carbon, out, resume=True)
    assert same(whole.last, parts.last)
    assert same(whole.best, parts.best)
    assert history(whole) == history(parts)
    # A finished run has nothing left to do.
    before = parts.last.stat().st_mtime_ns
    train_dos(config, carbon, out, resume=True)
    assert parts.last.stat().st_mtime_ns == before


def test_a_checkpoint_of_another_model_is_named(tmp_path):
    carbon = few()
    run = train_dos(configuration(epochs=1), carbon, tmp_path / "run")
    other = configuration(epochs=2, model={**MODEL, "hidden": [9]})
    run.write_json("config.json", {**run.read_json("config.json"), "model": other.model})
    with pytest.raises(InputError, match=r"checkpoint\.npz"):
        train_dos(other, carbon, run.path, resume=True)
    assert run.read_json("config.json")["epochs"] == 1


def test_another_configuration_does_not_go_on(tmp_path):
    carbon = few()
    run = train_dos(configuration(epochs=1), carbon, tmp_path / "run")
    before = run.read_json("config.json"), run.last.read_bytes()
    other = configuration(epochs=2, model={**MODEL, "hidden": [9]}, alpha=0.25)
    named = r"alpha was 0.9, not 0.25; hidden was \[8\], not \[9\]"
    with pytest.raises(InputError, match=named):
        train_dos(other, carbon, run.path, resume=True)
    assert before == (run.read_json("config.json"), run.last.read_bytes())
    # The same structures may lie elsewhere.
    train_dos(configuration(epochs=2, data="moved.xyz"), carbon, run.path, resume=True)
    assert run.read_json("config.json") == {**before[0], "epochs": 2}


@pytest.mark.parametrize("field", ["dos", "positions", "electrons", "split"])
def test_other_structures_do_not_go_on(tmp_path, field):
    carbon = few()
    run = train_dos(configuration(epochs=1), carbon, tmp_path / "run")
    before = run.read_json("config.json"), run.last.read_bytes()
    value = getattr(carbon, field)
    changed = np.full(len(value), "train") if field == "split" else value * 1.01
    changed = dataclasses.replace(carbon, **{field: changed})
    with pytest.raises(InputError, match="run was begun with other data"):
        train_dos(configuration(epochs=2), changed, run.path, resume=True)
    assert before == (run.read_json("config.json"), run.last.read_bytes())
    # Another library's rounding is no change.
    rounded = dataclasses.replace(carbon, positions=carbon.positions * (1 + 1e-15))
    train_dos(configuration(epochs=1), rounded, run.path, resume=True)


def run_to_kill(out, callbacks=()):
    config = configuration(epochs=EPOCHS, refine=0.5)
    return train_dos(
        config, few(), out, resume=(out / "config.json").exists(), callbacks=list(callbacks)
    )


@compiled  # as the run in a process of its own, to the bit
@pytest.mark.slow
@long_run  # what it needs is the classifier's too
def test_killed_runs_resume_to_the_same_weights(tmp_path):
    killed, whole = killed_and_whole(__name__, run_to_kill, tmp_path, seed=1)
    assert same(whole.last, killed.last)
    assert same(whole.best, killed.best)
    assert history(whole) == history(killed)
    assert left_over(killed.path) == []


def test_a_budget_stops_before_an_epoch_that_would_end_too_late():
    now = [0.0]
    budget = TimeBudget(10.0, clock=lambda: now[0])
    budget.set_model(keras.Sequential([keras.layers.Dense(1)]))
    budget.model.stop_training = False  # as `fit` begins
    stopped = []
    for epoch in range(4):
        budget.on_epoch_begin(epoch)
        now[0] += 3.0
        budget.on_epoch_end(epoch)
        stopped.append(budget.model.stop_training)
    assert stopped == [False, False, True, True]


def test_a_preset_may_have_been_another_when_the_run_began(tmp_path):
    carbon = few()
    begun = configuration(epochs=1, cutoff_function="none")
    run = train_dos(begun, carbon, tmp_path / "run")
    # As if the preset had said so.
    run.write_json("config.json", {**run.read_json("config.json"), "model": MODEL})
    run = train_dos(configuration(epochs=2), carbon, tmp_path / "run", resume=True)
    assert len(history_numbers(run.path / "history.csv")) == 2
    assert keras.models.load_model(run.last).get_config()["cutoff_function"] == "none"

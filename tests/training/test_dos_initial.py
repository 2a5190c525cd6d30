"""Runs that begin with a trained model of densities of states."""

import dataclasses

import keras
import numpy as np
import pytest

from csnn_tf.data.atoms import builtin_carbon
from csnn_tf.data.environments import Environments
from csnn_tf.dos_evaluation import evaluate_dos
from csnn_tf.models.dos_architectures import dos_architecture
from csnn_tf.training.best_epoch import best_row
from csnn_tf.training.dos_config import DosConfig
from csnn_tf.training.dos_initial import restart_lost_bins
from csnn_tf.training.dos_trainer import train_dos
from csnn_tf.training.run_folder import history_numbers
from tests.helpers import eagerly, tensorflow_only
from tests.training.test_dos_trainer import MODEL

pytestmark = [tensorflow_only, eagerly]


def configuration(recipe="refine", **changes):
    fields = {"epochs": 2, "batch_size": 3}
    if "initial" not in changes:
        fields |= {"preset": "tiny", "model": MODEL}
    return DosConfig.from_recipe(recipe, **{**fields, **changes})


@pytest.fixture(scope="module")
def carbon():
    """Six structures to train on, two of the split "val"."""
    cages = builtin_carbon().select(type="C20")
    rows = [np.flatnonzero(cages.split == split) for split in ("train", "val")]
    return cages.subset(np.r_[rows[0][:6], rows[1][:2]])


@pytest.fixture(scope="module")
def trained(carbon, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "first"
    return train_dos(configuration("quick", epochs=3), carbon, out)


def lowered(structures, bins):
    """The structures with their bands so many bins lower."""
    dos = np.roll(structures.dos, -bins, axis=1)
    dos[:, -bins:] = structures.dos[:, -1:]
    return dataclasses.replace(structures, dos=dos)


def test_bins_that_were_empty_take_part(trained, carbon, tmp_path):
    moved, begun = lowered(carbon, 30), []

    class Watch(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            begun.append(dict(logs))

    settings = configuration(initial=str(trained.path))
    run = train_dos(settings, moved, tmp_path / "run", callbacks=[Watch()])
    (seen,) = begun
    assert seen == run.read_json("initial.json")
    assert seen["bins_set_anew"] > 20
    assert seen["val_loss"] > 0
    held = moved.select(split="val")
    new = (carbon.dos.max(axis=0) < 1e-3) & (held.dos.mean(axis=0) > 0.1)
    assert new.sum() > 10
    found = evaluate_dos(run.last, held).prediction.dos[:, new]
    assert (found > 0.5 * held.dos[:, new].mean()).mean() > 0.5


def test_a_bin_begins_anew_if_it_is_dead_or_far_off(carbon):
    model = dos_architecture("csnn").from_preset("tiny", ["C"], np.arange(20.0), **MODEL)
    environments = Environments.find(carbon, model.elements, model.cutoff)
    curves = 1 + 0.1 * np.random.default_rng(0).normal(size=(8, 20)).astype("float32")
    curves[:, :8] = 0
    model.start_from(curves)
    norm = model.network.get_layer("bins_norm")
    # A bin with a negative mean is as dead as one of zeros.
    norm.beta.assign(np.where(np.arange(20) == 6, -0.1, norm.beta.numpy()))
    lower = curves.copy()
    lower[:, 3:5] = 0.01  # almost nothing
    lower[:, 5:8] = curves[:, 10:13]
    lower[:, 19] += 4
    before = norm.beta.numpy()
    assert restart_lost_bins(model, environments, lower) == 4
    anew = [5, 6, 7, 19]
    for values, expected in ((norm.beta, lower.mean(axis=0)), (norm.gamma, lower.std(axis=0))):
        np.testing.assert_allclose(values.numpy()[anew], expected[anew], rtol=1e-5)
    np.testing.assert_array_equal(np.delete(norm.beta.numpy(), anew), np.delete(before, anew))
    # With the running statistics of these structures the mean is the data's at once.
    found = structure_dos(model, environments).mean(axis=0)
    np.testing.assert_allclose(found[[6, 19]], lower.mean(axis=0)[[6, 19]], rtol=0.25)
    assert restart_lost_bins(model, environments, lower) == 0


def structure_dos(model, environments):
    return keras.ops.convert_to_numpy(
        model(environments.of_structures(range(len(environments.counts))), training=False)
    )


def test_bins_of_the_same_data_stay_as_they_are(trained, carbon, tmp_path):
    still = configuration(initial=str(trained.path), epochs=1, learning_rate=0.0)
    run = train_dos(still, carbon, tmp_path / "run")
    begun = run.read_json("initial.json")
    assert begun["bins_set_anew"] == 0
    rows = history_numbers(trained.path / "history.csv")
    for name in ("val_dos", "val_band"):  # the loss of the other recipe weighs them otherwise
        assert begun[name] == pytest.approx(best_row(rows)[name], rel=1e-4)
    before, after = (keras.models.load_model(one).network for one in (trained.best, run.last))
    for name in ("gamma", "beta"):
        one, two = (getattr(net.get_layer("bins_norm"), name).numpy() for net in (before, after))
        np.testing.assert_array_equal(one, two)
    assert not (trained.path / "initial.json").exists()

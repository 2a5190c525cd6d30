"""Training of the density-of-states model, on a few of the built-in structures."""

import dataclasses

import keras
import numpy as np
import pytest

from csnn_tf.data.atoms import builtin_carbon
from csnn_tf.dos_inference import DosPredictor
from csnn_tf.errors import InputError
from csnn_tf.models import DensityOfStates
from csnn_tf.training.best_epoch import best_row
from csnn_tf.training.config import TrainingConfig
from csnn_tf.training.dos_config import DosConfig
from csnn_tf.training.dos_data import electrons_by_element, elements_of, training_parts
from csnn_tf.training.dos_trainer import refined_epochs, train_dos
from csnn_tf.training.run_folder import history_numbers
from tests.helpers import ONE_LEVEL, eagerly, tensorflow_only

pytestmark = [tensorflow_only, eagerly]
MODEL = {**ONE_LEVEL, "hidden": [8], "channels": 4, "cutoff": 3.0}


def configuration(**changes):
    fields = {"epochs": 2, "batch_size": 3}
    if "initial" not in changes:
        fields |= {"preset": "tiny", "model": MODEL}
    return DosConfig.from_recipe("quick", **{**fields, **changes})


@pytest.fixture(scope="module")
def carbon():
    """Six structures to train on, two of the split "val", two of the split "test"."""
    cages = builtin_carbon().select(type="C20")
    rows = [np.flatnonzero(cages.split == split) for split in ("train", "val", "test")]
    return cages.subset(np.r_[rows[0][:6], rows[1][:2], rows[2][:2]])


@pytest.fixture(scope="module")
def run(carbon, tmp_path_factory):
    return train_dos(configuration(), carbon, tmp_path_factory.mktemp("runs") / "first")


def test_a_run_folder_is_left(run, carbon):
    config = run.read_json("config.json")
    assert config["preset"] == "tiny"
    assert config["elements"] == ["C"]
    assert (run.path / "versions.json").is_file()
    for path in (run.best, run.last):
        model = keras.models.load_model(path)
        assert isinstance(model, DensityOfStates)
        assert model.electrons == {"C": 4.0}
        assert model.energies == tuple(carbon.energies)
        assert np.isfinite(DosPredictor(model).predict(carbon).dos).all()


def test_training_again_gives_the_same_weights(run, carbon, tmp_path):
    again = train_dos(configuration(), carbon, tmp_path / "again")
    first, second = (keras.models.load_model(one.last).get_weights() for one in (run, again))
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_the_test_split_is_never_used(run, carbon, tmp_path):
    changed = dataclasses.replace(
        carbon, dos=np.where(carbon.split[:, None] == "test", 0.5, carbon.dos)
    )
    other = train_dos(configuration(), changed, tmp_path / "other")
    first, second = (keras.models.load_model(one.last).get_weights() for one in (run, other))
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_a_used_folder_is_left_alone(run, carbon):
    before = run.last.read_bytes()
    with pytest.raises(InputError, match=run.path.name):
        train_dos(configuration(), carbon, run.path)
    assert run.last.read_bytes() == before


def test_no_electron_counts_and_nothing_held_out(carbon, tmp_path):
    unknown = dataclasses.replace(
        carbon, electrons=np.full(len(carbon), np.nan), split=np.full(len(carbon), "")
    )
    # Without electron counts the terms of Fermi level and band energy are left out.
    models = []
    for term in (0.0, 1.0):
        settings = configuration(
            fermi_weight=term, band_weight=term, refine=0.0, epochs=1, validation=0.0
        )
        run = train_dos(settings, unknown, tmp_path / f"run{term}")
        models.append(keras.models.load_model(run.best))
    assert models[0].electrons is None
    weights = [model.get_weights() for model in models]
    assert all(np.array_equal(a, b) for a, b in zip(*weights, strict=True))


def test_begins_with_weights_of_the_same_bins_but_for_rounding(run, carbon, tmp_path):
    rounded = dataclasses.replace(carbon, energies=carbon.energies + 1e-12)
    settings = configuration(initial=str(run.path), epochs=1, learning_rate=0.0)
    again = train_dos(settings, rounded, tmp_path / "again")
    first, second = (keras.models.load_model(path) for path in (run.best, again.best))
    kernels = [
        [weight.numpy() for weight in model.network.trainable_weights] for model in (first, second)
    ]
    assert all(np.array_equal(a, b) for a, b in zip(*kernels, strict=True))
    moved = dataclasses.replace(carbon, energies=carbon.energies + 1.0)
    with pytest.raises(InputError, match=r"in energies: .* from -30 to .*, not .* from -29"):
        train_dos(settings, moved, tmp_path / "moved")


def test_wrong_arguments(carbon, tmp_path):
    out = tmp_path / "run"
    with pytest.raises(InputError, match="config must be a DosConfig, not a TrainingConfig"):
        train_dos(TrainingConfig(), carbon, out)
    with pytest.raises(InputError, match="structures must be a StructureSet, .*not a list"):
        train_dos(configuration(), [], out)
    with pytest.raises(InputError, match="run is no run folder"):
        train_dos(configuration(), carbon, out, resume=True)
    for electrons in (-4, {"C": 0}, {"Xx": 4}, "C=4"):
        with pytest.raises(InputError, match="electrons (must be a positive|names 'Xx', which is)"):
            configuration(electrons=electrons)
    for field, value in (("cutoff", "abc"), ("hidden", 3)):
        with pytest.raises(InputError, match=f"{field} must be a (number|list)"):
            train_dos(configuration(model={**MODEL, field: value}), carbon, out)
    assert not out.exists()


def test_parts(carbon):
    training, held = training_parts(carbon, 0.2, 0)
    assert set(training.split) == {"train"}
    assert set(held.split) == {"val"}
    blank = dataclasses.replace(carbon, split=np.full(len(carbon), ""))
    training, held = training_parts(blank, 0.2, 0)
    assert (len(training), len(held)) == (8, 2)
    assert set(training.names).isdisjoint(held.names)
    assert training_parts(blank, 0.0, 0)[1] is None
    with pytest.raises(InputError, match="no DOS"):
        training_parts(dataclasses.replace(carbon, dos=None, energies=None), 0.2, 0)
    with pytest.raises(InputError, match="left to train on"):
        training_parts(carbon.select(split="test"), 0.2, 0)
    for split in ("Test", "validation"):
        names = np.where(np.arange(len(carbon)) == 3, split, "train")
        with pytest.raises(InputError, match=f"is of the split '{split}': splits are train, val, "):
            training_parts(dataclasses.replace(carbon, split=names), 0.2, 0)


def test_electrons_of_each_element_follow_from_the_structures(carbon):
    numbers = carbon.numbers.copy()
    numbers[: carbon.counts[0] // 2] = 14
    numbers[carbon.counts[0] : carbon.counts[0] + 3] = 14
    mixed = dataclasses.replace(carbon, numbers=numbers)
    assert elements_of(mixed) == ("C", "Si")
    assert electrons_by_element(mixed) == pytest.approx({"C": 4, "Si": 4})
    # In one composition they do not, and only the user can say.
    numbers = carbon.numbers.copy()
    numbers[::2] = 14
    compound = dataclasses.replace(carbon, numbers=numbers)
    assert electrons_by_element(compound) is None
    for given in ({"C": 3.0, "Si": 5.0, "O": 6.0}, 4):
        expected = {"C": 3, "Si": 5} if given != 4 else {"C": 4, "Si": 4}
        assert electrons_by_element(compound, given) == expected
    assert electrons_by_element(compound, {"C": 3.0}) is None
    with pytest.raises(InputError, match=r" has 4 electrons/atom by its own .* and 3 by the elec"):
        electrons_by_element(compound, {"C": 3.0, "Si": 3.0})
    charged = dataclasses.replace(compound, electrons=compound.electrons + 0.05)
    assert electrons_by_element(charged, {"C": 3.0, "Si": 5.0}) == {"C": 3, "Si": 5}
    inconsistent = carbon.electrons + np.arange(len(carbon))
    assert electrons_by_element(dataclasses.replace(carbon, electrons=inconsistent)) is None


def test_given_electrons_that_the_structures_contradict_are_named(carbon):
    rng = np.random.default_rng(0)

    def silicon(germanium, electrons):
        """32 atoms a cell."""
        numbers = np.full(32 * len(germanium), 14)
        for place, count in enumerate(germanium):
            numbers[32 * place : 32 * place + count] = 32
        rows = carbon.subset(np.zeros(len(germanium), int))
        return dataclasses.replace(
            rows,
            positions=rng.uniform(0, 9, (len(numbers), 3)),
            numbers=numbers,
            counts=np.full(len(germanium), 32),
            electrons=np.array(electrons) / 32,
        )

    dilute = silicon([0, 1], [128, 138])
    assert electrons_by_element(dilute) == pytest.approx({"Si": 4, "Ge": 14})
    assert electrons_by_element(dilute, {"Si": 4.0, "Ge": 14.0}) == {"Si": 4, "Ge": 14}
    for given in ({"Si": 4.0, "Ge": 4.0}, {"Ge": 4.0}, 4.0):
        with pytest.raises(InputError, match=r"^Ge has 14 electrons by the str.* and 4 by the el"):
            electrons_by_element(dilute, given)
    # Nothing but the cell shows it where one composition is all there is.
    with pytest.raises(InputError, match=r"has 4\.3125 electrons/atom by its own .* and 4 by"):
        electrons_by_element(silicon([1, 1], [138, 138]), 4.0)
    # Charged cells, each by its own and all by the same charge.
    for given, electrons in (([0, 1, 2], [129, 127, 130]), ([0, 0], [127, 127])):
        found = electrons_by_element(silicon(given, electrons), {"Si": 4.0, "Ge": 4.0})
        assert set(found.values()) == {4}


@pytest.mark.slow
def test_electrons_of_the_configuration_count_like_those_of_the_data(carbon, tmp_path):
    silent = dataclasses.replace(carbon, electrons=np.full(len(carbon), np.nan))
    histories = []
    for name, structures in (("data", carbon), ("configuration", silent)):
        settings = configuration(band_weight=1.0, electrons={"C": 4.0})
        histories.append(train_dos(settings, structures, tmp_path / name).path / "history.csv")
    one, two = (history_numbers(path) for path in histories)
    assert "val_band" in two[0]
    assert [{**row, "seconds": 0} for row in one] == [{**row, "seconds": 0} for row in two]
    for electrons, named in (({"C": 40}, "fewer than the 40"), ({"Si": 4}, "contains C, whose")):
        with pytest.raises(InputError, match=named):
            train_dos(configuration(electrons=electrons), silent, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_elements_are_those_of_the_structures_to_train_on(carbon, tmp_path):
    numbers = carbon.numbers.copy()
    numbers[-3:] = 14
    run = train_dos(
        configuration(epochs=1), dataclasses.replace(carbon, numbers=numbers), tmp_path / "run"
    )
    assert run.read_json("config.json")["elements"] == ["C"]
    numbers[carbon.offsets[7] + 2] = 32
    strange = dataclasses.replace(carbon, numbers=numbers)
    with pytest.raises(InputError, match=r" is held out and contains Ge, which no structure to t"):
        train_dos(configuration(), strange, tmp_path / "strange")
    assert not (tmp_path / "strange").exists()


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"preset": "huge"}, "huge"),
        ({"model": {"no_such": 1}}, "no_such"),
        ({"epochs": 0}, "epochs"),
        ({"alpha": 2.0}, "alpha"),
        ({"schedule": "steps"}, "schedule"),
        ({"no_such": 1}, "no_such"),
    ],
)
def test_bad_configurations_are_named(changes, named):
    with pytest.raises(InputError, match=named):
        configuration(**changes)


def test_refining_keeps_the_running_statistics_and_trains_the_rest(carbon, tmp_path):
    seen = []

    class Watch(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            weights = self.model.model.network.weights
            moving = [w.numpy() for w in weights if "moving" in w.path]
            seen.append((moving, [w.numpy() for w in weights if w.trainable]))

    config = configuration(epochs=3, refine=0.34, band_weight=1e-3)
    train_dos(config, carbon, tmp_path / "run", callbacks=[Watch()])
    (moving0, _), (moving1, weights1), (moving2, weights2) = seen
    assert all((a != b).any() for a, b in zip(moving0, moving1, strict=True))
    assert all((a == b).all() for a, b in zip(moving1, moving2, strict=True))
    assert any((a != b).any() for a, b in zip(weights1, weights2, strict=True))


def test_the_shortest_run_refines_too(carbon, tmp_path):
    class Watch(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            assert self.model.refining

    train_dos(configuration(epochs=1, refine=0.3), carbon, tmp_path / "run", callbacks=[Watch()])
    split = {(0.3, 1): 1, (0.3, 2): 1, (0.3, 10): 3, (0.3, 28): 8, (0.3, 75): 22, (1.0, 16): 16}
    assert {key: refined_epochs(*key) for key in split} == split
    assert refined_epochs(0.0, 60) == 0


def test_without_held_out_structures_the_best_epoch_is_one_that_refines(carbon, tmp_path):
    # The refinement's terms make its losses the larger ones.
    terms = {"refine": 0.67, "band_weight": 1e3}
    config = configuration(
        epochs=3, validation=0.0, schedule="plateau", patience=0, threshold=0.0, **terms
    )
    training = dataclasses.replace(carbon, split=np.full(len(carbon), ""))
    run = train_dos(config, training, tmp_path / "run")
    rows = history_numbers(run.path / "history.csv")
    assert [row["refining"] for row in rows] == [0, 1, 1]
    assert rows[0]["loss"] < min(rows[1]["loss"], rows[2]["loss"])
    assert best_row(rows)["epoch"] > 1
    # Beginning to refine is no lack of progress.
    assert rows[2]["learning_rate"] == rows[1]["learning_rate"]


def test_a_run_can_begin_with_a_trained_model(run, carbon, tmp_path):
    still = configuration(initial=str(run.path), epochs=1, learning_rate=0.0, weight_decay=0.0)
    again = train_dos(still, carbon, tmp_path / "again")
    model, found = (keras.models.load_model(path) for path in (run.best, again.last))
    assert all(
        np.array_equal(a, b)
        for a, b in zip(model.trainable_variables, found.trainable_variables, strict=True)
    )
    other = configuration(initial=str(run.path), model={**MODEL, "cutoff": 3.5})
    with pytest.raises(InputError, match="differs from the model to train in cutoff"):
        train_dos(other, carbon, tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_a_run_may_map_neighbours_as_the_trained_model_did_not(run, carbon, tmp_path):
    like = configuration(initial=str(run.path))
    assert (like.preset, like.model) == ("tiny", MODEL)
    faded = configuration(initial=str(run.path), epochs=1, cutoff_function="none")
    model = keras.models.load_model(train_dos(faded, carbon, tmp_path / "faded").last)
    assert model.get_config()["cutoff_function"] == "none"
    assert keras.models.load_model(run.best).get_config()["cutoff_function"] == "switch"
    direct = {"preset": "tiny", "model": MODEL, "epochs": 1, "initial": str(tmp_path / "faded")}
    again = train_dos(DosConfig(**direct), carbon, tmp_path / "again")
    assert keras.models.load_model(again.last).get_config()["cutoff_function"] == "none"


def test_a_folder_that_another_process_trains_in_is_refused(run, carbon):
    pytest.importorskip("fcntl", reason="systems without it have no locks")
    with run.locked(), pytest.raises(InputError, match="another process trains in"):
        train_dos(configuration(), carbon, run.path, resume=True)


def test_a_folder_is_locked_before_it_is_looked_at(run, carbon, monkeypatch):
    pytest.importorskip("fcntl", reason="systems without it have no locks")
    seen = []

    def fingerprint(structures):
        with pytest.raises(InputError, match="another process trains in"), run.locked():
            pass
        seen.append(structures)
        return "another"

    monkeypatch.setattr("csnn_tf.training.dos_trainer.fingerprint", fingerprint)
    with pytest.raises(InputError, match="other data"):
        train_dos(configuration(), carbon, run.path, resume=True)
    assert seen


def test_rare_elements_are_trained_on():
    cages = builtin_carbon().select(type="C20").subset(np.arange(10))
    numbers = cages.numbers.copy()
    numbers[cages.offsets[4]] = 14
    mixed = dataclasses.replace(cages, numbers=numbers, split=np.full(10, ""))
    for seed in range(5):
        training, held_out = training_parts(mixed, 0.5, seed)
        assert 14 in training.numbers
        assert set(held_out.numbers) == {6}
        assert len(training) + len(held_out) == 10

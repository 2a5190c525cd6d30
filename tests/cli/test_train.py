"""Trainings and their data, of one's own or written by a command, as users type them."""

import json
import shutil

import numpy as np
import pytest
from click.testing import CliRunner

from csnn_tf.errors import InputError
from csnn_tf_command import cli
from tests.cli.running import LEAST, run
from tests.data.data_files import class_tree, npy
from tests.helpers import eagerly

pytestmark = eagerly


@pytest.mark.parametrize("resample", ["true", "false"])
def test_clouds_of_other_sizes_can_be_trained_on_and_evaluated(tmp_path, resample):
    rng = np.random.default_rng(0)
    files = {
        f"{name}/{split}/{size}.npy": npy(rng.normal(size=(size, 3)))
        for name in ("bolt", "nut")
        for split in ("train", "test")
        for size in (20, 32, 80, 90)  # one of a class is held out
    }
    data, out = ["--data", class_tree(tmp_path / "data", files)], tmp_path / "run"
    options = ["--preset", "tiny", *LEAST, "--epochs", 1, "--set", "num_points=32"]
    run("train", "modelnet", *data, *options, "--set", f"resample={resample}", "--out", out)
    # Of the run's own data, with as many points as it was trained with where there are as many.
    text = run("evaluate", out).output
    assert f"8 shapes of {data[1]}, 20 to 32 points, " in text
    found = json.loads(run("evaluate", out, "--json", "--num-points", 5000).output)
    assert (found["least_points"], found["num_points"]) == (20, 90)
    assert run("evaluate", out, *data, "--num-points", 32).output == text
    shutil.copy(out / "best.keras", tmp_path / "alone.keras")
    with pytest.raises(InputError, match=r"nothing says what .*alone\.keras was trained on"):
        run("evaluate", tmp_path / "alone.keras")
    shutil.move(tmp_path / "data", tmp_path / "elsewhere")
    with pytest.raises(InputError, match="trained on is not at hand: give --data"):
        run("evaluate", out)
    with pytest.raises(InputError, match="the data of .*run must be where it was: .*data"):
        run("train", "modelnet", "--out", out, "--resume")


def test_a_training_says_what_it_reads_and_passes_over(tmp_path):
    cloud = npy(np.random.default_rng(0).normal(size=(32, 3)))
    names = [f"{part}/{n}.npy" for part in ("bolt/train", "bolt/test", "nut/train") for n in (1, 2)]
    others = ["a.PCD", "b.pcd", "c.pts", "d.npy.gz", "e.las", "README", ".DS_Store", "2024/f.npy"]
    names += [f"{part}/{name}" for part in ("bolt/train", "nut/test") for name in others]
    names += ["nut/test/1.npy", "runs/old/config.json", "runs/old/checkpoint.npz"]
    data = class_tree(tmp_path / "data", dict.fromkeys(names, cloud))
    options = ["--preset", "tiny", *LEAST, "--epochs", 1, "--set", "num_points=16", "--data", data]
    found = run("train", "modelnet", *options, "--out", tmp_path / "run").stderr
    first = "2 shapes of 2 classes to train on, 2 held out; passed over: 6 other files (.pcd, "
    assert found.startswith(first), found
    assert ", ...), 1 folder in those of the classes, runs (neither train nor test in it)" in found
    assert "No shape is held out" not in found
    again = run("train", "modelnet", "--out", tmp_path / "run", "--resume")
    assert "passed over" not in again.output
    with pytest.raises(InputError, match="run exists already: choose another folder"):
        run("train", "modelnet", "--data", tmp_path / "nowhere", "--out", tmp_path / "run")


def test_what_was_passed_over_is_said_where_nothing_can_be_held_out(tmp_path):
    cloud = npy(np.random.default_rng(0).normal(size=(32, 3)))
    names = [f"{name}/train/{file}" for name in ("bolt", "nut") for file in ("1.npy", "2.pcd")]
    data = class_tree(tmp_path / "data", dict.fromkeys(names, cloud))
    arguments = ["train", "modelnet", "--data", str(data), "--preset", "tiny"]
    result = CliRunner().invoke(cli, [*arguments, "--out", str(tmp_path / "run")])
    assert "2 shapes of 2 classes to train on; passed over: 2 other files (.pcd)" in result.stderr
    assert "no class has two shapes" in str(result.exception)
    assert not (tmp_path / "run").exists()


def test_a_training_says_what_it_lacks_and_why_it_ended(tmp_path):
    rng = np.random.default_rng(0)
    files = {f"bolt/train/{n}.npy": npy(rng.normal(size=(32, 3))) for n in range(4)}
    more = files | {f"{name}/train/0.npy": files["bolt/train/0.npy"] for name in ("nut", "pin")}
    data = ["--data", class_tree(tmp_path / "more", more), "--preset", "tiny", *LEAST]
    said = run("train", "modelnet", *data, "--epochs", 1, "--out", tmp_path / "first").stderr
    assert "5 shapes of 3 classes to train on, 1 held out\n" in said
    assert "No shape is held out of nut, pin: the choice of the epoch leaves them aside.\n" in said
    data = ["--data", class_tree(tmp_path / "data", files), "--preset", "tiny", *LEAST]
    options = ["--epochs", 3, "--set", "min_learning_rate=1", "--out", tmp_path / "run"]
    result = run("train", "modelnet", *data, *options, "--set", "learning_rate=1")
    assert "3 shapes of 1 class to train on, 1 held out\n" in result.stderr
    assert "bolt/test has no shapes" in result.stderr
    assert "data has one class, bolt: any answer is right, and an accuracy of" in result.stderr
    assert "Ended after" not in result.output
    (tmp_path / "data" / "bolt" / "test").mkdir()
    out = tmp_path / "other"
    options = ["--epochs", 3, "--set", "min_learning_rate=1", "--out", out]
    result = run("train", "modelnet", *data, *options)
    assert "bolt/test has no shapes" in result.stderr
    assert "Ended after 1 of 3 epochs: the learning rate was below 1 (" in result.output


def test_data_shapes_that_do_not_fit_on_the_disk_leave_nothing(tmp_path, monkeypatch):
    save, saved = np.save, []

    def full(path, *arguments, **options):
        saved.append(path)
        if len(saved) == 3:
            raise OSError("3072 requested and 2016 written.")
        save(path, *arguments, **options)

    monkeypatch.setattr(np, "save", full)
    for _ in range(2):
        saved.clear()
        with pytest.raises(InputError, match="shapes cannot be written: 3072 requested"):
            run("data", "shapes", tmp_path / "shapes", "--per-class", 1, "--num-points", 16)
        assert len(saved) == 3
        assert not list(tmp_path.iterdir())


def test_data_shapes_can_be_trained_on(tmp_path):
    folder = tmp_path / "shapes"
    run("data", "shapes", folder, "--per-class", 3, "--num-points", 64)
    assert len(list(folder.glob("*/test/*.npy"))) == 48
    with pytest.raises(InputError, match="shapes exists already: choose another folder"):
        run("data", "shapes", folder, "--per-class", 1, "--num-points", 16)
    options = ["--preset", "tiny", "--epochs", 1, "--set", "num_points=32", "--set", "batch_size=4"]
    options += LEAST
    out = tmp_path / "run"
    result = run("train", "modelnet", "--data", folder, *options, "--rotation", "z", "--out", out)
    assert result.exit_code == 0, result.output
    assert (out / "last.keras").is_file()

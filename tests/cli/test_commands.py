"""The command line, as users type it."""

import json
import re
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from csnn_tf.cli import predict
from csnn_tf.errors import InputError
from tests.cli.running import LEAST, run
from tests.data.data_files import class_tree, npy
from tests.helpers import eagerly

pytestmark = eagerly
TINY = ["--set", "num_points=64", "--set", "per_class=3", "--set", "batch_size=16"]
TINY += ["--set", "hidden=[16]", *LEAST]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "run"
    options = ["--recipe", "best", "--preset", "tiny", "--epochs", 1, *TINY]
    result = run("train", "shapes", *options, "--out", out)
    assert result.exit_code == 0, result.output
    return out


def test_training_leaves_a_run_folder_and_says_where(trained):
    assert (trained / "best.keras").is_file()
    config = json.loads((trained / "config.json").read_text())
    assert config["model"]["hidden"] == [16]
    assert config["per_class"] == 3


def test_a_finished_run_can_be_resumed_but_not_changed(trained):
    before = (trained / "last.keras").read_bytes()
    again = run("train", "shapes", "--out", trained, "--resume")
    assert again.exit_code == 0
    first, best, _ = again.stdout.splitlines()
    assert first == "The run was finished before."
    assert re.fullmatch(r"Best on the held-out shapes: [0-9.]+% in epoch 1\.", best)
    assert (trained / "last.keras").read_bytes() == before
    with pytest.raises(InputError, match="--epochs"):
        run("train", "shapes", "--out", trained, "--resume", "--epochs", 3)
    with pytest.raises(InputError, match="not on modelnet"):
        run("train", "modelnet", "--out", trained, "--resume")
    with pytest.raises(InputError, match="--out"):
        run("train", "shapes", "--resume")


def test_training_goes_on_with_a_trained_model_on_other_classes(trained, tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    for name in ("cone", "bolt"):
        for split in ("train", "test"):
            folder = tmp_path / "parts" / name / split
            folder.mkdir(parents=True)
            for number in range(4):
                np.save(folder / f"{number}.npy", rng.normal(size=(64, 3)))
    monkeypatch.chdir(trained.parent)
    data = ["modelnet", "--data", tmp_path / "parts", "--from", trained.name]
    options = ["--epochs", 1, "--set", "num_points=64", "--out", tmp_path / "run"]
    assert run("train", *data, *options).exit_code == 0
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["classes"] == ["bolt", "cone"]
    assert (config["preset"], config["recipe"]) == ("tiny", "finetune")
    assert config["model"]["hidden"] == [16]
    assert config["initial"] == str(trained)  # wherever the run goes on
    with pytest.raises(InputError, match="leave out --preset"):
        run("train", *data, "--preset", "small")
    with pytest.raises(InputError, match="leave out --model"):
        run("train", *data, "--model", "csnn")
    with pytest.raises(InputError, match="leave out --from"):
        run("train", "modelnet", "--from", trained, "--out", tmp_path / "run", "--resume")


def test_evaluate_finds_the_data_of_the_training_from_another_folder(tmp_path, monkeypatch):
    for place, points in (("one", 64), ("other", 32)):
        cloud = npy(np.random.default_rng(0).normal(size=(points, 3)))
        names = [f"{split}/{n}.npy" for split in ("train", "test") for n in range(2)]
        class_tree(tmp_path / place / "data/one", dict.fromkeys(names, cloud))
    monkeypatch.chdir(tmp_path / "one")
    options = ["--preset", "tiny", "--recipe", "quick", "--epochs", 1, *TINY[:2], *TINY[4:]]
    assert run("train", "modelnet", "--data", "data", *options, "--out", "run").exit_code == 0
    recorded = json.loads(Path("run/config.json").read_text())["folder"]
    assert recorded == str(tmp_path / "one" / "data")
    monkeypatch.chdir(tmp_path / "other")
    assert recorded in run("evaluate", "../one/run").output
    Path("../one/data").rename("../one/moved")
    with pytest.raises(InputError, match="is not at hand: give --data"):
        run("evaluate", "../one/run")


def test_data_that_was_given_in_python_is_not_at_hand(trained, tmp_path):
    shutil.copytree(trained, tmp_path / "run")
    config = json.loads((trained / "config.json").read_text())
    (tmp_path / "run" / "config.json").write_text(json.dumps({**config, "data": "modelnet"}))
    with pytest.raises(InputError, match="was given in Python: name what to measure on with --dat"):
        run("evaluate", tmp_path / "run")
    with pytest.raises(InputError, match="was begun in Python, with data that was given there"):
        run("train", "modelnet", "--out", tmp_path / "run", "--resume")


def test_evaluate_prints_a_summary_and_json(trained):
    arguments = ["evaluate", trained, "--per-class", 1, "--num-points", 64]
    text = run(*arguments, "--rotation", "z").output
    assert "so3/z" in text
    assert "class-mean accuracy" in text
    found = json.loads(run(*arguments, "--json", "--consistency", 2, "--votes", 2).output)
    assert 0 <= found["accuracy"] <= 1
    assert found["protocol"]["votes"] == 2
    assert found["trained"]["rotation"] == "so3"


def test_the_upright_axis_is_that_of_the_training(trained, tmp_path, monkeypatch):
    upright = tmp_path / "upright"
    shutil.copytree(trained, upright)
    config = json.loads((trained / "config.json").read_text())
    (upright / "config.json").write_text(json.dumps({**config, "upright_axis": 2}))
    options = ["--per-class", 1, "--rotation", "z", "--json"]
    for model, more, axis in (
        (trained, [], 1),
        (upright, [], 2),
        (upright, ["--upright-axis", 0], 0),
    ):
        found = json.loads(run("evaluate", model, *options, *more).output)
        assert found["protocol"]["upright_axis"] == axis
    seen = []
    monkeypatch.setattr("csnn_tf.cli.train.train", lambda config, *_, **__: seen.append(config))
    monkeypatch.setattr("csnn_tf.cli.train.conclude", lambda *_, **__: None)
    for more in ([], ["--set", "upright_axis=0"]):
        run("train", "shapes", "--from", upright, *TINY[:4], *more)
    shapes = SimpleNamespace(class_names=())
    for name in ("load_shapes", "_say_what_is_read", "_say_what_lacks"):
        monkeypatch.setattr(f"csnn_tf.cli.train.{name}", lambda *_, **__: shapes)
    run("train", "modelnet", "--data", tmp_path, "--from", upright)
    # The built-in shapes stand as they do.
    assert [config.upright_axis for config in seen] == [1, 0, 2]
    monkeypatch.setattr(
        "csnn_tf.report.show_page.write_view", lambda *_, **how: seen.append(how) or (0, 0)
    )
    monkeypatch.setattr("csnn_tf.cli.show._shape", lambda *_: SimpleNamespace(shown=""))
    run("show", "cloud.npy", "--model", upright)
    assert seen[-1]["upright_axis"] == 2
    with pytest.raises(InputError, match="--upright-axis is of --rotation z, not of --rotation so"):
        run("evaluate", upright, "--per-class", 1, "--upright-axis", 2)


def test_predict_reads_clouds_and_meshes(trained, tmp_path, monkeypatch):
    np.save(tmp_path / "cloud.npy", np.random.default_rng(0).normal(size=(80, 3)))
    (tmp_path / "mesh.off").write_text("OFF\n3 1 0\n0 0 0\n1 0 0\n0 1 0\n3 0 1 2\n")
    files = [tmp_path / "cloud.npy", tmp_path / "mesh.off"]
    rows = json.loads(run("predict", trained, *files, "--json", "--top", 2).output)
    assert [row["file"] for row in rows] == [str(file) for file in files]
    assert all(len(row["top"]) == 2 for row in rows)
    assert "cloud.npy: " in run("predict", trained, files[0]).output
    with pytest.raises(
        InputError, match=r"--num-points is about meshes, and .*cloud\.npy is a clo"
    ):
        run("predict", trained, files[0], "--num-points", 40)
    voted = json.loads(run("predict", trained, *files, "--json", "--top", 2, "--votes", 2).output)
    assert voted[0]["top"] != rows[0]["top"]
    np.save(tmp_path / "point.npy", np.ones((48, 3)))
    both = run("predict", trained, tmp_path / "point.npy", files[0])
    assert both.stderr == (
        f"all points of {tmp_path / 'point.npy'} are one and the same: its class means nothing.\n"
    )
    assert both.stdout.count("%") == 6
    batches = []
    monkeypatch.setattr(predict, "share_cores_among_batches", batches.append)
    for most in (2, 1):
        monkeypatch.setattr(predict, "_BATCH", most)
        run("predict", trained, *files)
    assert batches == [1, 2]


def test_clouds_of_far_fewer_points_than_in_training_are_named(trained, tmp_path):
    for count in (48, 47, 3):  # the model was trained with 64
        np.save(tmp_path / f"{count}.npy", np.random.default_rng(0).normal(size=(count, 3)))
    enough, sparse, least = (tmp_path / f"{count}.npy" for count in (48, 47, 3))
    usual = f"far fewer points than the 64 of a shape that {trained} was trained with: "
    assert run("predict", trained, enough).stderr == ""
    found = run("predict", trained, enough, sparse)
    assert found.stderr == f"{sparse} has {usual}its class may well be wrong.\n"
    found = run("predict", trained, least, enough, sparse, "--json")
    assert found.stderr == f"{least} and 1 more have {usual}their classes may well be wrong.\n"
    own = shutil.copytree(trained, tmp_path / "own")
    config = json.loads((trained / "config.json").read_text())
    (own / "config.json").write_text(json.dumps({**config, "point_dropout": 0.5}))
    found = run("predict", own, least, sparse).stderr
    assert found.startswith(
        f"{least} has far fewer points than the 32 to 64 of a shape that {own} "
    )
    for others in ({"folder": "clouds"}, {"data": "modelnet"}):  # the second from Python
        (own / "config.json").write_text(json.dumps({**config, **others}))
        assert run("predict", own, sparse).stderr == "", "clouds of one's own may have had as few"


def test_meshes_get_as_many_points_as_in_training(trained, tmp_path, monkeypatch):
    (tmp_path / "mesh.off").write_text("OFF\n3 1 0\n0 0 0\n1 0 0\n0 1 0\n3 0 1 2\n")
    monkeypatch.chdir(tmp_path)
    mesh = tmp_path / "mesh.off"
    predicted = ["predict", trained, mesh, "--json"]
    usual, as_trained, more = (
        run(*predicted, *given).output
        for given in ([], ["--num-points", 64], ["--num-points", 512])
    )
    assert usual == as_trained != more
    for given, expected in (([], 1024), (["--model", trained], 64)):
        run("show", mesh, *given)
        assert f" about {expected} points." in Path("mesh.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["train", "modelnet"], "--data"),
        (["train", "modelnet", "--data", "no/such/folder"], "no/such/folder"),
        (["train", "shapes", "--preset", "huge"], "huge"),
        (["train", "shapes", "--recipe", "secret"], "secret"),
        (["train", "shapes", "--from", "no-such-model"], "no-such-model"),
        (["train", "shapes", "--from", "carbon_dos_small"], "carbon_dos_small is a model of dens"),
        (["train", "shapes", "--set", "spheres"], "spheres"),
        (
            ["train", "shapes", "--set", "architecture=dgcnn", "--epochs", 0],
            "take architecture: give --model",
        ),
        (
            ["train", "dos", "--set", "architecture=agni", "--epochs", 0],
            "take architecture: give --model",
        ),
        (["train", "shapes", "--set", "no_such=1"], "no_such"),
        (["train", "shapes", "--set", "epochs=many"], "epochs"),
        (["train", "shapes", "--epochs", 1, "--set", "epochs=2"], "given twice"),
        (["train", "dos", "--epochs", 1, "--set", "epochs=2"], "given twice"),
        (["reproduce", "table1", "--out", "x", "--epochs", 1, "--set", "epochs=2"], "given twice"),
        (["train", "shapes", "--set", "level=9", "--set", "per_class=2"], "level"),
        (["evaluate", "no-such-model"], "no-such-model"),
        (["evaluate", "no-such-model", "--electrons", "C=4"], "no-such-model"),
        (["evaluate", "modelnet40_small_so3"], "--data is needed"),
        (
            ["evaluate", "modelnet40_small_so3", "--data", ".", "--per-class", 5],
            "--per-class is ab",
        ),
        (
            ["evaluate", "dos", "carbon_dos_small"],
            "leave out dos, as in `csnn-tf evaluate carbon_d",
        ),
        (["evaluate", "carbon_dos_small", "--seed", 1], "--seed is of --rotations"),
        (
            ["train", "modelnet", "--data", ".", "--set", "per_class=5"],
            "per_class is about the buil",
        ),
        (["benchmark", "--scaling", "--no-mixed", "--preset", "tiny"], "leave out --no-mixed"),
        (["evaluate", "modelnet40_small_so3", "--data", "carbon_dos_small"], "is not a folder"),
        (["predict", "no-such-model", "file.npy"], "no-such-model"),
        (["predict", "carbon_dos_small", "file.npy"], "`csnn-tf predict dos carbon_dos_small"),
        (["data", "modelnet", "folder", "--from", "missing.zip"], "missing.zip"),
    ],
)
def test_bad_input_names_the_culprit_and_leaves_nothing(arguments, named, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=named):
        run(*arguments)
    assert not list(tmp_path.rglob("*.keras"))
    assert not list(tmp_path.rglob("config.json"))


def test_a_file_that_is_no_model_is_named(tmp_path):
    (tmp_path / "fake.keras").write_bytes(b"not a zip file")
    with pytest.raises(InputError, match=r"fake\.keras"):
        run("evaluate", tmp_path / "fake.keras")


def test_unreadable_shape_is_named(trained, tmp_path):
    (tmp_path / "broken.npy").write_bytes(b"\x93NUMPY")
    with pytest.raises(InputError, match=r"broken\.npy"):
        run("predict", trained, tmp_path / "broken.npy")

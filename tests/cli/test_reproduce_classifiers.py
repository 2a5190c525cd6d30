"""csnn-tf reproduce table1, table3, figure7 and ablation, and training a baseline by name."""

import json

import numpy as np
import pytest

from csnn_tf.data.sources import make_source
from csnn_tf.errors import InputError
from csnn_tf.models import DgcnnClassifier, PointNetClassifier
from csnn_tf.models.loading import load_model
from csnn_tf.report.command_line import training_command
from csnn_tf.training.config import TrainingConfig
from tests.cli.running import LEAST, run
from tests.data.data_files import SQUARE, TETRAHEDRON, class_tree, export, npy
from tests.helpers import eagerly, long_run, tensorflow_only

pytestmark = [tensorflow_only, eagerly]
SMALL = ["--preset", "tiny", "--set", "num_points=16", "--set", "batch_size=16"]
SMALL += ["--set", "per_class=2", "--set", "hidden=[8]", "--epochs", 1]


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    """A folder with a baseline that `csnn-tf train` made."""
    out = tmp_path_factory.mktemp("out")
    options = [*SMALL, "--set", "filters=[8]", "--set", "transforms=false", "--recipe", "best"]
    trained = run("train", "shapes", "--model", "pointnet", *options, "--out", out / "pointnet-so3")
    assert trained.exit_code == 0, trained.output
    return out


def test_a_baseline_is_trained_and_used_like_the_model(out, tmp_path):
    folder = out / "pointnet-so3"
    stored = json.loads((folder / "config.json").read_text())
    assert stored["architecture"] == "pointnet"
    assert "dropout" not in stored["model"]
    model = load_model(folder, PointNetClassifier)
    assert model.dropout == 0.1
    command = training_command(stored)
    assert "train shapes --model pointnet --preset tiny --recipe best" in command
    assert "--set 'filters=[8]'" in command

    assert run("train", "shapes", "--out", folder, "--resume").exit_code == 0
    with pytest.raises(InputError, match="leave out --model"):
        run("train", "shapes", "--out", folder, "--resume", "--model", "dgcnn")
    found = run("evaluate", folder, "--per-class", 1, "--num-points", 16, "--json")
    assert json.loads(found.output)["trained"]["architecture"] == "pointnet"
    np.save(tmp_path / "cloud.npy", np.random.default_rng(0).normal(size=(9, 3)))
    assert "cloud.npy: " in run("predict", folder, tmp_path / "cloud.npy").output
    with pytest.raises(InputError, match="a PointNetClassifier cannot be exported"):
        run("export", folder, tmp_path / "served")
    assert not (tmp_path / "served").exists()
    with pytest.raises(InputError, match="holds a PointNetClassifier, not a PointCloudClassifier"):
        run("show", tmp_path / "cloud.npy", "--model", folder, "--html", tmp_path / "page.html")
    assert not (tmp_path / "page.html").exists()


def test_table1_takes_a_run_that_is_there(out):
    before = (out / "pointnet-so3" / "best.keras").read_bytes()
    options = [*SMALL, "--per-class", 1, "--budget", 0]
    text = run("reproduce", "table1", *options, "--out", out).output
    assert "Not trained for lack of time: pointnet-z, dgcnn-z, csnn-z, dgcnn-so3, csnn-so3" in text
    assert (out / "table1.md").read_text() in text
    assert "PointNet, the paper's" in text
    assert "| CSNN" not in text
    assert (out / "table1.csv").is_file()
    assert (out / "pointnet-so3" / "best.keras").read_bytes() == before
    assert "are gone" not in text
    text = run("reproduce", "table1", *options, "--select-on-test", "--out", out).output
    assert "earlier models are gone: pointnet-so3." in text


def test_figure7_and_table3_share_their_runs(tmp_path):
    spheres = ["--spheres", "2,1", "--per-class", 1, "--out", tmp_path]
    text = run("reproduce", "figure7", *SMALL, *LEAST, *spheres).output
    assert (tmp_path / "figure7.md").read_text() in text
    assert (tmp_path / "figure7.png").is_file()
    stored = json.loads((tmp_path / "csnn-2-spheres" / "config.json").read_text())
    assert (stored["model"]["spheres"], stored["model"]["channels"]) == (2, 1)
    text = run("reproduce", "table3", *SMALL, "--budget", 0, *spheres).output
    assert "| 2 | " in text
    assert "| 50 | 1.00 |" in text
    # A folder of the right name with another model in it.
    other = (tmp_path / "csnn-1-spheres").rename(tmp_path / "csnn-3-spheres")
    stored["model"] |= {"spheres": 3, "channels": 2}
    (other / "config.json").write_text(json.dumps(stored))
    with pytest.raises(InputError, match="a run with channels 2, not 1"):
        run("reproduce", "table3", *SMALL, "--budget", 0, "--spheres", "3", "--out", tmp_path)


@long_run
def test_an_ablation_goes_on_where_it_was_cut_short(tmp_path):
    command = ["reproduce", "ablation", *SMALL, *LEAST, "--seeds", 2]
    command += ["--share", 0.5, "--out", tmp_path, "--change"]
    text = run(*command, "optimizer=adam weight_decay=0", "--rotation", "z").output
    assert (tmp_path / "ablation.md").read_text() in text
    assert "| `optimizer=adam weight_decay=0` |" in text
    stored = {
        name: json.loads((tmp_path / name / "config.json").read_text())
        for name in ("as_it_is-seed1", "optimizer=adam_weight_decay=0-seed1")
    }
    assert [config.pop("optimizer") for config in stored.values()] == ["adamw", "adam"]
    assert [config.pop("weight_decay") for config in stored.values()] == [0.02, 0]
    first, second = stored.values()
    assert first == second
    assert (first["seed"], first["validation"]) == (1, 0.0)
    before = (tmp_path / "as_it_is-seed1" / "last.keras").read_bytes()
    text = run(*command, "dropout=0.5", "--rotation", "z", "--seeds", 1).output
    assert "`dropout=0.5`" in text
    assert "adam" not in text
    assert (tmp_path / "as_it_is-seed1" / "last.keras").read_bytes() == before
    with pytest.raises(InputError, match="were made with rotation z, not so3"):
        run(*command, "dropout=0.5")


@long_run
def test_an_ablation_measures_meshes_that_were_not_trained_on(tmp_path, monkeypatch):
    solids = {"roof": export(TETRAHEDRON, "off"), "tile": export(SQUARE, "off")}
    files = {f"{name}/train/{n}.off": solid for name, solid in solids.items() for n in range(4)}
    data = class_tree(tmp_path / "data", files)
    monkeypatch.chdir(tmp_path)
    command = ["reproduce", "ablation", "--data", "data", "--preset", "tiny", "--epochs", 1]
    command += ["--set", "num_points=16", *LEAST, "--share", 0.5, "--seeds", 1]
    text = run(*command, "--change", "dropout=0.5", "--out", tmp_path / "out").output
    assert "on 4 shapes of the training set and is measured on the other 4" in text
    assert "| `dropout=0.5` |" in text
    stored = json.loads((tmp_path / "out" / "as_it_is-seed0" / "config.json").read_text())
    assert stored["folder"] == str(data)
    # Whose data it is shows its name, however that was given and recorded.
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    command[3] = "../data"
    again = run(*command, "--change", "dropout=0.5", "--budget", 0, "--out", "../out").output
    assert "| `dropout=0.5` |" in again


def test_an_ablation_draws_points_anew_for_the_change_only(tmp_path, monkeypatch):
    kept = []

    def source(shapes, num_points, seed, at_most):
        made = make_source(shapes, num_points, seed, at_most)
        kept.append((made.stored[0].shape[1], [name[-5:] for name in shapes.names]))
        return made

    monkeypatch.setattr("csnn_tf.training.trainer.make_source", source)
    points = np.random.default_rng(0).normal(size=(4, 60, 3))
    files = {f"bolt/train/{n}.npy": npy(cloud) for n, cloud in enumerate(points)}
    command = ["reproduce", "ablation", "--data", class_tree(tmp_path / "data", files)]
    command += ["--preset", "tiny", "--epochs", 1, "--set", "num_points=16", *LEAST]
    run(*command, "--share", 0.5, "--seeds", 1, "--change", "resample=true", "--out", tmp_path)
    (once, same), (anew, shapes) = kept
    assert (once, anew) == (16, 60)
    assert same == shapes


def test_old_configurations_are_of_the_papers_model():
    fields = TrainingConfig().to_dict()
    del fields["architecture"]
    assert TrainingConfig.from_dict(fields).architecture == "csnn"


def test_what_a_recipe_says_of_the_model_is_for_csnn():
    assert TrainingConfig.from_recipe("best").model == {}
    assert TrainingConfig.from_recipe("tilted").model.keys() == {"tilt"}
    baseline = TrainingConfig.from_recipe("tilted", architecture="dgcnn", neighbors=5)
    assert baseline.model == {"neighbors": 5}
    assert DgcnnClassifier.from_preset("paper", 2).dropout == 0.5


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["table1", "--preset", "huge"], "huge"),
        (["table1", "--recipe", "secret"], "secret"),
        (["table1", "--data", "no/such"], "no/such"),
        (["table1", "--preset", "tiny", "--budget", 0], "no trained model"),
        (["table1", "--set", "architecture=csnn"], "architecture"),
        (["table1", "--set", "no_such=1"], "no_such"),
        (["ablation", "--change", "epochs=3"], "--change does not take epochs"),
        (["ablation", "--change", "no_such=1"], "no_such"),
        (["ablation", "--change", "per_class=3"], "--change does not take per_class"),
        (["ablation", "--change", "upright_axis=0"], "--change does not take upright_axis"),
        (["ablation", "--change", "architecture=dgcnn"], "--change does not take architecture"),
        (["ablation", "--change", ""], "every --change needs fields"),
        (["ablation", "--change", "spheres=3", "--change", "spheres=3"], "every --change needs"),
        (
            ["ablation", "--set", "validation=0", "--change", "spheres=3"],
            "--set does not take val",
        ),
        (["ablation", "--change", "seed=1"], "--change does not take seed: give --seed"),
        (["ablation", "--change", "spheres"], "--change needs key=value, not 'spheres'"),
        (["table1", "--set", "initial=modelnet40_small_so3"], r"--set does not take initial\."),
        (
            ["ablation", "--change", "rotation=z"],
            "not take rotation: give --rotation",
        ),
        (["figure7", "--set", "rotation=z"], r"--set does not take rotation\."),
        (["table1", "--set", "validation=0"], "--set does not take validation=0"),
        (["figure7", "--set", "spheres=7"], "--set does not take spheres"),
        (["table3", "--set", "channels=5"], "--set does not take channels"),
        (["table3", "--spheres", "1,two"], "--spheres"),
        (["figure7", "--spheres", "0"], "--spheres"),
        (["figure7", "--spheres", ""], "--spheres"),
    ],
)
def test_bad_requests_are_named(arguments, named, tmp_path):
    with pytest.raises(InputError, match=named):
        run("reproduce", *arguments, "--out", tmp_path / "out")
    assert not list(tmp_path.rglob("config.json"))

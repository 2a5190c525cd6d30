"""Table I, Table III and Figure 7 from runs in a folder."""

import csv
import dataclasses
import io
import json
import shutil

import numpy as np
import pytest

from csnn_tf.data.shapes import builtin_shapes
from csnn_tf.errors import InputError
from csnn_tf.evaluation import evaluate
from csnn_tf.evaluation_result import EvaluationResult
from csnn_tf.reproduction.classifier_runs import ClassifierRun, train_classifiers
from csnn_tf.reproduction.figure7 import write_figure7
from csnn_tf.reproduction.history_on_test import FILE, HistoryOnTest, best_on_test
from csnn_tf.reproduction.spheres import SphereRow
from csnn_tf.reproduction.table1 import PUBLISHED, table1, write_table1
from csnn_tf.reproduction.table3 import write_table3
from csnn_tf.training.config import TrainingConfig
from csnn_tf.training.run_folder import RunFolder
from tests.helpers import eagerly, tensorflow_only

pytestmark = [tensorflow_only, eagerly]
SEED = 3


def config(architecture="pointnet", rotation="so3", **changes):
    model = {"filters": [8], "local_filters": [4], "transforms": False, "hidden": [8]}
    if architecture == "dgcnn":
        model = {"filters": [4], "neighbors": 3, "embedding": 8, "hidden": [8]}
    fields = {"data": "shapes", "preset": "tiny", "num_points": 16, "epochs": 2, "batch_size": 8}
    fields |= {"architecture": architecture, "rotation": rotation, "model": model}
    return TrainingConfig.from_recipe("quick", **{**fields, **changes})


CONFIGS = {
    "pointnet-so3": config(),
    "pointnet-z": config(rotation="z"),
    "dgcnn-z": config("dgcnn", "z"),
}


def lines_of(text):
    return list(csv.DictReader(io.StringIO(text)))


def train_shapes(wanted):
    return builtin_shapes("train", 2, num_points=wanted.num_points)


@pytest.fixture(scope="module")
def tests():
    return builtin_shapes("test", 2, num_points=16)


@pytest.fixture(scope="module")
def folder(tests, tmp_path_factory):
    """PointNet under SO(3) to the end, the test set looked at; DGCNN under z cut short."""
    out = tmp_path_factory.mktemp("table")

    def looked(name, wanted):
        return [HistoryOnTest(RunFolder(out / name), tests, ["so3"], seed=SEED)]

    train_classifiers({"pointnet-so3": config()}, train_shapes, out, callbacks=looked)
    train_classifiers({"dgcnn-z": CONFIGS["dgcnn-z"]}, train_shapes, out, budget=0.01)
    return out


def test_the_table_holds_what_evaluation_finds_and_says_what_was_cut_short(folder, tests, tmp_path):
    runs = train_classifiers(CONFIGS, train_shapes, folder, budget=0)
    assert {name: (run.epochs, run.complete) for name, run in runs.items()} == {
        "pointnet-so3": (2, True),
        "dgcnn-z": (1, False),
    }
    rows = table1(runs, lambda run: tests, seed=SEED)
    markdown, table = write_table1(rows, "few", tmp_path)
    assert [path.name for path in (markdown, table)] == ["table1.md", "table1.csv"]
    lines = lines_of(table.read_text())
    expected = evaluate(runs["pointnet-so3"].load(), tests, rotation="so3", seed=SEED)
    found = {(x["model"], x["trained"], x["tested"], x["epoch_chosen_by"]): x for x in lines}
    line = found["pointnet", "so3", "so3", "held-out"]
    assert float(line["accuracy"]) == pytest.approx(expected.accuracy, rel=1e-5)
    assert float(line["low"]) == pytest.approx(expected.interval[0], rel=1e-5)
    assert line["cut_short"] == "0"
    assert {key[2] for key in found if key[:2] == ("dgcnn", "z") and key[3] == "last"} == {
        "z",
        "so3",
    }
    assert found["dgcnn", "z", "z", "held-out"]["cut_short"] == "1"
    assert ("pointnet", "z", "z", "held-out") not in found
    assert float(found["dgcnn", "z", "so3", "paper"]["accuracy"]) == pytest.approx(0.355)

    text = markdown.read_text()
    (own,) = (x for x in text.splitlines() if x.startswith("| DGCNN | ") and "cut" in x)
    assert own.count("cut short: 1 of 2 epochs") == 2
    assert "PointNet, the paper's | 3.5M | 87.5 | 22.9 | 84.9" in text
    assert "picked on the test set" in text
    assert "not ModelNet40" in text
    assert "CSNN" not in text
    share = f"{100 * expected.accuracy:.1f} ({100 * expected.interval[0]:.1f} to"
    assert f"| - | - | {share}" in text


def test_a_run_that_was_cut_short_goes_on_with_its_own_settings(folder, tmp_path):
    shutil.copytree(folder / "dgcnn-z", tmp_path / "dgcnn-z")
    other = dataclasses.replace(CONFIGS["dgcnn-z"], epochs=9, seed=5)
    runs = train_classifiers({"dgcnn-z": other}, train_shapes, tmp_path)
    assert (runs["dgcnn-z"].epochs, runs["dgcnn-z"].complete) == (2, True)
    assert runs["dgcnn-z"].config.seed == 0
    assert runs["dgcnn-z"].cut_short == ""


@pytest.mark.parametrize("kept", [True, False])
def test_a_run_that_its_schedule_ended_goes_on_if_its_last_epoch_was_not_kept(
    folder, tmp_path, kept
):
    run = tmp_path / "dgcnn-z"
    shutil.copytree(folder / "dgcnn-z", run)
    ending = {"finished": True, "rows": [{}] if kept else [{}, {}]}
    state = json.dumps({"ending": ending}).encode()
    np.savez(run / "checkpoint.npz", state=np.frombuffer(state, np.uint8))
    assert ClassifierRun.read(run, CONFIGS["dgcnn-z"]).complete == kept


def test_an_epoch_that_was_not_looked_at_before_the_run_was_killed_is_made_up_for(
    folder, tests, tmp_path
):
    shutil.copytree(folder / "dgcnn-z", tmp_path / "dgcnn-z")
    run = RunFolder(tmp_path / "dgcnn-z")
    first = evaluate(run.last, tests, rotation="z", seed=SEED).accuracy
    train_classifiers(
        {"dgcnn-z": CONFIGS["dgcnn-z"]},
        train_shapes,
        tmp_path,
        callbacks=lambda name, wanted: [HistoryOnTest(run, tests, ["z"], seed=SEED)],
    )
    rows = lines_of((run.path / FILE).read_text())
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert float(rows[0]["z"]) == pytest.approx(first)


def test_the_epoch_chosen_on_the_test_set(folder, tests):
    run = RunFolder(folder / "pointnet-so3")
    rows = lines_of((run.path / FILE).read_text())
    assert [row["epoch"] for row in rows] == ["1", "2"]
    last = evaluate(
        ClassifierRun.read(run.path, config()).load(run.last), tests, rotation="so3", seed=SEED
    )
    assert float(rows[-1]["so3"]) == pytest.approx(last.accuracy)
    epoch, accuracy, looked_at = best_on_test(run, "so3", tests, SEED)
    assert accuracy == max(float(row["so3"]) for row in rows)
    assert float(rows[epoch - 1]["so3"]) == accuracy
    assert looked_at == 2
    assert best_on_test(run, "z", tests, SEED) is None
    assert best_on_test(RunFolder(folder / "dgcnn-z"), "z", tests, SEED) is None


def test_accuracies_on_another_test_set_are_not_those_on_this_one(folder, tests, tmp_path):
    run = RunFolder(folder / "pointnet-so3")
    others = builtin_shapes("test", 3, num_points=16)
    assert best_on_test(run, "so3", others, SEED) is None
    assert best_on_test(run, "so3", tests, SEED + 1) is None
    runs = {"pointnet-so3": ClassifierRun.read(run.path, config())}
    texts = []
    for shapes in (tests, others):
        (row,) = table1(runs, lambda run, shapes=shapes: shapes, seed=SEED)
        assert row.late_on_test() == ([] if shapes is tests else ["pointnet-so3"])
        texts.append(write_table1([row], "few", tmp_path)[0].read_text())
    assert ["| PointNet | the test set |" in text for text in texts] == [True, False]
    # A run that goes on begins its accuracies anew, and keeps the others.
    run = RunFolder(tmp_path)
    shutil.copy(folder / "pointnet-so3" / "last.keras", run.last)
    shutil.copy(folder / "pointnet-so3" / FILE, run.path)
    HistoryOnTest(run, others, ["so3"], seed=SEED).on_epoch_end(2)
    assert best_on_test(run, "so3", others, SEED)[::2] == (3, 1)
    before = best_on_test(RunFolder(folder / "pointnet-so3"), "so3", tests, SEED)
    assert best_on_test(run, "so3", tests, SEED) == before


def test_a_run_whose_first_epochs_were_not_looked_at_says_so(folder, tests, tmp_path):
    shutil.copytree(folder / "pointnet-so3", tmp_path / "pointnet-so3")
    run = ClassifierRun.read(tmp_path / "pointnet-so3", config())
    (run.folder.path / FILE).unlink()
    HistoryOnTest(run.folder, tests, ["so3"], seed=SEED).on_epoch_end(1)
    rows = table1({"pointnet-so3": run}, lambda run: tests, seed=SEED)
    assert rows[0].late_on_test() == ["pointnet-so3"]
    markdown, table = write_table1(rows, "few", tmp_path)
    assert "(epoch 2; 1 of 2 epochs looked at)" in markdown.read_text()
    (line,) = (x for x in lines_of(table.read_text()) if x["epoch_chosen_by"] == "test")
    assert (line["epochs"], line["epochs_planned"]) == ("2", "2")


@pytest.mark.parametrize(
    ("changes", "fields", "named"),
    [
        ({"architecture": "dgcnn", "model": {}}, (), "a run of pointnet, not dgcnn"),
        ({"rotation": "z"}, (), "a run under rotations so3, not z"),
        ({"validation": 0.0}, (), r"a run with validation 0\.\d+, not 0\.0"),
        ({"data": "modelnet", "folder": "some/where"}, (), "a run on built-in shapes, not where"),
        ({"data": "modelnet", "folder": "/my/shapes"}, (), "a run on built-in shapes, not shapes"),
        ({"num_points": 64}, (), "a run with num_points 16, not 64"),
        ({"per_class": 12}, (), "a run with per_class 200, not 12"),
        ({"resample": True}, (), "a run with resample False, not True"),
        ({"upright_axis": 2}, (), "a run with upright_axis 1, not 2"),
        ({"model": {"hidden": [9]}}, ("hidden",), r"a run with hidden \[8\], not \[9\]"),
    ],
)
def test_other_runs_are_refused(folder, changes, fields, named):
    with pytest.raises(InputError, match=named):
        ClassifierRun.read(folder / "pointnet-so3", config(**changes), fields)


def test_runs_on_data_that_has_changed_are_refused(folder):
    def changed(wanted):
        return builtin_shapes("train", 3, num_points=wanted.num_points)

    with pytest.raises(InputError, match="pointnet-so3 was begun with other data"):
        train_classifiers(CONFIGS, changed, folder)
    assert not (folder / "pointnet-z").exists()


def test_what_is_not_as_the_recipe_says_is_in_the_description(folder):
    run = ClassifierRun.read(folder / "pointnet-so3", config())
    assert run.description.startswith(
        "preset tiny, recipe quick, seed 0, 2 of 2 epochs, num_points=16, batch_size=8, filters=[8]"
    )


def test_folders_of_other_things_are_refused(tmp_path):
    RunFolder(tmp_path).write_json("config.json", {"elements": ["C"]})
    with pytest.raises(InputError, match="is not a run of a classifier"):
        ClassifierRun.read(tmp_path, config())
    assert ClassifierRun.read(tmp_path / "none", config()) is None


@pytest.fixture
def sphere_rows(folder, tmp_path):
    """Made up but for the folders: accuracies of 1, 4 and 16 spheres, the last cut short."""
    rows, labels = [], np.repeat(np.arange(4), 25)
    for place, (spheres, right) in enumerate(((1, 50), (4, 60), (16, 75))):
        predicted = np.where(np.arange(100) < right, labels, (labels + 1) % 4)
        result = EvaluationResult.from_predictions(predicted[None], labels, tuple("abcd"))
        path = RunFolder(tmp_path / str(spheres))
        path.path.mkdir()
        times = [9.0, 1.0 + place, 9.0, 2.0 + place][: 4 - place]
        path.write_history([{"epoch": e, "seconds": s} for e, s in enumerate(times, 1)])
        path.write_json("resumed.json", [3])
        run = ClassifierRun(path, dataclasses.replace(config(), epochs=4), 4 - place, place < 2)
        rows.append(SphereRow(spheres, 1000 + spheres, run, result))
    return rows


def test_the_figure_is_drawn_and_its_numbers_are_written(sphere_rows, tmp_path):
    markdown, table, picture = write_figure7(sphere_rows, "few", tmp_path)
    assert picture.read_bytes().startswith(b"\x89PNG")
    text = markdown.read_text()
    assert "| 1 | 1,001 | 50.0 (" in text
    assert "cut short: 2 of 4 epochs | +50.0 % |" in text
    assert "Ours: highest at 16" in text
    assert "8.7 %" in text
    lines = lines_of(table.read_text())
    assert [line["accuracy"] for line in lines] == ["0.5", "0.6", "0.75"]
    assert [line["cut_short"] for line in lines] == ["0", "0", "1"]


def test_epochs_that_compile_do_not_count_in_the_time(sphere_rows, tmp_path):
    # The first epoch and the one after a stop are the 9 s ones.
    assert [row.seconds for row in sphere_rows] == [1.5, 2.0, 3.0]
    markdown, table = write_table3(sphere_rows, "few", tmp_path)
    assert "| 16 | 3.0 | 2.00 | 104 | 2.08 | 75.0 (" in markdown.read_text()
    assert "on 100 test shapes, in brackets the 95 % interval" in markdown.read_text()
    assert "with compilation" not in markdown.read_text()
    sphere_rows[0].run.folder.write_history([{"epoch": 1, "seconds": 9.0}])
    markdown, _ = write_table3(sphere_rows, "few", tmp_path)
    assert "| 1 | 9.0 with compilation |" in markdown.read_text()
    lines = lines_of(table.read_text())
    assert [line["paper_seconds_per_epoch"] for line in lines] == ["50", "86", "104"]


def test_the_papers_figures():
    assert PUBLISHED["csnn"] == ("4.0M", 91.0, 88.3, 90.1)

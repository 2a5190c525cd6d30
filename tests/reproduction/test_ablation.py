"""Whether a change of a recipe pays: the table from runs in a folder."""

import csv
import io

import pytest

from csnn_tf.data.shapes import builtin_shapes
from csnn_tf.errors import InputError
from csnn_tf.evaluation import evaluate
from csnn_tf.reproduction.ablation import (
    BASE,
    ablation,
    keep_protocol,
    run_name,
    verdict,
    write_ablation,
)
from csnn_tf.reproduction.classifier_runs import train_classifiers
from csnn_tf.training.config import TrainingConfig
from tests.helpers import ONE_LEVEL, eagerly, tensorflow_only

pytestmark = [tensorflow_only, eagerly]
CHANGES, SEEDS = {BASE: {}, "spheres=2": {"spheres": 2}, "dropout=0.5": {"dropout": 0.5}}, (4, 5)


def config(seed, **changes):
    fields = {"data": "shapes", "preset": "tiny", "num_points": 16, "epochs": 1, "batch_size": 8}
    fields |= {"rotation": "z", "validation": 0.0, "seed": seed, **ONE_LEVEL, "hidden": [8]}
    return TrainingConfig.from_recipe("quick", **{**fields, **changes})


@pytest.fixture(scope="module")
def shapes():
    return builtin_shapes("train", 4, num_points=16).split(0.5, 0)


@pytest.fixture(scope="module")
def runs(shapes, tmp_path_factory):
    configs = {
        run_name(change, seed): config(seed, **fields)
        for seed in SEEDS
        for change, fields in CHANGES.items()
    }
    del configs[run_name("dropout=0.5", 5)]  # as if there had been no time
    return train_classifiers(configs, lambda _: shapes[0], tmp_path_factory.mktemp("ablation"))


def test_the_table_holds_what_evaluation_finds_of_the_last_models(runs, shapes, tmp_path):
    _, others = shapes
    rows = ablation(CHANGES, SEEDS, runs, others)
    assert [row.change for row in rows] == list(CHANGES)
    assert [list(row.runs) for row in rows] == [[4, 5], [4, 5], [4]]
    text, table = write_ablation(rows, "Few", 32, len(others), tmp_path)
    lines = {
        (line["change"], line["tested"], int(line["seed"])): float(line["accuracy"])
        for line in csv.DictReader(io.StringIO(table.read_text()))
    }
    assert len(lines) == 2 * 5
    for change, seed in ((BASE, 4), ("spheres=2", 5), ("dropout=0.5", 4)):
        run = runs[run_name(change, seed)]
        model = run.load(run.folder.last)
        for tested in ("z", "so3"):
            expected = evaluate(model, others, rotation=tested).accuracy
            assert lines[change, tested, seed] == pytest.approx(expected, abs=1e-5)
    shown = text.read_text()
    assert "| Change | z/z | difference | by seed | z/SO3 | difference | by seed |" in shown
    gain = 100 * (lines["dropout=0.5", "so3", 4] - lines[BASE, "so3", 4])
    assert f"{gain:+.1f}" in next(line for line in shown.splitlines() if "dropout" in line)
    assert (
        f"trained\non 32 shapes of the training set and is measured on the other {len(others)}"
        in shown
    )


def test_nothing_is_compared_with_nothing(runs, shapes):
    others = {name: run for name, run in runs.items() if BASE.replace(" ", "_") not in name}
    with pytest.raises(InputError, match="recipe without a change has no run"):
        ablation(CHANGES, SEEDS, others, shapes[1])


@pytest.mark.parametrize(
    ("gains", "expected"),
    [
        ([1.0, 2.0, 3.0], "+2.0 (better)"),
        ([-1.0, -0.5], "-0.8 (worse)"),
        ([1.0, -0.5], "+0.2 (mixed)"),
        ([0.0, 1.0], "+0.5 (mixed)"),
        ([1.0], "+1.0 (one seed)"),
        ([], "-"),
    ],
)
def test_only_all_seeds_together_decide(gains, expected):
    assert verdict(gains) == expected


def test_runs_of_one_folder_have_one_protocol(tmp_path):
    protocol = {"share": 0.2, "scale": (0.8, 1.2)}
    keep_protocol(tmp_path, {**protocol, "share": 0.4})
    keep_protocol(tmp_path, protocol)  # no run was made with the other share
    run = tmp_path / run_name("spheres=2", 7)  # of seeds or changes that were asked for before
    run.mkdir()
    (run / "config.json").write_text("{}")
    keep_protocol(tmp_path, {**protocol, "a later field": 1})
    keep_protocol(tmp_path, {**protocol, "resample": False})
    with pytest.raises(InputError, match="were made with resample False, not True"):
        keep_protocol(tmp_path, {**protocol, "resample": True})
    with pytest.raises(InputError, match=r"were made with share 0\.2, not 0\.3"):
        keep_protocol(tmp_path, {**protocol, "share": 0.3})
    (tmp_path / "protocol.json").write_text("[]")
    with pytest.raises(InputError, match="does not say how the runs beside it were made"):
        keep_protocol(tmp_path, protocol)


def test_folders_have_plain_names():
    assert run_name(BASE, 3) == "as_it_is-seed3"
    assert run_name("tilt=[-0.82,2.3] neighbors=7", 0) == "tilt=_-0.82_2.3_neighbors=7-seed0"

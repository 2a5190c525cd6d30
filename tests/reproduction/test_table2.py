"""Table II from runs in a folder."""

import csv
import dataclasses
import io

import numpy as np
import pytest

from csnn_tf.data.atoms import builtin_carbon
from csnn_tf.data.atoms.fingerprint import fingerprint
from csnn_tf.errors import InputError
from csnn_tf.reproduction.dos_runs import DosRun, train_missing
from csnn_tf.reproduction.table2 import markdown, table2, table_csv, write_table2
from tests.helpers import eagerly, tensorflow_only
from tests.training.test_dos_trainer import MODEL, configuration

pytestmark = [tensorflow_only, eagerly]
MODELS = {
    "csnn": MODEL,
    "agni": {"hidden": [8], "gaussians": 4, "cutoff": 3.0},
    "schnet": {"hidden": [8], "filters": 4, "cutoff": 3.0},
}


@pytest.fixture(scope="module")
def carbon():
    """Of two types four structures to train on, one held out and two to test."""
    whole, rows = builtin_carbon(), []
    for name in ("C20", "Graphene"):
        for split, count in (("train", 4), ("val", 1), ("test", 2)):
            found = np.flatnonzero((whole.types == name) & (whole.split == split))
            rows += found[:count].tolist()
    return whole.subset(rows)


def configurations(**changes):
    return {
        name: configuration(architecture=name, model=model, epochs=2, **changes)
        for name, model in MODELS.items()
    }


@pytest.fixture(scope="module")
def folder(carbon, tmp_path_factory):
    """CSNN trained to the end, SchNet cut short by the clock after an epoch, AGNI not trained."""
    out = tmp_path_factory.mktemp("table")
    configs = configurations()
    train_missing({"csnn": configs["csnn"]}, carbon, out)
    train_missing({"schnet": configs["schnet"]}, carbon, out, budget=0.3)
    return out


def test_no_budget_trains_nothing_and_the_table_says_what_was_cut_short(folder, carbon):
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*.keras")}
    runs = train_missing(configurations(), carbon, folder, budget=0)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.keras")} == before
    assert {name: (run.epochs, run.complete) for name, run in runs.items()} == {
        "csnn": (2, True),
        "schnet": (1, False),
    }
    rows = table2(runs, carbon)
    assert [row.model for row in rows[:2]] == ["SchNet", "CSNN"]
    text = markdown(rows, "few")
    assert "| SchNet (cut short: 1 of 2 epochs) | learned |" in text
    assert "| CSNN | learned |" in text
    assert "CSNN (cut" not in text
    for word in ("DFT", "not the\nsame test", "mean of the type and temperature", "C20", "Overall"):
        assert word in text
    for title in ("Band energy", "Fermi level", "DOS, root", "within 0.043"):
        assert f"\n## {title}" in text or title in text
    assert "4 test structures" in text


def test_numbers_are_those_of_the_evaluation(folder, carbon, tmp_path):
    rows = table2(train_missing(configurations(), carbon, folder, budget=0), carbon)
    written = write_table2(rows, "few", tmp_path)
    assert [path.name for path in written] == ["table2.md", "table2.csv"]
    table = list(csv.DictReader(io.StringIO(written[1].read_text())))
    assert len(table) == len(rows) * 3
    for row in rows:
        lines = {line["structure_type"]: line for line in table if line["model"] == row.model}
        assert set(lines) == {"C20", "Graphene", "Overall"}
        for name, errors in {**row.report.by_type, "Overall": row.report.overall}.items():
            for field, value in dataclasses.asdict(errors).items():
                assert float(lines[name][field]) == pytest.approx(value, rel=1e-4, nan_ok=True)
        assert lines["Overall"]["cut_short"] == {"SchNet": "1", "CSNN": "0"}.get(row.model, "")
    assert table_csv(rows) == written[1].read_text()
    named = write_table2(rows, "caf\udce9", tmp_path)[0]  # a folder whose name is not UTF-8
    assert named.read_text("utf-8").startswith("# Table II on caf?\n")


def test_a_run_that_was_cut_short_goes_on_and_missing_ones_are_trained(folder, carbon, tmp_path):
    runs = train_missing(configurations(), carbon, folder)
    assert {name: run.epochs for name, run in runs.items()} == dict.fromkeys(MODELS, 2)
    assert all(run.complete for run in runs.values())


def test_a_folder_with_something_else_is_named(folder, carbon, tmp_path):
    begun = fingerprint(carbon)

    def read(name="csnn", place=folder, contents=begun, **expected):
        config = dataclasses.replace(configurations()[name], **expected)
        return DosRun.read(place / name, config, contents)

    assert read().complete
    for expected, message in (
        ({"architecture": "agni", "model": {}}, "csnn is a run of csnn, not of agni"),
        ({"data": "data/gallium"}, "csnn is a run on carbon, not on data/gallium"),
        ({"data": "/data/carbon"}, "csnn is a run on carbon, not on /data/carbon"),
        ({"contents": "others"}, "csnn was begun with other data, or it has changed since"),
        ({"contents": "others", "bins": "-9:0:1"}, "csnn is a run with bins None, not -9:0:1"),
    ):
        with pytest.raises(InputError, match=message):
            read(**expected)
    (tmp_path / "agni").mkdir()
    with pytest.raises(InputError, match=r"config\.json"):
        read("agni", tmp_path)
    (tmp_path / "agni" / "config.json").write_text('{"data": "shapes"}')
    with pytest.raises(InputError, match="not a run"):
        read("agni", tmp_path)
    assert read("schnet", tmp_path) is None

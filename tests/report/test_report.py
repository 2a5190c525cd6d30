"""What the pages say, and that they say it truly."""

import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner

from csnn_tf.data.atoms import builtin_carbon
from csnn_tf.electronic import solve_fermi
from csnn_tf.errors import InputError
from csnn_tf.models import DensityOfStates
from csnn_tf.plots.confusion_matrix import plot_confusion_matrix
from csnn_tf.report.classifier import classifier_report
from csnn_tf.report.classifier_findings import drawn_by_class
from csnn_tf.report.classifier_page import _confusion
from csnn_tf.report.dos_findings import DosFindings, atomic_band_energy, best_median_worst
from csnn_tf.report.dos_page import _which
from csnn_tf.report.html import number, percent, table
from csnn_tf.report.learning import learning_section
from csnn_tf.report.page import write_page
from csnn_tf.report.record import run_section
from csnn_tf.report.run_source import RunSource, read_history
from csnn_tf.training.run_folder import RunFolder, versions
from csnn_tf_command import cli
from tests.report.conftest import CONFIG, HISTORY


def test_the_page_is_one_small_file_that_refers_to_no_other(classifier_page):
    path, findings = classifier_page
    page = path.read_text("utf-8")
    assert path.stat().st_size < 8e6
    head, body = page.split("<body>")
    assert "default-src 'none'" in head  # the browser itself refuses every request
    assert "<script src" not in page
    assert '<link rel="stylesheet' not in page
    assert "shapes &lt;1&gt;" in page  # the run's name, escaped
    assert f"{len(findings.shapes)} test shapes" in body


def test_the_page_says_what_was_measured(classifier_page):
    path, findings = classifier_page
    page = path.read_text("utf-8")
    for result in findings.results.values():
        assert percent(result.accuracy, 2) in page
    assert percent(float(findings.consistent.mean())) in page
    assert "drawn at random (seed 0)" in page  # 16 of 32 shapes
    assert "resumed at epoch 3" in page
    assert "that of epoch 2" in page
    for mistake in findings.mistakes:
        assert f"{mistake.true}, taken for" in page


def test_nothing_is_said_to_be_held_out_where_nothing_was(classifier_run):
    run = RunSource.find(classifier_run.path)
    assert "that of epoch 2, the best on held-out data" in str(learning_section(run))
    alone = {name: run.history[name] for name in ("epoch", "loss", "accuracy")}
    found = str(learning_section(replace(run, history=alone)))
    assert "that of epoch 3, with the lowest loss in training" in found
    assert "held" not in found


def test_losses_of_smoothed_and_plain_labels_are_told_apart(classifier_run):
    run = RunSource.find(classifier_run.path)
    for smoothing, said in ((0.2, True), (0.0, False)):
        config = {**run.config, "label_smoothing": smoothing}
        found = str(learning_section(replace(run, config=config)))
        assert ("not to be set beside each other" in found) == said


def test_mistakes_are_wrong_and_confident_first(classifier_page):
    _, findings = classifier_page
    assert len(findings.mistakes) == 6
    averages = [mistake.top[0][1] for mistake in findings.mistakes]
    wrong = [mistake.top[0][0] != mistake.true for mistake in findings.mistakes]
    assert wrong == sorted(wrong, reverse=True)
    sure = [share for share, off in zip(averages, wrong, strict=True) if off]
    assert sure == sorted(sure, reverse=True)
    for mistake in findings.mistakes:
        shares = [share for _, share, _ in mistake.top]
        assert shares == sorted(shares, reverse=True)
        assert sum(first for *_, first in mistake.top) <= 20


def test_a_dos_page_shows_three_structures_of_each_type(dos_page):
    path, findings = dos_page
    page = path.read_text("utf-8")
    assert path.stat().st_size < 8e6
    for kind, rows in findings.chosen.items():
        for rank, row in rows.items():
            assert f"{kind}: {rank}" in page
            assert findings.structures.types[row] == kind
        errors = [findings.errors[row] for row in rows.values()]
        assert errors == sorted(errors)
    assert max(map(len, findings.chosen.values())) == 3


def test_a_dos_page_says_whether_its_structures_are_new_to_the_model(dos_page):
    _, findings = dos_page
    assert _which(findings).startswith("9 test structures of ")
    split = np.array(["test"] * 8 + [""])
    mixed = replace(findings, structures=replace(findings.structures, split=split))
    assert "those that the model was trained on may be among them" in _which(mixed)


def test_atoms_contributions_sum_to_the_band_energy(dos_page):
    _, findings = dos_page
    prediction = findings.evaluation.prediction
    for row, parts in findings.atomic.items():
        assert len(parts) == findings.structures.counts[row]
        np.testing.assert_allclose(parts.mean(), prediction.band_energy[row], rtol=2e-3)


def test_atoms_contributions_are_of_the_electrons_that_the_data_has():
    carbon = builtin_carbon()
    some = carbon.subset(np.argsort(carbon.counts, kind="stable")[:2])
    some = replace(some, electrons=np.full(2, 3.5))
    model = DensityOfStates.from_preset("tiny", ["C"], carbon.energies, {"C": 4.0})
    model.start_from(carbon.dos)
    findings = DosFindings.measure(model, some)
    energies = findings.evaluation.prediction.band_energy
    for row, parts in findings.atomic.items():
        np.testing.assert_allclose(parts.mean(), energies[row], rtol=2e-3)


def test_atomic_band_energy_of_a_box_is_exact():
    energies = np.linspace(-4, 4, 81)
    curves = np.stack([np.ones(81), 2 * np.ones(81)])
    level = solve_fermi(energies, curves[0], 3.05).fermi_level
    found = atomic_band_energy(energies, curves, float(level))
    np.testing.assert_allclose(found, [(level**2 - 16) / 2, level**2 - 16], rtol=1e-6)
    assert np.isnan(atomic_band_energy(energies, curves, float("nan"))).all()


def test_best_median_worst_of_few_and_many():
    errors = np.array([3.0, 1.0, 2.0, 9.0, 5.0, 4.0])
    types = np.array(["a", "a", "a", "b", "c", "c"])
    assert best_median_worst(errors, types) == {
        "a": {"best": 1, "median": 2, "worst": 0},
        "b": {"best": 3},
        "c": {"best": 5, "worst": 4},
    }


def test_shapes_are_drawn_evenly_over_the_classes():
    labels = np.repeat([0, 1, 2], [100, 5, 40])
    rows = drawn_by_class(labels, 30, seed=0)
    assert len(set(rows.tolist())) == 30
    assert (np.diff(rows) > 0).all()
    counts = np.bincount(labels[rows])
    assert counts[1] == 5
    assert abs(counts[0] - counts[2]) <= 1
    np.testing.assert_array_equal(drawn_by_class(labels, 1000, seed=0), np.arange(145))


@pytest.mark.parametrize("count", [0, -1, 2.5])
def test_the_number_of_shapes_for_the_consistency_is_positive(
    classifier_run, shapes, tmp_path, count
):
    path = tmp_path / "page.html"
    with pytest.raises(InputError, match="consistency_shapes must be a positive whole number"):
        classifier_report(classifier_run.path, shapes, path, consistency_shapes=count)


def test_names_are_escaped_once():
    result = SimpleNamespace(confusion=np.array([[1, 2], [0, 3]]), class_names=["a&b", "<c>"])
    page = _confusion(SimpleNamespace(results={"so3": result}))
    assert "Most often taken: a&amp;b for &lt;c&gt; (2)." in page.split("aria-label")[1][:200]
    assert "<figcaption>Most often taken: a&amp;b for &lt;c&gt; (2).</figcaption>" in page


def test_a_run_is_read_whole(classifier_run, tmp_path):
    source = RunSource.find(classifier_run.path)
    assert source.config == CONFIG
    assert source.resumed == (3,)
    assert source.versions == versions()

    assert source.best_epoch() == 2
    np.testing.assert_allclose(source.history["loss"], [row["loss"] for row in HISTORY])
    assert RunSource.find(classifier_run.best).folder is None
    broken = tmp_path / "history.csv"
    broken.write_text("epoch,loss\n1,much\n")
    with pytest.raises(InputError, match="history.csv cannot be read"):
        read_history(broken)


def test_versions_of_a_run_are_those_of_all_its_parts(tmp_path):
    run = RunFolder(tmp_path)
    (tmp_path / "best.keras").touch()
    run.write_json("versions.json", {**versions(), "backend": "torch"})
    run.mark_resumed(3)
    run.mark_resumed(5)
    assert list(run.read_resumed()) == [3, 5]
    source, now = RunSource.find(tmp_path), versions()
    assert source.resumed == (3, 5)
    assert source.versions == {**now, "backend": f"torch; from epoch 3 {now['backend']}"}
    run.write_json("versions.json", {**now, "tensorflow-graphics": "2021.12.3", "vesin": "0.1"})
    without = {name: number for name, number in now.items() if name != "tensorflow-graphics"}
    run.write_json("resumed.json", [{"epoch": 4, **without}])
    shown = RunSource.find(tmp_path).versions
    assert shown["tensorflow-graphics"] == "2021.12.3; from epoch 4 –"
    assert shown["vesin"] == f"0.1; from epoch 4 {now['vesin']}"
    # As earlier versions recorded it.
    run.write_json("resumed.json", [3, 5])
    run.mark_resumed(4)
    assert run.read_resumed() == {3: {}, 4: now}
    run.write_json("resumed.json", ["soon"])
    with pytest.raises(InputError, match=r"resumed\.json must be a list of epochs"):
        RunSource.find(tmp_path)


@pytest.mark.parametrize(
    ("changes", "command"),
    [
        ({"data": "modelnet", "folder": "/home/someone/parts/"}, "train modelnet --data parts"),
        ({"initial": "/home/someone/runs/best.keras"}, "train shapes --from best.keras"),
        (
            {"command": "csnn-tf train modelnet --data /home/someone/parts --seed 1"},
            "train modelnet --data parts --seed 1",
        ),
        ({"stages": ["csnn-tf train dos --data=/home/someone/a"]}, "train dos --data=a"),
    ],
)
def test_no_page_tells_whose_folders_a_run_names(classifier_run, changes, command):
    source = replace(RunSource.find(classifier_run.path), config={**CONFIG, **changes})
    page = "".join(run_section(source, {}))
    assert command in page
    assert "someone" not in page


def test_tables_escape_and_numbers_have_dashes():
    assert "&lt;i&gt;" in table(("<i>",), [("a & b",)])
    assert "a &amp; b" in table(("x",), [("a & b",)])
    assert number(float("nan")) == number(None) == percent(float("nan")) == "–"


def test_a_folder_called_like_a_trained_model_is_no_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "modelnet40_small_so3").mkdir()
    source = RunSource.find("modelnet40_small_so3")
    assert source.folder is None
    assert source.config["recipe"] == "best"
    monkeypatch.setattr("csnn_tf.cli.report._classifier", lambda *given: given[-2].touch())
    CliRunner().invoke(cli, ["report", "modelnet40_small_so3"], catch_exceptions=False)
    assert (tmp_path / "modelnet40_small_so3.html").exists()


def test_the_command_writes_a_page(classifier_run, tmp_path, monkeypatch):
    from csnn_tf.cli import report

    opened = []
    monkeypatch.setattr(report.webbrowser, "open", opened.append)
    out = tmp_path / "page.html"
    arguments = ["report", str(classifier_run.path), "--out", str(out), "--open"]
    monkeypatch.setattr("csnn_tf.cli.options.load_shapes", _few_shapes)
    result = CliRunner().invoke(cli, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    assert str(out) in result.stdout
    page = out.read_text("utf-8")
    assert page.startswith("<!doctype html>")
    made_of = _cells(page)
    assert made_of["data"] == "the built-in ones"
    assert (made_of["shapes"], made_of["points of a cloud"]) == ("16", "64")
    assert opened == [out.as_uri()]


def test_the_page_names_data_without_its_folders(classifier_run, shapes, tmp_path, monkeypatch):
    (tmp_path / "parts").mkdir()
    monkeypatch.chdir(tmp_path / "parts")
    monkeypatch.setattr("csnn_tf.cli.options.load_shapes", lambda *_, **how: shapes)
    arguments = ["report", str(classifier_run.path), "--data", ".", "--out", "page.html"]
    CliRunner().invoke(cli, arguments, catch_exceptions=False)
    assert _cells((tmp_path / "parts" / "page.html").read_text("utf-8"))["data"] == "parts"


def _cells(page):
    """What the page says that it was made of."""
    card = page.split("<h3>This page</h3>")[1].split("</table>")[0]
    return dict(re.findall(r'<th scope="row">(.*?)</th><td>(.*?)</td>', card))


def _few_shapes(kind, folder, split, *, num_points, per_class):
    from csnn_tf.data.shapes import builtin_shapes

    assert (kind, folder, split) == ("shapes", None, "test")
    return builtin_shapes(split, 1, num_points=64)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing-here"], "neither a .keras file"),
        (["RUN", "--electrons", "C=4"], "--electrons is for density-of-states models"),
        (["RUN", "--per-cell"], "--per-cell is for density-of-states models"),
        (["RUN", "--reference-energy", "0"], "--reference-energy is for density-of-states models"),
        (["RUN", "--out", "/no/such/folder/page.html"], "no folder"),
    ],
)
def test_what_cannot_be_reported_is_said(classifier_run, arguments, message):
    arguments = [str(classifier_run.path) if word == "RUN" else word for word in arguments]
    with pytest.raises(InputError, match=message):
        CliRunner().invoke(cli, ["report", *arguments], catch_exceptions=False)


def test_without_plotly_a_sentence_says_how_to_get_it(
    classifier_run, shapes, tmp_path, monkeypatch
):
    import sys

    from csnn_tf.report import classifier_report

    monkeypatch.setitem(sys.modules, "plotly", None)
    with pytest.raises(InputError, match=r"csnn-tf\[plot\]"):
        classifier_report(classifier_run.path, shapes, tmp_path / "page.html")
    assert list(tmp_path.iterdir()) == []


def test_names_of_folders_that_are_not_utf8(tmp_path):
    write_page(tmp_path / "page.html", "caf\udce9")
    assert (tmp_path / "page.html").read_text("utf-8") == "caf?"
    counts = np.eye(2, dtype=int)
    assert "caf?" in plot_confusion_matrix(counts, ["caf\udce9", "tea"]).to_json()

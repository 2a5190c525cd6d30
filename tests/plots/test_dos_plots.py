"""Plots of densities of states: what is drawn, and what is refused."""

import dataclasses

import numpy as np
import pytest

from csnn_tf.data.atoms import builtin_carbon
from csnn_tf.dos_inference import DosPrediction
from csnn_tf.electronic import solve_fermi
from csnn_tf.errors import InputError
from csnn_tf.plots import dos as plots

pytest.importorskip("matplotlib")


@pytest.fixture(scope="module")
def carbon():
    whole = builtin_carbon()
    rows = [np.flatnonzero(whole.types == name)[:2] for name in ("C20", "Graphene", "C60")]
    return whole.subset(np.concatenate(rows))


@pytest.fixture(scope="module")
def prediction(carbon):
    """The reference, a little too high everywhere."""
    dos = carbon.dos * np.float32(1.02)
    level, band = solve_fermi(carbon.energies, dos, carbon.electrons)
    return DosPrediction(carbon.energies, dos, level, band, carbon.electrons, carbon.counts)


@pytest.fixture
def figures(monkeypatch):
    """The figures that are written, still open for a look."""
    import matplotlib

    matplotlib.use("Agg")
    seen = []
    written = plots._write

    def write(figure, path):
        seen.append([(axes.get_legend_handles_labels(), axes) for axes in figure.axes])
        written(figure, path)

    monkeypatch.setattr(plots, "_write", write)
    return seen


def test_predicted_and_reference_dos_with_their_fermi_levels(carbon, prediction, figures, tmp_path):
    path = tmp_path / "dos.png"
    plots.plot_dos(prediction, carbon.names, path, carbon.dos)
    assert path.read_bytes().startswith(b"\x89PNG")
    panels = [axes for _, axes in figures[0] if axes.get_title(loc="left")]
    assert [panel.get_title(loc="left") for panel in panels] == list(carbon.names)
    true = solve_fermi(carbon.energies, carbon.dos, carbon.electrons).fermi_level
    for place, panel in enumerate(panels):
        curve = max(panel.lines, key=lambda line: len(line.get_xdata()))
        np.testing.assert_array_equal(curve.get_ydata(), prediction.dos[place])
        marks = {line.get_xdata()[0] for line in panel.lines if len(line.get_xdata()) == 2}
        assert marks == {prediction.fermi_level[place], true[place]}
        # Only energies with states are shown.
        low, high = panel.get_xlim()
        assert carbon.energies[0] < low < high <= carbon.energies[-1] + 0.2


def test_a_prediction_alone_and_one_without_fermi_level(carbon, prediction, figures, tmp_path):
    unknown = dataclasses.replace(prediction, fermi_level=np.full(6, np.nan))
    plots.plot_dos(unknown, carbon.names, tmp_path / "dos.svg")
    assert b"<svg" in (tmp_path / "dos.svg").read_bytes()
    assert all(len(axes.lines) == 1 for _, axes in figures[0] if axes.get_title(loc="left"))


def test_parity_has_a_colour_for_every_type(carbon, prediction, figures, tmp_path):
    path = tmp_path / "parity.pdf"
    plots.plot_parity(carbon, prediction, path)
    assert path.read_bytes().startswith(b"%PDF")
    (_, labels), axes = figures[0][0]
    assert [label for label in labels if label in carbon.types] == ["C20", "Graphene", "C60"]
    points = {line.get_label(): line for line in axes.lines}
    true = solve_fermi(carbon.energies, carbon.dos, carbon.electrons).band_energy
    for name in ("C20", "Graphene", "C60"):
        rows = carbon.types == name
        np.testing.assert_allclose(points[name].get_xdata(), true[rows])
        np.testing.assert_allclose(points[name].get_ydata(), prediction.band_energy[rows])
    assert len({points[name].get_color() for name in ("C20", "Graphene", "C60")}) == 3
    assert axes.get_aspect() == 1.0


def test_names_are_no_formulas(carbon, prediction, figures, tmp_path):
    plots.plot_dos(prediction, ["cost_$5_$.xyz", *carbon.names[1:]], tmp_path / "dos.png")
    panels = [axes.get_title(loc="left") for _, axes in figures[0]]
    assert "cost_$5_$.xyz" in panels

    types = np.where(carbon.types == "C20", "$^$", np.where(carbon.types == "C60", "_x", "b"))
    plots.plot_parity(dataclasses.replace(carbon, types=types), prediction, tmp_path / "parity.png")
    legends = figures[1][0][1].get_figure().legends
    assert [text.get_text() for text in legends[0].get_texts()] == ["$^$", "b", "_x"]


def test_parity_in_the_published_convention(carbon, prediction, figures, tmp_path):
    plots.plot_parity(carbon, prediction, tmp_path / "parity.svg", "published")
    _, axes = figures[0][0]
    options = {"convention": "published", "atoms": carbon.counts}
    true = solve_fermi(carbon.energies, carbon.dos, carbon.electrons, **options).band_energy
    points = {line.get_label(): line for line in axes.lines}
    np.testing.assert_allclose(points["C20"].get_xdata(), true[carbon.types == "C20"])


def test_bad_requests_are_named_and_leave_nothing(carbon, prediction, tmp_path):
    with pytest.raises(InputError, match=r"dos\.gif"):
        plots.plot_dos(prediction, carbon.names, tmp_path / "dos.gif")
    with pytest.raises(InputError, match="no_folder"):
        plots.plot_dos(prediction, carbon.names, tmp_path / "no_folder" / "dos.png")
    many = dataclasses.replace(prediction, dos=np.tile(prediction.dos, (3, 1)))
    with pytest.raises(InputError, match="at most 12 structures, not 18"):
        plots.plot_dos(many, [""] * 18, tmp_path / "dos.png")
    unknown = dataclasses.replace(prediction, electrons=np.full(6, np.nan))
    with pytest.raises(InputError, match="electron"):
        plots.plot_parity(carbon, unknown, tmp_path / "parity.png")
    assert not list(tmp_path.iterdir())

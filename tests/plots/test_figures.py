"""Every picture holds the numbers that it was given."""

import numpy as np
import pytest

from csnn_tf.errors import InputError
from csnn_tf.plots.atoms import plot_atoms
from csnn_tf.plots.band_parity import plot_band_errors, plot_band_parity
from csnn_tf.plots.calibration import calibration, plot_calibration
from csnn_tf.plots.class_shares import plot_class_shares
from csnn_tf.plots.cloud import plot_cloud
from csnn_tf.plots.confusion_matrix import plot_confusion_matrix
from csnn_tf.plots.dos_curves import plot_dos_curves
from csnn_tf.plots.learning_curve import plot_learning_curve
from csnn_tf.plots.pixels import confusion_pixels, shapes_pixels
from csnn_tf.plots.protocol_accuracy import plot_protocol_accuracy
from csnn_tf.plots.sphere_map import plot_sphere_map
from csnn_tf.plots.theme import template


def test_learning_curves_mark_resumed_parts():
    figure = plot_learning_curve(
        [1, 2, 3, 4], {"training": [4, 3, 2, 1], "held out": [5, 4, np.nan, 3]}, "loss", resumed=[3]
    )
    assert [trace.name for trace in figure.data] == ["training", "held out"]
    lines = [shape for shape in figure.layout.shapes if shape.type == "line"]
    parts = [shape for shape in figure.layout.shapes if shape.type == "rect"]
    assert [line.x0 for line in lines] == [2.5]
    assert [(part.x0, part.x1) for part in parts] == [(2.5, 4.5)]
    assert figure.layout.yaxis.type == "linear"
    assert plot_learning_curve([1, 2], {"a": [1, 1e-3]}, "loss").layout.yaxis.type == "log"
    assert not plot_learning_curve([1, 2], {"a": [1, 2]}, "loss").layout.shapes
    with pytest.raises(InputError, match="'a' has 3 values for 2 epochs"):
        plot_learning_curve([1, 2], {"a": [1, 2, 3]}, "loss")


def test_accuracies_carry_their_intervals():
    figure = plot_protocol_accuracy(["one", "two"], [0.9, 0.5], [[0.85, 0.92], [0.4, 0.7]])
    bars = figure.data[0].error_x
    np.testing.assert_allclose(bars.array, [0.02, 0.2])
    np.testing.assert_allclose(bars.arrayminus, [0.05, 0.1])


def test_class_shares_start_with_the_lowest():
    figure = plot_class_shares(["a", "b", "c"], [0.9, 0.1, 0.5], "right", counts=[1, 2, 3])
    assert list(figure.data[0].y) == ["b", "c", "a"]
    assert list(figure.data[0].customdata) == [2, 3, 1]


def test_the_confusion_matrix_shows_shares_of_the_true_class():
    figure = plot_confusion_matrix([[3, 1], [0, 0]], ["a", "b"])
    np.testing.assert_allclose(figure.data[0].z, [[0.75, 0.25], [0, 0]])
    with pytest.raises(InputError, match="for 3 names"):
        plot_confusion_matrix([[1]], ["a", "b", "c"])


NAMES = ["10", "02691156", "2020-01-01", "a<b>", "R&amp;D", "1e5"]


def test_classes_are_named_as_they_are():
    shown = ["10", "02691156", "2020-01-01", "a&lt;b&gt;", "R&amp;amp;D", "1e5"]
    shares = plot_class_shares(NAMES, np.linspace(0, 1, 6), "right").to_plotly_json()
    matrix = plot_confusion_matrix(np.eye(6), NAMES).to_plotly_json()
    for figure, axes in ((shares, "y"), (matrix, "xy")):
        for axis in axes:
            assert figure["data"][0][axis] == shown
            assert figure["layout"][f"{axis}axis"]["type"] == "category"


def test_types_and_structures_are_named_as_they_are():
    for figure in (
        plot_band_parity([1.0, 2.0], [1.0, 2.0], ["a<b>", "c"], ["<i>.xyz", "d&e"]),
        plot_band_errors([0.1, 0.2], ["a<b>", "c"], ["<i>.xyz", "d&e"]),
    ):
        assert [trace.name for trace in figure.data[:2]] == ["a&lt;b&gt;", "c"]
        assert [*figure.data[0].customdata, *figure.data[1].customdata] == [
            "&lt;i&gt;.xyz",
            "d&amp;e",
        ]
    assert list(figure.layout.xaxis.ticktext) == ["a&lt;b&gt;", "c"]


def test_calibration_of_a_calibrated_and_of_an_overconfident_classifier():
    rng = np.random.default_rng(0)
    confidence = rng.uniform(0.2, 1, 20_000)
    right = rng.random(20_000) < confidence
    found = calibration(confidence, right)
    assert found.counts.sum() == 20_000
    np.testing.assert_allclose(found.accuracy, found.confidence, atol=0.05)
    assert found.error < 0.02
    assert calibration([1.0, 1.0], [True, False]).error == pytest.approx(0.5)
    assert len(plot_calibration(confidence, right).data[0].x) == len(found.counts)
    with pytest.raises(InputError, match="one confidence and one"):
        calibration([], [])


def test_a_large_cloud_is_thinned_out_and_stays_in_view():
    points = np.random.default_rng(0).normal(size=(5000, 3))
    figure = plot_cloud(points, most=1000)
    assert len(figure.data[0].x) == 1000
    scene = figure.layout.scene
    assert scene.camera.up.y == 1
    widths = [np.diff(axis.range)[0] for axis in (scene.xaxis, scene.yaxis, scene.zaxis)]
    np.testing.assert_allclose(widths, widths[0], rtol=1e-6)
    assert widths[0] >= np.ptp(points, axis=0).max()
    with pytest.raises(InputError, match=r"points \[n, 3\]"):
        plot_cloud(np.zeros((3, 2)))


def test_parity_has_a_trace_a_type():
    figure = plot_band_parity([1.0, 2.0, 3.0], [1.1, np.nan, 3.0], ["b", "a", "b"], ["x", "y", "z"])
    named = {trace.name: trace for trace in figure.data if trace.mode == "markers"}
    assert list(named) == ["b", "a"]
    assert list(named["b"].customdata) == ["x", "z"]
    errors = plot_band_errors([0.1, 0.2], ["a", "b"], tolerance=0.043)
    assert errors.layout.shapes[0].y1 == 0.043
    assert list(errors.layout.xaxis.ticktext) == ["a", "b"]


def test_a_dos_without_fermi_level_has_no_line_for_it():
    energies = np.linspace(-3, 3, 7)
    names = [trace.name for trace in plot_dos_curves(energies, np.ones(7)).data]
    assert names == ["predicted"]
    figure = plot_dos_curves(
        energies, np.ones(7), 2 * np.ones(7), fermi_level=-1.0, reference_fermi_level=float("nan")
    )
    assert [trace.name for trace in figure.data][1:] == ["reference", "E<sub>F</sub>"]
    assert list(figure.data[2].x) == [-1.0, -1.0]


def test_atoms_are_bonded_where_they_are_near():
    positions = [[0, 0, 0], [0, 0, 1.4], [0, 0, 4.0]]
    figure = plot_atoms(positions, [6, 6, 6], [1, 2, 3], "eV", cell=np.eye(3) * 5)
    cell, bonds, atoms = figure.data
    assert np.isnan(cell.x).sum() == 12  # edges
    assert np.isnan(bonds.x).sum() == 1
    assert list(atoms.marker.color) == [1, 2, 3]
    with pytest.raises(InputError, match="a value for each atom"):
        plot_atoms(positions, [6], [1], "eV")


def test_the_slider_shows_one_sphere_at_a_time():
    features = np.random.default_rng(0).random((42, 3, 2))
    figure = plot_sphere_map(features, np.zeros((5, 3)), channel=1, sphere=2)
    meshes = [trace for trace in figure.data if trace.type == "mesh3d"]
    assert [trace.visible for trace in meshes] == [False, False, True]
    np.testing.assert_allclose(meshes[1].intensity, features[:, 1, 1], rtol=1e-6)
    for number, step in enumerate(figure.layout.sliders[0].steps):
        shown = step.args[0]["visible"]
        assert len(shown) == len(figure.data)
        assert [place for place, on in enumerate(shown[-3:]) if on] == [number]
    with pytest.raises(InputError, match="channel must be from 0 to 1"):
        plot_sphere_map(features, channel=2)


def test_pixels_are_pictures():
    # Names are no formulas.
    matrix = confusion_pixels(np.eye(3), ["a", "b", "$^$"])
    shapes = shapes_pixels(np.random.default_rng(0).normal(size=(2, 50, 3)), ["one", "$^$"])
    for picture in (matrix, shapes):
        assert picture.dtype == np.uint8
        assert picture.shape[2] == 3
        assert picture.min() < 100
        assert picture.max() == 255


def test_both_schemes_name_the_same_fields():
    light, dark = template("light"), template("dark")
    assert light != dark
    assert light["layout"].keys() == dark["layout"].keys()
    assert len(light["layout"]["colorway"]) == len(dark["layout"]["colorway"]) == 8

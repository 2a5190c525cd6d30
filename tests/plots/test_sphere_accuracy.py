"""The picture of accuracy against the number of spheres."""

import numpy as np
import pytest
from matplotlib import pyplot as plt

from csnn_tf.errors import InputError
from csnn_tf.plots.sphere_accuracy import plot_sphere_accuracy


def test_every_number_has_its_point_and_interval():
    figure = plot_sphere_accuracy(
        [1, 4, 16], [0.5, 0.6, 0.75], [[0.4, 0.6], [0.5, 0.7], [0.7, 0.8]], [True, True, False]
    )
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["1", "4", "16"]
    assert {text.get_text() for text in axes.texts} == {"50.0", "60.0", "75.0"}
    ended, cut = (
        line for line in axes.lines if line.get_label() in ("trained to the end", "cut short")
    )
    np.testing.assert_allclose(ended.get_ydata(), [50, 60])
    np.testing.assert_allclose(cut.get_ydata(), [75])
    segments = axes.collections[0].get_segments()
    np.testing.assert_allclose([part[:, 1] for part in segments], [[40, 60], [50, 70], [70, 80]])
    assert axes.get_legend() is not None
    plt.close(figure)
    figure = plot_sphere_accuracy([1], [0.5], [[0.4, 0.6]])
    assert figure.axes[0].get_legend() is None
    plt.close(figure)


def test_sizes_must_fit():
    for spheres, share, ends in (([], [], []), ([1, 2], [0.5], [[0, 1]]), ([1], [0.5], [0, 1])):
        with pytest.raises(InputError, match="an accuracy and an interval"):
            plot_sphere_accuracy(spheres, share, ends)

"""Whether a classifier is right as often as it says."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from csnn_tf.errors import InputError
from csnn_tf.plots.plotly_extra import graph_objects
from csnn_tf.plots.theme import MUTED, template

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


class Calibration(NamedTuple):
    """Confidence and accuracy of groups of predictions, the groups without predictions left out.

    Attributes:
        confidence: [B] mean confidence of each group.
        accuracy: [B] share of each group that is right.
        counts: [B] predictions in each group.
        error: Expected calibration error: mean of |accuracy - confidence| over all predictions.
    """

    confidence: NDArray
    accuracy: NDArray
    counts: NDArray
    error: float


def calibration(confidence: ArrayLike, right: ArrayLike, bins: int = 10) -> Calibration:
    r"""Group predictions by confidence into bins of equal width from 0 to 1.

    $ECE = \sum_b \frac{n_b}{n} |\mathrm{accuracy}_b - \mathrm{confidence}_b|$

    Args:
        confidence: [S] probability of the predicted class.
        right: [S] whether the predicted class is the true one.
        bins: Number of bins.

    Raises:
        InputError: If the arrays do not belong together or are empty.

    Source: Guo et al., On Calibration of Modern Neural Networks, 2017, equation 3.
    """
    confidence, right = np.asarray(confidence, float), np.asarray(right, bool)
    if confidence.ndim != 1 or confidence.shape != right.shape or not confidence.size:
        raise InputError("calibration needs one confidence and one right or wrong a prediction.")
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    counts = np.bincount(place, minlength=bins)
    used = counts > 0
    mean, share = (
        np.bincount(place, values, bins)[used] / counts[used] for values in (confidence, right)
    )
    counts = counts[used]
    return Calibration(mean, share, counts, float(np.average(np.abs(mean - share), weights=counts)))


def plot_calibration(confidence: ArrayLike, right: ArrayLike, bins: int = 10) -> "Figure":
    """Accuracy by confidence; a calibrated classifier lies on the diagonal.

    Args:
        confidence: [S] probability of the predicted class.
        right: [S] whether the predicted class is the true one.
        bins: Number of bins.

    Returns:
        A Plotly figure. The area of a marker is proportional to the predictions in its bin.

    Raises:
        InputError: If the arrays do not belong together, or plotly is missing.

    Example:
        >>> figure = plot_calibration([0.9, 0.8, 0.6], [True, True, False])
    """
    go = graph_objects()
    found = calibration(confidence, right, bins)
    figure = go.Figure(layout={"template": template(), "height": 380})
    figure.add_scatter(
        x=found.confidence,
        y=found.accuracy,
        mode="lines+markers",
        name="this model",
        marker={
            "size": found.counts,
            "sizemode": "area",
            "sizeref": 2 * found.counts.max() / 26**2,
            "sizemin": 4,
            "opacity": 0.9,
        },
        customdata=found.counts,
        hovertemplate="says %{x:.1%}, is right in %{y:.1%} of %{customdata} shapes<extra></extra>",
    )
    figure.add_scatter(
        x=[0, 1],
        y=[0, 1],
        mode="lines",
        line={"color": MUTED, "dash": "dash", "width": 1.5},
        name="calibrated",
        hoverinfo="skip",
    )
    figure.update_layout(legend_itemsizing="constant")
    ends = {"range": [-0.04, 1.06], "tickformat": ".0%", "dtick": 0.2}
    figure.update_xaxes(title_text="confidence", **ends)
    figure.update_yaxes(title_text="classified right", **ends)
    return figure

"""Rows of an array by their labels."""

import numpy as np
from numpy.typing import NDArray


def rows_by_label(labels: NDArray) -> dict[str, NDArray]:
    """Rows [n] of each label, in increasing order; labels in the order of first appearance.

    Time goes with the rows, however many labels there are.

    Args:
        labels: [S], text.
    """
    _, firsts, counts = np.unique(labels, return_index=True, return_counts=True)
    rows = np.split(np.argsort(labels, kind="stable"), np.cumsum(counts)[:-1])
    return {str(labels[firsts[place]]): rows[place] for place in np.argsort(firsts)}

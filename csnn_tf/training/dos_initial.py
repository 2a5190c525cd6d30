"""A trained model of densities of states as the beginning of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from numpy.typing import NDArray

from csnn_tf.errors import InputError
from csnn_tf.models.atomic_dos_model import AtomicDosModel, described_bins, same_bins
from csnn_tf.models.loading import load_model
from csnn_tf.training.trained_fields import fields_of

if TYPE_CHECKING:
    from csnn_tf.data.environments import Environments
    from csnn_tf.training.dos_config import DosConfig

_ATOMS_AT_ONCE = 512
_MAPPING = ("contribution", "cutoff_function", "radial", "angular")
"""Fields of how neighbours are mapped."""
_FREE = ("name", "dtype", "electrons", *_MAPPING)
"""Fields in which a run may differ from the model that it begins with."""
_SLIGHT = 0.01
"""Share of the largest mean DOS that counts as nothing."""
_DEAD = 0.1
"""Share of the data's mean that a bin gives at least."""
_OFF = 2.0
"""Standard deviations of the data by which a bin's mean may be off."""


def mapping_fields(config: DosConfig, kind: type[AtomicDosModel]) -> dict[str, Any]:
    """Fields of a run's model that differ from the preset.

    Where a run begins with a trained model, neighbours are mapped as for that one unless the run
    says otherwise: the preset may have been another then.
    """
    if config.initial is None:
        return config.model
    theirs = fields_of(config.initial, kind)
    return {**{name: theirs[name] for name in _MAPPING if name in theirs}, **config.model}


def take_dos_weights(model: AtomicDosModel, initial: str) -> None:
    """Give a model the weights of a trained one of the same fields.

    How neighbours are mapped may differ: the weights have the same shapes, and learn the rest.

    Args:
        model: Changed in place.
        initial: The trained one's .keras file, run folder or name.

    Raises:
        InputError: There is no such model, or it differs in a field; the message names it.
    """
    source = load_model(initial, type(model))
    for name, value in model.get_config().items():
        theirs = source.get_config().get(name)
        if name in _FREE or theirs == value:
            continue
        if name == "energies":
            if same_bins(theirs, value):
                continue
            theirs, value = described_bins(theirs), described_bins(value)
        raise InputError(
            f"{initial} differs from the model to train in {name}: {theirs}, not {value}."
        )
    model.set_weights(source.get_weights())


def restart_lost_bins(model: AtomicDosModel, environments: Environments, dos: NDArray) -> int:
    """Let energy bins begin anew in which a trained model has nothing to build on.

    Where its training data had no states, the last normalisation gives zero or less for every atom,
    and the ReLU behind it has no gradient; and a bin whose mean is far off, as where the bands lie
    lower, takes longer to move there than to learn from the start. So a bin begins as in an
    untrained model, with the mean and deviation of the new data, if the model's mean DOS of the
    structures is below a tenth of theirs, or off by more than two of their standard deviations.
    Less than 1 % of the largest mean counts as nothing. All other bins stay as they are.

    Args:
        model: With the trained weights; changed in place.
        environments: Of the structures to train on.
        dos: [S, bins], their DOS, states/eV/atom.

    Returns:
        The number of bins that begin anew.
    """
    predicted, moments = _means(model, environments)
    mean, off = dos.mean(axis=0), np.abs(predicted - dos.mean(axis=0))
    slight = _SLIGHT * mean.max()
    dead = (mean > slight) & (predicted < _DEAD * mean)
    lost = dead | (off > slight + _OFF * dos.std(axis=0))
    if lost.any():
        model.restart_bins(lost, dos, *moments)
    return int(lost.sum())


def _means(
    model: AtomicDosModel, environments: Environments
) -> tuple[NDArray, tuple[NDArray, NDArray]]:
    """Mean DOS of the structures, and mean and variance of what enters the last normalisation."""
    network = model.network
    both = keras.Model(network.input, [network.get_layer("bins").output, network.output])
    counts = environments.counts
    group = np.cumsum(counts) // _ATOMS_AT_ONCE
    totals = np.zeros((3, len(model.energies)))
    for rows in np.split(np.arange(len(counts)), np.flatnonzero(np.diff(group)) + 1):
        inputs = model.network_inputs(environments.of_structures(rows), training=False)
        before, found = (
            keras.ops.convert_to_numpy(part).astype(np.float64)
            for part in both(inputs, training=False)
        )
        share = 1 / np.repeat(counts[rows], counts[rows])
        totals += share @ found, before.sum(axis=0), np.square(before).sum(axis=0)
    predicted, mean, square = totals / np.reshape([len(counts), *2 * [counts.sum()]], (3, 1))
    return predicted, (mean, square - mean**2)

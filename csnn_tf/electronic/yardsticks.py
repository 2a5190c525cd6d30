"""What a model must beat: the mean DOS of the training set, overall and by group."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from csnn_tf.electronic.groups import rows_by_label
from csnn_tf.electronic.metrics import DosReport, dos_report
from csnn_tf.electronic.quantities import Convention
from csnn_tf.errors import InputError

if TYPE_CHECKING:
    from csnn_tf.data.atoms import StructureSet


def mean_dos_predictions(
    train_dos: ArrayLike,
    train_groups: ArrayLike,
    test_groups: ArrayLike,
    fallback: ArrayLike | None = None,
) -> NDArray:
    """Predict for each test structure the mean training DOS of its group.

    Args:
        train_dos: [S, bins], states/eV/atom.
        train_groups: [S], group label of each training structure, text.
        test_groups: [T], group label of each test structure, text.
        fallback: [T, bins], what a group without training structures gets; without it, the mean of
            all.

    Returns:
        [T, bins], states/eV/atom.

    Raises:
        InputError: No training structures.
    """
    train_dos = np.asarray(train_dos, np.float64)
    train_groups = np.asarray(train_groups, dtype=str)
    test_groups = np.asarray(test_groups, dtype=str)
    if train_dos.ndim != 2 or not len(train_dos) or train_groups.shape != train_dos.shape[:1]:
        raise InputError("train_dos must be [structures, bins] with one group a structure.")
    mean = train_dos.mean(axis=0) if fallback is None else np.asarray(fallback, np.float64)
    predicted = np.broadcast_to(mean, (len(test_groups), train_dos.shape[1])).copy()
    seen = rows_by_label(train_groups)
    for name, rows in rows_by_label(test_groups).items():
        if name in seen:
            predicted[rows] = train_dos[seen[name]].mean(axis=0)
    return predicted


def yardstick_reports(
    train: StructureSet, test: StructureSet, convention: Convention = "spline"
) -> dict[str, DosReport]:
    """Reports of three predictors that learn nothing about atoms' positions.

    Args:
        train: Structures with DOS whose means are taken.
        test: Structures with DOS to predict, on the same bins.
        convention: How Fermi level and band energy are taken, see `solve_fermi`.

    Returns:
        Reports by name: "mean DOS", "mean DOS of the type", and "mean DOS of the type and
        temperature" (the last only where every test structure has a temperature). What the
        training set lacks of a type and temperature gets the mean of the type, and of a type the
        mean of all.

    Raises:
        InputError: A set without structures or DOS, or two different energy grids.
    """
    for name, part in (("train", train), ("test", test)):
        if part.dos is None or not len(part):
            raise InputError(f"the {name} set holds no DOS; yardsticks need one per structure.")
    if not np.array_equal(train.energies, test.energies):
        raise InputError("the train and the test set have different energy grids.")
    groups = {
        "mean DOS": (np.full(len(train), ""), np.full(len(test), "")),
        "mean DOS of the type": (train.types, test.types),
    }
    if np.isfinite(test.temperature).all():
        groups["mean DOS of the type and temperature"] = (_with_kelvin(train), _with_kelvin(test))
    reports, predicted = {}, None
    for name, (seen, wanted) in groups.items():
        predicted = mean_dos_predictions(train.dos, seen, wanted, fallback=predicted)
        reports[name] = dos_report(
            test.energies,
            test.dos,
            predicted,
            test.electrons,
            test.types,
            convention=convention,
            atoms=test.counts,
        )
    return reports


def _with_kelvin(part: StructureSet) -> NDArray:
    return np.array(
        [f"{name}/{kelvin:g}" for name, kelvin in zip(part.types, part.temperature, strict=True)]
    )

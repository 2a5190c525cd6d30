"""What the page of a classifier shows, measured."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from csnn_tf.checks import check_positive
from csnn_tf.data.shape_set import ShapeSet
from csnn_tf.evaluation import check_classes
from csnn_tf.evaluation_result import EvaluationResult
from csnn_tf.inference import Predictor
from csnn_tf.models import CloudClassifier
from csnn_tf.report.mistake import Mistake
from csnn_tf.rotating import rotated

ROTATIONS = 20
"""Orientations in which consistency is measured and mistakes are looked at."""
_MISTAKES = 6
_CANDIDATES = 12
_BATCH = 32

PROTOCOLS = {
    "so3": "any orientation (SO(3))",
    "z": "about the upright axis (z)",
    "none": "as filed",
}
"""Rotations under which the accuracy is measured, and how the page calls them."""


@dataclass(frozen=True)
class ClassifierFindings:
    """Measurements of a classifier on a test set.

    Attributes:
        shapes: The test shapes.
        results: By rotation ("so3", "z", "none"), one pass over all shapes.
        probabilities: [S, K] of the pass under arbitrary rotations.
        consistent_rows: [n] the shapes that were classified in 20 orientations.
        consistent: [n] whether all 20 gave the same class.
        mistakes: The most confident ones.
        seed: Of the rotations and of the choice of shapes.
    """

    shapes: ShapeSet
    results: dict[str, EvaluationResult]
    probabilities: NDArray
    consistent_rows: NDArray
    consistent: NDArray
    mistakes: list[Mistake]
    seed: int

    @classmethod
    def measure(
        cls,
        model: CloudClassifier,
        shapes: ShapeSet,
        *,
        consistency_shapes: int = 300,
        upright_axis: int = 1,
        seed: int = 0,
        progress: Callable[[str], Any] = lambda step: None,
    ) -> "ClassifierFindings":
        """Classify the shapes in the orientations that the page needs.

        Args:
            model: The classifier.
            shapes: Test shapes of the model's classes.
            consistency_shapes: At most so many shapes, drawn at random and from all classes alike,
                are classified in 20 orientations: all of 2468 would take a minute by themselves.
            upright_axis: Coordinate along which the shapes stand.
            seed: Of the rotations and of the drawing.
            progress: Called with the name of every step before it.

        Raises:
            InputError: If the data's classes are not the model's, or `consistency_shapes` is not a
                positive whole number.
        """
        check_positive("consistency_shapes", consistency_shapes)
        check_classes(model, shapes)
        predictor = Predictor(model, min(_BATCH, len(shapes)))
        found, results = {}, {}
        for rotation, title in PROTOCOLS.items():
            progress(title)
            rng = np.random.default_rng([seed, 0])
            found[rotation] = predictor.probabilities(
                rotated(shapes.clouds, rotation, rng, upright_axis, centred=model.centred)
            )
            results[rotation] = EvaluationResult.from_predictions(
                found[rotation].argmax(axis=1)[None], shapes.labels, shapes.class_names
            )
        progress(f"{ROTATIONS} orientations")
        rows = drawn_by_class(shapes.labels, consistency_shapes, seed)
        classes = _many(predictor, shapes, rows, seed).argmax(axis=2)
        progress("mistakes")
        return cls(
            shapes,
            results,
            found["so3"],
            rows,
            (classes == classes[0]).all(axis=0),
            _mistakes(predictor, shapes, found["so3"], seed),
            seed,
        )


def drawn_by_class(labels: NDArray, most: int, seed: int) -> NDArray:
    """Rows of at most `most` shapes, as evenly over the classes as they allow, in order.

    Args:
        labels: [S] classes.
        most: How many; all rows if there are no more.
        seed: Of the drawing.

    Returns:
        [n] indices, increasing.
    """
    order = np.random.default_rng(seed).permutation(len(labels))
    # The place of every shape within its class: the first of each class come before the second.
    place = np.empty(len(labels), int)
    for label in np.unique(labels):
        members = order[labels[order] == label]
        place[members] = np.arange(len(members))
    return np.sort(order[np.argsort(place[order], kind="stable")][:most])


def _many(predictor: Predictor, shapes: ShapeSet, rows: NDArray, seed: int) -> NDArray:
    """[20, n, K] probabilities of some shapes, every one in 20 orientations."""
    chosen = shapes.subset(rows).clouds
    clouds: list[NDArray] = []
    for number in range(ROTATIONS):
        rng = np.random.default_rng([seed, 1, number])
        clouds.extend(rotated(chosen, "so3", rng, centred=predictor.model.centred))
    # One list, so that no batch is half empty.
    return predictor.probabilities(clouds).reshape(ROTATIONS, len(rows), -1)


def _mistakes(
    predictor: Predictor, shapes: ShapeSet, probabilities: NDArray, seed: int
) -> list[Mistake]:
    """The most confident mistakes over 20 orientations, among those of one orientation."""
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != shapes.labels)
    wrong = wrong[np.argsort(-probabilities[wrong].max(axis=1), kind="stable")][:_CANDIDATES]
    if not wrong.size:
        return []
    scores = _many(predictor, shapes, wrong, seed)
    mean = scores.mean(axis=0)
    # A shape that is right on average was an unlucky orientation, not a confident mistake.
    order = np.lexsort((-mean.max(axis=1), mean.argmax(axis=1) == shapes.labels[wrong]))
    first = scores.argmax(axis=2)
    return [
        Mistake(
            name=shapes.names[wrong[place]],
            points=np.asarray(shapes.clouds[wrong[place]]),
            true=shapes.class_names[shapes.labels[wrong[place]]],
            top=tuple(
                (
                    shapes.class_names[label],
                    float(mean[place, label]),
                    int((first[:, place] == label).sum()),
                )
                for label in np.argsort(-mean[place], kind="stable")[:3]
            ),
        )
        for place in order[:_MISTAKES]
    ]

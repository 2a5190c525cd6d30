"""Accuracy of a classifier under rotations: repeats, votes, consistency, confidence."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from csnn_tf.checks import check_axis, check_positive, check_seed
from csnn_tf.data.shape_set import ShapeSet
from csnn_tf.errors import InputError
from csnn_tf.evaluation_result import EvaluationResult
from csnn_tf.inference import Predictor
from csnn_tf.models import CloudClassifier
from csnn_tf.rotating import check_rotation, rotated

Progress = Callable[[int, int], Any]
"""Called with the passes over the shapes that are done and their total."""


def evaluate(
    model: CloudClassifier | str | Path,
    shapes: ShapeSet,
    *,
    rotation: str = "so3",
    sampling: str = "haar",
    repeats: int = 1,
    votes: int = 1,
    consistency: int = 0,
    upright_axis: int = 1,
    seed: int = 0,
    batch_size: int = 32,
    progress: Progress | None = None,
) -> EvaluationResult:
    """Classify every shape in random orientations and compare with its label.

    Shapes are turned as in training: about their centroid, or about the origin by models that do
    not move them there (`center=False`).

    Args:
        model: The classifier, or its .keras file, run folder or name.
        shapes: The test shapes; their class names must be the model's, where it has names.
        rotation: "none", "z" (about the upright axis) or "so3".
        sampling: How SO(3) is sampled: "haar" (uniform) or "euler" (three uniform Euler angles, as
            the published code does, which is not uniform).
        repeats: Passes over the shapes, each with new rotations.
        votes: Rotations, uniform over SO(3), on top of the pass's own, over which a shape's class
            probabilities are averaged. The icosahedron's rotations would add nothing: the model is
            invariant to them.
        consistency: Random rotations under all of which a shape must get the same class to count
            as consistent, at least 2; 0 skips that.
        upright_axis: Coordinate along which the shapes stand, 0, 1 or 2.
        seed: Seed of the rotations.
        batch_size: Shapes in a batch.
        progress: Called after every pass.

    Raises:
        InputError: If an argument is out of range, would count for nothing beside the others, or
            the classes do not fit.
    """
    check_rotation(rotation, sampling)
    seed = check_seed(seed)
    repeats, votes = check_positive("repeats", repeats), check_positive("votes", votes)
    consistency = check_positive("consistency", consistency) if consistency else 0
    if consistency == 1:
        raise InputError("consistency must be at least 2 rotations to compare, or 0, not 1.")
    if rotation == "none" and votes == 1 and max(repeats, consistency) > 1:
        name = "consistency" if consistency else "repeats"
        raise InputError(f"{name} needs rotations to compare: rotation is none, and votes is 1.")
    if sampling != "haar" and rotation != "so3":
        raise InputError(f"sampling {sampling} is of rotation so3, not of rotation {rotation}.")
    upright_axis = check_axis("upright_axis", upright_axis)
    if not isinstance(shapes, ShapeSet):
        raise InputError(
            f"shapes must be a ShapeSet, not a {type(shapes).__name__} (of meshes, take "
            "to_shape_set)."
        )
    predictor = Predictor(model, batch_size)
    model = predictor.model
    check_classes(model, shapes)
    passes, done = max(repeats, consistency) * votes, 0
    classes: list[np.ndarray] = []
    for number in range(max(repeats, consistency)):
        rng = np.random.default_rng([seed, number])
        turned = rotated(
            shapes.clouds, rotation, rng, upright_axis, sampling, centred=model.centred
        )
        total = np.zeros((len(shapes), model.num_classes))
        for vote in range(votes):
            clouds = turned
            if vote:
                clouds = rotated(turned, "so3", rng, centred=model.centred)
            total += predictor.probabilities(clouds)
            done += 1
            if progress is not None:
                progress(done, passes)
        classes.append(total.argmax(axis=1))
    return EvaluationResult.from_predictions(
        np.stack(classes[:repeats]),
        shapes.labels,
        shapes.class_names,
        consistency=np.stack(classes[:consistency]) if consistency else None,
        protocol={
            "test_rotation": rotation,
            "sampling": sampling if rotation == "so3" else None,
            "repeats": repeats,
            "votes": votes,
            "upright_axis": upright_axis,
            "seed": seed,
            "shapes": len(shapes),
        },
    )


def check_classes(model: CloudClassifier, shapes: ShapeSet) -> None:
    """Raise `InputError` unless the shapes' classes are the model's."""
    names = model.class_names
    if names is None and len(shapes.class_names) == model.num_classes:
        return
    if names is None or tuple(names) != tuple(shapes.class_names):
        raise InputError(
            f"the data's classes ({', '.join(shapes.class_names[:5])}, ...: "
            f"{len(shapes.class_names)}) are not the model's "
            f"({', '.join((names or ('unnamed',))[:5])}, ...: {model.num_classes})"
            f"{'' if names is None else _difference(shapes.class_names, names)}."
        )


def _difference(found: Sequence[str], expected: Sequence[str]) -> str:
    for names, others, owner in ((found, expected, "model"), (expected, found, "data")):
        lacking = [name for name in names if name not in others]
        if lacking:
            return f": the {owner} has no {lacking[0]!r}"
    return ": they are in another order"

"""The weights of a trained classifier as the beginning of another one."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import keras

from csnn_tf.errors import InputError

if TYPE_CHECKING:
    from csnn_tf.models.cloud_classifier import CloudClassifier

_LAST = "logits"


def take_weights(model: CloudClassifier, trained: CloudClassifier) -> None:
    """Give a classifier the weights of a trained one.

    In the last layer a class keeps its weights where both classifiers have it, by its name; the
    weights of all other classes stay as they are.

    Args:
        model: Changed in place. Fields without weights, such as the dropout, the level and the
            number of spheres, may differ from the trained one's.
        trained: Of the same class.

    Raises:
        InputError: If the widths or numbers of layers differ or the last one is not found; nothing
            has changed then.
    """
    own, theirs = (_before_logits(classifier) for classifier in (model, trained))
    own_last, their_last = (last_layer(classifier).weights for classifier in (model, trained))
    _check_fit(own, theirs)
    _check_fit(own_last, their_last, but_classes=True)
    for weight, value in zip(own, theirs, strict=True):
        # A copy: with JAX both would hold one array, which a training step of either deletes.
        weight.assign(value.numpy().copy())
    known = {name: place for place, name in enumerate(trained.class_names or ())}
    names = model.class_names or ()
    places = [place for place, name in enumerate(names) if name in known]
    for weight, value in zip(own_last, their_last, strict=True):
        values, found = weight.numpy().copy(), value.numpy()
        values[..., places] = found[..., [known[names[place]] for place in places]]
        weight.assign(values)


def _check_fit(own: list[Any], theirs: list[Any], but_classes: bool = False) -> None:
    """Raise `InputError` if shapes differ, those of the last layer but for the classes' axis."""
    axes = slice(-1) if but_classes else slice(None)
    for weight, value in zip_longest(own, theirs):
        if weight is None or value is None or weight.shape[axes] != value.shape[axes]:
            raise InputError(
                "the trained model's weights do not fit the model to train: "
                f"where this one has {_described(weight)}, the trained one has {_described(value)}."
            )


def _described(weight: keras.Variable | None) -> str:
    return "no further weight" if weight is None else f"{weight.path} {list(weight.shape)}"


def last_layer(model: CloudClassifier) -> keras.layers.Layer:
    """The dense layer to the classes.

    Raises:
        InputError: If the network has none by its name.
    """
    found = next((layer for layer in model.network.layers if layer.name == _LAST), None)
    if found is None:
        raise InputError(
            f"the last layer of the network of {type(model).__name__}, a dense one to the classes, "
            f'must be called "{_LAST}".'
        )
    return found


def _before_logits(model: CloudClassifier) -> list[Any]:
    last = {id(weight) for weight in last_layer(model).weights}
    return [weight for weight in model.network.weights if id(weight) not in last]

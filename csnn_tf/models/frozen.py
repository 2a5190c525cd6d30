"""Which layers of a model are frozen, kept in its configuration."""

from collections.abc import Callable
from typing import Any, TypeVar

import keras

from csnn_tf.errors import InputError
from csnn_tf.models.unquantised import check_not_quantised

_FIELD = "frozen"
_Made = TypeVar("_Made", bound=keras.Model)


def frozen_places(model: keras.Model, but: keras.layers.Layer | None = None) -> list[int]:
    """Places of the frozen layers among a model's layers that have weights to train.

    Places, since names that Keras draws differ from model to model; a file's weights go by the
    layers' order too.

    Args:
        model: Whose layers.
        but: A layer that does not count as frozen.
    """
    return [
        place
        for place, layer in enumerate(_trained_layers(model))
        if not layer.trainable and layer is not but
    ]


def freeze(model: keras.Model, places: Any) -> None:
    """Freeze the layers at places, and no others, of those that have weights to train.

    Args:
        model: Changed in place.
        places: From `frozen_places`, of a model with the same layers.

    Raises:
        InputError: If there is no layer at a place.
    """
    layers = _trained_layers(model)
    known = range(len(layers))
    if not isinstance(places, list) or any(
        type(place) is not int or place not in known for place in places
    ):
        raise InputError(f"frozen must be places among {len(layers)} layers, not {places!r:.60}.")
    for place, layer in enumerate(layers):  # a layer's own layers come after it
        if layer.trainable is (place in places):
            layer.trainable = place not in places
    for layer in model._flatten_layers(include_self=False):
        inner = _trained_layers(layer, include_self=True)
        if inner and not any(part.trainable for part in inner):
            layer.trainable = False  # with what has no weights to train, such as statistics


def with_frozen(config: dict[str, Any], model: keras.Model) -> dict[str, Any]:
    """A model's configuration, with its frozen layers if there are any.

    Raises:
        InputError: If layers are quantised, which no configuration here says.
    """
    check_not_quantised(model)
    places = frozen_places(model)
    return {**config, _FIELD: places} if places else config


def made_with_frozen(make: Callable[[dict[str, Any]], _Made], config: dict[str, Any]) -> _Made:
    """The model that `make` gives of the other fields of a configuration, its layers frozen."""
    made = make({name: value for name, value in config.items() if name != _FIELD})
    if config.get(_FIELD) is not None:
        freeze(made, config[_FIELD])
    return made


def _trained_layers(model: keras.layers.Layer, include_self: bool = False) -> list[Any]:
    """The layers with weights of their own that are trained unless they are frozen."""
    layers = model._flatten_layers(include_self=include_self)
    return [layer for layer in layers if layer._trainable_variables]

"""Weights of the authors' PyTorch density-of-states model."""

from collections.abc import Mapping
from typing import Any

import keras

from csnn_tf.convert import assign_published_weights, backbone_layers, check_kind
from csnn_tf.models import DensityOfStates


def load_published_dos_weights(model: DensityOfStates, weights: Mapping[str, Any]) -> None:
    """Set all weights of a density-of-states model to those of the published implementation.

    Either every weight is set or, if anything does not fit, none.

    Args:
        model: A model of the same hierarchy (levels, widths, numbers of layers, bins) and one
            element.
        weights: Arrays by their published names, for example `output.conv1d.weight`; see
            `csnn_tf.convert.read_published_weights`.

    Raises:
        InputError: If an entry is missing, unexpected, wrongly shaped or not finite; the message
            names it. Or if the model is of another kind, or the weights have no names.
    """
    check_kind(model, DensityOfStates)
    assign_published_weights(dos_layers(model), weights)


def dos_layers(model: DensityOfStates) -> dict[str, keras.layers.Layer]:
    """Layers of a density-of-states model by the published names."""
    layers, head = backbone_layers(model.backbone), model.network.get_layer
    names = [*(f"hidden{place}" for place in range(len(model.hidden))), "bins"]
    for place, name in enumerate(names):
        layers[f"output.dense_layers.{place}"] = head(name)
        layers[f"output.batch_norms.{place}"] = head(f"{name}_norm")
    layers["output.conv1d"] = head("smoothing")
    return layers

"""A trained network rebuilt for inference: folded, and in the precision asked for."""

from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np

from csnn_tf.errors import InputError
from csnn_tf.models.cloned import cloned
from csnn_tf.models.folding import Fold, find_folds, find_residuals, input_norms
from csnn_tf.models.initial_values import values_follow
from csnn_tf.models.residual_sphere_conv import ResidualSphereConv

Pairs = list[tuple[keras.layers.Layer, keras.layers.Layer, Fold | None]]
"""Layers of a network, of its rebuilt graph, and what is folded into the latter."""

_DROPOUTS = (
    keras.layers.Dropout,
    keras.layers.SpatialDropout1D,
    keras.layers.SpatialDropout2D,
    keras.layers.SpatialDropout3D,
)


def inference_network(
    network: keras.Model, *, fold: bool = True, precision: str = "float32"
) -> keras.Model:
    """A functional model that computes what another one does in inference.

    Args:
        network: A functional model, possibly of nested functional models. It stays as it is.
        fold: Whether batch normalisations are folded into the linear layers before them.
        precision: Data type of the computation and the weights of all layers but two, which are
            float32: the last, and a normalisation of the input.

    Returns:
        The same graph with new weights and without dropout and folded normalisations. Layers keep
        their names.

    Raises:
        InputError: If a layer cannot be made anew from its configuration, as none that lacks
            `get_config`, or a `Lambda` of a Python lambda.
    """
    rebuilt, pairs = rebuild(network, fold=fold, precision=precision)
    for target, value in weights_of(pairs, _double):
        target.assign(value.astype(np.float32))
    return rebuilt


def rebuild(
    network: keras.Model,
    *,
    fold: bool = True,
    precision: str | None = None,
    residuals: bool = False,
) -> tuple[keras.Model, Pairs]:
    """The graph of `inference_network`, its weights not set yet.

    Args:
        network: See `inference_network`.
        fold: See `inference_network`.
        precision: See `inference_network`; None leaves every layer's as it is.
        residuals: Whether graph convolutions take over the residual sums behind them, which pays
            where kernels are compiled.

    Returns:
        The model and its layers.

    Raises:
        InputError: See `inference_network`.
    """
    found = find_folds(network) if fold else []
    sums = find_residuals(network, found) if residuals else {}
    folds = {id(pair.linear): pair for pair in found}
    skipped = {id(pair.norm) for pair in found} | {id(pair.linear) for pair in sums.values()}
    # Inputs may differ from their means by less than 16 bits tell apart.
    exact = {id(network.layers[-1])} | input_norms(network)
    pairs: Pairs = []

    def clone(layer: keras.Operation) -> keras.Operation:
        if not isinstance(layer, keras.layers.Layer):
            return layer  # a function of keras.ops, without weights
        # Not a subclass, which may do something in inference.
        if id(layer) in skipped or type(layer) in _DROPOUTS:
            return keras.layers.Identity(name=layer.name)
        kind, source, fold = type(layer), layer, folds.get(id(layer))
        if id(layer) in sums:
            fold = sums[id(layer)]
            kind, source = ResidualSphereConv, fold.linear
        config = {**source.get_config(), "name": layer.name}
        if precision is not None:
            # Running averages do not survive bfloat16: a normalisation that stays is float32
            # inside.
            norm = isinstance(layer, keras.layers.BatchNormalization)
            reduced = f"mixed_{precision}" if norm else precision
            config["dtype"] = "float32" if id(layer) in exact or precision == "float32" else reduced
        if fold is not None:
            config["use_bias"] = True
            config["activation"] = fold.activation
        given = getattr(source, "kernel_initializer", None)
        if "kernel_initializer" in config and _is_usual(given):
            config["kernel_initializer"] = "glorot_uniform"  # see `values_follow`
        new = kind.from_config(config)
        pairs.append((layer, new, fold))
        return new

    def clone_or_name(layer: keras.Operation) -> keras.Operation:
        try:
            return clone(layer)
        except MemoryError:
            raise
        except Exception as error:  # of whatever kind somebody's layer raises
            reason = (str(error).strip().splitlines() or [repr(error)])[0]
            raise InputError(
                f"the layer {layer.name!r} cannot be made anew from its configuration: {reason}"
            ) from error

    def skip_identity(layer, *args, **kwargs):
        if type(layer) is keras.layers.Identity:
            return args[0] if args else next(iter(kwargs.values()))
        # As Keras's `training=False` overrules what the graph says of single layers.
        return layer(*args, **{**kwargs, "training": False} if "training" in kwargs else kwargs)

    with values_follow():
        return cloned(network, clone_or_name, skip_identity), pairs


def weights_of(pairs: Pairs, read: Callable[[Any], Any]) -> Iterator[tuple[keras.Variable, Any]]:
    """Each variable of a rebuilt graph, and the value that follows from the original's.

    Args:
        pairs: From `rebuild`.
        read: From a variable of the original to what is computed with.
    """
    for old, new, fold in pairs:
        if isinstance(old, keras.layers.Normalization) and old.input_mean is None:
            # It computes with what it makes of its weights when it is adapted.
            new.mean, new.variance = (
                keras.ops.cast(
                    keras.ops.reshape(read(value), old._broadcast_shape), new.compute_dtype
                )
                for value in (old.adapt_mean, old.adapt_variance)
            )
        if fold is None:
            yield from zip(new.weights, map(read, old.weights), strict=True)
        else:
            yield from zip((new.kernel, new.bias), fold.weights(read), strict=True)


def _is_usual(initializer: Any) -> bool:
    """Whether it is what layers have by default; another one may make more than weights."""
    usual = keras.initializers.GlorotUniform
    return type(initializer) is usual and initializer.get_config()["seed"] is None


def _double(variable: keras.Variable) -> np.ndarray:
    return keras.ops.convert_to_numpy(variable).astype(np.float64)

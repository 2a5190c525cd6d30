"""A trained network rebuilt for inference: folded, and in the precision asked for."""

import keras
import numpy as np

from csnn_tf.export.folding import Fold, find_folds


def inference_network(
    network: keras.Model, *, fold: bool = True, precision: str = "float32"
) -> keras.Model:
    """A functional model that computes what another one does in inference.

    Args:
        network: A functional model, possibly of nested functional models. It stays as it is.
        fold: Whether batch normalisations are folded into the linear layers before them.
        precision: Data type of the computation and the weights of all layers but the last, which is
            float32.

    Returns:
        The same graph with new weights and without dropout and folded normalisations. Layers keep
        their names.
    """
    folds = {id(pair.linear): pair for pair in find_folds(network)} if fold else {}
    skipped = {id(pair.norm) for pair in folds.values()}
    last = network.layers[-1]
    originals: list[tuple[keras.layers.Layer, keras.layers.Layer]] = []

    def clone(layer: keras.Operation) -> keras.Operation:
        if not isinstance(layer, keras.layers.Layer):
            return layer  # a function of keras.ops, without weights
        if id(layer) in skipped or isinstance(layer, keras.layers.Dropout):
            return keras.layers.Identity(name=layer.name)
        config = layer.get_config()
        # Running averages do not survive bfloat16, so a normalisation that stays is float32 inside.
        norm = isinstance(layer, keras.layers.BatchNormalization)
        reduced = f"mixed_{precision}" if norm else precision
        config["dtype"] = "float32" if layer is last or precision == "float32" else reduced
        if id(layer) in folds:
            config["use_bias"] = True
            config["activation"] = folds[id(layer)].activation
        new = type(layer).from_config(config)
        originals.append((layer, new))
        return new

    def skip_identity(layer, *args, **kwargs):
        return args[0] if isinstance(layer, keras.layers.Identity) else layer(*args, **kwargs)

    rebuilt = keras.models.clone_model(
        network, clone_function=clone, call_function=skip_identity, recursive=True
    )
    for old, new in originals:
        _set_weights(old, new, folds.get(id(old)))
    return rebuilt


def _set_weights(old: keras.layers.Layer, new: keras.layers.Layer, fold: Fold | None) -> None:
    if fold is not None:
        kernel, bias = fold.weights()
        new.kernel.assign(kernel.astype(np.float32))
        new.bias.assign(bias.astype(np.float32))
        return
    for target, source in zip(new.weights, old.weights, strict=True):
        target.assign(keras.ops.convert_to_numpy(source).astype(np.float32))


def with_inner_output(network: keras.Model, inner: str) -> keras.Model:
    """A functional model that also returns what one of its layers, or nested models, computes.

    Args:
        network: A functional model with one output.
        inner: Name of the layer.

    Returns:
        A model with the outputs [inner layer's, network's].
    """
    for layer in network.layers:
        if isinstance(layer, keras.layers.InputLayer):
            continue
        for tensor in keras.tree.flatten(layer.input):
            if tensor._keras_history.operation.name == inner:
                return keras.Model(network.inputs, [tensor, network.outputs[0]])
    raise ValueError(f"nothing reads a layer {inner!r}.")

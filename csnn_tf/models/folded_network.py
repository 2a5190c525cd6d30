"""A network as predictors run it."""

from typing import Any

import keras

from csnn_tf.models.inference_network import rebuild


class FoldedNetwork:
    """Computes what a network does in inference, without the passes of its normalisations.

    Each is folded into the linear layer before it, anew in every call: that costs as much as
    reading the weights, and the network may go on training in between.

    Args:
        network: A functional model, possibly of nested functional models.

    Example:
        >>> model = PointCloudClassifier.from_preset("tiny", num_classes=5)
        >>> maps = model.spheres(keras.random.normal((2, 100, 3)))
        >>> FoldedNetwork(model.network)(maps).shape
        TensorShape([2, 5])
    """

    def __init__(self, network: keras.Model) -> None:
        self._twin, self._pairs = rebuild(network)

    def __call__(self, inputs: Any) -> Any:
        """The network's outputs, with its weights as they are now."""
        values = []
        for old, new, fold in self._pairs:
            if fold is not None:
                kernel, bias = fold.weights(keras.ops.convert_to_tensor)
                values += [(new.kernel, kernel), (new.bias, bias)]
                continue
            current = (keras.ops.convert_to_tensor(weight) for weight in old.weights)
            values += zip(new.weights, current, strict=True)
        with keras.StatelessScope(values):
            return self._twin(inputs, training=False)

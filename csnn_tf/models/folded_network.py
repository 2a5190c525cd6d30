"""A network as predictors run it."""

from contextlib import suppress
from typing import Any

import keras

from csnn_tf.errors import InputError
from csnn_tf.models.blocks import in_blocks, rows_in_cache
from csnn_tf.models.graph import largest_output
from csnn_tf.models.inference_network import rebuild, weights_of


class FoldedNetwork:
    """Computes what a network does in inference, without the passes of its normalisations.

    Each is folded into the linear layer before it, anew in every call: that costs as much as
    reading the weights, and the network may go on training in between.

    A network that cannot be rebuilt faithfully runs as it is: one that is not functional
    throughout, has quantised or low-rank adapted layers, or one that cannot be made anew from its
    configuration. That is looked at here and not in every call: after `enable_lora` make a new one,
    and a new predictor.

    Args:
        network: Usually a functional model, possibly of nested functional models.
        blocks: Whether rows, which must not depend on each other, are computed in blocks of `rows`
            where there are more, a multiple of it, see `in_blocks`. Not where the network runs as
            it is, or has several outputs.

    Attributes:
        rows: Rows in a block, or None for all at once.

    Example:
        >>> model = PointCloudClassifier.from_preset("tiny", num_classes=5)
        >>> maps = model.spheres(keras.random.normal((2, 100, 3)))
        >>> FoldedNetwork(model.network)(maps).shape
        TensorShape([2, 5])
    """

    def __init__(self, network: keras.Model, *, blocks: bool = False) -> None:
        self._twin, self._pairs = network, None
        if _can_be_rebuilt(network):
            with suppress(InputError):
                self._twin, self._pairs = rebuild(network, residuals=True)
        self.rows = None
        if blocks and self._pairs is not None and len(network.outputs) == 1:
            self.rows = rows_in_cache(largest_output(self._twin))

    def __call__(self, inputs: Any) -> Any:
        """The network's outputs, with its weights as they are now."""
        if self._pairs is None:
            return self._compute(inputs)
        values = weights_of(self._pairs, keras.ops.convert_to_tensor)
        with keras.StatelessScope(values):
            return self._compute(inputs)

    def _compute(self, inputs: Any) -> Any:
        def compute(rows):
            return self._twin(rows, training=False)

        if self.rows is None:
            return compute(inputs)
        return in_blocks(compute, inputs, self.rows, self._twin.output.dtype)


def _can_be_rebuilt(network: keras.Model) -> bool:
    """Whether its graph and the variables of its layers are all there is to it."""
    layers = list(network._flatten_layers())
    return all(
        hasattr(layer, "operations")  # which functional models alone have
        for layer in layers
        if isinstance(layer, keras.Model)
    ) and not any(
        getattr(layer, "quantization_mode", None) or getattr(layer, "lora_enabled", False)
        for layer in layers
    )

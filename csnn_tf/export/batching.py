"""How TensorFlow Serving may run requests together."""

from csnn_tf.export.options import ExportOptions

BATCHING_PARAMS = "batching_params.pbtxt"
"""Beside a version's saved_model.pb; the server reads it with two flags, see docs/serving.md."""

_TOGETHER = 32
_TEXT = """\
# Read by tensorflow_model_server --enable_batching --enable_per_model_batching_parameters: requests
# that arrive within two milliseconds are run together. All of them must then have the same number
# of points: fill clouds up to one number and use the signature `padded`.
max_batch_size {{ value: {largest} }}
enable_large_batch_splitting {{ value: true }}
max_execution_batch_size {{ value: {together} }}
batch_timeout_micros {{ value: 2000 }}
max_enqueued_batches {{ value: 100 }}
pad_variable_length_inputs: false
"""


def batching_params(options: ExportOptions) -> str:
    """BatchingParameters as text: a batch keeps to the bound that each request of it has."""
    largest = options.max_clouds
    return _TEXT.format(largest=largest, together=min(_TOGETHER, largest))

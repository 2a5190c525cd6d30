"""Requests that TensorFlow Serving runs through a version before it serves it."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from csnn_tf.errors import InputError
from csnn_tf.export.op_errors import reason_of
from csnn_tf.export.serving import Request

WARMUP_FILE = Path("assets.extra") / "tf_serving_warmup_requests"


def can_write_warmup() -> bool:
    """Whether the server's message classes (package tensorflow-serving-api) are installed."""
    try:
        from tensorflow_serving.apis import prediction_log_pb2  # noqa: F401
    except ImportError:
        return False
    return True


def check_examples(signatures: Mapping[str, Any], requests: Sequence[Request]) -> None:
    """Raise `InputError` if a signature refuses its example: a server would refuse the version."""
    import tensorflow as tf

    for request in requests:
        signature = signatures[request.signature]
        names = [spec.name for spec in signature.input_signature]
        try:
            signature(*(tf.constant(request.inputs[name]) for name in names))
        except tf.errors.OpError as error:
            raise InputError(
                f"the model cannot be exported for serving: {request.signature} refuses its own "
                f"example: {reason_of(error)}."
            ) from error


def write_warmup(folder: Path, name: str, requests: Sequence[Request]) -> None:
    """Write the warm-up file of a SavedModel: a TFRecord of `PredictionLog`s.

    Args:
        folder: The SavedModel.
        name: Name under which the model is served.
        requests: Example requests.
    """
    import tensorflow as tf
    from tensorflow_serving.apis import prediction_log_pb2

    path = folder / WARMUP_FILE
    path.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for request in requests:
            log = prediction_log_pb2.PredictionLog()
            message = log.predict_log.request
            message.model_spec.name = name
            message.model_spec.signature_name = request.signature
            for key, value in request.inputs.items():
                message.inputs[key].CopyFrom(tf.make_tensor_proto(value))
            writer.write(log.SerializeToString())


def read_warmup(folder: Path) -> Iterator[Request]:
    """The requests in a SavedModel's warm-up file."""
    import tensorflow as tf
    from tensorflow_serving.apis import prediction_log_pb2

    for record in tf.data.TFRecordDataset(str(folder / WARMUP_FILE)).as_numpy_iterator():
        request = prediction_log_pb2.PredictionLog.FromString(record).predict_log.request
        inputs: dict[str, np.ndarray] = {
            key: tf.make_ndarray(value) for key, value in request.inputs.items()
        }
        yield Request(request.model_spec.signature_name, inputs)

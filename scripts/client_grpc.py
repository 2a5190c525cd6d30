#!/usr/bin/env python3
"""Classify point clouds with a served model over gRPC.

    pip install tensorflow-serving-api
    python client_grpc.py --model NAME chair.xyz table.xyz

Files are those of client_rest.py, which must lie beside this one. Prints a JSON list with one
answer for each file.
"""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # read once, when TensorFlow is imported

try:
    from client_rest import add_options, check_options, read_cloud, show
except ImportError:
    raise SystemExit("client_grpc: client_rest.py of the same version must lie beside it") from None
try:
    import grpc
    import numpy as np
    from tensorflow import make_ndarray, make_tensor_proto
    from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc
except ImportError as error:
    raise SystemExit(f"client_grpc: pip install tensorflow-serving-api first: {error}") from None

_UNBOUNDED = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]


def predict(address, model, clouds, signature="serving_default", timeout=60):
    """Outputs of a served model by name, one row for each cloud.

    Args:
        address: HOST:PORT of the gRPC interface, such as localhost:8500.
        model: Name of the served model.
        clouds: Arrays [n, 3], of any sizes.
        signature: "serving_default" (probabilities, classes, scores), "logits" or "embedding".
        timeout: Seconds to wait.

    Raises:
        grpc.RpcError: If the server refuses; its `details()` say why.
    """
    request = predict_pb2.PredictRequest()
    request.model_spec.name = model
    inputs = {"points": np.asarray(clouds[0], np.float32)[None]}
    if len(clouds) > 1:
        # All clouds one after the other, whatever their sizes.
        signature = "ragged" if signature == "serving_default" else f"ragged_{signature}"
        inputs = {
            "points": np.concatenate([np.asarray(cloud, np.float32) for cloud in clouds]),
            "row_lengths": np.array([len(cloud) for cloud in clouds], np.int64),
        }
    request.model_spec.signature_name = signature
    for name, value in inputs.items():
        request.inputs[name].CopyFrom(make_tensor_proto(value))
    with grpc.insecure_channel(address, _UNBOUNDED) as channel:
        service = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        response = service.Predict(request, timeout=timeout)
    return {name: make_ndarray(value) for name, value in response.outputs.items()}


def main(arguments=None):
    """Command line."""
    parser = argparse.ArgumentParser(description="Classify point clouds with a served model.")
    parser.add_argument("clouds", nargs="+", metavar="FILE", help="x y z a line; - reads stdin")
    parser.add_argument("--address", default="localhost:8500", help="default: %(default)s")
    parser.add_argument("--model", required=True, help="name of the served model")
    add_options(parser)
    options = parser.parse_args(arguments)
    check_options(parser, options)
    try:
        clouds = [read_cloud(path, options.as_is) for path in options.clouds]
        outputs = predict(
            options.address, options.model, clouds, options.signature, options.timeout
        )
    except grpc.RpcError as error:
        silent = error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
        who = f"{options.address} does not answer:" if silent else "the server answered"
        details = " ".join(str(error.details()).split())  # TensorFlow's have several lines
        raise SystemExit(f"client_grpc: {who} {details}") from None
    except (OSError, ValueError) as error:
        raise SystemExit(f"client_grpc: {error}") from None
    rows = [
        {name: _plain(value[place]) for name, value in outputs.items()}
        for place in range(len(clouds))
    ]
    show(rows)


def _plain(row):
    return [value.decode() if isinstance(value, bytes) else float(value) for value in row]


if __name__ == "__main__":
    main()

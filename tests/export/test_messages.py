"""The server's messages, the warm-up file, the command-line tool and gRPC against one export."""

import io
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from csnn_tf.export.warmup import read_warmup
from tests.export.conftest import CLASSES, script
from tests.helpers import clouds, long_run, relative

POINTS = clouds(2, 40)


def _answer(loaded, data: bytes) -> bytes:
    """What a server does between the bytes of a request and those of its response."""
    request = predict_pb2.PredictRequest.FromString(data)
    signature = loaded[request.model_spec.signature_name or "serving_default"]
    inputs = {key: tf.constant(tf.make_ndarray(value)) for key, value in request.inputs.items()}
    response = predict_pb2.PredictResponse()
    response.model_spec.CopyFrom(request.model_spec)
    for key, value in signature(**inputs).items():
        response.outputs[key].CopyFrom(tf.make_tensor_proto(value.numpy()))
    return response.SerializeToString()


def test_messages_round_trip(exported, loaded):
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "shapes"
    request.inputs["points"].CopyFrom(tf.make_tensor_proto(POINTS))
    data = _answer(loaded, request.SerializeToString())
    response = predict_pb2.PredictResponse.FromString(data)
    outputs = {key: tf.make_ndarray(value) for key, value in response.outputs.items()}
    expected = exported.probabilities(POINTS)
    assert set(outputs) == {"probabilities", "classes", "scores"}
    np.testing.assert_allclose(outputs["probabilities"], expected, atol=1e-5)
    best = [name.decode() for name in outputs["classes"][:, 0]]
    assert best == [CLASSES[place] for place in expected.argmax(axis=-1)]


def test_warmup_file_replays(exported, loaded):
    requests = list(read_warmup(exported.path))
    assert {request.signature for request in requests} == set(exported.signatures)
    assert [len(request.inputs["points"]) for request in requests][-1] == 8
    for request in requests:
        definition = exported.signatures[request.signature]
        assert set(request.inputs) == set(definition["inputs"])
        # What a server that joins requests asks of each of them.
        assert len({len(value) for value in request.inputs.values()}) == 1
        outputs = loaded[request.signature](
            **{key: tf.constant(value) for key, value in request.inputs.items()}
        )
        assert set(outputs) == set(definition["outputs"])
        for value in outputs.values():
            assert value.dtype == tf.string or np.isfinite(value).all()


def test_assets(exported):
    assets = exported.path / "assets"
    assert (assets / "labels.txt").read_text("utf-8").splitlines() == list(CLASSES)
    card = (assets / "model_card.md").read_text("utf-8")
    assert "café table" in card
    assert "1000000 rows" in card
    from tensorflow.core.protobuf import saved_model_pb2

    proto = saved_model_pb2.SavedModel.FromString((exported.path / "saved_model.pb").read_bytes())
    names = {asset.filename for asset in proto.meta_graphs[0].asset_file_def}
    assert names == {"labels.txt", "model_card.md"}
    assert sorted(path.name for path in exported.path.iterdir() if path.is_file()) == [
        "batching_params.pbtxt",
        "fingerprint.pb",
        "saved_model.pb",
    ]


CLI = """
import json, sys
from tensorflow.python.tools import saved_model_cli

for arguments in json.loads(sys.argv.pop()):
    sys.argv[1:] = arguments
    try:
        saved_model_cli.main()
    except SystemExit as end:
        assert not end.code
"""


@long_run
def test_saved_model_cli_shows_and_runs(exported, tmp_path):
    np.save(tmp_path / "points.npy", POINTS)
    chosen = ["--dir", str(exported.path), "--tag_set", "serve", "--signature_def"]
    show = ["show", *chosen, "serving_default"]
    inputs = ["--inputs", f"points={tmp_path / 'points.npy'}", "--outdir", str(tmp_path)]
    run = ["run", *chosen, "logits", *inputs]
    # Both in one process: loading TensorFlow is most of the work.
    command = [sys.executable, "-c", CLI, json.dumps([show, run])]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    shown = done.stdout
    assert "inputs['points'] tensor_info:\n      dtype: DT_FLOAT\n      shape: (-1, -1, 3)" in shown
    assert "outputs['classes'] tensor_info:\n      dtype: DT_STRING\n      shape: (-1, 5)" in shown
    expected = exported.logits(POINTS)
    assert relative(np.load(tmp_path / "logits.npy"), expected) < 1e-5


@pytest.fixture
def grpc_address(loaded):
    class Service(prediction_service_pb2_grpc.PredictionServiceServicer):
        def Predict(self, request, context):  # noqa: N802 (the service's name for it)
            try:
                data = _answer(loaded, request.SerializeToString())
            except tf.errors.InvalidArgumentError as error:
                context.abort(grpc.StatusCode.INVALID_ARGUMENT, error.message)
            return predict_pb2.PredictResponse.FromString(data)

    server = grpc.server(ThreadPoolExecutor(2))
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(Service(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(None).wait()


def test_grpc_client(exported, grpc_address, tmp_path, capsys, monkeypatch):
    client = script("client_grpc")
    different = [POINTS[0], POINTS[1][:7]]
    expected = exported.probabilities(different)
    outputs = client.predict(grpc_address, "shapes", different)
    np.testing.assert_allclose(outputs["probabilities"], expected, atol=1e-5)
    outputs = client.predict(grpc_address, "shapes", different[:1], "embedding")
    assert relative(outputs["embedding"], exported.embedding(different[:1])) < 1e-5
    with pytest.raises(grpc.RpcError, match="points: coordinates must be finite"):
        client.predict(grpc_address, "shapes", [POINTS[0] * np.nan])

    for place, cloud in enumerate(different):
        np.savetxt(tmp_path / f"{place}.xyz", cloud, delimiter=",")
    arguments = ["--model", "shapes", "--address", grpc_address]
    client.main([*arguments, str(tmp_path / "0.xyz"), str(tmp_path / "1.xyz")])
    answers = json.loads(capsys.readouterr().out)
    best = [CLASSES[place] for place in expected.argmax(axis=-1)]
    assert [answer["classes"][0] for answer in answers] == best
    for content in ("", "# nothing", "a b c", "1 2"):
        (tmp_path / "bad.xyz").write_text(content)
        with pytest.raises(SystemExit, match=r"bad.xyz is not a text file of x y z a line"):
            client.main([*arguments, str(tmp_path / "bad.xyz")])
    with pytest.raises(SystemExit, match="^client_grpc: 127.0.0.1:9 does not answer: "):
        client.main(["--model", "any", "--address", "127.0.0.1:9", str(tmp_path / "0.xyz")])
    monkeypatch.setattr(sys, "stdin", io.StringIO((tmp_path / "0.xyz").read_text()))
    client.main([*arguments, "-"])
    (alone,) = json.loads(capsys.readouterr().out)
    assert alone["classes"] == answers[0]["classes"]
    # Beside another cloud the last digit may be rounded otherwise.
    np.testing.assert_allclose(alone["probabilities"], answers[0]["probabilities"], rtol=1e-5)
    monkeypatch.setitem(sys.modules, "tensorflow_serving.apis", None)
    with pytest.raises(SystemExit, match="^client_grpc: pip install tensorflow-serving-api first"):
        script("client_grpc")
    (tmp_path / "bad.xyz").write_text("0 0 1e31\n")
    with pytest.raises(SystemExit, match="^client_grpc: .*points: coordinates must be") as ended:
        client.main([*arguments, str(tmp_path / "bad.xyz")])
    assert "\n" not in str(ended.value)

"""One exported classifier for all tests of a session, and the processes that run it."""

import importlib.util
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import pytest

from csnn_tf.export import export_model
from csnn_tf.models import PointCloudClassifier
from tests.export.dos_cases import dos_model
from tests.export.doubler import Doubler
from tests.helpers import BACKEND, clouds

HERE = Path(__file__).parent
CLASSES = ("bowl", "chaise longue", "café table", "lamp", "sofa", "vase")

if BACKEND != "tensorflow":
    collect_ignore_glob = ["test_*.py"]


@dataclass(frozen=True)
class ExportedModel:
    """A model and its SavedModel."""

    model: keras.Model
    file: Path
    folder: Path
    path: Path

    @property
    def signatures(self) -> dict[str, dict[str, dict[str, str]]]:
        """Tensors' names by signature, "inputs" or "outputs" and key."""
        from tensorflow.core.protobuf import saved_model_pb2

        proto = saved_model_pb2.SavedModel.FromString((self.path / "saved_model.pb").read_bytes())
        return {
            name: {
                side: {key: info.name for key, info in sorted(getattr(definition, side).items())}
                for side in ("inputs", "outputs")
            }
            for name, definition in proto.meta_graphs[0].signature_def.items()
            if not name.startswith("__")
        }

    def logits(self, points: Sequence[np.ndarray]) -> np.ndarray:
        """What Keras computes, cloud by cloud unless all are of one size."""
        return self._each(self.model, points)

    def probabilities(self, points: Sequence[np.ndarray]) -> np.ndarray:
        """The same after a softmax."""
        return keras.ops.convert_to_numpy(keras.ops.softmax(self.logits(points)))

    def embedding(self, points: Sequence[np.ndarray]) -> np.ndarray:
        """Keras's descriptors."""
        return self._each(self.model.descriptor, points)

    def _each(self, function, points):
        same = len({len(cloud) for cloud in points}) == 1
        batches = [np.stack(points)] if same else [cloud[None] for cloud in points]
        return np.concatenate(
            [keras.ops.convert_to_numpy(function(np.float32(batch))) for batch in batches]
        )


def trained_like(model: PointCloudClassifier, seed: int = 0) -> PointCloudClassifier:
    """Give normalisations the statistics of data, and other values than their initial ones."""
    rng = np.random.default_rng(seed)
    for variable in model.weights:
        if variable.path.endswith("gamma"):
            variable.assign(rng.uniform(0.5, 1.5, variable.shape))
        elif variable.path.endswith(("beta", "bias")):
            variable.assign(rng.normal(size=variable.shape) * 0.2)
    norms = [layer for layer in model._flatten_layers() if hasattr(layer, "moving_mean")]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 0.0  # one batch decides
    model(clouds(16, 60), training=True)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    return model


@pytest.fixture(scope="session")
def tiny_classifier() -> PointCloudClassifier:
    return trained_like(PointCloudClassifier.from_preset("tiny", class_names=CLASSES))


@pytest.fixture(scope="session")
def exported(tiny_classifier, tmp_path_factory) -> ExportedModel:
    folder = tmp_path_factory.mktemp("serving")
    file = folder / "shapes.keras"
    tiny_classifier.save(file)
    result = export_model(file, folder / "models")
    assert result.notices == ()
    return ExportedModel(tiny_classifier, file, folder / "models", result.path)


@pytest.fixture(scope="session")
def exported_dos(tmp_path_factory) -> ExportedModel:
    folder, model = tmp_path_factory.mktemp("serving_dos"), dos_model()
    model.save(folder / "carbon.keras")
    result = export_model(folder / "carbon.keras", folder / "models")
    return ExportedModel(model, folder / "carbon.keras", folder / "models", result.path)


@pytest.fixture(scope="session")
def loaded(exported):
    """The SavedModel's signatures in this process."""
    import tensorflow as tf

    module = tf.saved_model.load(str(exported.path))
    yield module.signatures
    del module


@dataclass(frozen=True)
class Job:
    """Inputs for a signature, sent by some threads at once."""

    signature: str
    inputs: Mapping[str, np.ndarray]
    threads: int = 1


def run_outside(model: ExportedModel, jobs: Sequence[Job], folder: Path) -> list[dict]:
    """Outputs of each job from a process without TensorFlow's Python, or {"error": message}."""
    spec = {
        "folder": str(model.path),
        "signatures": model.signatures,
        "requests": [{"signature": job.signature, "threads": job.threads} for job in jobs],
    }
    arrays = {
        f"{place}/{key}": value
        for place, job in enumerate(jobs)
        for key, value in job.inputs.items()
    }
    np.savez(folder / "job.npz", spec=np.array(json.dumps(spec)), **arrays)
    subprocess.run(
        [sys.executable, HERE / "c_runtime_worker.py", folder / "job.npz", folder / "result.npz"],
        check=True,
        stderr=subprocess.DEVNULL if os.environ.get("CI") is None else None,
        timeout=300,
    )
    outputs: list[dict] = [{} for _ in jobs]
    with np.load(folder / "result.npz", allow_pickle=False) as file:
        for key in file.files:
            place, name = key.split("/", 1)
            outputs[int(place)][name] = file[key]
    return outputs


@pytest.fixture(scope="session")
def kserve_url(exported, tmp_path_factory):
    """Address of a KServe server that serves the exported classifier as `shapes`."""
    yield from _kserve(exported, "shapes", tmp_path_factory.mktemp("kserve"))


@pytest.fixture(scope="session")
def kserve_dos_url(exported_dos, tmp_path_factory):
    """Address of one that serves the exported density-of-states model as `carbon`."""
    yield from _kserve(exported_dos, "carbon", tmp_path_factory.mktemp("kserve_dos"))


def _kserve(model: ExportedModel, name: str, folder: Path):
    if importlib.util.find_spec("kserve") is None:
        pytest.skip("kserve is not installed: pip install csnn-tf[serving-test]")
    signatures = folder / "signatures.json"
    signatures.write_text(json.dumps(model.signatures))
    command = [sys.executable, HERE / "kserve_server.py", model.path, name, "{port}", signatures]
    yield from serving(command, name, folder / "log")


def serving(command: Sequence, name: str, log: Path):
    """Address of a server process, whose command gets a free port for {port}, until it is left."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(part).replace("{port}", str(port)) for part in command]
    with open(log, "wb") as file:
        server = subprocess.Popen(command, stdout=file, stderr=file)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait(f"{url}/v1/models/{name}", server, log)
        yield url
        assert server.poll() is None, "the server died"
    finally:
        server.terminate()
        server.wait(30)


def _wait(url: str, server: subprocess.Popen, log: Path) -> None:
    for _ in range(600):
        try:
            with urllib.request.urlopen(url, timeout=5) as response:
                assert json.load(response)["ready"]
                return
        except OSError:
            assert server.poll() is None, log.read_text(errors="replace")
            time.sleep(0.2)
    raise AssertionError(f"the server did not start: {log.read_text(errors='replace')}")


sys.path.insert(0, str(HERE.parents[1] / "scripts"))  # as a script has its own folder there


def script(name: str):
    """A module of scripts/."""
    path = HERE.parents[1] / "scripts" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def doubler(tmp_path):
    """Writes the file of a model that is exported in no time."""

    def save(kind: str = "plain", names=()):
        model = Doubler(kind, names)
        model(np.zeros(2, np.float32))
        model.save(tmp_path / "doubler.v2.keras")
        return tmp_path / "doubler.v2.keras"

    return save

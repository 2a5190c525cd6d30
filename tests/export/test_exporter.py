"""The exporter around any model: with one that is exported in no time."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import (
    descriptor_pb2,
    descriptor_pool,
    message_factory,
    text_format,
    wrappers_pb2,
)

from csnn_tf.errors import InputError
from csnn_tf.export import Request, Serving, export_model, serves
from csnn_tf.export.op_check import servable_problems


@keras.saving.register_keras_serializable(package="csnn_tf_tests")
class Doubler(keras.Model):
    def __init__(self, kind: str = "plain", **kwargs) -> None:
        super().__init__(**kwargs)
        self.kind = kind

    def call(self, inputs):
        return 2 * inputs

    def get_config(self):
        return {"kind": self.kind}


@serves(Doubler)
class DoublerServing(Serving):
    labels = ()
    variables = ()

    def signatures(self):
        spec = tf.TensorSpec([None], tf.float32, name="x")

        @tf.function(jit_compile=True)
        def compiled(x):
            return 2 * x

        def double(x):
            if self.model.kind == "python":
                return {"y": tf.numpy_function(lambda value: 2 * value, [x], tf.float32)}
            return {"y": compiled(x) if self.model.kind == "compiled" else self.model(x)}

        return {"serving_default": tf.function(double, input_signature=[spec])}

    def examples(self):
        return [Request("serving_default", {"x": np.ones(3, np.float32)})]

    def portable(self):
        raise NotImplementedError

    def card(self):
        return {"Input": "x"}


@pytest.fixture
def file(tmp_path):
    def save(kind: str = "plain"):
        model = Doubler(kind)
        model(np.zeros(2, np.float32))
        model.save(tmp_path / "doubler.v2.keras")
        return tmp_path / "doubler.v2.keras"

    return save


def test_layout_and_next_version(tmp_path, file):
    first = export_model(file(), tmp_path / "models").path
    assert first == tmp_path / "models" / "doubler_v2" / "1"
    assert export_model(file(), tmp_path / "models").path.name == "2"
    assert export_model(file(), tmp_path / "models", name="other", version=7).path.name == "7"
    config = (tmp_path / "models" / "models.config").read_text()
    assert config.index('"doubler_v2"') < config.index('"other"')
    card = (first / "assets" / "model_card.md").read_text("utf-8")
    assert card.startswith("# doubler_v2\n")
    assert (first / "assets" / "labels.txt").read_text() == ""
    assert {path.name for path in first.iterdir()} >= {"saved_model.pb", "assets.extra"}
    loaded = tf.saved_model.load(str(first))
    np.testing.assert_array_equal(loaded.signatures["serving_default"](x=tf.ones(2))["y"], [2, 2])


def test_run_folder(tmp_path, file):
    run = tmp_path / "my run"
    run.mkdir()
    file().rename(run / "best.keras")
    (run / "config.json").write_text('{"epochs": 61}')
    path = export_model(run, tmp_path / "models").path
    assert path.parent.name == "my_run"
    assert '"epochs": 61' in (path / "assets" / "model_card.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("kind", "problem"),
    [("python", r"the operation EagerPyFunc|PyFunc"), ("compiled", "must be compiled by XLA")],
)
def test_refuses_what_a_stock_server_cannot_run(tmp_path, file, kind, problem):
    with pytest.raises(InputError, match=problem):
        export_model(file(kind), tmp_path / "models")
    assert not (tmp_path / "models").exists()


def test_custom_operations_are_problems(tmp_path, file):
    from tensorflow.core.protobuf import saved_model_pb2

    path = export_model(file(), tmp_path / "models").path
    assert list(servable_problems(path)) == []
    proto = saved_model_pb2.SavedModel.FromString((path / "saved_model.pb").read_bytes())
    proto.meta_graphs[0].graph_def.node.add(name="mine", op="FarthestPointSample")
    (path / "saved_model.pb").write_bytes(proto.SerializeToString())
    assert ["FarthestPointSample" in problem for problem in servable_problems(path)] == [True]


def test_message_classes_missing(tmp_path, file, monkeypatch):
    monkeypatch.setattr("csnn_tf.export.exporter.can_write_warmup", lambda: False)
    monkeypatch.setattr("csnn_tf.export.saved_model.can_write_warmup", lambda: False)
    result = export_model(file(), tmp_path / "models")
    assert "tensorflow-serving-api" in result.notices[0]
    assert not (result.path / "assets.extra").exists()


def test_server_files_are_what_the_server_parses(tmp_path, file):
    from tensorflow_serving.config import model_server_config_pb2

    folder = tmp_path / "models"
    export_model(file(), folder)
    (folder / "not a model").mkdir()
    (folder / "batching_parameters").write_text("max_batch_size { value: 4 }")
    export_model(file(), folder, name="other")
    config = model_server_config_pb2.ModelServerConfig()
    text_format.Parse((folder / "models.config").read_text(), config)
    assert [(entry.name, entry.base_path) for entry in config.model_config_list.config] == [
        ("doubler_v2", "/models/doubler_v2"),
        ("other", "/models/other"),
    ]
    assert (folder / "batching_parameters").read_text() == "max_batch_size { value: 4 }"


def test_batching_parameters_parse(tmp_path, file):
    export_model(file(), tmp_path / "models")
    text = (tmp_path / "models" / "batching_parameters").read_text()
    message = text_format.Parse(text, _batching_parameters()())
    assert message.max_batch_size.value == 32
    assert not message.pad_variable_length_inputs


def _batching_parameters():
    """The server's BatchingParameters, which tensorflow-serving-api does not contain."""
    proto = descriptor_pb2.FileDescriptorProto(
        name="batching.proto", dependency=["google/protobuf/wrappers.proto"], syntax="proto3"
    )
    message = proto.message_type.add(name="BatchingParameters")
    wrapped = ("max_batch_size", "batch_timeout_micros", "max_enqueued_batches")
    for number, name in enumerate((*wrapped, "num_batch_threads"), start=1):
        message.field.add(
            name=name, number=number, label=1, type=11, type_name=".google.protobuf.Int64Value"
        )
    message.field.add(name="pad_variable_length_inputs", number=7, label=1, type=8)
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(proto)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("BatchingParameters"))


def test_bad_arguments(tmp_path, file, monkeypatch):
    with pytest.raises(InputError, match="neither a .keras file"):
        export_model(tmp_path / "nothing.keras", tmp_path)
    with pytest.raises(InputError, match="format must be one of savedmodel, onnx, tflite"):
        export_model(file(), tmp_path, file_format="pickle")
    for name in ("a/b", str(tmp_path / "elsewhere"), ".."):
        with pytest.raises(InputError, match=f"name must be letters, .*not '{name}'"):
            export_model(file(), tmp_path / "models", name=name)
    assert {path.name for path in tmp_path.iterdir()} == {"doubler.v2.keras"}
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(InputError, match="KERAS_BACKEND=tensorflow, not jax"):
        export_model(file(), tmp_path)

"""The exporter around any model: with one that is exported in no time."""

import errno
import hashlib
import json
from unittest.mock import Mock

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
from csnn_tf.export import ExportOptions, export_model
from csnn_tf.export.batching import batching_params
from csnn_tf.export.op_check import servable_problems
from csnn_tf.models.loading import load_model
from tests.export.doubler import Doubler


def test_layout_and_next_version(tmp_path, doubler):
    first = export_model(doubler(), tmp_path / "models").path
    assert first == tmp_path / "models" / "doubler_v2" / "1"
    assert export_model(doubler(), tmp_path / "models").path.name == "2"
    assert export_model(doubler(), tmp_path / "models", name="other", version=7).path.name == "7"
    config = (tmp_path / "models" / "models.config").read_text()
    assert config.index('"doubler_v2"') < config.index('"other"')
    card = (first / "assets" / "model_card.md").read_text("utf-8")
    assert card.startswith("# doubler_v2\n")
    assert (first / "assets" / "labels.txt").read_text() == ""
    assert {path.name for path in first.iterdir()} >= {"saved_model.pb", "assets.extra"}
    loaded = tf.saved_model.load(str(first))
    np.testing.assert_array_equal(loaded.signatures["serving_default"](x=tf.ones(2))["y"], [2, 2])


def test_model_cards_tell_nothing_of_the_machine(tmp_path, doubler):
    """Fields of known names went into them whole."""
    source = doubler()
    record = {
        "preset": "tiny",
        "recipe": "paper",
        "model": {"dropout": 0.3, "filters": [8, ["secret"]], "token": "secret"},
        "epochs": 61,
        "name": {"secret": 1},
        "data": "/home/secret/shapes.npz",
        "folder": "C:\\Users\\secret\\shapes",
        "initial": "/home/secret/first/",
        "electrons": {"C": 4.0, "Si": "secret", "secret": 1},
        "classes": ["chair", {"secret": 1}],
        "command": "csnn-tf train '/home/secret x/a b' --data=/secret/d --from secret:x@host/m "
        "--set radius=0.5 --out ~secret/runs/1 && csnn-tf train",
        "stages": ["csnn-tf train --data '/home/secret/x"],
    }
    source.with_suffix(".json").write_text(json.dumps(record))
    path = export_model(source, tmp_path / "models").path
    card = (path / "assets" / "model_card.md").read_text("utf-8")
    assert "secret" not in card
    found = json.loads(card.partition("## Training\n\n```json\n")[2].partition("```")[0])
    assert found == {
        **{key: record[key] for key in ("preset", "recipe", "epochs")},
        "model": {"dropout": 0.3, "filters": [8]},
        "data": "shapes.npz",
        "folder": "shapes",
        "initial": "first",
        "electrons": {"C": 4.0},
        "classes": ["chair"],
        "command": "csnn-tf train 'a b' --data=d --from m --set radius=0.5 --out 1 "
        "&& csnn-tf train",
        "stages": ["csnn-tf train --data x"],
    }


def test_run_folder(tmp_path, doubler):
    run = tmp_path / "my run"
    run.mkdir()
    doubler().rename(run / "best.keras")
    record = {"preset": "tiny", "recipe": "paper", "model": {}, "epochs": 61, "token": "secret"}
    (run / "config.json").write_text(json.dumps(record))
    path = export_model(run, tmp_path / "models").path
    assert path.parent.name == "my_run"
    card = (path / "assets" / "model_card.md").read_text("utf-8")
    assert '"epochs": 61' in card
    assert "secret" not in card
    digest = hashlib.sha256((run / "best.keras").read_bytes()).hexdigest()
    assert f"best.keras, SHA-256 {digest}" in card
    # As a file of its own, too: every run has a best.keras.
    assert export_model(run / "best.keras", tmp_path / "models").path == path.parent / "2"


@pytest.mark.parametrize("first", ["replaced", "loaded"])
def test_a_file_that_is_replaced_meanwhile(tmp_path, doubler, monkeypatch, first):
    """As by a training that goes on: the card would have the SHA-256 of other weights."""
    source = doubler()

    def load(path, kind):
        loaded = load_model(path, kind) if first == "loaded" else None
        doubler(names=["cat"])
        return loaded or load_model(path, kind)

    monkeypatch.setattr("csnn_tf.export.exporter.load_model", load)
    with pytest.raises(InputError, match="v2.keras changed while it was read: export it again"):
        export_model(source, tmp_path / "models")
    assert not (tmp_path / "models").exists()


def test_a_file_that_cannot_be_read(tmp_path, doubler, monkeypatch):
    source = doubler()
    denied = Mock(side_effect=PermissionError(errno.EACCES, "Permission denied"))
    monkeypatch.setattr("builtins.open", denied)
    with pytest.raises(InputError, match="v2.keras cannot be read: Permission denied"):
        export_model(source, tmp_path / "models")


@pytest.mark.parametrize("name", ["best", "last", "other"])
@pytest.mark.parametrize(
    ("history", "told"),
    [
        ("epoch,loss\n1,0.5\n2,0.4\n", "The run's history has 2 of 3 epochs."),
        ("epoch,loss\n1,0.5\n2,0.4\n3,0.3\n", ""),
        ("epoch,loss\n1,much\n", ""),
        (None, ""),
    ],
)
def test_runs_of_fewer_epochs_than_recorded(tmp_path, doubler, name, history, told):
    """Whatever ended them; a model that is not the run's has other epochs."""
    doubler().rename(tmp_path / f"{name}.keras")
    record = {"preset": "tiny", "recipe": "paper", "model": {}, "epochs": 3}
    (tmp_path / "config.json").write_text(json.dumps(record))
    if history is not None:
        (tmp_path / "history.csv").write_text(history)
    done = export_model(tmp_path / f"{name}.keras", tmp_path / "models", name="any")
    if name == "other":
        told = ""
    assert [notice for notice in done.notices if "epochs" in notice] == [told] * bool(told)
    card = (done.path / "assets" / "model_card.md").read_text("utf-8")
    assert ("\n\n## Training\n\n" + f"{told}\n\n" * bool(told) + "```json\n") in card


@pytest.mark.parametrize(
    ("given", "name"),
    [("Größe", "Gr_e"), ("模型", "model"), ("v1.0 (final)", "v1_0_final"), ("plain-1_b", None)],
)
def test_a_name_that_had_to_be_changed_is_told(tmp_path, doubler, given, name):
    run = tmp_path / given
    run.mkdir()
    doubler().rename(run / "best.keras")
    (run / "config.json").write_text("{}")
    done = export_model(run, tmp_path / "models")
    assert done.path.parent.name == (name or given)
    told = [notice for notice in done.notices if "--name" in notice]
    assert told == ([f"The name became {name}, from {given!r}: --name gives another."] * bool(name))
    done = export_model(run, tmp_path / "models", name="v1.0")
    assert not [notice for notice in done.notices if "--name" in notice]


@pytest.mark.parametrize("name", ["two\nlines", "\x1b[2J", "\u2028", "\ud800"])
def test_labels_that_are_no_line(tmp_path, doubler, name):
    with pytest.raises(InputError, match="the class name .* is no line of text"):
        export_model(doubler(names=["cat", name]), tmp_path / "models")
    assert not (tmp_path / "models").exists()


def test_server_files_that_cannot_be_written(tmp_path, doubler):
    (tmp_path / "models" / "models.config").mkdir(parents=True)
    with pytest.raises(InputError, match=r"models\.config"):
        export_model(doubler(), tmp_path / "models")
    assert [path.name for path in (tmp_path / "models").iterdir()] == ["models.config"]


@pytest.mark.parametrize("place", ["tf.saved_model.save", "write_warmup"])
def test_a_full_disk(tmp_path, doubler, monkeypatch, place):
    def full(*arguments, **options):
        message = "{{function_node a}} /x/b.tmp; No space left on device [Op:SaveV2]"
        raise tf.errors.ResourceExhaustedError(None, None, message)

    monkeypatch.setattr(f"csnn_tf.export.saved_model.{place}", full)
    message = r"models/doubler_v2 cannot be written: /x/b\.tmp; No space left on device\.$"
    with pytest.raises(InputError, match=message):
        export_model(doubler(), tmp_path / "models")
    assert not (tmp_path / "models").exists()


@pytest.mark.parametrize(
    ("kind", "problem"),
    [
        ("python", r"the operation EagerPyFunc|PyFunc"),
        ("compiled", "must be compiled by XLA"),
        ("refuses", "serving_default refuses its own example: .*x: too short"),
    ],
)
def test_refuses_what_a_stock_server_cannot_run(tmp_path, doubler, kind, problem):
    with pytest.raises(InputError, match=problem):
        export_model(doubler(kind), tmp_path / "models")
    assert not (tmp_path / "models").exists()


def test_custom_operations_are_problems(tmp_path, doubler):
    from tensorflow.core.protobuf import saved_model_pb2

    path = export_model(doubler(), tmp_path / "models").path
    assert list(servable_problems(path)) == []
    proto = saved_model_pb2.SavedModel.FromString((path / "saved_model.pb").read_bytes())
    proto.meta_graphs[0].graph_def.node.add(name="mine", op="FarthestPointSample")
    (path / "saved_model.pb").write_bytes(proto.SerializeToString())
    assert ["FarthestPointSample" in problem for problem in servable_problems(path)] == [True]


def test_message_classes_missing(tmp_path, doubler, monkeypatch):
    monkeypatch.setattr("csnn_tf.export.exporter.can_write_warmup", lambda: False)
    monkeypatch.setattr("csnn_tf.export.saved_model.can_write_warmup", lambda: False)
    result = export_model(doubler(), tmp_path / "models")
    assert "tensorflow-serving-api" in result.notices[-1]
    assert not (result.path / "assets.extra").exists()


def test_server_files_are_what_the_server_parses(tmp_path, doubler):
    from tensorflow_serving.config import model_server_config_pb2

    folder = tmp_path / "models"
    export_model(doubler(), folder)
    (folder / "not a model").mkdir()
    (folder / "batching_parameters").write_text("max_batch_size { value: 4 }")
    export_model(doubler(), folder, name="other")
    config = model_server_config_pb2.ModelServerConfig()
    text_format.Parse((folder / "models.config").read_text(), config)
    assert [(entry.name, entry.base_path) for entry in config.model_config_list.config] == [
        ("doubler_v2", "/models/doubler_v2"),
        ("other", "/models/other"),
    ]
    assert (folder / "batching_parameters").read_text() == "max_batch_size { value: 4 }"


def test_batching_parameters_parse(tmp_path, doubler):
    export_model(doubler(), tmp_path / "models")
    text = (tmp_path / "models" / "batching_parameters").read_text()
    message = text_format.Parse(text, _batching_parameters()())
    assert message.max_batch_size.value == 32
    assert not message.pad_variable_length_inputs
    # A batch of several requests has the bound of one.
    for bound, together in ((128, 32), (4, 4)):
        options = ExportOptions(max_clouds=bound)
        own = text_format.Parse(batching_params(options), _batching_parameters()())
        assert own.max_batch_size.value == bound
        assert own.max_execution_batch_size.value == together
        assert own.enable_large_batch_splitting.value


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
    for number, (name, kind) in enumerate(
        (("enable_large_batch_splitting", "Bool"), ("max_execution_batch_size", "Int64")), start=8
    ):
        message.field.add(
            name=name, number=number, label=1, type=11, type_name=f".google.protobuf.{kind}Value"
        )
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(proto)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("BatchingParameters"))


def test_bad_arguments(tmp_path, doubler, monkeypatch):
    with pytest.raises(InputError, match="neither a .keras file"):
        export_model(tmp_path / "nothing.keras", tmp_path)
    with pytest.raises(InputError, match="format must be one of savedmodel, onnx, tflite"):
        export_model(doubler(), tmp_path, file_format="pickle")
    for name in ("a/b", str(tmp_path / "elsewhere"), "..", ""):
        with pytest.raises(InputError, match=f"name must be letters, .*not '{name}'"):
            export_model(doubler(), tmp_path / "models", name=name)
    for name in ("models.config", "batching_parameters"):
        with pytest.raises(InputError, match=f"name must not be {name}: "):
            export_model(doubler(), tmp_path / "models", name=name)
    for model, message in (
        (Doubler(), "model must be a file: save the Doubler with save"),
        (None, "model must be a path or a name, not None"),
        (b"a.keras", "model must be a path or a name, not b'a.keras'"),
    ):
        with pytest.raises(InputError, match=message):
            export_model(model, tmp_path / "models")
    for arguments, message in (
        ({"folder": None}, "folder must be a path"),
        ({"version": 2.5}, "version must be a whole number"),
        ({"name": 5}, "name must be letters"),
        ({"options": {}}, "options must be ExportOptions"),
    ):
        with pytest.raises(InputError, match=message):
            export_model(doubler(), **{"folder": tmp_path / "models", **arguments})
    assert {path.name for path in tmp_path.iterdir()} == {"doubler.v2.keras"}
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(InputError, match="KERAS_BACKEND=tensorflow, not jax"):
        export_model(doubler(), tmp_path)

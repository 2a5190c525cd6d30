import sys
import types
import zipfile

import keras
import numpy as np
import pytest

from csnn_tf.convert import (
    assign_published_weights,
    backbone_layers,
    classifier_layers,
    load_published_weights,
    read_published_weights,
)
from csnn_tf.convert_dos import load_published_dos_weights
from csnn_tf.errors import InputError
from csnn_tf.layers import VertexPooling
from csnn_tf.models import PointCloudClassifier, PointNetClassifier
from tests.helpers import numpy_of, randomise, relative
from tests.published import GOLDEN, INPUTS, WEIGHTS, published_classifier

CONV = "conv_radial_blocks.0.conv_layers.1.weight"


def weights_of(model):
    return [weight.copy() for weight in model.network.get_weights()]


def assert_untouched(model, before):
    for was, now in zip(before, model.network.get_weights(), strict=True):
        np.testing.assert_array_equal(was, now)


def test_every_weight_is_set():
    model = published_classifier()
    for weight in model.network.weights:
        weight.assign(np.full(weight.shape, np.nan))
    load_published_weights(model, WEIGHTS)
    numbers = np.concatenate([weight.ravel() for weight in model.network.get_weights()])
    assert np.isfinite(numbers).all()
    published = np.concatenate([weight.ravel() for weight in WEIGHTS.values()])
    np.testing.assert_array_equal(np.sort(numbers), np.sort(published))
    assert relative(model.network(INPUTS, training=False), GOLDEN["logits_eval"]) < 1e-5


def test_names_of_a_published_checkpoint_are_tidied():
    model = published_classifier()
    raw = {f"module.{name}": value for name, value in WEIGHTS.items()}
    raw["module.output.batch_norms.0.num_batches_tracked"] = np.array(7)
    load_published_weights(model, raw)
    assert relative(model.network(INPUTS, training=False), GOLDEN["logits_eval"]) < 1e-5


def test_other_hierarchies_have_the_names_too():
    model = PointCloudClassifier.from_preset("paper", num_classes=40)
    names = classifier_layers(model)
    assert names["gconv_blocks.0.conv_layers.0.conv"].name == "level4_intra0"
    assert names["conv_radial_blocks.4.batch_norms.0"].name == "level0_co_radial0_norm"
    assert names["output.dense_layers.2"].name == "logits"
    layers = [*model.backbone.layers, *model.network.layers]
    with_weights = {layer.name for layer in layers if layer.weights and layer.name != "backbone"}
    assert {layer.name for layer in names.values()} == with_weights
    assert backbone_layers(model.backbone).items() <= names.items()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: w.pop(CONV), f"'{CONV}' is missing from the published weights: .* 67 are given"),
        (lambda w: w.update(extra=w[CONV]), "'extra' is unexpected in the published weights"),
        (
            lambda w: w.update({"a.b": 1, "a.c": 2}),
            r"'a\.b' is unexpected .* \(and 1 more\): the model has 68 entries, and 70",
        ),
        (
            lambda w: w.update({CONV: w[CONV].transpose(2, 1, 0)}),
            rf"'{CONV}' must have the shape \(8, 8, 3\), not \(3, 8, 8\)",
        ),
        (lambda w: w.update({CONV: w[CONV] * np.nan}), f"'{CONV}' must hold finite numbers"),
        (lambda w: w.update({CONV: w[CONV].astype(str)}), f"'{CONV}' must hold finite numbers"),
        (
            lambda w: w.update({CONV: w[CONV].astype(float) * 1e300}),
            f"'{CONV}' must hold finite numbers in float32",
        ),
    ],
    ids=["missing", "unexpected", "two", "shape", "nan", "text", "large"],
)
def test_what_does_not_fit_changes_nothing(change, message):
    model, weights = published_classifier(), dict(WEIGHTS)
    before = weights_of(model)
    change(weights)
    with pytest.raises(InputError, match=message):
        load_published_weights(model, weights)
    assert_untouched(model, before)


def test_another_hierarchy_does_not_fit():
    model = published_classifier(hidden=(16,))
    before = weights_of(model)
    with pytest.raises(InputError, match="is unexpected in the published weights"):
        load_published_weights(model, WEIGHTS)
    assert_untouched(model, before)


@pytest.mark.parametrize("weights", [[1, 2], {1: np.zeros(3)}])
def test_weights_without_names_are_refused(weights):
    with pytest.raises(InputError, match=r"must be arrays by name, not (list|dict) "):
        load_published_weights(published_classifier(), weights)


@pytest.mark.parametrize("load", [load_published_weights, load_published_dos_weights])
def test_models_of_another_kind_are_refused(load):
    with pytest.raises(InputError, match="published weights are of a .* not of a PointNetClas"):
        load(PointNetClassifier.from_preset("tiny", num_classes=5), WEIGHTS)


def test_layouts_of_every_kind_of_layer():
    rng = np.random.default_rng(0)
    dense, conv = keras.layers.Dense(3), keras.layers.Conv1D(4, 5, padding="same", use_bias=False)
    dense.build((None, 2))
    conv.build((None, None, 2))
    for layer in (dense, conv):
        randomise(layer)
    weights = {
        "a.weight": rng.normal(size=(3, 2)),
        "a.bias": rng.normal(size=3),
        "b.weight": rng.normal(size=(4, 2, 5)),
    }
    assign_published_weights({"a": dense, "b": conv}, weights)
    x = rng.normal(size=(7, 2)).astype("float32")
    expected = x @ weights["a.weight"].T + weights["a.bias"]
    np.testing.assert_allclose(numpy_of(dense(x)), expected, atol=1e-5)
    # PyTorch's definition: y[f, t] = sum over c, k of w[f, c, k] x[c, t + k - K/2].
    padded = np.pad(x, [(2, 2), (0, 0)])
    windows = np.stack([padded[k : k + 7] for k in range(5)], axis=-1)
    expected = np.einsum("tck,fck->tf", windows, weights["b.weight"])
    np.testing.assert_allclose(numpy_of(conv(x[None]))[0], expected, atol=1e-5)


def test_layers_without_counterpart():
    with pytest.raises(InputError, match="VertexPooling, which has no counterpart"):
        assign_published_weights({"a": VertexPooling()}, {})


def test_reading_an_archive(tmp_path):
    path = tmp_path / "weights.npz"
    np.savez(path, **{f"w/module.{k}": v for k, v in WEIGHTS.items()}, logits=np.ones(3))
    found = read_published_weights(path, prefix="w/")
    assert found.keys() == WEIGHTS.keys()
    for name, value in found.items():
        np.testing.assert_array_equal(value, WEIGHTS[name])
    assert read_published_weights(path).keys() >= {"logits"}
    with pytest.raises(InputError, match="no weights whose names begin with 'x/'"):
        read_published_weights(str(path), prefix="x/")


def test_archives_that_cannot_be_read(tmp_path):
    path = tmp_path / "weights.npz"
    np.savez(path, a=np.arange(1000.0))
    whole = path.read_bytes()
    np.savez(path, a=np.array([{"any": "object"}], dtype=object))
    with_pickle = path.read_bytes()
    for content in (b"", b"nonsense", whole[: len(whole) // 2], whole[:-30], with_pickle):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"weights\.npz"):
            read_published_weights(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.npy", whole[30:100] + b"x" * 200)
    with pytest.raises(InputError, match=r"weights\.npz"):
        read_published_weights(path)


@pytest.mark.parametrize("name", ["missing.npz", "folder.npz", "missing.pt"])
def test_no_such_file(name, tmp_path):
    (tmp_path / "folder.npz").mkdir()
    with pytest.raises(InputError, match=f"{name} does not exist or is not a file"):
        read_published_weights(tmp_path / name)


def test_other_endings(tmp_path):
    path = tmp_path / "weights.pkl"
    path.touch()
    with pytest.raises(InputError, match="must end in .npz, .pt or .pth"):
        read_published_weights(path)


@pytest.fixture
def checkpoint(tmp_path):
    path = tmp_path / "model.pth"
    path.write_bytes(b"a checkpoint")
    return path


def test_without_torch(checkpoint, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(InputError, match="model.pth can only be read with torch"):
        read_published_weights(checkpoint)


class Tensor:
    """The part of a PyTorch tensor that is used."""

    def __init__(self, value):
        self.value = np.asarray(value)

    def detach(self):
        return self

    def float(self):
        return Tensor(self.value.astype("float32"))

    def numpy(self):
        return self.value


def with_torch(monkeypatch, load):
    """A stand-in for torch, which is large and needed for nothing else here."""
    torch = types.ModuleType("torch")
    torch.load, torch.is_tensor = load, lambda value: isinstance(value, Tensor)
    monkeypatch.setitem(sys.modules, "torch", torch)


@pytest.mark.parametrize("nested", [(), ("state_dict",), ("model_state_dict",), ("model",)])
def test_reading_a_checkpoint(checkpoint, monkeypatch, nested):
    content = {f"module.{name}": Tensor(value.astype("float16")) for name, value in WEIGHTS.items()}
    content["module.output.batch_norms.0.num_batches_tracked"] = Tensor(3)
    for name in nested:
        content = {"epoch": 3, name: content}
    calls = []
    with_torch(monkeypatch, lambda path, **options: calls.append((path, options)) or content)
    found = read_published_weights(checkpoint)
    assert calls == [(checkpoint, {"map_location": "cpu", "weights_only": True})]
    assert found.keys() == WEIGHTS.keys()
    assert {value.dtype for value in found.values()} == {np.dtype("float32")}
    load_published_weights(published_classifier(), found)


@pytest.mark.parametrize("content", [3, {}, {"epoch": 3}, {"state_dict": {"a": 1}}, [Tensor(1)]])
def test_checkpoints_of_something_else(checkpoint, monkeypatch, content):
    with_torch(monkeypatch, lambda path, **options: content)
    with pytest.raises(InputError, match=r"model\.pth .*holds?"):
        read_published_weights(checkpoint)


def test_checkpoints_with_code_are_refused(checkpoint, monkeypatch):
    def refuse(path, **options):
        raise RuntimeError("Weights only load failed.\nSet weights_only=False to run its code.")

    with_torch(monkeypatch, refuse)
    with pytest.raises(InputError, match="of weights alone: Weights only load failed.$"):
        read_published_weights(checkpoint)

"""Damaged and hostile model files: refused, or a model whose answers are finite."""

import io
import json
import zipfile

import h5py
import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from csnn_tf.errors import InputError
from csnn_tf.inference import Predictor
from csnn_tf.models import PointCloudClassifier
from csnn_tf.models.kind import class_name
from csnn_tf.models.loading import load_model, training_record
from tests.fuzz.cases import JSON, cases, damaged, ends, refused_or_right


@pytest.fixture(scope="module")
def parts(classifier, tmp_path_factory):
    """The members of a small .keras file by name."""
    path = tmp_path_factory.mktemp("model") / "small.keras"
    classifier.save(path)
    return members(path)


def members(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(parts, method=zipfile.ZIP_STORED):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return stream.getvalue()


def check(path):
    class_name(path)
    with refused_or_right(path, "the model gives numbers"):
        model = load_model(path, PointCloudClassifier)
        logits = np.asarray(model(np.eye(3, dtype=np.float32)[None]))
        if not np.isfinite(logits).all():  # weights that are finite and far too large
            logits = Predictor(model, 1).logits([np.eye(3)])
        assert logits.shape == (1, model.num_classes)
        assert np.isfinite(logits).all()


def write(folder, content):
    path = folder.getbasetemp() / "damaged.keras"
    path.write_bytes(content)
    return path


@given(data=st.data())
@cases(0.5, short=15)
def test_damaged_bytes(parts, tmp_path_factory, data):
    check(write(tmp_path_factory, data.draw(damaged(packed(parts)))))


@given(data=st.data(), name=st.sampled_from(["config.json", "metadata.json", "model.weights.h5"]))
@cases(0.2, short=6)
def test_damaged_members_of_a_sound_archive(parts, tmp_path_factory, data, name):
    changed = {**parts, name: data.draw(damaged(parts[name]))}
    check(write(tmp_path_factory, packed(changed)))


@given(data=st.data(), value=JSON)
@cases(0.3, short=10)
def test_configurations_with_other_values(parts, tmp_path_factory, data, value):
    config = json.loads(parts["config.json"])
    inner = data.draw(st.sampled_from([config, config["config"]]))
    inner[data.draw(st.sampled_from(sorted(inner)))] = value
    check(write(tmp_path_factory, packed({**parts, "config.json": json.dumps(config)})))


@given(content=JSON.map(json.dumps) | st.text(max_size=20) | st.just("[" * 100_000))
@cases(0.3, short=15)
def test_training_records(parts, tmp_path_factory, content):
    path = write(tmp_path_factory, packed(parts))
    path.with_suffix(".json").write_text(content)
    with refused_or_right(path):
        assert isinstance(training_record(path), dict)
    path.with_suffix(".json").unlink()


def test_every_truncation(parts, tmp_path_factory):
    content = packed(parts)
    for end in ends(content, short=100, last=400):
        path = write(tmp_path_factory, content[:end])
        with refused_or_right(path):
            load_model(path, PointCloudClassifier)
            raise AssertionError("a file without its end was taken for a model")


def weights(change):
    def make(parts):
        stream = io.BytesIO(parts["model.weights.h5"])
        with h5py.File(stream, "r+") as file:
            found = []
            file.visit(found.append)
            change(file, next(name for name in found if isinstance(file[name], h5py.Dataset)))
        return {**parts, "model.weights.h5": stream.getvalue()}

    return make


def replace_by(make):
    def change(file, name):
        del file[name]
        make(file, name)

    return weights(change)


def config(**changes):
    def make(parts):
        content = json.loads(parts["config.json"])
        for key, value in changes.items():
            (content if key in content else content["config"])[key] = value
        return {**parts, "config.json": json.dumps(content)}

    return make


LAMBDA = {"module": "keras.layers", "class_name": "Lambda", "config": {"function": "x"}}
HOSTILE = {
    "another class": config(registered_name=None, module="keras", class_name="Sequential"),
    "a lambda": config(hidden=[LAMBDA]),
    "a huge layer": config(hidden=[10**9, 10**9]),
    "a huge map": config(spheres=10**12),
    "many layers": config(intra_layers=[10**9, 1]),
    "more files": lambda parts: {**parts, "assets/../../evil": b"x"},
    "an absolute path": lambda parts: {**parts, "/tmp/evil": b"x"},
    "a bomb": lambda parts: {**parts, "metadata.json": b" " * 30_000_000},
    "weights elsewhere": replace_by(lambda f, n: f.__setitem__(n, h5py.ExternalLink("x.h5", "/x"))),
    "weights in a link": replace_by(lambda f, n: f.__setitem__(n, h5py.SoftLink("/x"))),
    "weights in a raw file": replace_by(
        lambda f, n: f.create_dataset(n, (4,), "f4", external=[("/etc/passwd", 0, 16)])
    ),
    "weights of 10^12 numbers": replace_by(
        lambda f, n: f.create_dataset(n, (10**12,), "f4", chunks=(1024,))
    ),
    "a group in itself": weights(lambda f, n: f.__setitem__("self", f["/"])),
    "weights that are NaN": weights(lambda f, n: f[n].__setitem__(..., np.nan)),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused(parts, tmp_path_factory, name):
    method = zipfile.ZIP_DEFLATED if name == "a bomb" else zipfile.ZIP_STORED
    path = write(tmp_path_factory, packed(HOSTILE[name](parts), method))
    with pytest.raises(InputError, match=r"damaged\.keras"):
        load_model(path, PointCloudClassifier)


def test_how_a_model_was_compiled_is_not_read(parts, tmp_path_factory):
    content = {**json.loads(parts["config.json"]), "compile_config": {"optimizer": LAMBDA}}
    path = write(tmp_path_factory, packed({**parts, "config.json": json.dumps(content)}))
    assert not load_model(path, PointCloudClassifier).compiled


def test_only_keras_files_are_models(parts, tmp_path):
    # The older format, .h5, may hold code that Keras's safe mode does not look for.
    for name in ("model.h5", "model.hdf5", "model"):
        (tmp_path / name).write_bytes(packed(parts))
        with pytest.raises(InputError, match=r"must end in \.keras"):
            load_model(tmp_path / name, PointCloudClassifier)


def test_safe_mode_is_on_and_the_sound_file_loads(parts, tmp_path, monkeypatch):
    seen = {}
    real = keras.models.load_model
    monkeypatch.setattr(
        keras.models, "load_model", lambda path, **options: seen.update(options) or real(path)
    )
    (tmp_path / "a.keras").write_bytes(packed(parts))
    assert load_model(tmp_path / "a.keras", PointCloudClassifier).num_classes == 3
    assert seen["safe_mode"] is True

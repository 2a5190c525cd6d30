import inspect
import os
import platform
import subprocess
import sys
from pathlib import Path

import keras
import pytest

import csnn_tf
from csnn_tf import layers, models
from csnn_tf.losses import DosLoss
from csnn_tf.training.schedules import WarmUpCosine
from csnn_tf.training.smoothed_crossentropy import SmoothedCrossentropy

HEAVY = ("tensorflow", "tensorflow_graphics", "scipy", "ase", "trimesh", "h5py", "matplotlib")


def run(script, backend):
    folder = Path(csnn_tf.__file__).parents[1]
    environment = {**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": str(folder)}
    subprocess.run([sys.executable, "-c", script], check=True, env=environment, timeout=500)


def test_import_loads_keras_and_nothing_heavy_besides():
    # Keras loads some of them by itself; what counts is what comes on top.
    pytest.importorskip("jax", reason="the backend on which TensorFlow must stay away")
    script = f"""
import sys
import keras
before = set(sys.modules)
import csnn_tf
loaded = {{name.partition(".")[0] for name in set(sys.modules) - before}}
assert not loaded & set({HEAVY}), loaded & set({HEAVY})
assert "tensorflow" not in sys.modules
assert keras.backend.backend() == "jax"
"""
    run(script, "jax")


@pytest.mark.skipif(platform.machine() not in {"x86_64", "AMD64"}, reason="oneDNN of other kinds")
@pytest.mark.parametrize(("wish", "on"), [(None, True), ("0", False)])
def test_import_turns_onednn_on_unless_told_otherwise(wish, on):
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "0"}
    environment.pop("TF_ENABLE_ONEDNN_OPTS", None)
    if wish is not None:
        environment["TF_ENABLE_ONEDNN_OPTS"] = wish
    code = "import csnn_tf; import tensorflow"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert ("oneDNN custom operations are on" in done.stderr) == on


def test_compiled_models_are_loaded_after_the_import_alone(tmp_path):
    inputs = keras.Input((4,))
    model = keras.Model(inputs, keras.layers.Dense(5)(inputs))
    rate = WarmUpCosine(0.1, 2, 10)
    for name, loss in (("dos", DosLoss()), ("classes", SmoothedCrossentropy(0.1))):
        model.compile(keras.optimizers.Adam(rate), loss)
        model.save(tmp_path / f"{name}.keras")
    script = f"""
import csnn_tf, keras
for name, loss in (("dos", "DosLoss"), ("classes", "SmoothedCrossentropy")):
    model = keras.models.load_model(r"{tmp_path}/" + name + ".keras")
    assert type(model.loss).__name__ == loss
    assert type(model.optimizer._learning_rate).__name__ == "WarmUpCosine"
"""
    run(script, keras.backend.backend())


def test_version():
    parts = csnn_tf.__version__.split(".")
    assert len(parts) == 3
    assert all(part.isdigit() for part in parts)


def public_classes():
    for module in (layers, models):
        for name in module.__all__:
            value = getattr(module, name)
            if inspect.isclass(value) and issubclass(value, keras.layers.Layer):
                yield pytest.param(value, id=name)


@pytest.mark.parametrize("kind", list(public_classes()))
def test_layers_and_models_are_registered(kind):
    name = f"csnn_tf>{kind.__name__}"
    assert keras.saving.get_registered_object(name) is kind
    assert keras.saving.get_registered_name(kind) == name
    assert kind.__doc__
    assert "get_config" in vars(kind) or kind.get_config is not keras.layers.Layer.get_config


@pytest.mark.parametrize("module", [csnn_tf, layers, models])
def test_exported_names_exist(module):
    assert sorted(module.__all__) == sorted(set(module.__all__))
    for name in module.__all__:
        assert getattr(module, name) is not None

"""Models saved on one backend and loaded on the other: the same numbers."""

import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from csnn_tf.models import PointCloudClassifier
from tests.export.conftest import CLASSES, HERE, trained_like
from tests.export.dos_cases import dos_model, frames, structures
from tests.helpers import clouds, inferred, numpy_of, relative

POINTS = clouds(3, 60)

# Makes its own models, with other weights, and runs those of the caller: python -c ... FOLDER.
OTHER_BACKEND = """
import sys
from pathlib import Path

import keras
import numpy as np

import csnn_tf  # enough for Keras to find the classes

assert keras.backend.backend() == "jax"
folder = Path(sys.argv[1])
theirs = {
    kind: keras.models.load_model(folder / f"tensorflow_{kind}.keras", safe_mode=True)
    for kind in ("classifier", "density_of_states")
}
from tests.export import test_backends as cases

for kind in cases.KINDS:
    np.savez(folder / f"jax_runs_tensorflow_{kind}.npz", **cases.outputs(theirs[kind]))
    ours = cases.KINDS[kind](seed=5)
    ours.save(folder / f"jax_{kind}.keras")
    np.savez(folder / f"jax_runs_jax_{kind}.npz", **cases.outputs(ours))
"""


def _classifier(seed: int) -> PointCloudClassifier:
    keras.utils.set_random_seed(seed)
    return trained_like(PointCloudClassifier.from_preset("tiny", class_names=CLASSES), seed)


def _density_of_states(seed: int):
    model = dos_model()
    rng = np.random.default_rng(seed)
    for variable in model.network.get_layer("backbone").weights:
        if variable.path.endswith("kernel"):
            variable.assign(rng.normal(size=variable.shape).astype("float32") * 0.3)
    return model


KINDS = {"classifier": _classifier, "density_of_states": _density_of_states}


def outputs(model: keras.Model) -> dict[str, np.ndarray]:
    """What a model computes, by name."""
    if isinstance(model, PointCloudClassifier):
        return {
            "logits": numpy_of(inferred(model, POINTS)),
            "descriptor": numpy_of(model.descriptor(POINTS)),
        }
    from csnn_tf.dos_inference import DosPredictor

    found = DosPredictor(model).predict(structures(frames()), atomic=True)
    return {
        "dos": found.dos,
        "atomic_dos": found.atomic_dos,
        "fermi_level": found.fermi_level,
        "band_energy": found.band_energy,
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("backends")
    for kind, make in KINDS.items():
        make(seed=4).save(folder / f"tensorflow_{kind}.keras")
    subprocess.run(
        [sys.executable, "-c", OTHER_BACKEND, folder],
        env={**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"},
        cwd=HERE.parents[1],
        check=True,
        timeout=600,
    )
    return folder


@pytest.mark.parametrize("author", ["tensorflow", "jax"])
@pytest.mark.parametrize("kind", KINDS)
def test_same_numbers(folder, kind, author):
    model = keras.models.load_model(folder / f"{author}_{kind}.keras", safe_mode=True)
    found = outputs(model)
    with np.load(folder / f"jax_runs_{author}_{kind}.npz") as file:
        expected = dict(file)
    assert set(found) == set(expected)
    for name, value in found.items():
        assert np.isfinite(value).all()
        assert relative(value, expected[name]) < 1e-5, name

"""Configuration files for TensorFlow Serving, beside the exported models."""

from pathlib import Path

from csnn_tf.atomic_files import write_aside
from csnn_tf.export.layout import is_name, versions_of

MODELS_CONFIG = "models.config"
BATCHING_PARAMETERS = "batching_parameters"
MOUNTED = "/models"
"""Where scripts/serve.sh shows the folder to the server."""

_BATCHING = """\
# Example for `tensorflow_model_server --enable_batching --batching_parameters_file=...`. With
# --enable_per_model_batching_parameters only num_batch_threads counts here, and models that can be
# asked together have the rest in a file of their own. Without, this holds for all models, and the
# server does not load densities of states. An export leaves this file as it finds it.
max_batch_size { value: 32 }
batch_timeout_micros { value: 2000 }
max_enqueued_batches { value: 100 }
num_batch_threads { value: 4 }
pad_variable_length_inputs: false
"""
_MODEL = """\
  config {{
    name: "{name}"
    base_path: "{base}/{name}"
    model_platform: "tensorflow"
    model_version_policy {{ latest {{ num_versions: 1 }} }}
  }}
"""


def write_server_files(folder: Path) -> None:
    """Write models.config for all models in a folder, and batching_parameters if it is missing.

    Args:
        folder: DIR, which holds DIR/NAME/VERSION/saved_model.pb.

    Raises:
        InputError: If the folder cannot be written.
    """
    # Another export may publish its model between a look and the file: look until it is all there.
    written = None
    while written != (names := _served(folder)):
        _write_models(folder / MODELS_CONFIG, names)
        written = names
    batching = folder / BATCHING_PARAMETERS
    if not batching.exists():
        write_aside(batching, lambda path: path.write_text(_BATCHING, "utf-8"))


def _served(folder: Path) -> list[str]:
    """Names of the models in a folder that have a version; `lost+found` may not even be read."""
    return sorted(
        entry.name
        for entry in folder.iterdir()
        if is_name(entry.name)
        and any((entry / str(n) / "saved_model.pb").is_file() for n in versions_of(entry))
    )


def _write_models(path: Path, names: list[str]) -> None:
    models = "".join(_MODEL.format(name=name, base=MOUNTED) for name in names)
    text = (
        "# Every export writes this file anew: copy it before changing it.\n"
        f"model_config_list {{\n{models}}}\n"
    )
    write_aside(path, lambda temporary: temporary.write_text(text, "utf-8"))

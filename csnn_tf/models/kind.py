"""What kind of model a file holds, without loading it."""

import json
import zipfile
from pathlib import Path

from csnn_tf.models.dos_architectures import DOS_ARCHITECTURES
from csnn_tf.models.loading import model_file

_LARGEST_CONFIG = 2**24  # bytes


def class_name(model: str | Path) -> str | None:
    """Name of the class of a trained model.

    Args:
        model: A .keras file, a run folder or the name of a trained model.

    Returns:
        For example "DensityOfStates"; None if there is no such model.
    """
    try:
        with zipfile.ZipFile(model_file(model)) as archive:
            if archive.getinfo("config.json").file_size > _LARGEST_CONFIG:
                return None
            name = json.loads(archive.read("config.json"))["class_name"]
    except Exception:  # damaged and hostile files raise many kinds; loading will say what is wrong
        return None
    return str(name)


def is_dos_model(model: str | Path) -> bool:
    """Whether a trained model, named as for `class_name`, predicts densities of states."""
    return class_name(model) in {kind.__name__ for kind in DOS_ARCHITECTURES.values()}

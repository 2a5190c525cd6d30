"""What a .keras file may hold before Keras opens it: known classes, in bounds, all in the file."""

import json
import zipfile
from pathlib import Path
from typing import IO, Any

import keras

_MEMBERS = {"config.json", "metadata.json", "model.weights.h5"}
_LARGEST_CONFIG = 2**24  # bytes
_MAX_RATIO = 20  # weights hardly shrink; Keras does not pack them at all
_SLACK = 2**20


def check_archive(path: Path) -> dict[str, Any]:
    """Look through a .keras file without making anything of it.

    A model of this package is three files: plain numbers and names in JSON, and arrays. Whatever
    else a .keras file can hold (other classes, functions, assets, arrays in other files) is
    refused, so that a file from a stranger cannot do more than give a wrong answer.

    Returns:
        What its config.json says: "registered_name" of the class, "config" with its arguments.

    Raises:
        ValueError: If something is in it that does not belong there, or it claims more than it can
            hold. zipfile, json and h5py raise other exceptions too.
    """
    if path.suffix != ".keras":
        raise ValueError("its name must end in .keras")
    with zipfile.ZipFile(path) as archive:
        infos = archive.infolist()
        strange = {info.filename for info in infos} ^ _MEMBERS
        if strange or len(infos) != len(_MEMBERS):
            raise ValueError(f"it must hold {', '.join(sorted(_MEMBERS))} and nothing else")
        if sum(info.file_size for info in infos) > _MAX_RATIO * path.stat().st_size + _SLACK:
            raise ValueError(f"it would unpack to more than {_MAX_RATIO} times its size")
        if archive.getinfo("config.json").file_size > _LARGEST_CONFIG:
            raise ValueError("its config.json is too large")
        config = json.loads(archive.read("config.json"))
        _check_config(config)
        size = archive.getinfo("model.weights.h5").file_size
        with archive.open("model.weights.h5") as weights:
            _check_weights(weights, size)
    return config


def _check_config(config: Any) -> None:
    """A registered class at the top, and in it nothing that stands for an object but a dtype."""
    if not isinstance(config, dict) or not isinstance(config.get("config"), dict):
        raise ValueError("its config.json describes no model")
    # This package's classes are registered, and those of a user who registered their own.
    if keras.saving.get_registered_object(str(config.get("registered_name"))) is None:
        raise ValueError(f"it holds a {config.get('class_name')!s:.60}, not a model of csnn-tf")
    # How a user compiled the model, with classes of Keras, is never read: compile=False.
    passed_over = ("class_name", "compile_config")
    waiting = [value for key, value in config.items() if key not in passed_over]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            if "class_name" in value and value["class_name"] != "DTypePolicy":
                raise ValueError(f"its config.json names the class {value['class_name']!s:.60}")
            waiting += value.values()


def _check_weights(file: IO[bytes], size: int) -> None:
    """Arrays that lie in the file itself and are together no larger than it."""
    import h5py

    claimed, seen = 0, set()
    with h5py.File(file, "r") as content:
        waiting = [content]
        while waiting:
            group = waiting.pop()
            place = h5py.h5o.get_info(group.id).addr
            if place in seen:  # a group that lies in itself has no end
                raise ValueError("its weights are in a group twice")
            seen.add(place)
            for name in group:
                if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                    raise ValueError(f"its weights {name!r} are a link")
                item = group[name]
                if isinstance(item, h5py.Group):
                    waiting.append(item)
                    continue
                if item.external or item.is_virtual or item.shape is None:
                    raise ValueError(f"its weights {name!r} are not in the file")
                claimed += item.size * item.dtype.itemsize
                if claimed > size:
                    raise ValueError(f"its weights {name!r} claim more than the file holds")

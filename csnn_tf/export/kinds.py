"""Whether the versions of a model are of one kind."""

from pathlib import Path

from csnn_tf.errors import InputError
from csnn_tf.export.companions import LABELS
from csnn_tf.export.layout import versions_of
from csnn_tf.export.op_check import saved_model_message
from csnn_tf.export.serving import Serving


def check_same_kind(folder: Path, serving: Serving) -> None:
    """Raise `InputError` if a model's folder holds models that are asked in another way.

    A server replaces the older version by the newer one, and its clients would go on asking as
    before.

    Args:
        folder: DIR/NAME; need not exist.
        serving: The model that is to become its next version.

    Raises:
        InputError: If the newest version lacks a signature, or has another one.
    """
    path = _newest(folder)
    if path is None:
        return
    found = set(tensor_names(path))
    if found and found != set(serving.signatures()):
        raise InputError(
            f"{path} answers other requests ({', '.join(sorted(found))}), so it is another kind of "
            "model: choose another name."
        )


def check_no_tensor_lost(folder: Path, written: Path) -> None:
    """Raise `InputError` if a model lacks inputs or outputs of its newest version.

    Args:
        folder: DIR/NAME.
        written: The SavedModel that is to become its next version.

    Raises:
        InputError: With what is lacking.
    """
    path = _newest(folder)
    if path is None:
        return
    given = tensor_names(written)
    lost = [
        f"{tensor} of {name}"
        for name, tensors in sorted(tensor_names(path).items())
        for tensor in sorted(tensors - given.get(name, set()))
    ]
    if lost:
        raise InputError(
            f"{path} has what the model lacks ({', '.join(lost)}), and its clients may need that: "
            "choose another name."
        )


def _newest(folder: Path) -> Path | None:
    """The newest version that is a SavedModel."""
    paths = (folder / str(version) for version in reversed(versions_of(folder)))
    return next((path for path in paths if (path / "saved_model.pb").is_file()), None)


def check_same_labels(folder: Path, serving: Serving) -> None:
    """Raise `InputError` if the outputs of a model's newest version stand for something else.

    Clients that know classes by their places, or a density by its bins, would read the answers of
    the newer version wrongly.

    Args:
        folder: DIR/NAME; need not exist.
        serving: The model that is to become its next version.

    Raises:
        InputError: If labels differ; those that cannot be read do not.
    """
    for version in versions_of(folder)[-1:]:
        path = folder / str(version)
        found, given = labels_of(path), list(map(str, serving.labels))
        if found is not None and found != given:
            raise InputError(
                f"the outputs of {path} stand for {_few(found)}, and not for {_few(given)}: choose "
                "another name, or --other-labels (other_labels=True) if its clients do not mind."
            )


def labels_of(folder: Path) -> list[str] | None:
    """The labels of a version in any format, None if they cannot be read."""
    for path in (folder / "assets" / LABELS, folder / LABELS):
        try:
            return path.read_text("utf-8").split("\n")[:-1]
        except (OSError, ValueError):
            continue
    return None


def _few(labels: list[str]) -> str:
    if len(labels) <= 5:
        return ", ".join(labels) or "nothing"
    return f"{len(labels)} labels ({', '.join(labels[:3])}, ..., {labels[-1]})"


def tensor_names(folder: Path) -> dict[str, set[str]]:
    """Inputs and outputs of a SavedModel's signatures, by name; none if it cannot be read."""
    from google.protobuf.message import DecodeError

    try:
        proto = saved_model_message(folder)
    except (DecodeError, OSError):
        return {}
    return {
        name: {f"input {key}" for key in each.inputs} | {f"output {key}" for key in each.outputs}
        for meta in proto.meta_graphs
        for name, each in meta.signature_def.items()
        if not name.startswith("__")
    }

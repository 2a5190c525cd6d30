"""Whether the versions of a served model are of one kind."""

from pathlib import Path

from csnn_tf.errors import InputError
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
    for version in reversed(versions_of(folder)):
        path = folder / str(version)
        if (path / "saved_model.pb").is_file():
            break
    else:
        return
    found, given = signature_names(path), set(serving.signatures())
    if found and found != given:
        raise InputError(
            f"{path} answers other requests ({', '.join(sorted(found))}), so it is another kind of "
            "model: choose another name."
        )


def signature_names(folder: Path) -> set[str]:
    """Names of a SavedModel's signatures; none if it cannot be read."""
    from google.protobuf.message import DecodeError

    try:
        proto = saved_model_message(folder)
    except (DecodeError, OSError):
        return set()
    names = {name for meta in proto.meta_graphs for name in meta.signature_def}
    return {name for name in names if not name.startswith("__")}

"""Whether a SavedModel keeps to what a stock TensorFlow server can run."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from csnn_tf.errors import InputError

_PYTHON = {"PyFunc", "PyFuncStateless", "EagerPyFunc"}
_XLA_ATTRIBUTE = "_XlaMustCompile"


def check_servable(folder: Path) -> None:
    """Raise `InputError` if a SavedModel needs Python, XLA or a custom operation.

    Args:
        folder: The SavedModel.

    Raises:
        InputError: Naming the operation.
    """
    for problem in servable_problems(folder):
        raise InputError(f"the model cannot be exported for serving: {problem}.")


def servable_problems(folder: Path) -> Iterator[str]:
    """Clauses that say what a stock server lacks; see `check_servable`."""
    import tensorflow as tf

    proto = saved_model_message(folder)
    stock = set(dir(tf.raw_ops))
    for meta in proto.meta_graphs:
        library = meta.graph_def.library.function
        own = {function.signature.name for function in library}
        for function in library:
            if function.attr[_XLA_ATTRIBUTE].b:
                yield f"the function {function.signature.name} must be compiled by XLA"
        graphs = [meta.graph_def.node, *(function.node_def for function in library)]
        for node in (node for nodes in graphs for node in nodes):
            if node.op in _PYTHON:
                yield f"the operation {node.op} ({node.name}) calls Python"
            elif node.op.startswith("Xla") or node.attr[_XLA_ATTRIBUTE].b:
                yield f"the operation {node.op} ({node.name}) must be compiled by XLA"
            elif node.op not in stock and node.op not in own:
                yield f"the operation {node.op} ({node.name}) is not one of TensorFlow's"


def saved_model_message(folder: Path) -> Any:
    """The content of a SavedModel's saved_model.pb."""
    from tensorflow.core.protobuf import saved_model_pb2

    return saved_model_pb2.SavedModel.FromString((folder / "saved_model.pb").read_bytes())

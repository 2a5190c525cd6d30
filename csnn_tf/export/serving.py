"""What an exported model offers to clients, and which class knows it for which model."""

import abc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import keras
import numpy as np

from csnn_tf.errors import InputError
from csnn_tf.export.options import ExportOptions


@dataclass(frozen=True, eq=False)
class Request:
    """An example request: a signature's name and its inputs."""

    signature: str
    inputs: Mapping[str, np.ndarray]


class Serving(abc.ABC):
    """A trained model seen from outside: signatures, example requests, labels, model card.

    Derive from it for a model class and decorate the derived class with `@serves(ModelClass)`.

    Args:
        model: The trained model, freshly loaded: one that was called inside `compiled_kernels`
            could bring operations that need XLA into the graph.
        options: Choices of the export.
    """

    free_sizes: ClassVar[Mapping[str, str]] = {}
    """Names of the first axes of `portable`'s inputs and outputs, where their sizes are free."""
    batching: ClassVar[bool] = False
    """Whether requests can be joined along first axes, and answers split along them."""
    _BY_MODEL: ClassVar[dict[type[keras.Model], type["Serving"]]] = {}

    def __init__(self, model: keras.Model, options: ExportOptions) -> None:
        self.model, self.options = model, options

    @property
    @abc.abstractmethod
    def labels(self) -> Sequence[str]:
        """Names of what the outputs stand for, in their order; the labels asset. May be empty."""

    @property
    @abc.abstractmethod
    def variables(self) -> Sequence[Any]:
        """The TensorFlow variables that the signatures read."""

    @abc.abstractmethod
    def signatures(self) -> dict[str, Any]:
        """`tf.function`s with input signatures by their names; `serving_default` among them."""

    @abc.abstractmethod
    def examples(self) -> Sequence[Request]:
        """Requests with which a server warms up; every signature at least once.

        They keep to the bounds of the options. Where requests can be joined, all inputs of one
        have as many rows: a server that joins them refuses others, and with them the version.
        """

    @abc.abstractmethod
    def portable(self) -> tuple[Callable[..., dict[str, Any]], Sequence[Any]]:
        """The model for other runtimes: a function of tensors and their `tf.TensorSpec`s.

        Without the checks of requests and without strings, which those runtimes lack.

        Raises:
            InputError: If no other runtime can compute it.
        """

    @abc.abstractmethod
    def card(self) -> dict[str, str]:
        """Sections of the model card, Markdown by title."""

    @abc.abstractmethod
    def portable_card(self) -> dict[str, str]:
        """The same for `portable`."""


def serves(model_class: type[keras.Model]) -> Callable[[type[Serving]], type[Serving]]:
    """Class decorator: the `Serving` of a model class."""

    def register(serving_class: type[Serving]) -> type[Serving]:
        Serving._BY_MODEL[model_class] = serving_class
        return serving_class

    return register


def serving_of(model: keras.Model, options: ExportOptions) -> Serving:
    """The `Serving` of a model.

    Raises:
        InputError: If models of its class cannot be exported.
    """
    # Here, not at the top: these modules import TensorFlow.
    from csnn_tf.export import classifier_serving, dos_serving  # noqa: F401

    for model_class in type(model).__mro__:
        if model_class in Serving._BY_MODEL:
            return Serving._BY_MODEL[model_class](model, options)
    known = ", ".join(sorted(entry.__name__ for entry in Serving._BY_MODEL))
    raise InputError(f"a {type(model).__name__} cannot be exported, only: {known}.")

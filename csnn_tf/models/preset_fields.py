"""The arguments of a model that presets and users may set."""

import inspect
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from csnn_tf.errors import InputError, unknown_field
from csnn_tf.models.loading import load_model, model_arguments, trained_models


class PresetFields:
    """Gives a model's class its fields: the keyword-only arguments of its constructors."""

    noun: ClassVar[str] = "model"
    """What messages call it."""
    _given: frozenset[str]
    """Names of the arguments that the constructor was called with."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Note what is given, before a subclass adds to it."""
        made = super().__new__(cls, *args, **kwargs)
        object.__setattr__(made, "_given", frozenset(kwargs))  # Keras's own needs its constructor
        return made

    @classmethod
    def fields(cls) -> tuple[str, ...]:
        """Names of the constructor's arguments that presets and users may set.

        A constructor that takes `**kwargs` passes them on, so that those of its base class count.
        """
        return tuple(cls._parameters())

    def kept_fields(self) -> tuple[str, ...]:
        """The fields that a copy of this model is to be given.

        Those of base classes that the constructor was not called with follow from the class, which
        may fix them.
        """
        own = inspect.signature(type(self).__init__).parameters
        return tuple(name for name in self.fields() if name in own or name in self._given)

    def _kept(self, known: Mapping[str, Any]) -> dict[str, Any]:
        """Those of known values that are `kept_fields`."""
        return {name: known[name] for name in self.kept_fields() if name in known}

    def _but_fixed(self, config: dict[str, Any]) -> dict[str, Any]:
        """A configuration without the fields that the class fixes, see `kept_fields`."""
        fixed = set(self.fields()).difference(self.kept_fields())
        return {name: value for name, value in config.items() if name not in fixed}

    @classmethod
    def default(cls, name: str) -> Any:
        """What the constructor takes for a field that is not given."""
        return cls._parameters()[name].default

    @classmethod
    def _parameters(cls) -> dict[str, inspect.Parameter]:
        """The fields' parameters, each as the first class that names it has it."""
        named: dict[str, inspect.Parameter] = {}
        fields: dict[str, None] = {}
        # Keras's own classes, further on, have no fields: they are no `PresetFields`.
        for kind in cls.__mro__:
            if not issubclass(kind, PresetFields) or "__init__" not in vars(kind):
                continue
            parameters = inspect.signature(kind.__init__).parameters
            named = {**parameters, **named}
            fields |= {p.name: None for p in parameters.values() if p.kind is p.KEYWORD_ONLY}
            if all(p.kind is not p.VAR_KEYWORD for p in parameters.values()):
                break
        return {name: named[name] for name in fields}

    @classmethod
    def check_fields(cls, changes: Mapping[str, Any]) -> None:
        """Raise `InputError` if a name is not a field of the model."""
        for name in changes:
            if name not in cls.fields():
                raise unknown_field(name, **{cls.noun: cls.fields()})

    @classmethod
    def preset_fields(cls, name: str, changes: Mapping[str, Any]) -> dict[str, Any]:
        """The constructor's arguments under a preset's name, with changes.

        Raises:
            InputError: If there is no such preset, or the class has none at all.
        """
        presets = getattr(cls, "presets", None)
        if presets is None:
            raise InputError(
                f"{cls.__name__} has no presets, which its class attribute `presets` names, a "
                "NamedConfigurations."
            )
        trained = (known for known in trained_models() if _holds(known, cls))
        return presets.get(name, trained, **changes)

    @classmethod
    def trained(cls, name: str, *changes: Any) -> Self | None:
        """The trained model of a name, or None if there is none of it.

        Args:
            name: See `csnn_tf.models.loading.trained_models`.
            *changes: What is to be changed; None where nothing is.

        Raises:
            InputError: If the model is of another class or something is to be changed.
        """
        if not isinstance(name, str) or name not in trained_models():
            return None
        if any(change is not None for change in changes):
            raise InputError(f"{name} is a trained model, whose fields cannot be changed.")
        return load_model(name, cls)


def given(**arguments: Any) -> dict[str, Any]:
    """The arguments that are not None, so that what is not given is not passed on."""
    return {name: value for name, value in arguments.items() if value is not None}


def _holds(model: str, kind: type) -> bool:
    """Whether a trained model is of a class."""
    try:
        model_arguments(model, kind)
    except InputError:
        return False
    return True

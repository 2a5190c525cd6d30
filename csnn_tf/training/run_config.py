"""What the configurations of all training runs share: checks, recipes, JSON."""

import dataclasses
import json
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from csnn_tf.errors import InputError, unknown_field
from csnn_tf.named import NamedConfigurations
from csnn_tf.training.run_folder import CONTENTS, RunFolder


class RunConfig:
    """Base of the frozen dataclasses that define a training run.

    A subclass has at least the fields `recipe`, `model` (the model's fields that differ from the
    preset) and `initial` (a trained model to begin with, or None), and says by class variables what
    its values may be.
    """

    recipes: ClassVar[NamedConfigurations]
    """Where `from_recipe` finds its names."""
    model_fields: ClassVar[Callable[[], tuple[str, ...]]]
    """Gives the names of the model's fields."""
    choices: ClassVar[dict[str, tuple[Any, ...]]]
    """Allowed values by field."""
    ranges: ClassVar[dict[str, tuple[float, float]]]
    """Smallest and largest number by field."""
    whole: ClassVar[frozenset[str]]
    """Fields of `ranges` that are whole numbers."""
    subject: ClassVar[str]
    """What a run trains, for messages."""
    found: ClassVar[str]
    """What a run folder records beside the configuration: a name that only such runs have."""
    place: ClassVar[str]
    """The field that says where the data lies."""

    def check(self) -> None:
        """Raise `InputError` if a value is unknown or out of range.

        Paths become strings and NumPy's numbers Python's, as config.json will have them.
        """
        for entry in dataclasses.fields(self):  # type: ignore[arg-type]
            object.__setattr__(self, entry.name, _plain(getattr(self, entry.name)))
        for name in ("preset", "recipe"):
            if not isinstance(value := getattr(self, name), str):
                raise InputError(f"{name} must be a name, not {value!r:.60}.")
        check_initial(getattr(self, "initial"))  # noqa: B009
        model = getattr(self, "model")  # noqa: B009
        if not isinstance(model, dict):
            raise InputError(f"model must be fields of the model by name, not {model!r:.60}.")
        for name, known in self.choices.items():
            value = getattr(self, name)
            if value not in known:
                raise InputError(
                    f"{name} must be one of {', '.join(map(str, known))}, not {value!r}."
                )
        for name, (low, high) in self.ranges.items():
            value = getattr(self, name)
            kinds, kind = (int, "whole number") if name in self.whole else (int | float, "number")
            if isinstance(value, bool) or not isinstance(value, kinds):
                raise InputError(f"{name} must be a {kind}, not {value!r}.")
            if not low <= value <= high:
                raise InputError(f"{name} must be from {low:g} to {high:g}, not {value!r:.60}.")

    @classmethod
    def recipe_fields(cls, recipe: str, changes: dict[str, Any]) -> dict[str, Any]:
        """What a recipe sets, for a configuration with these changes.

        Raises:
            InputError: If the name is unknown.
        """
        return cls.recipes.get(recipe)

    @classmethod
    def from_recipe(cls, recipe: str, /, **changes: Any) -> Self:
        """A configuration from a named recipe, changed field by field.

        Args:
            recipe: One of `recipes.names()`.
            **changes: Fields of the configuration, or of the model, that replace the recipe's.

        Raises:
            InputError: If a name is unknown or a value out of range.
        """
        known = {entry.name for entry in dataclasses.fields(cls)}  # type: ignore[arg-type]
        model_fields = cls.model_fields()
        fields: dict[str, Any] = {"recipe": recipe}
        model = changes.pop("model", {})
        if not isinstance(model, dict):
            raise InputError(f"model must be fields of the model by name, not {model!r:.60}.")
        if "recipe" in changes:
            raise InputError("the recipe is named once, by itself.")
        model = dict(model)
        for name, value in {**cls.recipe_fields(recipe, changes), **changes}.items():
            if name in known:
                fields[name] = value
            elif name in model_fields:
                model.setdefault(name, value)
            else:
                raise unknown_field(name, training=sorted(known), model=model_fields)
        return cls(model=model, **fields)

    def to_dict(self) -> dict[str, Any]:
        """The fields, ready for JSON."""
        return dataclasses.asdict(self)  # type: ignore[call-overload]

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Self:
        """The inverse of `to_dict`.

        Raises:
            InputError: If it is no dictionary, a field is unknown or a value out of range.
        """
        if not isinstance(fields, dict):
            raise InputError(f"a training configuration is a JSON object, not {fields!r:.60}.")
        known = {entry.name for entry in dataclasses.fields(cls)}  # type: ignore[arg-type]
        unknown = set(fields) - known
        if unknown:
            raise InputError(
                f"unknown field {min(map(str, unknown))!r} in a training configuration."
            )
        return cls(**fields)

    @classmethod
    def of_run(cls, path: Path) -> Self:
        """The configuration that a run folder records.

        Raises:
            InputError: If it cannot be read or the run is of something else.
        """
        stored = RunFolder.begun(path).read_json("config.json")
        if not isinstance(stored, dict) or cls.found not in stored:
            raise InputError(f"{path} is not a run of {cls.subject}.")
        return cls.from_dict({name: stored[name] for name in stored.keys() - {cls.found, CONTENTS}})

    def check_goes_on(self, path: Path) -> None:
        """Raise `InputError` if the run in a folder was begun with another configuration.

        Only the number of epochs may be another, and the place of the data, whose contents are
        compared by themselves. Of the model the fields that are named count: what a preset says may
        have changed since.
        """
        begun, given = _recorded(type(self).of_run(path)), _recorded(self)
        others = [
            f"{name} was {_shown(begun, name)}, not {_shown(given, name)}"
            for name in {**begun, **given}
            if name not in ("epochs", self.place)
            and begun.get(name, _UNNAMED) != given.get(name, _UNNAMED)
        ]
        if others:
            raise InputError(
                f"{path} was begun with another configuration, of which only epochs may change: "
                f"{'; '.join(others)}."
            )


_UNNAMED = object()


def _recorded(config: RunConfig) -> dict[str, Any]:
    """The fields, those of the model among them, as they are read from config.json."""
    fields = json.loads(json.dumps(config.to_dict()))
    model = fields.pop("model")
    return {**fields, **model}


def _shown(fields: dict[str, Any], name: str) -> str:
    return f"{fields[name]!r:.60}" if name in fields else "the preset's"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_plain(each) for each in value)
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    return str(value) if isinstance(value, Path) else value


def check_initial(initial: Any, changes: Collection[str] = ()) -> None:
    """Raise `InputError` if it is neither the name or path of a trained model nor None.

    Or if `changes`, the fields that are given beside it, name another model.
    """
    if initial is not None and not isinstance(initial, str | Path):
        raise InputError(f"initial must name a model or be nothing, not {initial!r:.60}.")
    for name in ("preset", "architecture"):
        if name in changes:
            raise InputError(f"the model is like the trained one: leave out {name}.")

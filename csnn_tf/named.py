"""Named configurations, kept as data in the package's JSON files."""

import json
from collections.abc import Iterable
from functools import cached_property
from importlib.resources import files
from typing import Any

from csnn_tf.errors import InputError


class NamedConfigurations:
    """Sets of fields by name, each with a description, from a JSON file.

    A set with a "base" has the fields of the one of that name, but for its own.

    Args:
        package: Package that the file belongs to.
        file: Name of the file.
        kind: What a name stands for ("preset", "recipe"), for messages.
    """

    def __init__(self, package: str, file: str, kind: str) -> None:
        self.package, self.file, self.kind = package, file, kind

    @cached_property
    def _entries(self) -> dict[str, dict[str, Any]]:
        return json.loads(files(self.package).joinpath(self.file).read_text("utf-8"))

    def names(self) -> tuple[str, ...]:
        """All names."""
        return tuple(self._entries)

    def get(self, name: str, others: Iterable[str] = (), /, **changes: Any) -> dict[str, Any]:
        """A copy of the fields under a name, with changes.

        Args:
            name: One of `names()`.
            others: Further names for the message, of what the caller takes besides.
            **changes: Fields that replace those under the name.

        Raises:
            InputError: If the name is unknown.
        """
        if not isinstance(name, str) or name not in self._entries:
            known = ", ".join((*self.names(), *others))
            raise InputError(f"{self.kind} must be one of {known}, not {name!r}.")
        fields = dict(self._entries[name])
        fields.pop("description")
        base = fields.pop("base", None)
        return {**(self.get(base) if base else {}), **fields, **changes}

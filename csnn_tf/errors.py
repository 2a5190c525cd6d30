"""The one exception that bad input raises."""

from collections.abc import Iterable
from difflib import get_close_matches


class InputError(ValueError):
    """Something the user gave cannot be used; the message names it and says what was expected.

    Every public entry of the package raises this class, and no other, for files, arrays, options
    and configurations that cannot be used. The command line prints its message and exits with
    status 2.
    """

    __init__ = (
        Exception.__init__
    )  # AutoGraph raises again what has this one, and else its own error


def unknown_field(name: str, **owners: Iterable[str]) -> InputError:
    """The error for a field that nothing has: the nearest names or, without any, all.

    Args:
        name: What was given.
        **owners: Names of the fields that there are, by what has them.
    """
    owned = {owner: tuple(names) for owner, names in owners.items()}
    near = get_close_matches(name, dict.fromkeys(n for names in owned.values() for n in names))
    if near:
        return InputError(f"unknown field {name!r}: did you mean {' or '.join(near)}?")
    known = "; ".join(f"the {owner} has {', '.join(names)}" for owner, names in owned.items())
    return InputError(f"unknown field {name!r}: {known}.")

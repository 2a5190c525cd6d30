"""A command that leaves some of its calls to another one."""

from collections.abc import Callable
from typing import Any

import click

Choice = tuple[click.Command, str, list[str]]
"""The other command, what its name is shown as, and the arguments that are left for it."""


class HandOver(click.Command):
    """A command whose arguments decide whether another one runs in its place.

    Args:
        instead: From the command's name and arguments to the other command, or None to stay here.
        *args: Arguments of `click.Command`.
        **kwargs: The same.
    """

    def __init__(
        self, *args: Any, instead: Callable[[str, list[str]], Choice | None], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.instead = instead

    def make_context(self, info_name: Any, args: Any, parent: Any = None, **extra: Any) -> Any:
        """The context of the command that runs."""
        choice = self.instead(info_name, list(args))
        if choice is None:
            return super().make_context(info_name, args, parent, **extra)
        command, name, rest = choice
        return command.make_context(name, rest, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that the context is of."""
        return super().invoke(ctx) if ctx.command is self else ctx.command.invoke(ctx)


def first_argument(word: str, load: Callable[[], click.Command]) -> Callable[..., Choice | None]:
    """Hand over to a command, imported only then, if the first argument is a certain word."""

    def instead(name: str, args: list[str]) -> Choice | None:
        return (load(), f"{name} {word}", args[1:]) if args[:1] == [word] else None

    return instead

"""The command `csnn-tf`: finds the subcommand and reports bad input.

Installed beside csnn_tf, not inside it: importing csnn_tf loads Keras, which `csnn-tf --help` does
not need and which should find its log level set.
"""

import contextlib
import difflib
import importlib
import os
import sys
from collections.abc import Iterator
from typing import Any

import click

_COMMANDS = {
    "train": "Train a model and leave a run folder.",
    "evaluate": "Measure a trained model under rotations.",
    "predict": "Classify shape files.",
    "report": "Write a page with pictures about a run.",
    "show": "Show a shape or structure on its concentric grid.",
    "export": "Write a trained model as a SavedModel for TensorFlow Serving.",
    "data": "Get or make data sets.",
    "benchmark": "Measure speed and memory on this machine.",
    "reproduce": "Make a table of the paper anew.",
}
# What TensorFlow tells of by the error that it has for memory.
_OTHER_RESOURCES = ("No space left", "quota exceeded", "Too many open files")


class _Lazy(click.Group):
    """Imports a command's module when it is used: `csnn-tf --help` needs no Keras."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        return _Reporting(cmd_name)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args[0] not in _COMMANDS:
            near = difflib.get_close_matches(args[0], _COMMANDS, n=1)
            if near:
                ctx.fail(f"there is no command {args[0]!r}: did you mean {near[0]}?")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """As of any group; an interruption has the status of the signal, also of a slow start."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo("Interrupted.", err=True)
            raise SystemExit(130) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


class _Reporting(click.Command):
    """A command that is imported late and whose bad input ends in one sentence and status 2."""

    def __init__(self, name: str) -> None:
        super().__init__(name, add_help_option=False)

    def make_context(self, info_name: Any, args: Any, parent: Any = None, **extra: Any) -> Any:
        return _loaded(self.name).make_context(info_name, args, parent, **extra)


def _loaded(name: str | None) -> click.Command:
    with _silenced():
        importlib.import_module("csnn_tf")
    module = importlib.import_module(f"csnn_tf.cli.{name}")
    return getattr(module, f"{name}_command")


@contextlib.contextmanager
def _silenced() -> Iterator[None]:
    """Drop what TensorFlow's library writes while it loads; no setting keeps it quiet."""
    if sys.stderr is None:  # closed by the caller
        yield
        return
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="csnn-tf")
def cli() -> None:
    """Concentric Spherical Neural Networks: learn from 3D data in any orientation."""


def main() -> None:
    """Entry point: run, and turn bad input into one sentence and exit status 2."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if getattr(sys.stdout, "errors", None) == "strict":
        # As stderr is: the name of a file may be no text, or none of the terminal's encoding.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        cli()
    except ValueError as error:
        # By name, so that nothing is imported for it.
        if type(error).__name__ != "InputError":
            raise
        click.echo(f"csnn-tf: {error}", err=True)
        raise SystemExit(2) from None
    except OSError as error:  # of a path that the system takes no further, such as one too long
        name = "" if error.filename is None else f"{error.filename}: "  # as of a full terminal
        name = name if len(name) <= 82 else f"{name[:77]}...: "
        click.echo(f"csnn-tf: {name}{error.strerror or error}.", err=True)
        raise SystemExit(2) from None
    except Exception as error:
        if not _lacks_memory(error):
            raise
        click.echo("csnn-tf: there is not enough memory for this.", err=True)
        raise SystemExit(2) from None


def _lacks_memory(error: Exception) -> bool:
    """Whether Python, TensorFlow or JAX had none left; by names, so that nothing is imported."""
    if isinstance(error, MemoryError):
        return True
    text = str(error)
    exhausted = type(error).__name__ == "ResourceExhaustedError" or (
        isinstance(error, RuntimeError) and "RESOURCE_EXHAUSTED" in text
    )
    return exhausted and not any(other in text for other in _OTHER_RESOURCES)

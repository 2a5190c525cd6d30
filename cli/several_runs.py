"""What the commands that train several models say."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import click

BUDGET = (
    "Minutes for all training; 0 trains nothing. A run that begins is trained for one epoch at "
    "least."
)
"""Help of `--budget`."""


def say_training(name: str, epochs: int) -> None:
    """Announce a run."""
    click.echo(f"Training {name} for up to {epochs} epoch{'s' * (epochs != 1)}.", err=True)


def quiet_retracing() -> None:
    """Keep TensorFlow from warning of every model in the process that is traced anew."""
    logging.getLogger("tensorflow").setLevel(logging.ERROR)


@contextmanager
def goes_on_later() -> Iterator[None]:
    """End with a sentence where the training inside is interrupted."""
    try:
        yield
    except KeyboardInterrupt:
        click.echo("Interrupted: the same command goes on with what is there.")
        raise SystemExit(130) from None

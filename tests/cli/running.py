"""Commands, as users type them, in the process of the tests."""

from click.testing import CliRunner

from csnn_tf_command import cli
from tests.helpers import ONE_LEVEL

LEAST = [word for name, value in ONE_LEVEL.items() for word in ("--set", f"{name}={value}")]
"""Options that train the least network."""


def run(*arguments):
    """Invoke a command in this process; InputError comes through as the launcher would see it."""
    result = CliRunner().invoke(cli, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result

"""The one exception that bad input raises."""


class InputError(ValueError):
    """Something the user gave cannot be used; the message names it and says what was expected.

    Every public entry of the package raises this class, and no other, for files, arrays, options
    and configurations that cannot be used. The command line prints its message and exits with
    status 2.
    """

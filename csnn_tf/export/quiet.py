"""Converters that write to standard error by themselves."""

import contextlib
import os
from collections.abc import Iterator


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Drop what Python and compiled code write to standard error.

    What matters of it, the converters also raise. (The command's launcher drops what TensorFlow
    writes while it loads by itself: it does so before it can import anything of this package.)
    """
    with open(os.devnull, "w", encoding="utf-8") as nowhere, contextlib.redirect_stderr(nowhere):
        kept = os.dup(2)
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)

"""One process at a time trains in a run folder."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from csnn_tf.errors import InputError

try:
    import fcntl
except ImportError:  # not on this system
    fcntl = None  # type: ignore[assignment]


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock of the system, which no other file need tell of.

    It ends with the process, however that ends; until then, a process forked from it holds it too.
    On file systems without locks there is none.

    Args:
        path: config.json of a run that has begun; of one that begins, its folder, which NFS has no
            locks for.

    Raises:
        InputError: If another process holds it.
    """
    if fcntl is None:
        yield
        return
    is_folder = path.is_dir()
    try:
        handle = os.open(path, os.O_RDONLY if is_folder else os.O_RDWR)  # NFS asks for writing
    except OSError:
        yield  # what is read-only fails where the run writes
        return
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            folder = path if is_folder else path.parent
            raise InputError(
                f"another process trains in {folder}: wait for its end, or stop it."
            ) from None
        except OSError:
            pass
        try:
            yield
        finally:
            with suppress(OSError):
                fcntl.flock(handle, fcntl.LOCK_UN)  # closing does not, where a fork has it
    finally:
        os.close(handle)

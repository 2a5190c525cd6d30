"""One process at a time trains in a run folder."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from csnn_tf.errors import InputError

try:
    import fcntl
except ImportError:  # not on this system
    fcntl = None  # type: ignore[assignment]


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a lock of the system on a run's config.json, which no other file need tell of.

    It ends with the process, however that ends; until then, a process forked from it holds it too.
    On file systems without locks there is none.

    Args:
        folder: Of a run that has begun.

    Raises:
        InputError: If another process holds it.
    """
    if fcntl is None:
        yield
        return
    try:
        file = open(folder / "config.json", "r+b")  # noqa: SIM115 - to write: NFS asks for that
    except OSError:
        yield  # what is read-only fails where the run writes
        return
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(
                f"another process trains in {folder}: wait for its end, or stop it."
            ) from None
        except OSError:
            pass
        try:
            yield
        finally:
            with suppress(OSError):
                fcntl.flock(file, fcntl.LOCK_UN)  # closing does not, where a forked process has it

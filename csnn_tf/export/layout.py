"""DIR/NAME/VERSION folders that appear complete or not at all."""

import contextlib
import errno
import os
import re
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

from csnn_tf.atomic_files import flush_folder, made_folder
from csnn_tf.checks import whole_number
from csnn_tf.errors import InputError

try:
    import fcntl
except ImportError:  # Windows: what killed exports leave stays
    fcntl = None  # type: ignore[assignment]

_ASIDE = ".writing-"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_LARGEST_VERSION = 2**63 - 1  # servers count in 64 bits


def versions_of(folder: Path) -> list[int]:
    """Version numbers in a model's folder, ascending."""
    if not folder.is_dir():
        return []
    return sorted(
        int(entry.name) for entry in folder.iterdir() if entry.name.isdecimal() and entry.is_dir()
    )


def is_name(name: object) -> bool:
    """Whether a model can have this name: it becomes part of an address."""
    return isinstance(name, str) and _NAME.fullmatch(name) is not None


def check_name(name: str) -> None:
    """Raise `InputError` if a model's name is no part of an address."""
    if not is_name(name):
        raise InputError(
            f"name must be letters, digits, '_', '-' and '.', not {name!r}: it becomes part of an "
            "address."
        )


def check_version(version: object) -> int | None:
    """Return a version's number, or None for it; `InputError` if it is none that servers count."""
    if version is None:
        return None
    number = whole_number(version)
    if number is None or not 1 <= number <= _LARGEST_VERSION:
        raise InputError(
            f"version must be a whole number from 1 to {_LARGEST_VERSION}, not {version!r:.60}."
        )
    return number


def publish(
    folder: Path,
    write: Callable[[Path], None],
    *,
    version: int | None = None,
    marker: str = "",
    announce: Callable[[], None] = lambda: None,
) -> Path:
    """Write a version of a model aside, then give it its number.

    A server that watches the folder looks at names that are numbers only, so it never loads a
    version that is still being written or whose writer died. What such a writer left is removed.

    Args:
        folder: DIR/NAME.
        write: Fills the empty folder that it is given.
        version: The number; by default one more than the highest, or 1.
        marker: A file that every version of this kind holds. Versions without it stop the export:
            a server would take the new ones for the same kind.
        announce: Called once the version is there; if it fails, the version is taken back.

    Returns:
        DIR/NAME/VERSION.

    Raises:
        InputError: If the version exists or the folder cannot be written. Folders that were made
            for it are removed again then.
    """
    check_name(folder.name)
    version = check_version(version)
    _check_free(folder, version, marker)
    try:
        with contextlib.ExitStack() as owned:
            owned.enter_context(made_folder(folder))
            # In the same folder: a rename within one file system is one step. Not by tempfile,
            # whose folders are the owner's alone; this one is to be read by whom umask says.
            temporary = folder / f"{_ASIDE}{uuid.uuid4().hex}"
            with _locked(folder):  # so that nobody takes it for one that a dead writer left
                _remove_left(folder)
                temporary.mkdir()
                owned.callback(shutil.rmtree, temporary, ignore_errors=True)
                owned.enter_context(_locked(temporary))
            write(temporary)
            flush_folder(temporary)
            target = _rename(temporary, folder, version)
            try:
                announce()
            except BaseException:
                os.rename(target, temporary)
                raise
            return target
    except OSError as error:
        raise InputError(f"{folder} cannot be written: {error.strerror or error}.") from error


def _check_free(folder: Path, version: int | None, marker: str) -> None:
    present = versions_of(folder)
    for path in folder.iterdir() if present else ():
        if path.name.isdecimal() and path.is_dir() and path.name != str(int(path.name)):
            raise InputError(f"{path} is not how a version is called: rename it or take it away.")
    if version in present:
        raise InputError(f"{folder / str(version)} exists already: choose another version.")
    if version is None:
        _next(present, folder)
    for path in (folder / str(number) for number in present):
        if marker and not any(path.iterdir()):
            raise InputError(f"{path} is empty: remove it.")
        if marker and not (path / marker).exists():
            raise InputError(
                f"{path} holds no {marker}, so it is an export of another format: choose another "
                "name."
            )


def _next(present: list[int], folder: Path) -> int:
    number = max(present, default=0) + 1
    if number > _LARGEST_VERSION:
        raise InputError(
            f"{folder / str(number - 1)} has the last number that servers count: choose a version."
        )
    return number


def _rename(temporary: Path, folder: Path, version: int | None) -> Path:
    while True:
        target = folder / str(version or _next(versions_of(folder), folder))
        try:
            os.rename(temporary, target)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            # Another process has published this number meanwhile.
            if version is not None:
                raise InputError(f"{target} exists already: choose another version.") from error
            continue
        flush_folder(folder, deep=False)
        return target


@contextlib.contextmanager
def _locked(folder: Path, *, wait: bool = True) -> Iterator[None]:
    """Lock a folder, which ends with the process too.

    Raises:
        OSError: If it is locked and `wait` is false.
    """
    if fcntl is None:  # nor can such a system open folders
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if not wait:
                raise
            # A file system without locks: nothing that is left there is removed.
        yield
    finally:
        os.close(handle)


def _remove_left(folder: Path) -> None:
    """Remove what killed writers have left, of which nobody has the lock."""
    for path in folder.glob(f"{_ASIDE}*") if fcntl is not None else ():
        with contextlib.suppress(OSError), _locked(path, wait=False):
            shutil.rmtree(path, ignore_errors=True)

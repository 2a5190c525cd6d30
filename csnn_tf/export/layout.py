"""DIR/NAME/VERSION folders that appear complete or not at all."""

import contextlib
import errno
import os
import re
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path

from csnn_tf.errors import InputError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_LARGEST_VERSION = 2**63 - 1  # servers count in 64 bits


def versions_of(folder: Path) -> list[int]:
    """Version numbers in a model's folder, ascending."""
    if not folder.is_dir():
        return []
    return sorted(
        int(entry.name) for entry in folder.iterdir() if entry.name.isdecimal() and entry.is_dir()
    )


def check_name(name: str) -> None:
    """Raise `InputError` if a model's name is no part of an address."""
    if not _NAME.fullmatch(name):
        raise InputError(
            f"name must be letters, digits, '_', '-' and '.', not {name!r}: it becomes part of an "
            "address."
        )


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
    version that is still being written or whose writer died.

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
    if version is not None and not 1 <= version <= _LARGEST_VERSION:
        raise InputError(f"version must be from 1 to {_LARGEST_VERSION}, not {version}.")
    _check_free(folder, version, marker)
    temporary, made = None, []
    try:
        made = [path for path in (folder, *folder.parents) if not path.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        # In the same folder: a rename within one file system is one step. Not by tempfile, whose
        # folders are the owner's alone; this one is to be read by whom umask says.
        temporary = folder / f".writing-{uuid.uuid4().hex}"
        temporary.mkdir()
        write(temporary)
        _flush(temporary)
        target = _rename(temporary, folder, version)
        try:
            announce()
        except BaseException:
            os.rename(target, temporary)
            raise
        return target
    except OSError as error:
        raise InputError(f"{folder} cannot be written: {error.strerror or error}.") from error
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)
        with contextlib.suppress(OSError):  # raised by the first that is not empty
            for path in made:
                path.rmdir()


def _check_free(folder: Path, version: int | None, marker: str) -> None:
    present = versions_of(folder)
    if version in present:
        raise InputError(f"{folder / str(version)} exists already: choose another version.")
    for number in present:
        if marker and not (folder / str(number) / marker).exists():
            raise InputError(
                f"{folder / str(number)} holds no {marker}, so it is an export of another format: "
                "choose another name."
            )


def _rename(temporary: Path, folder: Path, version: int | None) -> Path:
    while True:
        target = folder / str(version or max(versions_of(folder), default=0) + 1)
        try:
            os.rename(temporary, target)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            # Another process has published this number meanwhile.
            if version is not None:
                raise InputError(f"{target} exists already: choose another version.") from error
            continue
        _flush(folder, deep=False)
        return target


def _flush(folder: Path, deep: bool = True) -> None:
    """Bring files and folders to the disk."""
    for path in [*(folder.rglob("*") if deep else ()), folder]:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

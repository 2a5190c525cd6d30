"""Files and folders that are written whole or not at all."""

import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from csnn_tf.checks import check_path
from csnn_tf.errors import InputError


def write_aside(path: Path, write: Callable[[Path], Any]) -> None:
    """Write a file under another name, flush it to the disk, then rename it into place.

    Whatever happens meanwhile, `path` holds the old content or the new. A link stays one: what it
    leads to is written. Its name decides the format, whatever that of its target ends in.

    Raises:
        InputError: If the folder cannot be written.
    """
    temporary, target = None, Path(os.path.realpath(path))
    try:
        aside = target.with_name(f".{path.stem}-{uuid.uuid4().hex[:8]}{path.suffix}")
        # Not by tempfile, whose files are the owner's alone: what others may do is up to the umask,
        # which cannot be read without setting it, for all threads.
        aside.touch(exist_ok=False)
        temporary = aside
        write(temporary)
        with open(temporary, "rb+") as file:  # Windows flushes nothing that is open for reading
            os.fsync(file.fileno())
        os.replace(temporary, target)
        temporary = None
        flush_folder(target.parent, deep=False)
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"{path} cannot be written: {reason}.") from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


@contextmanager
def folder_aside(path: Path) -> Iterator[Path]:
    """Give an empty folder to fill, whose content then appears at a path.

    If that fails, or what fills it does, the path is as it was.

    Raises:
        InputError: If there is something at the path already, or it cannot be written.
    """
    check_free(path, "folder")
    target = Path(os.path.realpath(path))
    # An empty folder stays itself: it may be where a shell is, or a disk of its own.
    is_there = target.is_dir()
    home = target if is_there else target.parent
    temporary = home / f".{target.name}-{uuid.uuid4().hex}"
    try:
        with ExitStack() as left:
            left.enter_context(made_folder(home))
            temporary.mkdir()
            left.callback(shutil.rmtree, temporary, ignore_errors=True)
            yield temporary
            flush_folder(temporary)
            if is_there:
                _move_content(temporary, target)
            else:
                os.rename(temporary, target)
                flush_folder(home, deep=False)
    except OSError as error:
        reason = error.strerror or str(error).rstrip(".")
        raise InputError(f"{path} cannot be written: {reason}.") from error


@contextmanager
def made_folder(folder: Path) -> Iterator[None]:
    """Make a folder and those above it; those of them that stay empty go again at the end."""
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        if made:  # of a file in its place, what is written into it says better that it is none
            folder.mkdir(parents=True, exist_ok=True)
        yield
    finally:
        with suppress(OSError):  # raised by the first that is not empty
            for path in made:
                path.rmdir()


def _move_content(folder: Path, target: Path) -> None:
    """Move all that is in a folder to another one, or nothing."""
    moved = []
    try:
        for entry in list(folder.iterdir()):
            os.rename(entry, target / entry.name)
            moved.append(entry)
        flush_folder(target, deep=False)
    except OSError:
        for entry in moved:
            os.rename(target / entry.name, entry)
        raise


def flush_folder(folder: Path, deep: bool = True) -> None:
    """Bring files to the disk, and folders where the system can open them."""
    access = os.O_RDONLY if os.name == "posix" else os.O_RDWR
    for path in [*(folder.rglob("*") if deep else ()), folder]:
        if os.name != "posix" and path.is_dir():
            continue
        handle = os.open(path, access)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def check_free(path: Path, kind: str) -> None:
    """Raise `InputError`, which asks for another one of a kind, unless a path is free.

    That is, if there is nothing or an empty folder.
    """
    if check_path(path).exists() and (not path.is_dir() or any(path.iterdir())):
        raise InputError(f"{path} exists already: choose another {kind}.")

"""Fetches ModelNet40 from the internet, or takes a copy already at hand."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from csnn_tf.checks import check_path
from csnn_tf.data.modelnet import HDF5_FOLDER, find_modelnet40
from csnn_tf.data.unpack import unpack_modelnet_zip
from csnn_tf.errors import InputError

Opener = Callable[[urllib.request.Request, float], http.client.HTTPResponse]
_CHUNK = 1 << 20
_TIMEOUT = 30.0


@dataclass(frozen=True)
class Archive:
    """A file that is published in several places, and how to know it."""

    name: str
    urls: tuple[str, ...]
    size: int
    sha256: str


MODELNET40_ARCHIVE = Archive(
    name="modelnet40_ply_hdf5_2048.zip",
    urls=(
        # The original, often out of reach, and a copy that many projects use.
        "https://shapenet.cs.stanford.edu/media/modelnet40_ply_hdf5_2048.zip",
        "https://huggingface.co/datasets/Msun/modelnet40/resolve/main/modelnet40_ply_hdf5_2048.zip",
    ),
    # Size and checksum are those that tensorflow-graphics records for the original.
    size=435_212_151,
    sha256="07670e237db72ece0f723b9abb571534c9ad655a6456b389646587dc72bb8bae",
)


def fetch_modelnet40(
    folder: str | Path, source: str | Path | None = None, progress: bool = True
) -> Path:
    """Puts ModelNet40, 2048 points a shape, into `folder`/modelnet40_ply_hdf5_2048.

    Does nothing where it already is.

    Args:
        folder: made if it does not exist.
        source: modelnet40_ply_hdf5_2048.zip, if already at hand; else it is downloaded (435 MB)
            and deleted once unpacked, or taken from `folder` if it is there, and stays.
        progress: whether to show a bar.

    Returns:
        The folder to give to `load_modelnet40`.

    Raises:
        InputError: it can neither be downloaded nor unpacked; the message says what to do.
    """
    folder = check_path(folder)
    target = folder / HDF5_FOLDER
    if find_modelnet40(target) == (HDF5_FOLDER, target):
        return target
    if source is not None:
        return unpack_modelnet_zip(source, folder)
    archive = MODELNET40_ARCHIVE
    file = folder / archive.name
    was_there = file.exists()
    download(archive.urls, file, archive.sha256, archive.size, progress)
    target = unpack_modelnet_zip(file, folder)
    if not was_there:
        file.unlink()
    return target


def download(
    urls: Sequence[str],
    target: str | Path,
    sha256: str,
    size: int,
    progress: bool = True,
    opener: Opener | None = None,
) -> Path:
    """Downloads a file from the first of several places that has it.

    What arrives is kept in `target`.part, where a later call goes on, and gets its name once its
    size and checksum are right.

    Args:
        urls: places that offer the same file, all https.
        target: the file to make; left alone where it is already complete.
        sha256: its checksum, 64 hexadecimal digits.
        size: its length in bytes.
        progress: whether to show a bar.
        opener: sends a request with a time limit in seconds, instead of urllib.

    Returns:
        `target` as a path.

    Raises:
        InputError: a URL is not https, or none gave the file; the message says why, by place.
    """
    target = Path(target)
    if any(urlsplit(url).scheme != "https" for url in urls):
        raise InputError(f"Downloads must be by https, not from {', '.join(urls)}.")
    if _is_complete(target, size, sha256):
        return target
    opener = opener or _open_https
    part = target.with_name(target.name + ".part")
    reasons = []
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _progress_bar(target.name, size, progress) as report:
            for url in urls:
                reason = _try(url, part, sha256, size, report, opener)
                if reason is None:
                    os.replace(part, target)
                    return target
                reasons.append(f"{urlsplit(url).hostname}: {reason}")
    except OSError as error:  # of this machine's files; those of the network are in `reasons`
        raise InputError(f"{target} cannot be written: {error.strerror or error}.") from error
    raise InputError(
        f"{target.name} could not be downloaded ({'; '.join(reasons)}): fetch it by hand, with a "
        f"browser or on another machine, from {urls[0]} and pass it with --from FILE."
    )


def _try(
    url: str,
    part: Path,
    sha256: str,
    size: int,
    report: Callable[[int], None],
    opener: Opener,
) -> str | None:
    """Completes `part` from one place; returns why not, or None when it is the file wanted."""
    while True:
        resumed = part.stat().st_size if part.exists() else 0
        if resumed < size:
            try:
                _transfer(url, part, resumed, size, report, opener)
            except (OSError, http.client.HTTPException, ValueError) as error:
                reason = getattr(error, "reason", None) or getattr(error, "strerror", None)
                return str(reason or error) or type(error).__name__
        if _is_complete(part, size, sha256):
            return None
        part.unlink()
        if not resumed:
            return "what it sends is another file, by its checksum"
        # The beginning, perhaps from another place, was not of this file: once more from zero.


def _transfer(
    url: str, part: Path, start: int, size: int, report: Callable[[int], None], opener: Opener
) -> None:
    """Receives bytes `start` to `size` of a file, or all where the server cannot do less."""
    request = urllib.request.Request(url, headers={"User-Agent": "csnn-tf"})
    if start:
        request.add_header("Range", f"bytes={start}-")
    with opener(request, _TIMEOUT) as response:
        if response.status == 206:
            here = response.headers.get("Content-Range") == f"bytes {start}-{size - 1}/{size}"
        else:
            start = 0
            here = int(response.headers.get("Content-Length", size)) == size
        if not here:
            raise ValueError("it has a file of another size")
        with part.open("r+b" if start else "wb") as file:
            file.seek(start)
            report(start)
            while chunk := response.read(_CHUNK):
                if start + len(chunk) > size:
                    raise ValueError("it has a longer file")
                start += file.write(chunk)
                report(start)
    if start < size:
        raise ValueError(f"it broke off after {start} of {size} bytes")


def _open_https(request: urllib.request.Request, timeout: float) -> http.client.HTTPResponse:
    """Sends a request by https; a redirection to anything else is an error."""
    director = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler,
        urllib.request.HTTPSHandler,
        urllib.request.HTTPRedirectHandler,
        urllib.request.HTTPDefaultErrorHandler,
        urllib.request.HTTPErrorProcessor,
        urllib.request.UnknownHandler,
    ):
        director.add_handler(handler())
    return director.open(request, timeout=timeout)


def _is_complete(path: Path, size: int, sha256: str) -> bool:
    if not path.is_file() or path.stat().st_size != size:
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == sha256.lower()


@contextlib.contextmanager
def _progress_bar(name: str, size: int, show: bool) -> Iterator[Callable[[int], None]]:
    """Gives a function to call with the number of bytes that are there."""
    if not show:
        yield lambda done: None
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    with Progress(
        TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn()
    ) as bar:
        task = bar.add_task(name, total=size)
        yield lambda done: bar.update(task, completed=done)

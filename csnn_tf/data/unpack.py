"""Unpacks the archive of ModelNet40, whoever made it."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from csnn_tf.data.modelnet import HDF5_FOLDER
from csnn_tf.errors import InputError

_MAX_MEMBERS = 1000
_MAX_RATIO = 20  # float32 coordinates hardly shrink: the published archive's ratio is below 2
_SLACK = 1 << 20
_ERRORS = (OSError, ValueError, RuntimeError, EOFError, zipfile.BadZipFile, zlib.error)


def unpack_modelnet_zip(archive: str | Path, folder: str | Path) -> Path:
    """Unpacks modelnet40_ply_hdf5_2048.zip into `folder`/modelnet40_ply_hdf5_2048.

    Refuses an archive with absolute paths, paths that lead upwards, links, or a size out of
    proportion. The folder appears at once, when all is unpacked.

    Args:
        archive: the zip file. Its checksum is not looked at: people pack the same files anew.
        folder: made if it does not exist.

    Returns:
        The unpacked folder.

    Raises:
        InputError: the archive is damaged, unsafe, or holds no train_files.txt.
    """
    archive, folder = Path(archive), Path(folder)
    target = folder / HDF5_FOLDER
    if target.exists():
        raise InputError(f"{target} is there already: move it away to unpack {archive} anew.")
    try:
        with zipfile.ZipFile(archive) as packed:
            members = _check_members(packed, archive)
            folder.mkdir(parents=True, exist_ok=True)
            aside = Path(tempfile.mkdtemp(prefix=f".{HDF5_FOLDER}-", dir=folder))
            try:
                inside = aside / "content"  # which other users may read, as `aside` itself not
                inside.mkdir()
                for info, path in members:
                    _unpack(packed, info, inside / path)
                os.replace(_root(inside, archive), target)
            finally:
                shutil.rmtree(aside, ignore_errors=True)
    except _ERRORS as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{archive} cannot be unpacked: {str(error).rstrip('.')}.") from error
    return target


def _check_members(
    packed: zipfile.ZipFile, archive: Path
) -> list[tuple[zipfile.ZipInfo, PurePosixPath]]:
    """The files of an archive with their paths, all of them inside the folder to unpack to."""
    infos = packed.infolist()
    if len(infos) > _MAX_MEMBERS:
        raise InputError(f"{archive} holds {len(infos)} files, more than {_MAX_MEMBERS}.")
    if sum(info.file_size for info in infos) > _MAX_RATIO * archive.stat().st_size + _SLACK:
        raise InputError(f"{archive} would unpack to more than {_MAX_RATIO} times its size.")
    members = []
    for info in infos:
        path = PurePosixPath(info.filename)
        leads_out = path.is_absolute() or ".." in path.parts
        odd_name = any(mark in info.orig_filename for mark in "\\:\0")
        odd_kind = stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR)
        if leads_out or odd_name or odd_kind:
            raise InputError(f"{archive} holds {info.orig_filename!r}, which is unsafe to unpack.")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise InputError(f"{archive} holds {info.filename!r}, packed by an unknown method.")
        if not info.is_dir():
            members.append((info, path))
    return members


def _unpack(packed: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path) -> None:
    """Writes one file; zipfile hands out no more than the checked size, and checks the sum."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with packed.open(info) as source, path.open("xb") as file:
        shutil.copyfileobj(source, file, 1 << 20)


def _root(folder: Path, archive: Path) -> Path:
    """The folder that holds train_files.txt, at the top of an archive or one level below."""
    for candidate in (folder, *sorted(folder.iterdir())):
        if (candidate / "train_files.txt").is_file():
            return candidate
    raise InputError(f"{archive} holds no train_files.txt, so it is not {HDF5_FOLDER}.zip.")

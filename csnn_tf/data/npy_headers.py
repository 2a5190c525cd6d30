"""What headers of .npy and .npz files claim, held against the bytes that there are.

Each function raises `ValueError` where that does not fit; readers say in which file.
"""

from __future__ import annotations

import math
import zipfile
from typing import IO

import numpy as np

MAX_DEFLATE_RATIO = 1032
"""No deflate stream unpacks to more than so many times its size."""


def check_packed(info: zipfile.ZipInfo, file_bytes: int) -> None:
    """Raise `ValueError` if an array of an .npz file of so many bytes claims more than it holds."""
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"the array {info.filename} is packed by an unknown method")
    if info.file_size > MAX_DEFLATE_RATIO * min(info.compress_size, file_bytes):
        raise ValueError(f"the array {info.filename} claims more than the file can hold")


def read_header(file: IO[bytes], size: int) -> tuple[tuple[int, ...], np.dtype]:
    """The shape and type of an array in the .npy format.

    Raises:
        ValueError: It is no such array, or claims more than the `size` bytes there are.
    """
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
    elif version == (2, 0):
        shape, _, dtype = np.lib.format.read_array_header_2_0(file)
    else:
        raise ValueError(f"its format version {version} is not one of plain arrays")
    if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize > size - file.tell():
        raise ValueError(f"its header announces the shape {shape}, more than the file holds")
    return shape, dtype

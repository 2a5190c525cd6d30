"""Whether two sets of structures are the same, in a few bytes."""

import hashlib

import numpy as np

from csnn_tf.data.atoms.structure_set import StructureSet

_DIGITS = 5


def fingerprint(structures: StructureSet) -> str:
    """SHA-256 of what a training learns from: atoms, cells, DOS, electrons, types and splits.

    Numbers count to five decimals, so that another library's rounding changes nothing.

    Args:
        structures: The set.
    """
    found = hashlib.sha256()
    for name in ("positions", "cells", "energies", "dos", "electrons", "temperature"):
        values = getattr(structures, name)
        if values is not None:
            # Adding zero makes zeros of negative zeros.
            found.update((np.round(values, _DIGITS).astype(np.float64) + 0.0).tobytes())
    for name in ("numbers", "counts", "pbc"):
        found.update(np.asarray(getattr(structures, name), np.int64).tobytes())
    for name in ("types", "split"):
        text = "\n".join(getattr(structures, name).tolist())
        found.update(text.encode(errors="surrogateescape"))
    return found.hexdigest()

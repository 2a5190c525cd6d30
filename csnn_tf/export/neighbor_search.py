"""Neighbours of atoms inside an exported graph, in operations that every TensorFlow server has."""

from typing import Any

import tensorflow as tf

from csnn_tf.data.atoms.neighbors import SAME_PLACE
from csnn_tf.export.request_checks import after, require

MAX_IMAGES = 1_000_000
"""Atoms of one structure times its periodic images."""
MAX_DISTANCES = 2**30
"""Distances in a request, before images far from the cell are left out."""
_AT_ONCE = 2**21
_INDEPENDENT = 1e-12


def neighbor_pairs(
    positions, cell, pbc, counts, *, cutoff: float, max_pairs: int
) -> tuple[Any, Any, Any]:
    """All pairs of atoms within a cutoff, each in both directions, periodic images included.

    Distances to explicit images of all atoms: the cost grows with the square of a structure's
    atoms. The counterpart of `csnn_tf.data.atoms.neighbor_list`, which is not limited to
    TensorFlow's operations.

    Args:
        positions: [A, 3] float64, Å, finite; all structures' atoms one after the other.
        cell: [S, 3, 3] float64, Å, finite, one lattice vector a row; rows of directions that are
            not periodic are ignored.
        pbc: [S, 3] bool, whether each lattice vector is periodic.
        counts: [S] int64, atoms of each structure, which add up to A.
        cutoff: Å.
        max_pairs: Pairs allowed, or an error at run time.

    Returns:
        Displacements [pairs, 3] float32, Å; centre atom [pairs] int64, ascending; neighbour atom
        [pairs] int64.
    """
    cell = tf.where(pbc[:, :, None], cell, 0.0)
    reciprocal = _reciprocal(cell, pbc)
    # Atoms are moved into the cell, so an image one cell further than the cutoff can still count.
    reach = tf.floor(cutoff * tf.norm(reciprocal, axis=1)) + 1
    reach = tf.where(pbc, reach, 0.0)
    atoms = tf.cast(counts, tf.float64)
    images = tf.reduce_prod(2 * reach + 1, axis=1)
    advice = "send their neighbours instead"
    reach = after(
        reach,
        require(
            tf.reduce_all(atoms * images <= MAX_IMAGES),
            f"cell: too many periodic images within the cutoff of {cutoff:g} Å: {advice}",
        ),
        require(
            tf.reduce_sum(atoms**2 * images) <= MAX_DISTANCES,
            f"positions: too many atoms for the search of neighbours: {advice}",
        ),
    )
    firsts = tf.cumsum(counts, exclusive=True)
    arrays = tuple(
        tf.TensorArray(dtype, 0, dynamic_size=True, infer_shape=False, element_shape=shape)
        for dtype, shape in ((tf.float32, [None, 3]), (tf.int64, [None]), (tf.int64, [None]))
    )

    def structure(place, parts, pairs, *arrays):
        own = positions[firsts[place] : firsts[place] + counts[place]]
        wrapped, others, index, home = _images(
            own, cell[place], reciprocal[place], reach[place], cutoff
        )
        rows = tf.maximum(_AT_ONCE // tf.maximum(tf.size(index, tf.int64), 1), 1)

        def chunk(first, parts, pairs, *arrays):
            block = wrapped[first : first + rows]
            vectors = others[None] - block[:, None]
            squared = tf.reduce_sum(vectors**2, axis=-1)
            itself = home & (
                index == tf.range(first, first + tf.shape(block, tf.int64)[0])[:, None]
            )
            near = (squared <= cutoff**2) & ~itself
            found = tf.where(near)
            pairs += tf.shape(found, tf.int64)[0]
            # In every step, before much memory is taken.
            found = after(
                found,
                require(pairs <= max_pairs, f"positions: over {max_pairs} pairs of neighbours"),
                require(
                    tf.reduce_all(~near | (squared >= SAME_PLACE**2)),
                    f"positions: two atoms are less than {SAME_PLACE} Å apart",
                ),
            )
            values = (
                tf.cast(tf.gather_nd(vectors, found), tf.float32),
                found[:, 0] + first + firsts[place],
                tf.gather(index, found[:, 1]) + firsts[place],
            )
            written = (a.write(parts, v) for a, v in zip(arrays, values, strict=True))
            return first + rows, parts + 1, pairs, *written

        _, *state = tf.while_loop(
            lambda first, *_: first < counts[place],
            chunk,
            (tf.constant(0, tf.int64), parts, pairs, *arrays),
            parallel_iterations=1,
        )
        return place + 1, *state

    _, _, _, *arrays = tf.while_loop(
        lambda place, *_: place < tf.size(counts),
        structure,
        (0, 0, tf.constant(0, tf.int64), *arrays),
        parallel_iterations=1,
    )
    displacements, centre, neighbor = (array.concat() for array in arrays)
    return displacements, centre, neighbor


def _reciprocal(cell, pbc):
    """Reciprocal vectors [S, 3, 3] in columns, zero for directions that are not periodic."""
    lengths = tf.norm(cell, axis=2)
    unit = cell / tf.where(lengths > 0, lengths, 1.0)[:, :, None]
    gram = tf.matmul(unit, unit, transpose_b=True)
    gram += tf.linalg.diag(tf.cast(~pbc, tf.float64))
    gram = after(
        gram,
        require(
            tf.reduce_all(tf.linalg.det(gram) > _INDEPENDENT),
            "cell: periodic directions need lattice vectors that are not zero and independent",
        ),
    )
    # The pseudo-inverse: fractional coordinates along the periodic directions, whatever the others.
    columns = tf.matmul(unit, tf.linalg.inv(gram), transpose_a=True)
    return columns / tf.where(lengths > 0, lengths, 1.0)[:, None, :]


def _images(positions, cell, reciprocal, reach, cutoff: float):
    """Atoms moved into the cell, all images near it, whose atom each is, and whether unshifted."""
    wrapped = positions - tf.matmul(tf.floor(tf.matmul(positions, reciprocal)), cell)
    ranges = [tf.range(-reach[axis], reach[axis] + 1) for axis in range(3)]
    shifts = tf.reshape(tf.stack(tf.meshgrid(*ranges, indexing="ij"), axis=-1), [-1, 3])
    count, atoms = tf.shape(shifts)[0], tf.shape(positions, tf.int64)[0]
    images = tf.reshape(tf.matmul(shifts, cell)[:, None] + wrapped[None], [-1, 3])
    index = tf.tile(tf.range(atoms), [count])
    home = tf.repeat(tf.reduce_all(shifts == 0, axis=1), atoms)
    low, high = tf.reduce_min(wrapped, axis=0) - cutoff, tf.reduce_max(wrapped, axis=0) + cutoff
    near = tf.where(tf.reduce_all((images >= low) & (images <= high), axis=1))[:, 0]
    return wrapped, tf.gather(images, near), tf.gather(index, near), tf.gather(home, near)

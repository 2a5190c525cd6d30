"""The triangles about every vertex."""

import numpy as np
import pytest

from csnn_tf.grid import corner_table, icosphere


@pytest.mark.parametrize("level", [0, 1, 3])
def test_every_face_stands_at_its_three_corners(level):
    grid, table = icosphere(level), corner_table(level)
    assert (table.corners == np.arange(grid.num_vertices)[:, None, None]).any(axis=-1).all()
    found = {tuple(sorted(face)) for face in table.corners.reshape(-1, 3).tolist()}
    assert found == {tuple(sorted(face)) for face in grid.faces.tolist()}
    different = [len(np.unique(faces, axis=0)) for faces in table.corners]
    assert different == [5] * 12 + [6] * (grid.num_vertices - 12)


def test_inverses_write_a_direction_by_the_corners():
    table = corner_table(2)
    direction = np.array([0.36, 0.48, 0.8])
    weights = table.inverses @ direction
    again = np.einsum("vfc,vfcx->vfx", weights, icosphere(2).vertices[table.corners])
    np.testing.assert_allclose(again, np.broadcast_to(direction, again.shape), atol=1e-5)


def test_the_table_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        corner_table(0).corners[0] = 1

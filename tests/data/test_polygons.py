import numpy as np
import pytest

from csnn_tf.data.polygons import cut_polygons

ANGLES = np.arange(10) * np.pi / 5
STAR = np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1) * (3 - 2 * (np.arange(10) % 2))[:, None]
SIMPLE = {
    "dart": [(2, 0), (1, 3), (0, 0), (1, 1)],
    "U": [(0, 0), (3, 0), (3, 3), (2, 3), (2, 1), (1, 1), (1, 3), (0, 3)],
    "L": [(0, 0), (3, 0), (3, 1), (1, 1), (1, 2), (1, 3), (0, 3)],
    "star": STAR,
    "square": [(0, 0), (1, 0), (2, 0), (2, 2), (0, 2)],
    # Its hole is entered and left by the same way.
    "frame": [(0, 0), (4, 0), (4, 4), (0, 4), (0, 0), (1, 1), (1, 3), (3, 3), (3, 1), (1, 1)],
    "comb": [*((x, 0) for x in range(9)), *((x, 1 + 4 * (x % 2)) for x in reversed(range(9)))],
}
PLANES = {
    "xy": [(1, 0, 0), (0, 1, 0)],
    "yx": [(0, 1, 0), (1, 0, 0)],
    "yz": [(0, 1, 0), (0, 0, 1)],
    "tilted": [(0.6, 0.8, 0), (-0.64, 0.48, 0.6)],
    "small": [(6e-6, 8e-6, 0), (-6.4e-6, 4.8e-6, 6e-6)],
}


def cross(a, b):
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]


def winding(corners, place):
    """How often a polygon goes round a place."""
    angles = np.arctan2(*(corners - place).T[::-1])
    steps = np.diff(angles, append=angles[:1])
    return np.round(((steps + np.pi) % (2 * np.pi) - np.pi).sum() / (2 * np.pi))


@pytest.mark.parametrize("plane", PLANES)
@pytest.mark.parametrize("name", SIMPLE)
def test_triangles_cover_a_polygon_and_nothing_else(name, plane):
    flat = np.array(SIMPLE[name], dtype=float)
    axes = np.array(PLANES[plane])
    for corners in (flat, flat[::-1]):
        area = cross(corners, np.roll(corners, -1, axis=0)).sum()
        for start in range(len(corners)):
            order = np.roll(np.arange(len(corners)), start)
            vertices = (corners @ axes + axes[0]).astype(np.float32)
            faces = cut_polygons(vertices, order, np.array([len(order)]))
            assert faces.shape == (len(order) - 2, 3)
            a, b, c = (corners[faces[:, index]] for index in range(3))
            areas = cross(b - a, c - a)
            assert (areas / area > -1e-6).all()
            assert areas.sum() == pytest.approx(area)
            for centre in ((a + b + c) / 3)[np.abs(areas) > 1e-6]:
                assert winding(corners, centre) == np.sign(area)


def test_convex_polygons_are_cut_into_fans():
    angles = np.arange(6) * np.pi / 3
    vertices = np.stack([np.cos(angles), np.sin(angles), 0.2 * np.cos(5 * angles)], axis=1)
    found = cut_polygons(vertices, np.arange(6), np.array([6]))
    assert found.tolist() == [[0, 1, 2], [0, 2, 3], [0, 3, 4], [0, 4, 5]]


def test_polygons_keep_their_order():
    vertices = np.array([(2, 0, 0), (1, 3, 0), (0, 0, 0), (1, 1, 0)])
    polygons = [[0, 1, 2], [0, 1, 2, 3], [3], [1, 2, 3, 0], [1, 0], [0, 1, 3]]
    corners = np.concatenate(polygons)
    found = cut_polygons(vertices, corners, np.array([len(each) for each in polygons]))
    assert found[[0, 3, 4, 5]].tolist() == [[0, 1, 2], [1, 2, 3], [1, 3, 0], [0, 1, 3]]
    assert sorted(map(sorted, found[1:3])) == [[0, 1, 3], [1, 2, 3]]
    assert cut_polygons(vertices, corners[:0], np.array([], int)).shape == (0, 3)


RANDOM = np.random.default_rng(0).normal(size=(60, 3))


@pytest.mark.parametrize(
    "vertices",
    [
        np.zeros((6, 3)),
        np.arange(8)[:, None] * np.ones(3),
        np.array([(0, 0, 0), (1, 1, 0), (1, 0, 0), (0, 1, 0)]),
        np.array([(0, 0, 0), (3, 3, 0), (1, 0, 0), (0, 1, 0)]),
        np.append(STAR[np.arange(5) * 4 % 10], np.zeros((5, 1)), axis=1),
        RANDOM,
        RANDOM * [1, 1, 0],
        np.repeat(RANDOM[:9], 3, axis=0),
        np.where(np.arange(5)[:, None] == 2, np.nan, RANDOM[:5]),
        np.where(np.arange(5)[:, None] == 2, np.inf, RANDOM[:5]),
        RANDOM * 1e200,
        RANDOM * 1e-200,
    ],
)
@pytest.mark.filterwarnings("error")
def test_what_no_triangles_cover_gets_some(vertices):
    size = len(vertices)
    faces = cut_polygons(vertices, np.arange(size), np.array([size]))
    assert faces.shape == (size - 2, 3)
    assert set(faces.ravel()) <= set(range(size))


def test_corners_that_are_not_there_are_left_to_the_check_of_the_mesh():
    for corner in (-1, 4):
        faces = cut_polygons(np.zeros((4, 3)), np.array([0, 1, 2, corner]), np.array([4]))
        assert faces.tolist() == [[0, 1, 2], [0, 2, corner]]

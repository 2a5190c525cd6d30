import dataclasses

import numpy as np

from csnn_tf.data import Mesh, MeshSet, ShapeSet
from csnn_tf.data.fingerprint import fingerprint

CLOUDS = np.random.default_rng(0).normal(size=(4, 6, 3)).astype(np.float32)
FACES = np.int32([[0, 1, 2], [2, 3, 4]])
NAMES, CLASSES = list("abcd"), ("cup", "bowl")


def test_of_clouds():
    shapes = ShapeSet(CLOUDS, [0, 0, 1, 1], NAMES, CLASSES)
    same = ShapeSet([cloud.copy() for cloud in CLOUDS], [0, 0, 1, 1], list("efgh"), CLASSES)
    found = [
        fingerprint(shapes),
        fingerprint(ShapeSet(CLOUDS + np.float32(1e-3), [0, 0, 1, 1], NAMES, CLASSES)),
        fingerprint(ShapeSet(CLOUDS, [0, 1, 0, 1], NAMES, CLASSES)),
        fingerprint(ShapeSet(CLOUDS, [0, 0, 1, 1], NAMES, CLASSES[::-1])),
        fingerprint(shapes.subset([1, 0, 2, 3])),
        fingerprint(ShapeSet([*CLOUDS[:3], CLOUDS[3, :5]], [0, 0, 1, 1], NAMES, CLASSES)),
    ]
    assert len(set(found)) == len(found)
    # Names of files are no part of it, nor is how the clouds are kept.
    assert fingerprint(same) == found[0]
    assert isinstance(same, ShapeSet)


def test_of_meshes():
    meshes = MeshSet([Mesh(cloud, FACES) for cloud in CLOUDS], [0, 0, 1, 1], NAMES, CLASSES)
    turned = [Mesh(cloud, FACES[:, ::-1]) for cloud in CLOUDS]
    other = dataclasses.replace(meshes, meshes=turned)
    assert fingerprint(meshes) == fingerprint(meshes.subset(range(4)))
    assert fingerprint(meshes) != fingerprint(other)


def test_of_a_class_whose_folder_is_not_named_in_utf8():
    odd = "caf" + b"\xe9".decode(errors="surrogateescape")
    shapes = [ShapeSet(CLOUDS, [0, 0, 1, 1], NAMES, ("cup", name)) for name in (odd, "caf\xe9")]
    assert len({fingerprint(part) for part in shapes}) == 2

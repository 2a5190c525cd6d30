"""Data sets: ModelNet40, shapes of one's own, built-in shapes, carbon structures.

Names are imported on first use, so that `import csnn_tf.data` loads neither TensorFlow nor any
reader of file formats.
"""

from importlib import import_module

_HOME = {
    "Mesh": "mesh",
    "MeshSet": "mesh_set",
    "SHAPE_CLASSES": "shapes",
    "ShapeSet": "shape_set",
    "builtin_shapes": "shapes",
    "fetch_modelnet40": "download",
    "load_folder": "folder",
    "load_modelnet40": "modelnet",
    "load_point_clouds": "point_clouds",
    "make_shape": "shapes",
    "mesh_dataset": "mesh_sampling",
    "read_cloud": "readers",
    "read_mesh": "readers",
    "read_shape": "readers",
    "sample_mesh_points": "mesh_sampling",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

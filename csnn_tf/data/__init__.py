"""Data sets: ModelNet40, shapes of one's own, built-in shapes, carbon structures.

Names are imported on first use, so that `import csnn_tf.data` loads neither TensorFlow nor any
reader of file formats.
"""

from typing import TYPE_CHECKING

from csnn_tf.lazy_names import lazy_names

if TYPE_CHECKING:
    from csnn_tf.data.download import fetch_modelnet40 as fetch_modelnet40
    from csnn_tf.data.folder import load_folder as load_folder
    from csnn_tf.data.mesh import Mesh as Mesh
    from csnn_tf.data.mesh_sampling import mesh_dataset as mesh_dataset
    from csnn_tf.data.mesh_sampling import sample_mesh_points as sample_mesh_points
    from csnn_tf.data.mesh_set import MeshSet as MeshSet
    from csnn_tf.data.modelnet import load_modelnet40 as load_modelnet40
    from csnn_tf.data.point_clouds import load_point_clouds as load_point_clouds
    from csnn_tf.data.readers import read_cloud as read_cloud
    from csnn_tf.data.readers import read_mesh as read_mesh
    from csnn_tf.data.readers import read_shape as read_shape
    from csnn_tf.data.shape_set import ShapeSet as ShapeSet
    from csnn_tf.data.shapes import SHAPE_CLASSES as SHAPE_CLASSES
    from csnn_tf.data.shapes import builtin_shapes as builtin_shapes
    from csnn_tf.data.shapes import make_shape as make_shape

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

__getattr__, __dir__, __all__ = lazy_names(__name__, _HOME)

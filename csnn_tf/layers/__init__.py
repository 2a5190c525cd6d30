"""Keras layers: points and atoms to spheres, the two convolutions, pooling, augmentations.

The convolutions and the poolings declare their gradients, which is faster and, of maxima, safer.
With JAX that leaves out forward mode through them: `jax.jvp`, `jax.jacfwd` and `jax.linearize` of a
layer or a model raise a TypeError. Reverse mode, `jax.jacrev` of any order and `jax.hessian` work,
and with TensorFlow forward mode too.
"""

from csnn_tf.layers.agni_fingerprints import AgniFingerprints
from csnn_tf.layers.batch_normalization import BatchNormalization
from csnn_tf.layers.co_radial_conv import CoRadialConv
from csnn_tf.layers.compiled import compiled_kernels
from csnn_tf.layers.edge_conv import EdgeConv
from csnn_tf.layers.global_max_pooling import GlobalMaxPooling
from csnn_tf.layers.intra_sphere_conv import IntraSphereConv
from csnn_tf.layers.learned_transform import LearnedTransform
from csnn_tf.layers.nearest_vertices import nearest_vertices
from csnn_tf.layers.neighbor_sum import neighbor_sum
from csnn_tf.layers.neighbors_to_spheres import NeighborsToSpheres
from csnn_tf.layers.normalize_points import NormalizePoints
from csnn_tf.layers.point_dense import PointDense
from csnn_tf.layers.point_dropout import PointDropout
from csnn_tf.layers.point_pooling import PointPooling
from csnn_tf.layers.points_to_spheres import PointsToSpheres
from csnn_tf.layers.random_axis_rotation import RandomAxisRotation
from csnn_tf.layers.random_jitter import RandomJitter
from csnn_tf.layers.random_rotation import RandomRotation
from csnn_tf.layers.random_scale import RandomScale
from csnn_tf.layers.random_shift import RandomShift
from csnn_tf.layers.schnet_descriptor import SchNetDescriptor
from csnn_tf.layers.schnet_interaction import SchNetInteraction
from csnn_tf.layers.vertex_pooling import VertexPooling

__all__ = [
    "AgniFingerprints",
    "BatchNormalization",
    "CoRadialConv",
    "EdgeConv",
    "GlobalMaxPooling",
    "IntraSphereConv",
    "LearnedTransform",
    "NeighborsToSpheres",
    "NormalizePoints",
    "PointDense",
    "PointDropout",
    "PointPooling",
    "PointsToSpheres",
    "RandomAxisRotation",
    "RandomJitter",
    "RandomRotation",
    "RandomScale",
    "RandomShift",
    "SchNetDescriptor",
    "SchNetInteraction",
    "VertexPooling",
    "compiled_kernels",
    "nearest_vertices",
    "neighbor_sum",
]

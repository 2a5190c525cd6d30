"""Mapping of a point cloud to concentric spheres."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import keras
import numpy as np
from keras import ops

from csnn_tf.checks import check_number, check_positive, check_vector
from csnn_tf.errors import InputError
from csnn_tf.grid import icosphere
from csnn_tf.grid.icosphere import check_level
from csnn_tf.layers.checks import check_mask, check_points
from csnn_tf.layers.compiled import kernel
from csnn_tf.layers.nearest_vertices import nearest_vertices
from csnn_tf.layers.normalize_points import divided_by_extent, masked, norm
from csnn_tf.layers.random_rotation import rotate

_ANY_DIRECTION = np.array([2.0, 3.0, 6.0], "float32") / 7
"""Of a point at the centre, whose nearest vertices at no level are equally near."""
_LARGEST_TURN = 100.0
"""Radians; many turns more and a rotation's digits are lost."""


@keras.saving.register_keras_serializable(package="csnn_tf")
class PointsToSpheres(keras.layers.Layer):
    """Gaussian features of a point cloud on concentric icospheres.

    f(x) = sum over points p of exp(-gamma_i |x - p|^2)    (equation 3)

    taken at the vertices x of R' = R C spheres of radii 1/R', 2/R', ..., 1. A point of norm r lies
    in shell i = min(floor(r R), R - 1) and adds to its `neighbors` nearest directions on each of
    the C spheres of its shell, whose radii are (i C + c + 1) / (R C); spheres of a shell become
    channels (c = 0 the innermost). gamma_i = -ln(threshold) / D_i^2, D_i being the largest distance
    among the corners of the grid's first face at the shell's inner and outer radius (other faces
    are larger by up to 2 %). The 60 rotations of the grid permute the vertices and, up to rounding,
    the features; but where several vertices are equally far from a point, as they may be from
    points of a lattice, and for a point at the origin, the choice among them does not turn with
    the points. Work and memory grow with the number of points, not with the grid.

    Args:
        level: Level of the icosphere, 0 to 7.
        spheres: R, the number of shells that stay a spatial axis.
        channels: C = R' / R, the number of spheres in a shell.
        neighbors: How many nearest directions a point contributes to.
        threshold: Weight left at the distance D_i, between 0 and 1.
        radius: None divides every cloud by its largest norm; a number (in the unit of the points)
            divides by that instead, and points beyond it count in the outermost shell.
        point_count: None takes the sum as it is; a number n multiplies it by n / (points in the
            cloud), so that clouds of any size give features like those of n points.
        tilt: Rotation vector (axis times angle in radians) of the grid against the points' axes.
            The coordinate axes are two-fold axes of the icosahedron, so half a turn about one of
            them shows the grid nothing new; about an axis that is none of its own, a whole turn
            shows it twice as many views, which is what a model trained under turns about the
            upright axis learns all others from. Vertex i then lies at R v_i, R being the rotation
            and v_i the vertex of `icosphere(level)`. None leaves the grid as it is.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input: points [batch, points, 3] about the centre of rotation, any length unit, and optionally
        `mask` [batch, points] (true where the row holds a point) for clouds of different sizes.
        Points at the origin, repeated points and clouds of one point give finite features; a cloud
        without points gives zeros.
    Output: [batch, vertex, R, C], dimensionless, at least 0. Computed in float32 whatever the
        dtype policy, since coordinates do not survive fewer digits.

    Raises:
        InputError: If an argument is out of range, the input is not [batch, points, 3], or the mask
            is not [batch, points].

    Example:
        >>> PointsToSpheres(level=2, spheres=4, channels=2)(keras.ops.ones((8, 100, 3))).shape
        TensorShape([8, 162, 4, 2])

    Source: section III-A of the CSNN paper.
    """

    def __init__(
        self,
        level: int = 4,
        spheres: int = 20,
        channels: int = 8,
        *,
        neighbors: int = 3,
        threshold: float = 0.01,
        radius: float | None = None,
        point_count: int | None = None,
        tilt: Sequence[float] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs, autocast=False)
        self.level = check_level(level)
        self.spheres = check_positive("spheres", spheres)
        self.channels = check_positive("channels", channels)
        self.neighbors = check_positive("neighbors", neighbors)
        if self.neighbors > 12:
            raise InputError(f"neighbors must be at most 12, not {neighbors}.")
        self.threshold = check_number("threshold", threshold)
        if not 0 < self.threshold < 1:
            raise InputError(f"threshold must lie between 0 and 1, not {threshold!r}.")
        self.radius = None if radius is None else check_number("radius", radius)
        if self.radius is not None and not 1e-30 < self.radius < 1e30:
            raise InputError(f"radius must be a positive length or None, not {radius!r}.")
        self.point_count = (
            None if point_count is None else check_positive("point_count", point_count)
        )
        self.tilt = None if tilt is None else check_vector("tilt", tilt)
        if self.tilt is not None and max(map(abs, self.tilt)) > _LARGEST_TURN:
            raise InputError(f"tilt must be a rotation vector in radians, not {tilt!r:.60}.")
        self.gamma = kernel_widths(self.level, self.spheres, self.threshold)
        self.supports_masking = True

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Check the input's shape."""
        check_points(input_shape, type(self).__name__)

    def call(self, inputs, mask=None):
        """Map clouds to feature maps."""
        check_points(inputs.shape, type(self).__name__)  # `build` saw the first inputs only
        if mask is not None:
            check_mask(mask, inputs.shape, type(self).__name__)
            mask = ops.cast(mask, "bool")  # 255 is as true as 1
        points, norms, weights = self._normalise(ops.cast(inputs, "float32"), mask)
        scale = None
        if self.point_count is not None:
            scale = self._density(points, weights)
        features = self._kernel()
        features = features(points, norms, *(x for x in (weights, scale) if x is not None))
        return ops.cast(features, self.compute_dtype)

    def _kernel(self):
        names = "level", "spheres", "channels", "neighbors", "threshold", "tilt"
        return _kernel_of(**{name: getattr(self, name) for name in names})

    def _sum_over_points(self, points, norms, *factors):
        """Equation 3 for normalised points; factors, [batch, 1 or points], scale contributions."""
        points = self.in_grid_frame(points)
        safe = ops.where(norms > 0, norms, 1.0)
        # Of a point at the centre all vertices are as near, and rounding would choose.
        direction = ops.where(norms[..., None] > 0, points / safe[..., None], _ANY_DIRECTION)
        vertex, angular = nearest_vertices(direction, self.level, self.neighbors)

        shell = ops.cast(ops.floor(norms * self.spheres), "int32")
        shell = ops.clip(shell, 0, self.spheres - 1)
        step = 1 / (self.spheres * self.channels)
        inner = ops.cast(shell * self.channels, "float32")[..., None]
        radii = (inner + np.arange(1, self.channels + 1, dtype="float32")) * step
        # |rho v - r u|^2 = (rho - r)^2 + rho r |v - u|^2 keeps digits that the cosine would lose.
        radial = ops.square(radii - norms[..., None])[..., None, :]
        tangential = (radii * norms[..., None])[..., None, :] * angular[..., None]
        gamma = ops.take(self.gamma, shell, axis=0)[..., None, None]
        values = ops.exp(-gamma * (radial + tangential))
        for factor in factors:
            values = values * factor[..., None, None]

        batch = ops.shape(points)[0]
        vertices = icosphere(self.level).num_vertices
        cloud = ops.reshape(ops.arange(batch, dtype="int32"), (-1, 1, 1))
        row = (cloud * vertices + vertex) * self.spheres + shell[..., None]
        features = ops.segment_sum(
            ops.reshape(values, (-1, self.channels)),
            ops.reshape(row, (-1,)),
            num_segments=batch * vertices * self.spheres,
        )
        return ops.reshape(features, (-1, vertices, self.spheres, self.channels))

    def in_grid_frame(self, points):
        """Points [..., points, 3] as the tilted grid sees them: turned back by the tilt."""
        if self.tilt is None:
            return points
        from scipy.spatial.transform import Rotation

        return rotate(points, Rotation.from_rotvec(self.tilt).inv().as_matrix().tolist())

    def compute_mask(self, inputs, previous_mask=None):
        """None: the mask is about points, and a feature map has no point axis."""
        return None

    def _normalise(self, points, mask):
        """Points scaled to the unit ball, their norms, and 1 or 0 for points and padding."""
        weights = None
        if mask is not None:
            weights = ops.cast(mask, "float32")
            points = masked(points, mask)
        if self.radius is not None:
            points = points / self.radius
            return points, norm(points), weights
        # First by the largest coordinate, so that squares neither overflow nor vanish.
        points, _ = divided_by_extent(points)
        norms = norm(points)
        largest = ops.max(norms, axis=1, keepdims=True, initial=0.0)
        largest = ops.where(largest > 0, largest, 1.0)
        return points / largest[..., None], norms / largest, weights

    def _density(self, points, weights):
        """point_count / (points in the cloud), [batch or 1, 1]."""
        if weights is None:
            count = ops.cast(ops.shape(points)[1], "float32")
            return ops.reshape(self.point_count / count, (1, 1))
        present = ops.maximum(ops.sum(weights, axis=1, keepdims=True), 1.0)
        return self.point_count / present

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """[batch, vertex, sphere, channel]."""
        vertices = icosphere(self.level).num_vertices
        return (input_shape[0], vertices, self.spheres, self.channels)

    def compute_output_spec(self, inputs, mask=None):
        """Shape and dtype of the feature map."""
        return keras.KerasTensor(self.compute_output_shape(inputs.shape), self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """Arguments of the constructor."""
        config = super().get_config()
        config.pop("autocast", None)
        return {
            **config,
            "level": self.level,
            "spheres": self.spheres,
            "channels": self.channels,
            "neighbors": self.neighbors,
            "threshold": self.threshold,
            "radius": self.radius,
            "point_count": self.point_count,
            "tilt": None if self.tilt is None else list(self.tilt),
        }


@cache
def _kernel_of(**fields: Any):
    """The sum over normalised points, one for all layers of a configuration.

    Compiled, most of the cost goes: TensorFlow's own sum over segments is slow on rows this short,
    and the vertices' candidates never become an array.
    """
    return kernel(PointsToSpheres(**fields, name="kernel")._sum_over_points)


def kernel_widths(level: int, spheres: int, threshold: float = 0.01) -> np.ndarray:
    """gamma_i of every shell, [R] float32, in units of 1 / (outer radius)^2.

    gamma_i = -ln(threshold) / D_i^2, with D_i the largest distance among the corners of one grid
    face at the shell's outer and inner radius; the innermost shell's inner corners are the origin.
    """
    grid = icosphere(level)
    face = grid.vertices[grid.faces[0]]
    outer = np.arange(1, spheres + 1)[:, None, None] / spheres * face
    inner = np.arange(spheres)[:, None, None] / spheres * face
    corners = np.concatenate([outer, inner], axis=1)
    square = np.sum((corners[:, :, None] - corners[:, None]) ** 2, axis=-1).max(axis=(1, 2))
    return (-np.log(threshold) / square).astype("float32")

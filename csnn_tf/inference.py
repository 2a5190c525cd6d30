"""Predictions for clouds of any number and size, in batches of one shape."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from csnn_tf.checks import check_positive
from csnn_tf.compiled_predictor import CompiledPredictor, check_finite, power_of_two
from csnn_tf.data.coordinates import check_unmasked, enlarged, float32_coordinates
from csnn_tf.data.resampling import padded
from csnn_tf.errors import InputError
from csnn_tf.models import CloudClassifier
from csnn_tf.models.compiled_forward import compiled_forward
from csnn_tf.models.folded_network import FoldedNetwork
from csnn_tf.models.loading import as_model
from csnn_tf.overlapping import overlapping
from csnn_tf.rotating import vote_rotations

# Sizes that are no power of two and yet compiled as they are.
_MOST_EXACT_SIZES = 4
# Points of a batch, filled up, where it has more than one cloud: 32 clouds of 10,000 to 16,384.
_MOST_POINTS = 2**19


class Predictor(CompiledPredictor):
    """Runs a classifier over point clouds, compiled once for each padded size.

    It computes what the model's `normalized`, `features` and `network` do one after the other, with
    the weights as they are at each call; after `enable_lora` make another one.

    Args:
        model: A `CloudClassifier`, or its .keras file, run folder or name.
        batch_size: Clouds in a batch, at most: fewer clouds are filled up to a power of two, and of
            large clouds there are fewer.
        votes: Rotations, the same for all clouds, over which probabilities are averaged; logits are
            then the logarithm of the average. As `csnn-tf export --votes`.

    Example:
        >>> model = PointCloudClassifier.from_preset("tiny", num_classes=5)
        >>> Predictor(model).logits(np.random.default_rng(0).normal(size=(3, 100, 3))).shape
        (3, 5)
    """

    def __init__(
        self, model: CloudClassifier | str | Path, batch_size: int = 32, votes: int = 1
    ) -> None:
        self.batch_size = check_positive("batch_size", batch_size)
        self.votes = check_positive("votes", votes)
        self.model = as_model(model, CloudClassifier)
        self._exact: set[int] = set()
        self._seen: set[int] = set()
        super().__init__()

    def _compile(self):
        return _compiled(self.model)

    def logits(self, clouds: np.ndarray | Sequence[np.ndarray]) -> np.ndarray:
        """Logits of all clouds.

        Args:
            clouds: S clouds [n_i, 3], or one array or tensor [S, n, 3]; any length unit and place.

        Returns:
            [S, classes] float32.

        Raises:
            InputError: If a cloud is empty, not [n, 3], not finite in float32, or masked in part,
                or the model's weights are such that its answer is not finite.
        """
        clouds = checked_clouds(clouds, self.model.centred, self.model.unit_ball)
        parts = list(overlapping(self._part, self._batches(clouds)))
        if not parts:
            return np.zeros((0, self.model.num_classes), np.float32)
        logits = np.concatenate(parts)
        check_finite(logits, lambda place: f"cloud {place}")
        return logits

    def probabilities(self, clouds: np.ndarray | Sequence[np.ndarray]) -> np.ndarray:
        """Class probabilities of all clouds, [S, classes] float32; see `logits`."""
        logits = self.logits(clouds)
        values = np.exp(logits - logits.max(axis=-1, keepdims=True, initial=-np.inf))
        return values / values.sum(axis=-1, keepdims=True)

    def _batches(self, clouds) -> Iterator[tuple[np.ndarray, np.ndarray, int]]:
        """Padded clouds, masks, and how many of the clouds are real."""
        start = 0
        while start < len(clouds):
            size = most = min(self.batch_size, power_of_two(len(clouds)))
            # One large cloud would fill up all others of its batch.
            while size > 1 and size > self._most(clouds[start : start + size]):
                size //= 2
            part = clouds[start : start + size]
            start += size
            points, counts = padded(part)
            # Few padded shapes, so that few compilations, each of which stays: a full batch.
            alike = len(part) > 1 and bool((counts == counts[0]).all())
            full = len(part) == size and (size == self.batch_size or 1 < size < most)
            width = self._width(points.shape[1], alike, full)
            batch = np.zeros((size, width, 3), np.float32)
            batch[: len(part), : points.shape[1]] = points
            mask = np.arange(width) < np.pad(counts, (0, size - len(part)))[:, None]
            yield batch, mask, len(part)

    def _most(self, clouds: Sequence[np.ndarray] | np.ndarray) -> int:
        """How many clouds as large as these are computed at once."""
        points = power_of_two(max(map(len, clouds)))
        most = self.model.most_at_once(points)
        return min(_MOST_POINTS // points, _MOST_POINTS if most is None else most)

    def _width(self, size: int, alike: bool, full: bool) -> int:
        """How many points clouds are filled up to: a power of two, or none at all.

        Clouds of one size come again, and DGCNN's work grows with the square of what is filled up:
        the first few such sizes stay as they are, from their first full batch or their second batch
        on. Batches of several sizes, and single clouds of a size that is none of these, are filled
        up.
        """
        if alike and len(self._exact) < _MOST_EXACT_SIZES and size != power_of_two(size):
            # A size that comes once, by chance, is to take the place of no data set's.
            (self._exact if full or size in self._seen else self._seen).add(size)
        return size if alike and size in self._exact else power_of_two(size)

    def _part(self, batch: tuple[np.ndarray, np.ndarray, int]) -> np.ndarray:
        points, mask, count = batch
        if self.votes == 1:
            return np.asarray(self._forward(points, mask))[:count]
        present = mask[..., None]
        points = points.astype(np.float64)
        if self.model.centred:  # in float64, about the point that the model would take
            sums, counts = (points * present).sum(1, keepdims=True), present.sum(1)[:, None]
            points -= sums / np.maximum(counts, 1)
        total = -np.inf
        for matrix in vote_rotations(self.votes):
            turned = np.where(present, points @ matrix.T, 0).astype(np.float32)
            logits = np.asarray(self._forward(turned, mask))[:count].astype(np.float64)
            # Logarithms throughout: probabilities may round to zero.
            logits -= np.logaddexp.reduce(logits, axis=-1, keepdims=True)
            total = np.logaddexp(total, logits)
        return (total - np.log(self.votes)).astype(np.float32)


def checked_clouds(
    clouds: np.ndarray | Sequence[np.ndarray], may_move: bool = True, may_scale: bool = True
) -> np.ndarray | list[np.ndarray]:
    """The clouds as float32, one array where they were one.

    Args:
        clouds: See `Predictor.logits`.
        may_move: Whether clouds that float32 would spoil may be moved, as where they lie does not
            count.
        may_scale: Whether those that are too small for it may be scaled, as their size does not.

    Raises:
        InputError: If one is not [n, 3] with n at least 1, not finite in float32, or masked.
    """
    check_unmasked(clouds, "the array of clouds")
    if not isinstance(clouds, list | tuple) and hasattr(clouds, "__array__"):
        clouds = np.asarray(clouds)  # of a tensor, whatever library's
    array = isinstance(clouds, np.ndarray) and clouds.ndim > 0
    if not (array or isinstance(clouds, list | tuple)):
        raise InputError(f"clouds must be a list of arrays, not {type(clouds).__name__}.")
    if array and clouds.ndim == 2 and clouds.dtype != object:
        raise InputError(
            f"clouds must be a list of arrays or one array [clouds, points, 3], not {clouds.dtype} "
            f"of shape {clouds.shape}: put a single cloud in a list."
        )
    checked = [
        _checked_cloud(cloud, f"cloud {place}", may_move, may_scale)
        for place, cloud in enumerate(clouds)
    ]
    plain = array and clouds.dtype != object
    return _float32(clouds, may_move, may_scale) if plain and checked else checked


def _float32(points: np.ndarray, may_move: bool, may_scale: bool) -> np.ndarray:
    if may_scale:
        points = enlarged(points)
    if may_move:
        return float32_coordinates(points, centred=True)
    with np.errstate(over="ignore"):
        return points.astype(np.float32, copy=False)


def _checked_cloud(cloud: np.ndarray, name: str, may_move: bool, may_scale: bool) -> np.ndarray:
    check_unmasked(cloud, name)
    try:
        cloud = np.asarray(cloud)
    except (ValueError, TypeError):
        raise InputError(f"{name} must be numbers [points, 3].") from None
    if cloud.ndim != 2 or cloud.shape[1] != 3 or cloud.dtype.kind not in "fiu":
        raise InputError(
            f"{name} must be numbers [points, 3], not {cloud.dtype} of shape {cloud.shape}."
        )
    if len(cloud) == 0:
        raise InputError(f"{name} has no points.")
    cloud = _float32(cloud, may_move, may_scale)  # infinite where too large
    if not np.isfinite(cloud).all():
        raise InputError(f"{name} has coordinates that are not finite.")
    return cloud


def _compiled(model: CloudClassifier):
    network = FoldedNetwork(model.network)

    def forward(points, mask):
        return network(model.features(model.normalized(points, mask), mask, training=False))

    return compiled_forward(forward, model)

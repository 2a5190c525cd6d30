"""Signatures of an exported classifier."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
import tensorflow as tf

from csnn_tf.export.network import with_inner_output
from csnn_tf.export.options import ExportOptions
from csnn_tf.export.request_checks import checked_clouds, padded_clouds
from csnn_tf.export.serving import Request, Serving, serves
from csnn_tf.layers import compiled_kernels
from csnn_tf.layers.own_gradient import without_gradients
from csnn_tf.layers.random_rotation import rotate
from csnn_tf.models import PointCloudClassifier
from csnn_tf.models.inference_network import inference_network
from csnn_tf.rotating import vote_rotations

_POINTS = tf.TensorSpec([None, None, 3], tf.float32, name="points")
_FORMS = {
    "": [_POINTS],
    "padded": [_POINTS, tf.TensorSpec([None], tf.int64, name="lengths")],
    "ragged": [
        tf.TensorSpec([None, 3], tf.float32, name="points"),
        tf.TensorSpec([None], tf.int64, name="row_lengths"),
    ],
}


@serves(PointCloudClassifier)
class ClassifierServing(Serving):
    """Raw points in; probabilities, best classes, logits or descriptors out.

    Three forms of request, each with three answers:

    - `serving_default`, `logits`, `embedding`: points [batch, points, 3];
    - `padded`, `padded_logits`, `padded_embedding`: that and lengths [batch], for clouds of
      different sizes filled up with rows that do not count;
    - `ragged`, `ragged_logits`, `ragged_embedding`: points [rows, 3] of all clouds one after the
      other, and row_lengths [batch].

    With votes, a cloud is classified in that many orientations, uniform and the same for all
    clouds; probabilities are averaged, `logits` is the logarithm of that average and `embedding`
    the mean descriptor.
    """

    free_sizes: ClassVar = {
        "points": "batch points",
        **dict.fromkeys(("probabilities", "logits", "embedding"), "batch"),
    }

    batching = True

    def __init__(self, model: PointCloudClassifier, options: ExportOptions) -> None:
        super().__init__(model, options)
        network = inference_network(model.network, fold=options.fold, precision=options.precision)
        self._network = with_inner_output(network, model.backbone.name)
        self._forward = tf.function(
            self._logits_and_embedding,
            input_signature=[_POINTS, tf.TensorSpec([None, None], tf.bool, name="mask")],
        )

    @property
    def labels(self) -> Sequence[str]:
        """Names of the classes; their numbers where the model has no names."""
        return self.model.class_names or tuple(str(i) for i in range(self.model.num_classes))

    @property
    def variables(self) -> Sequence[Any]:
        """Weights of the rebuilt network."""
        return [variable.value for variable in self._network.variables]

    def signatures(self) -> dict[str, Any]:
        """Nine functions; see the class."""
        answers = {"": self._classes, "logits": self._logits, "embedding": self._embedding}
        return {
            "_".join(filter(None, (form, answer))) or "serving_default": tf.function(
                self._signature(form, give), input_signature=specs
            )
            for form, specs in _FORMS.items()
            for answer, give in answers.items()
        }

    def examples(self) -> Sequence[Request]:
        """One cloud for every signature, and a batch for the default one."""
        options = self.options
        count = min(self.model.to_spheres.point_count or 1024, options.max_points)
        batch = min(8, options.max_clouds, options.max_points // count)
        points = np.random.default_rng(0).uniform(-1, 1, (batch, count, 3)).astype(np.float32)
        inputs = {
            "": {"points": points[:1]},
            "padded": {"points": points[:1], "lengths": np.array([count], np.int64)},
            # Clouds of one point: their rows are as many as their lengths.
            "ragged": {"points": points[:, 0], "row_lengths": np.ones(batch, np.int64)},
        }
        requests = [
            Request("_".join(filter(None, (form, answer))) or "serving_default", given)
            for form, given in inputs.items()
            for answer in ("", "logits", "embedding")
        ]
        return [*requests, Request("serving_default", {"points": points})]

    def portable(self) -> tuple[Callable[..., dict[str, Any]], Sequence[Any]]:
        """Points [batch, points, 3] to probabilities, logits and embedding."""

        def classify(points):
            shape = tf.shape(points)
            logits, embedding = self._logits_and_embedding(points, tf.ones(shape[:2], tf.bool))
            return {
                "probabilities": tf.nn.softmax(logits),
                "logits": logits,
                "embedding": embedding,
            }

        return classify, [_POINTS]

    def card(self) -> dict[str, str]:
        """Input, outputs and limits."""
        options = self.options
        return {
            "Input": (
                f"{self._input} Clouds of different sizes: see the signatures `padded` and "
                "`ragged`.\n\n"
                f"Refused with an error that names `points`: more than {options.max_clouds} clouds "
                f"or {options.max_points} rows in a request, a cloud without points, coordinates "
                "that are not finite or beyond 1e30."
            ),
            "Output": (
                f"{self._probabilities}; `classes` and `scores` [batch, {self._top}], the best "
                f"classes' names and probabilities, best first. {self._others} in signatures of "
                "their own. All float32."
            ),
            "Limits": (
                "The model knows its classes only: a cloud of anything else gets one of them, "
                "possibly with a high probability. It is invariant to the 60 rotations of the "
                "icosahedron, up to rounding, and approximately to others. Points that lie equally "
                "far from several vertices of its grid, as points of a lattice may, and a point "
                "right at the centre go to some of them: for such clouds it is only "
                "approximately invariant."
            ),
        }

    def portable_card(self) -> dict[str, str]:
        """Without the checks of requests and the names of the best classes."""
        return {
            **self.card(),
            "Input": f"{self._input} Nothing is checked: leave out batches of no clouds.",
            "Output": f"{self._probabilities}; {self._others}. All float32.",
        }

    @property
    def _input(self) -> str:
        model = self.model
        unit = "any length unit" if model.unit_ball else "the length unit of the training data"
        place = "anywhere" if model.centred else "about the origin as in training"
        return (
            f"`points`: float32 [batch, points, 3], clouds of x, y, z in {unit}, {place}, in any "
            "orientation; both sizes are free."
        )

    @property
    def _probabilities(self) -> str:
        votes = self.options.votes
        made = f"averaged over {votes} rotations" if votes > 1 else "of one pass"
        return f"`probabilities` [batch, {self.model.num_classes}], {made}"

    @property
    def _others(self) -> str:
        width = self._network.outputs[0].shape[-1]
        return f"`logits` [batch, {self.model.num_classes}] and `embedding` [batch, {width}]"

    @property
    def _top(self) -> int:
        return min(self.options.top, self.model.num_classes)

    def _signature(self, form: str, answer: Callable[..., dict[str, Any]]):
        limits = {
            "max_points": self.options.max_points,
            "max_clouds": self.options.max_clouds,
        }
        if form == "":
            return lambda points: answer(*self._forward(*checked_clouds(points, **limits)))
        if form == "padded":
            return lambda points, lengths: answer(
                *self._forward(*checked_clouds(points, lengths=lengths, **limits))
            )
        return lambda points, row_lengths: answer(
            *self._forward(*padded_clouds(points, row_lengths, **limits))
        )

    def _classes(self, logits, embedding) -> dict[str, Any]:
        probabilities = tf.nn.softmax(logits)
        scores, places = tf.math.top_k(probabilities, self._top)
        classes = tf.gather(tf.constant(list(self.labels)), places)
        return {"probabilities": probabilities, "classes": classes, "scores": scores}

    def _logits(self, logits, embedding) -> dict[str, Any]:
        return {"logits": logits}

    def _embedding(self, logits, embedding) -> dict[str, Any]:
        return {"embedding": embedding}

    def _logits_and_embedding(self, points, mask) -> tuple[Any, Any]:
        with compiled_kernels(False), without_gradients():
            if self.options.votes == 1:
                return self._once(points, mask)
            if self.model.center is not None:  # about the point that the model would take
                points = self.model.center(points, mask=mask)
            return self._voted(points, mask)

    def _voted(self, points, mask) -> tuple[Any, Any]:
        votes = self.options.votes
        rotations = tf.constant(vote_rotations(votes), tf.float32)

        def vote(place):
            turned = rotate(points, rotations[place])
            logits, embedding = self._once(turned, mask)
            return tf.nn.log_softmax(logits), embedding

        def add(place, total, embeddings):
            logs, embedding = vote(place)
            # The logarithm of a sum of probabilities, which themselves may round to zero.
            total = tf.reduce_logsumexp(tf.stack([total, logs]), axis=0)
            return place + 1, total, embeddings + embedding

        # One after the other: memory stays that of a single pass.
        _, total, embeddings = tf.while_loop(
            lambda place, *_: place < votes, add, (1, *vote(0)), parallel_iterations=1
        )
        return total - np.log(votes).astype(np.float32), embeddings / votes

    def _once(self, points, mask) -> tuple[Any, Any]:
        points = self.model.normalized(points, mask)
        spheres = self.model.features(points, mask, training=False)
        clouds = tf.shape(spheres)[0]
        # oneDNN's fused convolutions fail without a cloud: give them an empty one.
        added = tf.maximum(1 - clouds, 0)
        spheres = tf.concat([spheres, tf.zeros([added, *spheres.shape[1:]], spheres.dtype)], 0)
        embedding, logits = self._network(spheres, training=False)
        return tuple(tf.cast(output[:clouds], tf.float32) for output in (logits, embedding))

"""Accuracy on held-out shapes during training."""

import numpy as np

from csnn_tf.data.mesh_set import MeshSet
from csnn_tf.data.shape_set import ShapeSet
from csnn_tf.inference import Predictor
from csnn_tf.models import CloudClassifier
from csnn_tf.rotating import rotated
from csnn_tf.training.config import TrainingConfig


class Validation:
    """Loss and accuracy on held-out shapes, each in one fixed orientation of the run's kind."""

    def __init__(
        self, model: CloudClassifier, shapes: ShapeSet | MeshSet, config: TrainingConfig
    ) -> None:
        if isinstance(shapes, MeshSet):
            shapes = shapes.to_shape_set(config.num_points, config.seed)
        rng = np.random.default_rng([config.seed, 1])
        clouds = shapes.drawn(config.num_points, config.seed).clouds
        self.clouds = rotated(
            clouds, config.rotation, rng, config.upright_axis, centred=model.centred
        )
        self.labels = shapes.labels
        self.predictor = Predictor(model)

    def __call__(self) -> dict[str, float]:
        """The loss is the cross entropy without label smoothing."""
        logits = self.predictor.logits(self.clouds).astype(np.float64)
        shifted = logits - logits.max(axis=1, keepdims=True)
        log_likelihood = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        loss = -log_likelihood[np.arange(len(self.labels)), self.labels].mean()
        accuracy = (logits.argmax(axis=1) == self.labels).mean()
        return {"val_loss": float(loss), "val_accuracy": float(accuracy)}

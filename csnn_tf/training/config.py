"""Everything that defines a training run."""

from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

from csnn_tf.checks import check_number
from csnn_tf.data.augmenter import ROTATIONS
from csnn_tf.errors import InputError
from csnn_tf.models import CloudClassifier
from csnn_tf.models.architectures import ARCHITECTURES, architecture
from csnn_tf.named import NamedConfigurations
from csnn_tf.training.run_config import RunConfig, check_initial
from csnn_tf.training.trained_fields import trained_fields


def model_fields() -> tuple[str, ...]:
    """Names of the fields of all classifiers."""
    fields = (name for model in ARCHITECTURES.values() for name in model.fields())
    return tuple(dict.fromkeys(fields))


@dataclass(frozen=True)
class TrainingConfig(RunConfig):
    """A training run of a classifier; with the same machine, it fixes the result to the bit.

    Args:
        data: "modelnet" (files under `folder`) or "shapes" (built in).
        folder: Folder of the data, or None.
        architecture: "csnn", or a baseline of the paper's Table I: "pointnet" or "dgcnn".
        preset: Name of that model's preset.
        recipe: Name of the recipe that the optimiser's fields came from.
        model: Fields of the model that differ from the preset.
        initial: Trained classifier (a file, a run folder or a trained model's name) whose weights
            the run begins with, or None; see `csnn_tf.models.transfer.take_weights`. `from_recipe`
            makes the model's other fields those of the trained one. If that has seen shapes that
            are held out here, their accuracy is too good.
        rotation: Rotations in training and validation: "none", "z" or "so3".
        num_points: Points of a cloud.
        resample: Whether the points are drawn anew in every epoch, of up to four times as many of
            the cloud's, in place of once; some cloud must have more than `num_points`. (TensorFlow
            draws those of meshes anew in any case.)
        per_class: Shapes of each class (built-in shapes only).
        validation: Share of the training shapes held out to pick the best epoch.
        epochs: Number of epochs.
        batch_size: Shapes in a batch.
        seed: Seed of initial weights, held-out part, order, augmentation and dropout.
        optimizer: "adam" or "adamw".
        learning_rate: Initial (plateau) or highest (cosine) learning rate.
        min_learning_rate: Training ends when the plateau schedule falls below it.
        weight_decay: Decoupled decay of kernels; biases and normalisation are left out.
        schedule: "plateau" (x 0.1 after 4 epochs without progress), "cosine" (one warm-up epoch,
            then down to zero) or "constant".
        label_smoothing: Share of the target spread over all classes.
        upright_axis: Coordinate along which the shapes stand (1 in the public files).
        scale, shift, jitter, jitter_clip, point_dropout: See `csnn_tf.data.augmenter.Augmenter`.
        mixed_precision: Compute in bfloat16, keep weights in float32.

    Raises:
        InputError: If a value is unknown or out of range.
    """

    data: str = "modelnet"
    folder: str | None = None
    architecture: str = "csnn"
    preset: str = "paper"
    recipe: str = "paper"
    model: dict[str, Any] = field(default_factory=dict)
    initial: str | None = None
    rotation: str = "so3"
    num_points: int = 1024
    resample: bool = False
    per_class: int = 200
    validation: float = 0.1
    epochs: int = 60
    batch_size: int = 32
    seed: int = 0
    optimizer: str = "adam"
    learning_rate: float = 3.9e-4
    min_learning_rate: float = 1e-5
    weight_decay: float = 2.7e-7
    schedule: str = "plateau"
    label_smoothing: float = 0.0
    upright_axis: int = 1
    scale: tuple[float, float] | None = (0.8, 1.2)
    shift: float = 0.1
    jitter: float = 0.01
    jitter_clip: float = 0.05
    point_dropout: float = 0.0
    mixed_precision: bool = False

    recipes = NamedConfigurations("csnn_tf.training", "recipes.json", "recipe")
    model_fields = staticmethod(model_fields)
    subject, found, place = "a classifier", "classes", "folder"
    choices: ClassVar = {
        "data": ("modelnet", "shapes"),
        "architecture": tuple(ARCHITECTURES),
        "rotation": ROTATIONS,
        "optimizer": ("adam", "adamw"),
        "schedule": ("plateau", "cosine", "constant"),
        "resample": (True, False),
        "mixed_precision": (True, False),
    }
    ranges: ClassVar = {
        "num_points": (1, 1_000_000),
        "per_class": (2, 1_000_000),
        "validation": (0.0, 0.9),
        "epochs": (1, 1_000_000),
        "batch_size": (1, 1_000_000),
        "seed": (0, 2**31 - 1),
        "learning_rate": (0.0, 10.0),
        "min_learning_rate": (0.0, 10.0),
        "weight_decay": (0.0, 10.0),
        "label_smoothing": (0.0, 0.999),
        "upright_axis": (0, 2),
        "shift": (0.0, 100.0),
        "jitter": (0.0, 100.0),
        "jitter_clip": (0.0, 100.0),
        "point_dropout": (0.0, 0.99),
    }
    whole = frozenset({"num_points", "per_class", "epochs", "batch_size", "seed", "upright_axis"})

    def __post_init__(self) -> None:
        self.check()
        model = architecture(self.architecture)
        model.presets.get(self.preset)
        model.check_fields(self.model)
        if "class_names" in self.model:
            raise InputError("class_names come from the data and cannot be set.")
        if self.folder is not None and not isinstance(self.folder, str):
            raise InputError(f"folder must be a path or nothing, not {self.folder!r:.60}.")
        if self.scale is not None:
            if not isinstance(self.scale, list | tuple) or len(self.scale) != 2:
                raise InputError(f"scale must be two factors or nothing, not {self.scale!r:.60}.")
            low, high = (check_number("scale", factor) for factor in self.scale)
            if not 0 < low <= high <= 100:
                raise InputError(f"scale must be two factors, low and high, not {self.scale!r}.")

    @classmethod
    def recipe_fields(cls, recipe: str, changes: dict[str, Any]) -> dict[str, Any]:
        """Fields of a recipe, and of the trained model that a run begins with.

        What a recipe says of the model was found for CSNN and is for CSNN. The trained model's
        fields hold where neither the recipe nor a change says otherwise.
        """
        found = super().recipe_fields(recipe, changes)
        trained: dict[str, Any] = {}
        if changes.get("initial") is not None:
            check_initial(changes["initial"], changes)
            trained = trained_fields(changes["initial"], CloudClassifier, ARCHITECTURES)
        if {**changes, **trained}.get("architecture", "csnn") != "csnn":
            known = {entry.name for entry in fields(cls)}
            found = {name: value for name, value in found.items() if name in known}
        return {**trained, **found}


def recipe_names() -> tuple[str, ...]:
    """Names of the training recipes."""
    return TrainingConfig.recipes.names()

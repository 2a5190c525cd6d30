"""Everything that defines a training run of the density-of-states model."""

from dataclasses import dataclass, field
from typing import Any, ClassVar

from csnn_tf.checks import check_number
from csnn_tf.even_bins import bins_of_text
from csnn_tf.models.atomic_dos_model import AtomicDosModel
from csnn_tf.models.dos_architectures import DOS_ARCHITECTURES, dos_architecture
from csnn_tf.named import NamedConfigurations
from csnn_tf.training.run_config import RunConfig, check_initial
from csnn_tf.training.trained_fields import trained_fields


def dos_fields() -> tuple[str, ...]:
    """Names of the fields of all models."""
    fields = (name for model in DOS_ARCHITECTURES.values() for name in model.fields())
    return tuple(dict.fromkeys(fields))


@dataclass(frozen=True)
class DosConfig(RunConfig):
    """A training run; with the same machine, it fixes the result to the bit.

    Args:
        data: File or folder of the structures, or "carbon" for the built-in ones.
        electrons: Valence electrons, one number or by element, for data which does not say.
        per_cell, reference_energy: How `data` is read, see `csnn_tf.data.atoms.load_structures`.
        bins: FIRST:LAST:STEP in eV, to which the DOS of `data` are re-binned in reading, or None.
        architecture: "csnn", or a baseline of the paper's Table II: "agni" or "schnet".
        preset: Name of the preset of that model.
        recipe: Name of the recipe that the optimiser's fields came from.
        model: Fields of the model that differ from the preset.
        initial: Trained model (a file, a run folder or a trained model's name) whose weights the
            run begins with, or None. Of the fields only those of how neighbours are mapped may
            differ, such as cutoff_function; `from_recipe` takes all from the trained model.
        rotate: Whether structures are turned at random in training, uniformly over SO(3); models
            that are invariant to rotations never need it.
        validation: Share of the training structures held out to pick the best epoch, where the
            data has no validation split.
        epochs: Number of epochs.
        batch_size: Structures in a batch.
        seed: Seed of initial weights, held-out part, order and rotations.
        optimizer: "adam" or "adamw".
        learning_rate: Initial (plateau) or highest (cosine) learning rate.
        min_learning_rate: Training ends when the plateau schedule falls below it.
        weight_decay: Decoupled decay of kernels; biases and normalisation are left out.
        schedule: "plateau" (x 0.1 after `patience` epochs in which the loss on held-out structures
            has not fallen by `threshold` of itself), "cosine" (one warm-up epoch, then down to
            zero) or "constant".
        patience, threshold: Of the plateau schedule.
        stratified: Whether every batch holds each type of structure in its share of all.
        refine: Share of the epochs, the last ones, at least one, that refine: batch normalisation
            uses its running statistics, as in prediction, and the terms of fermi_weight and
            band_weight count only now. With 0 they count from the start.
        alpha, fermi_weight, band_weight: See `csnn_tf.losses.DosLoss`. Structures whose electron
            count is unknown have no terms of Fermi level and band energy.

    Raises:
        InputError: If a value is unknown or out of range.
    """

    data: str = "carbon"
    electrons: float | dict[str, float] | None = None
    per_cell: bool = False
    reference_energy: float | None = None
    bins: str | None = None
    architecture: str = "csnn"
    preset: str = "small"
    recipe: str = "best"
    model: dict[str, Any] = field(default_factory=dict)
    initial: str | None = None
    rotate: bool = True
    validation: float = 0.2
    epochs: int = 60
    batch_size: int = 32
    seed: int = 0
    optimizer: str = "adam"
    learning_rate: float = 5e-4
    min_learning_rate: float = 1e-5
    weight_decay: float = 1e-7
    schedule: str = "plateau"
    patience: int = 99
    threshold: float = 5e-3
    stratified: bool = False
    refine: float = 0.0
    alpha: float = 0.1
    fermi_weight: float = 0.0
    band_weight: float = 0.0

    recipes = NamedConfigurations("csnn_tf.training", "dos_recipes.json", "recipe")
    model_fields = staticmethod(dos_fields)
    subject, found, place = "a density of states", "elements", "data"
    choices: ClassVar = {
        "architecture": tuple(DOS_ARCHITECTURES),
        "per_cell": (True, False),
        "rotate": (True, False),
        "stratified": (True, False),
        "optimizer": ("adam", "adamw"),
        "schedule": ("plateau", "cosine", "constant"),
    }
    ranges: ClassVar = {
        "validation": (0.0, 0.9),
        "epochs": (1, 1_000_000),
        "batch_size": (1, 1_000_000),
        "seed": (0, 2**31 - 1),
        "learning_rate": (0.0, 10.0),
        "min_learning_rate": (0.0, 10.0),
        "weight_decay": (0.0, 10.0),
        "patience": (0, 1_000_000),
        "threshold": (0.0, 1.0),
        "refine": (0.0, 1.0),
        "alpha": (0.0, 1.0),
        "fermi_weight": (0.0, 1e6),
        "band_weight": (0.0, 1e6),
    }
    whole = frozenset({"epochs", "batch_size", "seed", "patience"})

    def __post_init__(self) -> None:
        from csnn_tf.data.atoms.structure import check_electron_counts

        self.check()
        check_electron_counts(self.electrons)
        if self.reference_energy is not None:
            check_number("reference_energy", self.reference_energy)
        if self.bins is not None:
            bins_of_text(self.bins)
        model = dos_architecture(self.architecture)
        model.presets.get(self.preset)
        model.check_fields(self.model)

    @classmethod
    def recipe_fields(cls, recipe: str, changes: dict[str, Any]) -> dict[str, Any]:
        """Fields of a recipe, and of the trained model that a run begins with."""
        found = super().recipe_fields(recipe, changes)
        if changes.get("initial") is None:
            return found
        check_initial(changes["initial"], changes)
        return {**trained_fields(changes["initial"], AtomicDosModel, DOS_ARCHITECTURES), **found}

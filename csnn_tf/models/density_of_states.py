"""Density of states of atomic structures."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from csnn_tf.errors import InputError
from csnn_tf.grid import num_vertices
from csnn_tf.layers import BatchNormalization
from csnn_tf.layers.checks import check_positive
from csnn_tf.layers.neighbors_to_spheres import NeighborsToSpheres
from csnn_tf.models.backbone import ConcentricBackbone
from csnn_tf.models.dos_presets import dos_preset

SMOOTHING_FILTERS = 3


@keras.saving.register_keras_serializable(package="csnn_tf")
class DensityOfStates(keras.Model):
    """Neighbourhoods of atoms -> DOS of each atom -> mean over a structure's atoms.

    Each atom's neighbours become a feature map (`NeighborsToSpheres`), the backbone makes a
    descriptor of it, and the head (dense, batch normalisation and ReLU for every layer, the last
    included; then a convolution over energy from 1 to 3 filters, ReLU, and their mean) gives that
    atom's DOS. With several elements the head also sees the atom's own element. All weights are in
    `network`, the Keras model from feature maps to the DOS of atoms.

    Args:
        elements: Chemical symbols that the model knows.
        energies: [bins], eV from the vacuum level, evenly spaced.
        electrons: Electrons of an atom by chemical symbol, or None if unknown; Fermi level and band
            energy need them.
        level, spheres, channels, cutoff, r_min, contribution, cutoff_function, radial, angular: See
            `NeighborsToSpheres`.
        intra_filters, intra_layers, co_radial_filters, co_radial_layers, kernel_size, pooling,
            descriptor, early_reduction: See `ConcentricBackbone`.
        hidden: Widths of the hidden dense layers.
        **kwargs: Arguments of `keras.Model`.

    Input: a dictionary of what `csnn_tf.data.environments.Environments` gathers:
        "displacements" [pairs, 3] Å, "centre" [pairs] and "species" [pairs] as in
        `NeighborsToSpheres`; "atoms" [A], index of each atom's element; "counts" [S], atoms of each
        structure, whose atoms come one structure after the other. Atoms beyond the sum of the
        counts are padding.
    Output: DOS [S, bins] in states/eV/atom, both spins; the mean of each structure's atoms.

    Raises:
        InputError: If the arguments do not fit together.

    Example:
        >>> model = DensityOfStates.from_preset("tiny", ["C"], np.linspace(-30, 1, 311), {"C": 4})
        >>> model.count_params()
        29599

    Source: section IV-B and figure 6 of the CSNN paper.
    """

    def __init__(
        self,
        elements: Sequence[str],
        energies: Sequence[float],
        electrons: Mapping[str, float] | None = None,
        *,
        level: int = 3,
        spheres: int = 1,
        channels: int = 32,
        cutoff: float = 7.0,
        r_min: float = 1.0,
        contribution: str = "1/d",
        cutoff_function: str = "none",
        radial: str = "step",
        angular: str = "nearest",
        intra_filters: Sequence[int] = (32, 64, 128, 256),
        intra_layers: Sequence[int] = (2, 2, 2, 1),
        co_radial_filters: Sequence[int] = (64, 128, 256, 512),
        co_radial_layers: Sequence[int] = (2, 2, 2, 1),
        kernel_size: int = 1,
        pooling: str = "mean",
        descriptor: str = "last",
        early_reduction: bool = True,
        hidden: Sequence[int] = (512, 512),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.elements = check_elements(elements)
        self.energies = check_energies(energies)
        self.electrons = _check_electrons(electrons, self.elements)
        self.hidden = tuple(check_positive("hidden", width) for width in hidden)
        self.to_spheres = NeighborsToSpheres(
            level,
            spheres,
            channels,
            elements=len(self.elements),
            cutoff=cutoff,
            r_min=r_min,
            contribution=contribution,
            cutoff_function=cutoff_function,
            radial=radial,
            angular=angular,
            name="to_spheres",
        )
        self.backbone = ConcentricBackbone(
            level=level,
            spheres=spheres,
            channels=len(self.elements) * channels,
            intra_filters=intra_filters,
            intra_layers=intra_layers,
            co_radial_filters=co_radial_filters,
            co_radial_layers=co_radial_layers,
            kernel_size=kernel_size,
            pooling=pooling,
            descriptor=descriptor,
            early_reduction=early_reduction,
            name="backbone",
        )
        inputs = [keras.Input(self.backbone.input_shape[1:], name="spheres")]
        x = self.backbone(inputs[0])
        if len(self.elements) > 1:
            inputs.append(keras.Input((len(self.elements),), name="element"))
            x = keras.layers.Concatenate(name="with_element")([x, inputs[1]])
        outputs = self._head(x)
        self.network = keras.Model(
            inputs if len(inputs) > 1 else inputs[0], outputs, name="network"
        )
        self.built = True

    def _head(self, x):
        layers = keras.layers
        for place, width in enumerate((*self.hidden, len(self.energies))):
            name = f"hidden{place}" if place < len(self.hidden) else "bins"
            x = layers.Dense(width, name=name)(x)
            x = BatchNormalization(name=f"{name}_norm")(x)
            x = layers.ReLU(name=f"{name}_relu")(x)
        x = layers.Reshape((-1, 1), name="energy_axis")(x)
        x = layers.Conv1D(
            SMOOTHING_FILTERS,
            3,
            padding="same",
            activation="relu",
            data_format="channels_last",
            name="smoothing",
        )(x)
        return ops.cast(ops.mean(x, axis=-1), "float32")

    @classmethod
    def from_preset(
        cls,
        name: str,
        elements: Sequence[str],
        energies: Sequence[float],
        electrons: Mapping[str, float] | None = None,
        **changes: Any,
    ) -> "DensityOfStates":
        """Make an untrained model from a preset, changed field by field.

        Args:
            name: A preset ("paper", "small", "tiny").
            elements, energies, electrons: See the class.
            **changes: Constructor arguments that replace the preset's.

        Raises:
            InputError: If the preset or a field is unknown, or the fields do not fit together.
        """
        check_dos_fields(changes)
        return cls(elements, energies, electrons, **dos_preset(name, **changes))

    @property
    def bin_width(self) -> float:
        """Width of an energy bin, eV."""
        return (self.energies[-1] - self.energies[0]) / (len(self.energies) - 1)

    @property
    def cutoff(self) -> float:
        """Largest distance of a neighbour that counts, Å."""
        return self.to_spheres.cutoff

    @property
    def numbers_per_atom(self) -> int:
        """Size of the largest feature map of one atom."""
        config = self.backbone.get_config()
        width = max(config["channels"], config["intra_filters"][0], config["co_radial_filters"][0])
        return num_vertices(config["level"]) * config["spheres"] * width

    def call(self, inputs, training: bool | None = None):
        """DOS [S, bins] of structures."""
        return structure_means(self.atomic_dos(inputs, training), inputs["counts"])

    def atomic_dos(self, inputs, training: bool | None = None):
        """DOS [A, bins] of every atom, states/eV; `inputs` needs no "counts"."""
        atoms = ops.convert_to_tensor(inputs["atoms"])
        features = [
            self.to_spheres(
                inputs["displacements"],
                inputs["centre"],
                inputs["species"],
                num_atoms=ops.shape(atoms)[0],
            )
        ]
        if len(self.elements) > 1:
            features.append(ops.one_hot(atoms, len(self.elements)))
        return self.network(features if len(features) > 1 else features[0], training=training)

    def start_from(self, dos: np.ndarray) -> None:
        """Set the head so that an untrained model gives about the mean of these DOS curves.

        Training then begins at the simplest baseline instead of spending epochs on reaching it:
        the last normalisation gets the bins' mean and standard deviation, and the smoothing begins
        near the identity.

        Args:
            dos: [S, bins], states/eV/atom.
        """
        head = self.network.get_layer
        norm, smoothing = head("bins_norm"), head("smoothing")
        norm.beta.assign(dos.mean(axis=0))
        norm.gamma.assign(dos.std(axis=0))
        identity = np.zeros(smoothing.kernel.shape, "float32")
        identity[1] = 1
        # What is left of the initial kernel keeps the filters different from each other.
        smoothing.kernel.assign(identity + 0.1 * ops.convert_to_numpy(smoothing.kernel))

    def compute_output_shape(self, input_shape: dict[str, Any]) -> tuple[int | None, int]:
        """[S, bins]."""
        return (input_shape["counts"][0], len(self.energies))

    def get_config(self) -> dict[str, Any]:
        """Arguments of the constructor."""
        mapping, hierarchy = self.to_spheres.get_config(), self.backbone.get_config()
        fields = {name: mapping.get(name, hierarchy.get(name)) for name in dos_fields()}
        return {
            **super().get_config(),
            **fields,
            "channels": mapping["channels"],
            "elements": list(self.elements),
            "energies": list(self.energies),
            "electrons": None if self.electrons is None else dict(self.electrons),
            "hidden": list(self.hidden),
        }


def structure_means(values, counts):
    """Mean of [A, n] values over the atoms of each structure.

    Args:
        values: [A, n], the atoms of all structures one after the other, then padding.
        counts: [S], atoms of each structure.

    Returns:
        [S, n].
    """
    counts = ops.cast(counts, "int32")
    ends = ops.cumsum(counts)
    atom = ops.arange(ops.shape(values)[0], dtype="int32")
    structure = ops.searchsorted(ends, atom, side="right")
    structures = ops.shape(counts)[0]
    # Padding goes to one segment more, which is cut off.
    total = ops.segment_sum(values, structure, num_segments=structures + 1)[:structures]
    return total / ops.cast(counts, values.dtype)[:, None]


def dos_fields() -> tuple[str, ...]:
    """Names of the model's fields that presets and users may set."""
    parameters = inspect.signature(DensityOfStates.__init__).parameters.values()
    return tuple(p.name for p in parameters if p.kind is p.KEYWORD_ONLY)


def check_dos_fields(changes: Mapping[str, Any]) -> None:
    """Raise `InputError` if a name is not a field of the model."""
    for name in changes:
        if name not in dos_fields():
            raise InputError(f"unknown field {name!r}: the model has {', '.join(dos_fields())}.")


def check_elements(elements: Sequence[str]) -> tuple[str, ...]:
    """Return chemical symbols as a tuple, or raise `InputError`."""
    names = (elements,) if isinstance(elements, str) else tuple(elements)
    if not names or len(set(names)) != len(names) or not all(isinstance(n, str) for n in names):
        raise InputError(f"elements must be different chemical symbols, not {names}.")
    return names


def check_energies(energies: Sequence[float]) -> tuple[float, ...]:
    """Return evenly spaced energies as floats, or raise `InputError`."""
    values = np.asarray(energies, np.float64)
    if values.ndim != 1 or values.size < 4 or not np.isfinite(values).all():
        raise InputError("energies must be at least 4 finite numbers of eV.")
    steps = np.diff(values)
    if not (steps.min() > 0 and np.ptp(steps) < 1e-6 * steps.max() * values.size):
        raise InputError("energies must increase by the same step from bin to bin.")
    return tuple(values.tolist())


def _check_electrons(
    electrons: Mapping[str, float] | None, elements: tuple[str, ...]
) -> dict[str, float] | None:
    if electrons is None:
        return None
    for element in elements:
        if not (element in electrons and electrons[element] > 0):
            raise InputError(f"electrons must hold a positive number for {element}.")
    return {element: float(electrons[element]) for element in elements}

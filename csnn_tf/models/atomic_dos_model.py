"""What all models of the density of states share: bins, electrons, head, means over atoms."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

import keras
import numpy as np
from keras import ops

from csnn_tf.checks import check_array, check_number, check_sizes
from csnn_tf.errors import InputError
from csnn_tf.even_bins import evened, is_even
from csnn_tf.layers import BatchNormalization
from csnn_tf.models.frozen import made_with_frozen, with_frozen
from csnn_tf.models.limits import check_weights
from csnn_tf.models.preset_fields import PresetFields, given
from csnn_tf.models.unquantised import Unquantised
from csnn_tf.named import NamedConfigurations

if TYPE_CHECKING:
    from csnn_tf.data.environments import Environments

SMOOTHING_FILTERS = 3


@keras.saving.register_keras_serializable(package="csnn_tf")
class AtomicDosModel(Unquantised, PresetFields, keras.Model):
    """Base of the models that predict a DOS of every atom and take the mean over a structure.

    A subclass makes `network` with `_make_network` and says in `_descriptor` what goes in. The head
    in it is the same for all (section IV-B and figure 6 of the CSNN paper): dense, batch
    normalisation and ReLU for every layer, the last included; then a convolution over energy from 1
    to 3 filters, ReLU, and their mean. With several elements it also sees the atom's own element.

    Its batches differ in size from structure to structure, so that Keras's own `predict` and
    `export` do not take them: `csnn_tf.dos_inference.DosPredictor` predicts, and
    `csnn_tf.export` or `csnn-tf export` exports.

    Args:
        elements: Chemical symbols that the model knows.
        energies: [bins], eV from the vacuum level, evenly spaced.
        electrons: Electrons of an atom, a number or one by chemical symbol, or None if unknown;
            Fermi level and band energy need them.
        hidden: Widths of the hidden dense layers.
        **kwargs: Arguments of `keras.Model`. A subclass makes its layers inside `dtype_policy` of
            `csnn_tf.models.policy`, so that they follow `dtype`, which a file holds too.

    Input: a dictionary of what `csnn_tf.data.environments.Environments` gathers:
        "displacements" [pairs, 3] Å from the centre atom to its neighbour, "centre" [pairs], index
        of the centre atom, "species" [pairs], index of the neighbour's element; "atoms" [A], index
        of each atom's element; "counts" [S], atoms of each structure, whose atoms come one
        structure after the other. Atoms beyond the sum of the counts are padding. Models that pass
        messages also take "neighbor" [pairs], index of the neighbour atom.
    Output: DOS [S, bins] in states/eV/atom, both spins; the mean of each structure's atoms.

    Raises:
        InputError: If the arguments do not fit together.
    """

    task: ClassVar[str] = "a model of densities of states"
    """What it is, in the words of messages."""
    presets: ClassVar[NamedConfigurations]
    """Where `from_preset` finds its names."""
    passes_messages: ClassVar[bool] = False
    """Whether an atom's DOS depends on neighbours of neighbours, so that atoms of a structure
    cannot be predicted in separate chunks."""
    rotation_invariant: ClassVar[bool] = False
    """Whether turning a structure by any rotation changes nothing but rounding."""
    network: keras.Model

    def __init__(
        self,
        elements: Sequence[str],
        energies: Sequence[float],
        electrons: float | Mapping[str, float] | None,
        hidden: Sequence[int],
        **kwargs: Any,
    ) -> None:
        # Coordinates do not survive fewer digits than float32 has, whatever the dtype policy.
        super().__init__(**kwargs, autocast=False)
        self.elements = check_elements(elements)
        self.energies = check_energies(energies)
        self.electrons = _check_electrons(electrons, self.elements)
        self.hidden = check_sizes("hidden", hidden)

    def _make_network(self, first: keras.KerasTensor, descriptor: keras.KerasTensor) -> None:
        """Make `network`, from an input by way of the descriptor made of it to atoms' DOS."""
        inputs, x = [first], descriptor
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
        check_weights((x.shape[-1], *self.hidden, len(self.energies)))
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
        preset: str,
        /,
        elements: Sequence[str] | None = None,
        energies: Sequence[float] | None = None,
        electrons: float | Mapping[str, float] | None = None,
        *,
        dtype: Any = None,
        name: str | None = None,
        **changes: Any,
    ) -> Self:
        """Make an untrained model from a preset, or load a trained one.

        Args:
            preset: A preset ("paper", "small", "tiny"), which can be changed field by field, or the
                name of a trained model of the package (`csnn_tf.models.loading.trained_models()`),
                which is taken as it is.
            elements, energies, electrons: Of an untrained model; see the class.
            dtype: Its dtype policy, such as "mixed_bfloat16"; None for the global one.
            name: Keras's name of an untrained model; two of a class in one functional model need
                names of their own.
            **changes: Fields of the model, see `fields()`, that replace the preset's. What else
                `keras.Model` takes, such as `trainable`, is set afterwards.

        Raises:
            InputError: If the preset or a field is unknown, the fields do not fit together, or a
                trained model is to be changed.
        """
        trained = cls.trained(preset, elements, energies, electrons, dtype, name, changes or None)
        if trained is not None:
            return trained
        cls.check_fields(changes)
        fields = cls.preset_fields(preset, changes)
        if elements is None or energies is None:
            raise InputError(f"an untrained model ({preset}) needs elements and energies.")
        return cls(elements, energies, electrons, **fields, **given(dtype=dtype, name=name))

    def adapt(self, environments: "Environments") -> None:
        """Set what follows from the training structures without being learned: here, nothing."""

    @property
    def bin_width(self) -> float:
        """Width of an energy bin, eV."""
        return (self.energies[-1] - self.energies[0]) / (len(self.energies) - 1)

    @property
    def cutoff(self) -> float:
        """Largest distance of a neighbour that counts, Å."""
        raise NotImplementedError

    @property
    def numbers_per_atom(self) -> int:
        """Size of the largest feature map of one atom."""
        raise NotImplementedError

    def _descriptor(self, inputs: Mapping[str, Any], num_atoms: Any, training: bool | None) -> Any:
        """What `network` takes first, [A, ...]."""
        raise NotImplementedError

    def call(self, inputs, training: bool | None = None):
        """DOS [S, bins] of structures."""
        return structure_means(self.atomic_dos(inputs, training), inputs["counts"])

    def atomic_dos(self, inputs, training: bool | None = None):
        """DOS [A, bins] of every atom, states/eV; `inputs` needs no "counts"."""
        return self.network(self.network_inputs(inputs, training), training=training)

    def network_inputs(self, inputs, training: bool | None = None):
        """What `network` takes, of every atom; `inputs` needs no "counts"."""
        atoms = ops.convert_to_tensor(inputs["atoms"])
        features = [self._descriptor(inputs, ops.shape(atoms)[0], training)]
        if len(self.elements) > 1:
            features.append(ops.one_hot(atoms, len(self.elements)))
        return features if len(features) > 1 else features[0]

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

    def restart_bins(
        self, which: np.ndarray, dos: np.ndarray, mean: np.ndarray, variance: np.ndarray
    ) -> None:
        """Set some bins of a trained head as `start_from` does, to learn other curves.

        Args:
            which: [bins], bool.
            dos: [S, bins], the curves, states/eV/atom.
            mean, variance: [bins], of what the layer "bins" gives for the structures' atoms.
        """
        norm = self.network.get_layer("bins_norm")
        for variable, value in (
            (norm.beta, dos.mean(axis=0)),
            (norm.gamma, dos.std(axis=0)),
            (norm.moving_mean, mean),
            (norm.moving_variance, variance),
        ):
            variable.assign(np.where(which, value, ops.convert_to_numpy(variable)))

    def compute_output_shape(self, input_shape: dict[str, Any]) -> tuple[int | None, int]:
        """[S, bins]."""
        return (input_shape["counts"][0], len(self.energies))

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> keras.KerasTensor:
        """Shape and dtype of the output, float32 whatever the policy."""
        spec = super().compute_output_spec(*args, **kwargs)
        return keras.KerasTensor(spec.shape, "float32")

    def get_config(self) -> dict[str, Any]:
        """Arguments of the constructor, and which layers are frozen."""
        config = {
            **super().get_config(),
            "elements": list(self.elements),
            "energies": list(self.energies),
            "electrons": None if self.electrons is None else dict(self.electrons),
            "hidden": list(self.hidden),
        }
        return with_frozen(self._but_fixed(config), self)

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Self:
        """Make a model from `get_config`'s dictionary, which says what is frozen too."""
        make = super().from_config
        return made_with_frozen(lambda fields: make(fields, custom_objects), config)


def same_bins(one: Sequence[float], other: Sequence[float]) -> bool:
    """Whether two energy grids are the same but for rounding."""
    return len(one) == len(other) and np.allclose(one, other, rtol=0, atol=1e-6)


def described_bins(energies: Sequence[float]) -> str:
    """An energy grid, eV, in the words of messages."""
    return f"{len(energies)} bins from {energies[0]:g} to {energies[-1]:g} eV"


def neighbors_within(cutoff: float) -> int:
    """About how many neighbours an atom has in dense carbon, to estimate memory."""
    return round(0.12 * 4 / 3 * np.pi * cutoff**3)


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


def check_elements(elements: Sequence[str]) -> tuple[str, ...]:
    """Return chemical symbols as a tuple, or raise `InputError`."""
    several = isinstance(elements, Iterable) and not isinstance(elements, str)
    names = tuple(elements) if several else (elements,)
    if not names or not all(isinstance(n, str) for n in names) or len(set(names)) != len(names):
        raise InputError(f"elements must be different chemical symbols, not {names}.")
    return names


def check_energies(energies: Sequence[float]) -> tuple[float, ...]:
    """Return evenly spaced energies as floats, or raise `InputError`."""
    values = evened(check_array("energies", energies))
    if values.ndim != 1 or values.size < 4 or not np.isfinite(values).all():
        raise InputError("energies must be at least 4 finite numbers of eV.")
    if not is_even(values):
        raise InputError(
            "energies must increase by the same step from bin to bin: data on others is re-binned "
            "by --bins FIRST:LAST:STEP, or by energies= of load_structures."
        )
    return tuple(values.tolist())


def _check_electrons(
    electrons: float | Mapping[str, float] | None, elements: tuple[str, ...]
) -> dict[str, float] | None:
    if electrons is None:
        return None
    if not isinstance(electrons, Mapping):
        electrons = dict.fromkeys(elements, electrons)
    counts = {}
    for element in elements:
        if element not in electrons:
            raise InputError(f"electrons must hold a number for {element}.")
        counts[element] = check_number(f"electrons of {element}", electrons[element])
        if counts[element] <= 0:
            raise InputError(f"electrons of {element} must be positive, not {counts[element]:g}.")
    return counts

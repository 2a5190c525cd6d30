"""Signatures of an exported density-of-states model."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
import tensorflow as tf

from csnn_tf.data.environments import MARGIN
from csnn_tf.electronic.differentiable import DifferentiableFermi
from csnn_tf.electronic.spline import cubic_integral
from csnn_tf.errors import InputError
from csnn_tf.export.neighbor_search import neighbor_pairs
from csnn_tf.export.options import ExportOptions
from csnn_tf.export.request_checks import after
from csnn_tf.export.serving import Request, Serving, serves
from csnn_tf.export.structure_checks import (
    Elements,
    checked_atoms,
    checked_crystals,
    checked_pairs,
)
from csnn_tf.layers import compiled_kernels
from csnn_tf.layers.own_gradient import without_gradients
from csnn_tf.layers.random_rotation import rotate
from csnn_tf.models import DensityOfStates
from csnn_tf.models.atomic_dos_model import structure_means
from csnn_tf.models.inference_network import inference_network
from csnn_tf.rotating import vote_rotations

_ATOMS = [
    tf.TensorSpec([None], tf.int64, name="numbers"),
    tf.TensorSpec([None], tf.int64, name="counts"),
]
# In double precision: in single precision, neighbours of a perfect crystal would no longer lie on
# its symmetry planes, and a neighbour at the cutoff would not be decided.
_CRYSTALS = [
    tf.TensorSpec([None, 3], tf.float64, name="positions"),
    tf.TensorSpec([None, 3, 3], tf.float64, name="cell"),
    tf.TensorSpec([None, 3], tf.bool, name="pbc"),
    *_ATOMS,
]
_PAIRS = [
    tf.TensorSpec([None, 3], tf.float32, name="displacements"),
    tf.TensorSpec([None], tf.int64, name="centre"),
    tf.TensorSpec([None], tf.int64, name="neighbor_numbers"),
    *_ATOMS,
]
_NUMBERS_AT_ONCE = 2**24  # of the largest feature map: 64 MB
_BISECTIONS = 50


@serves(DensityOfStates)
class DosServing(Serving):
    """Structures in; densities of states, Fermi levels and band energies out.

    Two forms of request, each with two answers:

    - `serving_default`, `atomic`: positions, cell and pbc, what any program and file has;
    - `neighbors`, `neighbors_atomic`: neighbours within the cutoff, for simulations that keep a
      list of them, for structures too large for the search inside the graph, and for single atoms.

    Elements are atomic numbers, so a client needs to know nothing of the model's order of elements.
    All structures' atoms come one after the other and are not filled up: sizes differ too much.
    """

    free_sizes: ClassVar = {
        "displacements": "pairs",
        "centre": "pairs",
        "species": "pairs",
        "atoms": "atoms",
        "atomic_dos": "atoms",
    }

    def __init__(self, model: DensityOfStates, options: ExportOptions) -> None:
        super().__init__(model, options)
        self._network = inference_network(
            model.network, fold=options.fold, precision=options.precision
        )
        self._elements = Elements(model.elements)
        self._fermi = _ExactFermi(model.energies)
        self._chunk = max(_NUMBERS_AT_ONCE // model.numbers_per_atom, 1)
        specs = [_PAIRS[0], *(tf.TensorSpec([None], tf.int32) for _ in range(3))]
        self._atomic = tf.function(self._atomic_dos, input_signature=specs)

    @property
    def labels(self) -> Sequence[str]:
        """Energies of the bins, eV."""
        return tuple(f"{energy:g}" for energy in self.model.energies)

    @property
    def variables(self) -> Sequence[Any]:
        """Weights of the rebuilt network."""
        return [variable.value for variable in self._network.variables]

    def signatures(self) -> dict[str, Any]:
        """Four functions; see the class."""
        forms = {"": (self._from_crystals, _CRYSTALS), "neighbors": (self._from_pairs, _PAIRS)}
        answers: dict[str, Callable[..., Any]] = {"": self._totals, "atomic": self._each_atom}
        return {
            _name(form, answer): tf.function(_chain(read, give), input_signature=specs)
            for form, (read, specs) in forms.items()
            for answer, give in answers.items()
        }

    def examples(self) -> Sequence[Request]:
        """A molecule of two atoms for every signature, and a batch with a wire; less if bounded."""
        options = self.options
        size = min(2, options.max_atoms, options.max_points)
        number, distance = self._elements.numbers[0], min(1.5, 0.9 * self.model.cutoff)
        places = np.array([[0, 0, 0], [distance, 0, 0]])[:size]
        atoms = {"numbers": np.full(size, number), "counts": np.array([size])}
        cell, pbc = np.zeros((1, 3, 3)), np.zeros((1, 3), bool)
        molecule = {"positions": places, "cell": cell, "pbc": pbc, **atoms}
        pairs = {
            "displacements": np.float32([[distance, 0, 0], [-distance, 0, 0]])[:size],
            "centre": np.arange(size),
            "neighbor_numbers": np.full(size, number),
            **atoms,
        }
        requests = [
            *(Request(name, molecule) for name in ("serving_default", "atomic")),
            *(Request(name, pairs) for name in ("neighbors", "neighbors_atomic")),
        ]
        if options.max_clouds > 1 and options.max_atoms > 2 and options.max_points >= 4:
            # One atom whose two nearest images are within the cutoff.
            period = 0.9 * self.model.cutoff
            batch = {
                "positions": np.concatenate([places, [[0, 0, 0]]]),
                "cell": np.concatenate([cell, [np.diag([period, 0, 0])]]),
                "pbc": np.array([[False] * 3, [True, False, False]]),
                "numbers": np.full(3, number),
                "counts": np.array([2, 1]),
            }
            requests.append(Request("serving_default", batch))
        return requests

    def portable(self) -> tuple[Callable[..., dict[str, Any]], Sequence[Any]]:
        """Neighbours to the DOS of every atom; elements are the model's indices.

        Means over atoms, and the Fermi level in double precision, are left to the caller.

        Raises:
            InputError: The mapping is linear in the direction.
        """
        if self.model.to_spheres.angular == "linear":
            # What TensorFlow makes of it has Bitcast and BitwiseAnd.
            raise InputError(
                "this density of states is exported for TensorFlow only: its mapping to spheres, "
                'with angular="linear", needs operations that ONNX and TensorFlow Lite lack.'
            )

        def predict(displacements, centre, species, atoms):
            return {"atomic_dos": self._forward(displacements, centre, species, atoms)}

        names = ("centre", "species", "atoms")
        return predict, [_PAIRS[0], *(tf.TensorSpec([None], tf.int32, name=n) for n in names)]

    def card(self) -> dict[str, str]:
        """Input, outputs and limits."""
        model, options = self.model, self.options
        energy = (
            "`fermi_level` [structures] in eV and `band_energy` [structures] in eV/atom, NaN where "
            "the density of states does not reach the number of electrons within its bins. "
            if model.electrons is not None
            else "No Fermi level or band energy: the model knows no numbers of electrons. "
        )
        return {
            "Input": (
                f"Structures of {', '.join(model.elements)}: `positions` float64 [atoms, 3] in Å, "
                "`cell` float64 [structures, 3, 3] in Å with one lattice vector a row, `pbc` bool "
                "[structures, 3], `numbers` int64 [atoms], the atomic numbers, and `counts` int64 "
                "[structures], how many atoms each structure has; all structures' atoms one after "
                "the other. The signature `neighbors` takes `displacements` float32 [pairs, 3] in "
                "Å from an atom to its neighbour, `centre` int64 [pairs], the atom's index, and "
                "`neighbor_numbers` int64 [pairs], the neighbour's atomic number, in place of the "
                f"first three: all pairs within {model.cutoff:g} Å, in both directions, periodic "
                "images included.\n\n"
                f"Refused with an error that names the input: more than {options.max_clouds} "
                f"structures, {options.max_atoms} atoms or {options.max_points} pairs, other "
                "elements, atoms at the same place, numbers that are not finite."
            ),
            "Output": (
                f"`dos` [structures, {len(model.energies)}] in states/eV/atom, both spins"
                f"{self._votes}; "
                f"`energies` [{len(model.energies)}] in eV from the vacuum level. {energy}`atomic` "
                "and `neighbors_atomic` give `atomic_dos`, that of every atom. All float32."
            ),
            "Limits": (
                "The model has learned from the structures of its training data; nothing in an "
                "answer says how far from them a structure is."
            ),
        }

    def portable_card(self) -> dict[str, str]:
        """Of neighbours to the DOS of every atom, without the checks of requests."""
        model = self.model
        return {
            **self.card(),
            "Input": (
                "`displacements` float32 [pairs, 3] in Å from an atom to its neighbour, `centre` "
                "int32 [pairs], the atom's index, `species` int32 [pairs], the neighbour's "
                "element, and `atoms` int32 [atoms], every atom's element. Elements count from 0 "
                f"in this order: {', '.join(model.elements)}. All pairs within {model.cutoff:g} Å, "
                "in both directions, periodic images included. Nothing is checked."
            ),
            "Output": (
                f"`atomic_dos` float32 [atoms, {len(model.energies)}] in states/eV, both spins"
                f"{self._votes}: the density of states of every atom at the energies of the "
                "labels, in eV from the vacuum level."
            ),
        }

    @property
    def _votes(self) -> str:
        votes = self.options.votes
        return f", averaged over {votes} rotations" if votes > 1 else ""

    def _from_crystals(self, positions, cell, pbc, numbers, counts):
        numbers, counts = self._checked_atoms(numbers, counts)
        positions, cell, pbc = checked_crystals(positions, cell, pbc, numbers, counts)
        atoms = self._elements.indices(numbers, "numbers")
        with tf.control_dependencies([atoms]):
            displacements, centre, neighbor = neighbor_pairs(
                *(positions, cell, pbc, counts),
                cutoff=self.model.cutoff + MARGIN,
                max_pairs=self.options.max_points,
            )
        species = tf.gather(atoms, neighbor)
        return self._atomic(displacements, tf.cast(centre, tf.int32), species, atoms), atoms, counts

    def _from_pairs(self, displacements, centre, neighbor_numbers, numbers, counts):
        numbers, counts = self._checked_atoms(numbers, counts)
        displacements, centre, neighbor_numbers = checked_pairs(
            *(displacements, centre, neighbor_numbers, tf.size(numbers, tf.int64)),
            max_pairs=self.options.max_points,
        )
        atoms = self._elements.indices(numbers, "numbers")
        species = self._elements.indices(neighbor_numbers, "neighbor_numbers")
        # Everything that can fail comes before the work.
        displacements = after(displacements, centre, species, atoms, counts)
        return self._atomic(displacements, tf.cast(centre, tf.int32), species, atoms), atoms, counts

    def _checked_atoms(self, numbers, counts):
        options = self.options
        return checked_atoms(
            numbers, counts, max_structures=options.max_clouds, max_atoms=options.max_atoms
        )

    def _totals(self, atomic_dos, atoms, counts) -> dict[str, Any]:
        dos = tf.cast(structure_means(tf.cast(atomic_dos, tf.float64), counts), tf.float32)
        outputs = {"dos": dos, "energies": tf.constant(self.model.energies, tf.float32)}
        if self.model.electrons is None:
            return outputs
        known = [self.model.electrons[element] for element in self.model.elements]
        electrons = tf.gather(tf.constant(known, tf.float64), atoms)[:, None]
        found = self._fermi(tf.cast(dos, tf.float64), structure_means(electrons, counts)[:, 0])
        unknown = tf.constant(np.nan, tf.float64)
        for name in ("fermi_level", "band_energy"):
            value = tf.where(found.reached, getattr(found, name), unknown)
            outputs[name] = tf.cast(value, tf.float32)
        return outputs

    def _each_atom(self, atomic_dos, atoms, counts) -> dict[str, Any]:
        return {
            "atomic_dos": atomic_dos,
            "energies": tf.constant(self.model.energies, tf.float32),
        }

    def _atomic_dos(self, displacements, centre, species, atoms):
        """DOS [A, bins] of every atom, some atoms at once so that memory stays bounded."""
        order = tf.argsort(centre, stable=True)
        displacements, centre, species = (
            tf.gather(values, order) for values in (displacements, centre, species)
        )
        total = tf.size(atoms)
        steps = (total + self._chunk - 1) // self._chunk
        borders = tf.searchsorted(centre, tf.minimum(tf.range(steps + 1) * self._chunk, total))
        bins = len(self.model.energies)
        parts = tf.TensorArray(tf.float32, steps, infer_shape=False, element_shape=[None, bins])

        def step(place, parts):
            first = place * self._chunk
            rows = slice(borders[place], borders[place + 1])
            dos = self._forward(
                *(displacements[rows], centre[rows] - first, species[rows]),
                atoms[first : first + self._chunk],
            )
            return place + 1, parts.write(place, dos)

        _, parts = tf.while_loop(
            lambda place, _: place < steps, step, (0, parts), parallel_iterations=1
        )
        return parts.concat()

    def _forward(self, displacements, centre, species, atoms):
        votes = self.options.votes
        if votes == 1:
            return self._once(displacements, centre, species, atoms)
        rotations = tf.constant(vote_rotations(votes), tf.float32)

        def vote(place):
            turned = rotate(displacements, rotations[place])
            return self._once(turned, centre, species, atoms)

        _, total = tf.while_loop(
            lambda place, _: place < votes,
            lambda place, total: (place + 1, total + vote(place)),
            (1, vote(0)),
            parallel_iterations=1,
        )
        return total / votes

    def _once(self, displacements, centre, species, atoms):
        with compiled_kernels(False), without_gradients():
            given = {"displacements": displacements, "centre": centre, "species": species}
            inputs = self.model.network_inputs({**given, "atoms": atoms}, training=False)
            return tf.cast(self._network(inputs, training=False), tf.float32)


class _ExactFermi(DifferentiableFermi):
    """Without the floor under the density that gradients need, in double precision."""

    def _root(self, cubic: list[Any], missing: Any) -> Any:
        low, width = tf.zeros_like(missing), self.bin_width
        for _ in range(_BISECTIONS):
            width /= 2
            middle = low + width
            low = tf.where(cubic_integral(cubic, middle) < missing, middle, low)
        return low


def _name(form: str, answer: str) -> str:
    return "_".join(filter(None, (form, answer))) or "serving_default"


def _chain(read: Callable[..., tuple], give: Callable[..., dict[str, Any]]):
    return lambda *inputs: give(*read(*inputs))

"""The density-of-states model's step and inference, on atoms of the built-in structures."""

import dataclasses
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from csnn_tf.benchmark.case import BenchmarkCase
from csnn_tf.benchmark.plain_keras import plain_network
from csnn_tf.benchmark.training_steps import training_steps
from csnn_tf.benchmark.work import TRAINING_FACTOR, forward_operations
from csnn_tf.data.environments import Environments
from csnn_tf.dos_inference import DosPredictor
from csnn_tf.models import DensityOfStates

Calls = dict[str, Callable[[], Any]]


def calls(case: BenchmarkCase) -> tuple[Calls, float]:
    """What to time for `case.batch` atoms, and the floating-point operations of one call."""
    atoms, energies = _atoms(case.batch)
    model = DensityOfStates.from_preset(case.preset, ["C"], energies, {"C": 4.0}, **case.changes)
    work = case.batch * forward_operations(model.network)
    if case.kind == "dos-inference":
        predictor = DosPredictor(model)
        return {"ours": lambda: predictor.atomic_dos(atoms)}, work
    inputs = atoms.of_atoms(0, case.batch)
    maps = np.asarray(
        model.to_spheres(
            inputs["displacements"], inputs["centre"], inputs["species"], num_atoms=case.batch
        )
    )
    target = np.zeros((case.batch, len(energies)), np.float32)
    plain = plain_network(model.network)
    own = keras.Model(model.network.inputs, model.network.outputs)
    found: Calls = {"ours": _steps(own, maps, target, kernels=True)}
    if case.plain:
        found["plain"] = _steps(plain, maps, target, kernels=False)
    return found, TRAINING_FACTOR * work


def _steps(network: keras.Model, maps: Any, target: Any, *, kernels: bool) -> Callable[[], Any]:
    whole = keras.backend.backend() != "tensorflow"
    network.compile(keras.optimizers.AdamW(1e-3), "mse", jit_compile=whole)
    return training_steps(network, maps, target, kernels=kernels)


def _atoms(count: int) -> tuple[Environments, np.ndarray]:
    """So many atoms with their neighbourhoods, and the energies of the bins."""
    from csnn_tf.data.atoms import builtin_carbon

    structures = builtin_carbon()
    enough = int(np.searchsorted(np.cumsum(structures.counts), count)) + 1
    order = np.random.default_rng(0).permutation(len(structures))
    while structures.counts[order[:enough]].sum() < count and enough < len(order):
        enough += 1
    copies = -(-count // int(structures.counts[order[:enough]].sum()))
    chosen = structures.subset(np.tile(order[:enough], copies))
    found = Environments.find(chosen, ["C"], 7.0)
    pairs = found.pairs[count]
    first = dataclasses.replace(
        found,
        displacements=found.displacements[:pairs],
        neighbors=found.neighbors[:pairs],
        species=found.species[:pairs],
        pairs=found.pairs[: count + 1],
        atoms=found.atoms[:count],
        counts=np.array([count], np.int32),  # as if of one structure
    )
    return first, structures.energies

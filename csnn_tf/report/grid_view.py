"""Points about a centre and how a layer or a model sees them on concentric icospheres."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from numpy.typing import NDArray

from csnn_tf.errors import InputError
from csnn_tf.grid import num_vertices

if TYPE_CHECKING:
    from csnn_tf.data.atoms.structure import Structure
    from csnn_tf.models import ConcentricBackbone

GRID_LEVEL = 4
GRID_SPHERES = 4
_CUTOFF = 5.0


@dataclass(frozen=True)
class GridView:
    """A cloud or an atom's neighbourhood, and the function that maps it.

    Attributes:
        name: What it is.
        points: [n, 3] about the centre, in units of the outermost radius, in the grid's frame (a
            model's grid may be tilted against the points' axes).
        mapping: From points like these to features [vertex, sphere, channel].
        shown: What the features are.
        tilted: Whether the grid's frame is another than that of the file.
    """

    name: str
    points: NDArray
    mapping: Callable[[NDArray], NDArray]
    shown: str
    tilted: bool = False

    @classmethod
    def of_shape(
        cls, name: str, points: NDArray, model: Any = None, level: int | None = None
    ) -> "GridView":
        """View of a point cloud.

        Args:
            name: What it is called.
            points: [n, 3], any length unit.
            model: A `PointCloudClassifier`, or None for the mapping alone, with one channel on
                four spheres of level 4.
            level: Level whose activation is shown; None for the mapping of the points.

        Raises:
            InputError: If the level is none of the model's.
        """
        from csnn_tf.layers import PointsToSpheres

        centred = points - points.mean(axis=0) if model is None or model.centred else points
        radius = model.to_spheres.radius if model is not None else None
        unit = radius or max(float(np.linalg.norm(centred, axis=1).max()), 1e-9)
        layer = PointsToSpheres(GRID_LEVEL, GRID_SPHERES, 1) if model is None else model.to_spheres
        points = np.asarray(layer.in_grid_frame(centred / unit), np.float32)
        tilted = layer.tilt is not None
        layer = PointsToSpheres.from_config({**layer.get_config(), "tilt": None})
        see = _activation(None if model is None else model.backbone, level)

        def mapping(turned: NDArray) -> NDArray:
            return see(layer((turned * unit)[None].astype(np.float32)))

        return cls(name, points, mapping, _shown(level), tilted)

    @classmethod
    def of_atom(
        cls,
        name: str,
        structure: "Structure",
        atom: int = 0,
        model: Any = None,
        level: int | None = None,
    ) -> "GridView":
        """View of the neighbours of an atom.

        Args:
            name: What the structure is called.
            structure: The structure.
            atom: Which atom is in the centre.
            model: A `DensityOfStates`, or None for the mapping alone, up to 5 Å.
            level: Level whose activation is shown; None for the mapping of the neighbours.

        Raises:
            InputError: If there is no such atom, it has no neighbours, an element is unknown to
                the model, or the level is none of the model's.
        """
        from ase.data import chemical_symbols

        from csnn_tf.data.atoms import StructureSet
        from csnn_tf.data.environments import Environments
        from csnn_tf.layers.neighbors_to_spheres import NeighborsToSpheres

        if not 0 <= atom < len(structure.positions):
            raise InputError(f"--atom must be from 0 to {len(structure.positions) - 1}.")
        elements = [chemical_symbols[number] for number in np.unique(structure.numbers)]
        layer = model.to_spheres if model is not None else None
        if layer is None:
            layer = NeighborsToSpheres(
                GRID_LEVEL, GRID_SPHERES, 1, elements=len(elements), cutoff=_CUTOFF, r_min=0.0
            )
        known = elements if model is None else model.elements
        structure = replace(structure, dos=None)
        found = Environments.find(StructureSet.from_structures([structure]), known, layer.cutoff)
        batch = found.of_atoms(atom, atom + 1)
        if not len(batch["displacements"]):
            raise InputError(f"atom {atom} of {name} has no neighbour within {layer.cutoff:g} Å.")
        see = _activation(None if model is None else model.backbone, level)

        def mapping(turned: NDArray) -> NDArray:
            vectors = (turned * layer.cutoff).astype(np.float32)
            return see(layer(vectors, batch["centre"], batch["species"], num_atoms=1))

        title = f"{name}, atom {atom} ({chemical_symbols[structure.numbers[atom]]})"
        points = batch["displacements"] / np.float32(layer.cutoff)
        return cls(title, points, mapping, _shown(level))

    def features(self, rotation: NDArray | None = None) -> tuple[NDArray, NDArray]:
        """Points [n, 3] and features [vertex, sphere, channel], turned by a matrix if given."""
        points = self.points if rotation is None else (self.points @ rotation.T).astype(np.float32)
        return points, self.mapping(points)


def _shown(level: int | None) -> str:
    return "input features" if level is None else f"activation of level {level}"


def _activation(
    backbone: "ConcentricBackbone | None", level: int | None
) -> Callable[[Any], NDArray]:
    """From a batch of one feature map to the last activation [vertex, sphere, channel] of a level.

    Raises:
        InputError: If there is a level but no model, or the backbone does not have the level.
    """
    if level is None:
        return lambda maps: keras.ops.convert_to_numpy(maps)[0]
    if backbone is None:
        raise InputError("--level shows the activation of a model: give --model.")
    layers = [
        layer
        for layer in backbone.layers
        if layer.name.startswith(f"level{level}_")
        and layer.name.endswith("_norm")
        and layer.output.shape[1] == num_vertices(level)
    ]
    if not layers:
        known = sorted({layer.name[5] for layer in backbone.layers if layer.name[:5] == "level"})
        raise InputError(f"--level must be one of the model's {', '.join(known)}, not {level}.")
    part = keras.Model(backbone.inputs, layers[-1].output)
    return lambda maps: keras.ops.convert_to_numpy(part(maps, training=False))[0]

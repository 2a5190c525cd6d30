"""Plots of densities of states and of band energies; they need matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from csnn_tf.electronic import CHEMICAL_ACCURACY, solve_fermi
from csnn_tf.errors import InputError
from csnn_tf.plots.matplotlib_extra import pyplot
from csnn_tf.training.run_folder import write_aside

if TYPE_CHECKING:
    from csnn_tf.data.atoms import StructureSet
    from csnn_tf.dos_inference import DosPrediction

_MOST = 12
"""Structures drawn above each other before the figure becomes unreadable."""


def plot_dos(
    prediction: DosPrediction,
    names: Sequence[str],
    path: str | Path,
    reference: NDArray | None = None,
) -> None:
    """Draw predicted densities of states, one panel a structure, the Fermi level marked.

    Args:
        prediction: What a model predicted.
        names: A title for each structure.
        path: Picture to write.
        reference: [S, bins], states/eV/atom, drawn beside the prediction, with its Fermi level.

    Raises:
        InputError: If matplotlib is missing, there are more than 12 structures, or the file cannot
            be written.
    """
    plt = pyplot()
    count = len(prediction.dos)
    if count > _MOST:
        raise InputError(f"a plot shows at most {_MOST} structures, not {count}.")
    figure, panels = plt.subplots(
        count, 1, figsize=(7, 1 + 2 * count), sharex=True, squeeze=False, layout="constrained"
    )
    levels = None
    if reference is not None and np.isfinite(prediction.electrons).all():
        levels = solve_fermi(prediction.energies, reference, prediction.electrons).fermi_level
    for place, panel in enumerate(panels[:, 0]):
        if reference is not None:
            panel.fill_between(
                prediction.energies, reference[place], color="0.8", label="reference"
            )
        panel.plot(prediction.energies, prediction.dos[place], "C0", lw=1.2, label="predicted")
        _mark(panel, prediction.fermi_level[place], "C3", "$E_F$")
        if levels is not None:
            _mark(panel, levels[place], "0.4", "$E_F$ of the reference")
        panel.set_title(names[place], fontsize="small")
        panel.set_ylabel("states/eV/atom")
        panel.set_ylim(bottom=0)
        panel.legend(fontsize="x-small")
    panels[-1, 0].set_xlabel("energy from the vacuum level (eV)")
    _write(figure, path)


def plot_parity(structures: StructureSet, prediction: DosPrediction, path: str | Path) -> None:
    """Draw predicted against reference band energies, coloured by structure type.

    Args:
        structures: With DOS and electron counts.
        prediction: What a model predicted for them.
        path: Picture to write.

    Raises:
        InputError: If matplotlib is missing or the file cannot be written.
    """
    plt = pyplot()
    reference = solve_fermi(structures.energies, structures.dos, prediction.electrons).band_energy
    figure, panel = plt.subplots(figsize=(5.5, 5), layout="constrained")
    for name in dict.fromkeys(structures.types):
        rows = structures.types == name
        panel.plot(reference[rows], prediction.band_energy[rows], ".", label=name)
    ends = np.array([np.nanmin(reference), np.nanmax(reference)])
    panel.plot(ends, ends, "k-", lw=0.8)
    panel.fill_between(
        ends, ends - CHEMICAL_ACCURACY, ends + CHEMICAL_ACCURACY, color="0.9", zorder=0
    )
    panel.set_xlabel("band energy of the reference (eV/atom)")
    panel.set_ylabel("predicted band energy (eV/atom)")
    panel.legend(fontsize="small", title=f"grey: within {CHEMICAL_ACCURACY} eV/atom")
    _write(figure, path)


def _mark(panel, level: float, color: str, label: str) -> None:
    if np.isfinite(level):
        panel.axvline(level, color=color, lw=0.8, ls="--", label=label)


def _write(figure, path: str | Path) -> None:
    plt = pyplot()
    path = Path(path)
    if path.suffix.lower() not in (".png", ".pdf", ".svg"):
        plt.close(figure)
        raise InputError(f"{path} must end in .png, .pdf or .svg.")
    try:
        write_aside(path, lambda temporary: figure.savefig(temporary, dpi=150))
    finally:
        plt.close(figure)

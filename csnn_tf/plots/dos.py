"""Plots of densities of states and of band energies; they need matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from csnn_tf.atomic_files import write_aside
from csnn_tf.electronic import CHEMICAL_ACCURACY, solve_fermi
from csnn_tf.errors import InputError
from csnn_tf.plots.matplotlib_extra import check_picture, pyplot

if TYPE_CHECKING:
    from csnn_tf.data.atoms import StructureSet
    from csnn_tf.dos_inference import DosPrediction
    from csnn_tf.electronic.quantities import Convention

MOST_STRUCTURES = 12
"""Drawn above each other before the figure becomes unreadable."""
_MARKERS = "osD^vP<>X"
"""Types differ by more than colour, for those who see few."""


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
        InputError: If matplotlib is missing, there are more than 12 structures, the path ends in no
            format of pictures, or the file cannot be written.
    """
    check_picture(path)
    plt = pyplot()
    count = len(prediction.dos)
    if count > MOST_STRUCTURES:
        raise InputError(f"a plot shows at most {MOST_STRUCTURES} structures, not {count}.")
    figure, panels = plt.subplots(
        count,
        1,
        figsize=(7, 1.2 + 1.5 * count),
        sharex=True,
        squeeze=False,
        layout="constrained",
    )
    levels = np.full(count, np.nan)
    if reference is not None and np.isfinite(prediction.electrons).all():
        levels = solve_fermi(prediction.energies, reference, prediction.electrons).fermi_level
    for place, panel in enumerate(panels[:, 0]):
        if reference is not None:
            panel.fill_between(
                prediction.energies, reference[place], color="0.82", lw=0, label="reference"
            )
            _mark(panel, levels[place], "0.45", "-", "$E_F$ of the reference")
        panel.plot(prediction.energies, prediction.dos[place], "C0", lw=1.1, label="predicted")
        _mark(panel, prediction.fermi_level[place], "C3", "--", "$E_F$ predicted")
        panel.set_title(names[place], fontsize="small", loc="left", parse_math=False)
        panel.set_ylim(bottom=0)
        panel.margins(y=0.12)
        panel.spines[["top", "right"]].set_visible(False)
    panels[0, 0].set_xlim(_with_states(prediction, reference))
    panels[-1, 0].set_xlabel("energy from the vacuum level (eV)")
    figure.supylabel("DOS (states/eV/atom)", fontsize="medium")
    # One legend for all panels, above them, where it hides no curve.
    entries: dict[str, Any] = {}
    for panel in panels[:, 0]:
        handles, labels = panel.get_legend_handles_labels()
        entries |= dict(zip(labels, handles, strict=True))
    figure.legend(
        entries.values(),
        entries.keys(),
        loc="outside upper right",
        ncols=2 if count == 1 else 4,
        fontsize="small",
        frameon=False,
    )
    _write(figure, path)


def plot_parity(
    structures: StructureSet,
    prediction: DosPrediction,
    path: str | Path,
    convention: Convention = "spline",
) -> None:
    """Draw predicted against reference band energies, and the error, coloured by structure type.

    Args:
        structures: With DOS and electron counts.
        prediction: What a model predicted for them.
        path: Picture to write.
        convention: How the reference's band energies are taken, see
            `csnn_tf.electronic.solve_fermi`: as the prediction's were.

    Raises:
        InputError: If matplotlib is missing, the model knows no electron counts, the path ends in
            no format of pictures, or the file cannot be written.
    """
    check_picture(path)
    plt = pyplot()
    if not np.isfinite(prediction.electrons).all():
        raise InputError("band energies need the electron counts, which are unknown.")
    reference = solve_fermi(
        structures.energies,
        structures.dos,
        prediction.electrons,
        convention=convention,
        atoms=structures.counts,
    ).band_energy
    figure, (panel, errors) = plt.subplots(1, 2, figsize=(10, 4.6), layout="constrained")
    types = list(dict.fromkeys(structures.types))
    for place, name in enumerate(types):
        rows = structures.types == name
        style = {"marker": _MARKERS[place % len(_MARKERS)], "ms": 5, "mec": "w", "mew": 0.3}
        found = prediction.band_energy[rows]
        panel.plot(reference[rows], found, ls="", label=name, **style)
        errors.plot(reference[rows], found - reference[rows], ls="", **style)
    both = np.concatenate([reference, prediction.band_energy])
    ends = np.array([np.nanmin(both), np.nanmax(both)])
    ends += (np.ptp(ends) or 1.0) * np.array([-0.05, 0.05])
    panel.plot(ends, ends, color="0.4", lw=0.8, zorder=0)
    panel.set(xlim=ends, ylim=ends, aspect="equal")
    errors.axhline(0, color="0.4", lw=0.8, zorder=0)
    errors.axhspan(-CHEMICAL_ACCURACY, CHEMICAL_ACCURACY, color="0.93", lw=0, zorder=-1)
    errors.set_xlim(ends)
    largest = np.nanmax(np.abs([*errors.get_ylim(), 1.2 * CHEMICAL_ACCURACY]))
    errors.set_ylim(-largest, largest)
    panel.set_xlabel("band energy of the reference (eV/atom)")
    panel.set_ylabel("predicted band energy (eV/atom)")
    errors.set_xlabel("band energy of the reference (eV/atom)")
    errors.set_ylabel("predicted minus reference (eV/atom)")
    errors.set_title(f"grey: within {CHEMICAL_ACCURACY} eV/atom", fontsize="small", loc="left")
    for axes in (panel, errors):
        axes.locator_params(axis="x", nbins=5)
        axes.spines[["top", "right"]].set_visible(False)
    # Types may look like formulas, or like the labels with _ that matplotlib leaves out.
    legend = figure.legend(
        panel.lines[: len(types)],
        ["-"] * len(types),
        loc="outside upper center",
        ncols=8,
        fontsize="small",
        frameon=False,
    )
    for entry, name in zip(legend.get_texts(), types, strict=True):
        entry.set(text=name, parse_math=False)
    _write(figure, path)


def _with_states(prediction: DosPrediction, reference: NDArray | None) -> tuple[float, float]:
    """Lowest and highest energy worth drawing: where there are states, and the Fermi levels."""
    curves = prediction.dos if reference is None else np.concatenate([prediction.dos, reference])
    highest = curves.max(axis=0)
    inside = prediction.energies[highest > 0.005 * max(float(highest.max()), 1e-9)]
    ends = np.concatenate([inside, prediction.fermi_level])
    ends = ends[np.isfinite(ends)]
    if not len(ends):
        ends = prediction.energies
    first, last = prediction.energies[[0, -1]]
    return max(float(ends.min()) - 1.0, first), min(float(ends.max()) + 1.0, last)


def _mark(panel, level: float, color: str, style: str, label: str) -> None:
    if np.isfinite(level):
        panel.axvline(level, color=color, lw=1.0, ls=style, label=label)


def _write(figure, path: str | Path) -> None:
    plt = pyplot()
    try:
        write_aside(Path(path), lambda temporary: figure.savefig(temporary, dpi=150))
    finally:
        plt.close(figure)

"""The sections of the page about a density-of-states model."""

import numpy as np

from csnn_tf.electronic import CHEMICAL_ACCURACY
from csnn_tf.plots.atoms import plot_atoms
from csnn_tf.plots.band_parity import plot_band_errors, plot_band_parity
from csnn_tf.plots.dos_curves import plot_dos_curves
from csnn_tf.report.dos_findings import DosFindings
from csnn_tf.report.html import (
    fixed,
    grid,
    number,
    percent,
    picture,
    section,
    short,
    table,
    text,
    tiles,
)
from csnn_tf.report.learning import learning_section
from csnn_tf.report.record import run_section
from csnn_tf.report.run_source import RunSource

Section = tuple[str, str, str]
_MOST_SCENES = 8
"""Browsers give a page few WebGL contexts, phones only eight."""


def dos_sections(run: RunSource, found: DosFindings, data: str | None = None) -> list[Section]:
    """Everything about a density-of-states model, from the summary to how it was trained."""
    return [
        _summary(found),
        _types(found),
        _energies(found),
        _curves(found),
        _atoms(found),
        learning_section(run),
        run_section(
            run,
            {
                "data": data or "–",
                "structures": len(found.structures),
                "model": run.model.name,
            },
        ),
    ]


def _summary(found: DosFindings) -> Section:
    errors = found.evaluation.report.overall
    entries = [
        (number(errors.band_energy_mae, 3), "band energy, mean error", "eV/atom"),
        (number(errors.dos_rmse, 3), "DOS, RMS error", "states/eV/atom"),
        (number(errors.fermi_level_mae, 3), "Fermi level, mean error", "eV"),
        (
            percent(errors.within_chemical_accuracy),
            "within chemical accuracy",
            f"band energy off by at most {CHEMICAL_ACCURACY} eV/atom",
        ),
    ]
    if found.evaluation.band_energy_change is not None:
        entries.append(
            (
                number(found.evaluation.band_energy_change, 2),
                "change when turned",
                "band energy, eV/atom",
            )
        )
    return section(
        "summary",
        "At a glance",
        tiles(entries),
        lead=f"{_which(found)} {_against_means(found)}",
    )


def _which(found: DosFindings) -> str:
    types = f"{len(found.chosen)} type{'s' * (len(found.chosen) != 1)}"
    if set(found.structures.split.tolist()) == {"test"}:
        return f"{len(found.structures)} test structures of {types}."
    return (
        f"All {len(found.structures)} structures of the data, of {types}. The data does not say "
        "which are for testing, so those that the model was trained on may be among them: the "
        "errors on new ones can be larger."
    )


def _against_means(found: DosFindings) -> str:
    model = found.evaluation.report.overall.band_energy_mae
    means = {
        name: report.overall.band_energy_mae for name, report in found.evaluation.yardsticks.items()
    }
    means = {name: value for name, value in means.items() if value == value}
    if not means:
        return "There are no training structures to compare with."
    name, value = min(means.items(), key=lambda entry: entry[1])
    verdict = "better than" if model < value else "not better than"
    return (
        f"In the band energy the model is {verdict} the best of the simple guesses, "
        f"{text(name)} ({number(value, 3)} eV/atom)."
    )


def _types(found: DosFindings) -> Section:
    reports = {"this model": found.evaluation.report, **found.evaluation.yardsticks}
    kinds = list(found.evaluation.report.by_type)
    blocks = []
    for field, title in (
        ("band_energy_mae", "Band energy, mean absolute error (eV/atom)"),
        ("dos_rmse", "DOS, root mean square error (states/eV/atom)"),
    ):
        rows = [
            (
                name,
                *(fixed(getattr(report.by_type[kind], field)) for kind in kinds),
                fixed(getattr(report.overall, field)),
            )
            for name, report in reports.items()
        ]
        blocks.append(
            f'<div class="card"><h3>{text(title)}</h3>{table(("", *kinds, "all"), rows)}</div>'
        )
    return section(
        "types",
        "Errors by structure type",
        *blocks,
        lead="Beside the model stand guesses that need no network: means over training structures."
        if found.evaluation.yardsticks
        else "",
    )


def _energies(found: DosFindings) -> Section:
    structures, predicted = found.structures, found.evaluation.prediction.band_energy
    names, types = [short(name) for name in structures.names], structures.types.tolist()
    if not np.isfinite(predicted).any():
        return section(
            "energies", "Band energies", lead="No predicted DOS reaches the electron count."
        )
    off = predicted - found.reference_band
    rows = [
        (name, kind, number(reference, 6), number(value, 6), number(error, 3))
        for name, kind, reference, value, error in zip(
            names, types, found.reference_band, predicted, off, strict=True
        )
    ]
    head = ("structure", "type", "reference (eV/atom)", "predicted (eV/atom)", "difference")
    means = ", ".join(
        f"{kind} {number(errors.band_energy_mae, 2)}"
        for kind, errors in found.evaluation.report.by_type.items()
    )
    return section(
        "energies",
        "Band energies",
        grid(
            picture(
                plot_band_parity(found.reference_band, predicted, types, names),
                f"Predicted against reference band energies of {len(names)} structures.",
                heading="Parity",
                data=table(head, rows),
            ),
            picture(
                plot_band_errors(off, types, names, tolerance=CHEMICAL_ACCURACY),
                f"Errors of the band energy by type; mean absolute errors in eV/atom: {means}.",
                heading="Errors by type",
                caption=f"Grey: chemical accuracy, within {CHEMICAL_ACCURACY} eV/atom.",
                data=table(
                    ("type", "mean absolute error (eV/atom)", "structures"),
                    [
                        (kind, number(errors.band_energy_mae), errors.structures)
                        for kind, errors in found.evaluation.report.by_type.items()
                    ],
                ),
            ),
            narrowest=460,
        ),
    )


def _curves(found: DosFindings) -> Section:
    blocks = []
    for kind, rows in found.chosen.items():
        blocks.append(
            grid(
                *(_curve(found, row, f"{kind}: {rank}") for rank, row in rows.items()),
                narrowest=360,
            )
        )
    return section(
        "dos",
        "Densities of states",
        *blocks,
        lead="The best, the median and the worst structure of each type by the root mean square "
        "error of the DOS.",
    )


def _curve(found: DosFindings, row: int, heading: str) -> str:
    structures, prediction = found.structures, found.evaluation.prediction
    levels = prediction.fermi_level[row], found.reference_level[row]
    caption = (
        f"{short(structures.names[row])}: error {number(found.errors[row], 3)} states/eV/atom; "
        f"Fermi level {number(levels[0])} eV, reference {number(levels[1])} eV"
    )
    return picture(
        plot_dos_curves(
            structures.energies,
            prediction.dos[row],
            structures.dos[row],
            fermi_level=levels[0],
            reference_fermi_level=levels[1],
        ),
        f"Predicted and reference density of states. {caption}.",
        heading=heading,
        caption=text(caption) + ".",
        data=table(
            ("energy (eV)", "predicted (states/eV/atom)", "reference"),
            [
                (f"{energy:.2f}", f"{value:.4f}", f"{reference:.4f}")
                # One bin in five: a reader of the table wants the course, not the last digit.
                for energy, value, reference in zip(
                    structures.energies[::5],
                    prediction.dos[row, ::5],
                    structures.dos[row, ::5],
                    strict=True,
                )
            ],
        ),
    )


def _atoms(found: DosFindings) -> Section:
    blocks = []
    for kind, rows in list(found.chosen.items())[:_MOST_SCENES]:
        row = rows.get("worst", rows["best"])
        parts = found.atomic[row]
        if not np.isfinite(parts).all():
            continue
        item = found.structures[row]
        off = parts - parts.mean()
        ends = f"{number(off.min(), 3)} to {number(off.max(), 3)} eV"
        blocks.append(
            picture(
                plot_atoms(
                    item.positions,
                    item.numbers,
                    off,
                    "eV from the mean",
                    cell=item.cell if item.pbc.any() else None,
                ),
                f"Atoms of a {kind} structure coloured by their part of the band energy, {ends} "
                f"from the mean.",
                heading=kind,
                caption=text(
                    f"{short(item.name)}: {len(parts)} atoms, mean {number(parts.mean(), 5)} eV, "
                    f"single atoms {ends} from it."
                ),
                data=table(
                    ("atom", "band energy (eV)", "x (Å)", "y (Å)", "z (Å)"),
                    [
                        (place, f"{value:.4f}", *(f"{x:.3f}" for x in at))
                        for place, (value, at) in enumerate(zip(parts, item.positions, strict=True))
                    ],
                ),
            )
        )
    if not blocks:
        return section(
            "atoms",
            "Contributions of atoms",
            lead="Not shown: there is no Fermi level to go up to.",
        )
    return section(
        "atoms",
        "Contributions of atoms",
        grid(*blocks, narrowest=360),
        lead="The model predicts a DOS for every atom. The colour is the atom's part of the band "
        "energy relative to the structure's mean, in the worst structure of each type. Turn a "
        "structure by dragging it.",
    )

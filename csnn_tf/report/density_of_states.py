"""The page of a density-of-states model."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from csnn_tf.models.loading import load_model
from csnn_tf.plots.plotly_extra import graph_objects
from csnn_tf.report.dos_findings import DosFindings
from csnn_tf.report.dos_page import dos_sections
from csnn_tf.report.page import render_page, write_page
from csnn_tf.report.run_source import RunSource

if TYPE_CHECKING:
    from csnn_tf.data.atoms import StructureSet


def dos_report_page(
    run: str | Path,
    structures: "StructureSet",
    path: str | Path,
    *,
    seed: int = 0,
    data: str | None = None,
    progress: Callable[[str], Any] = lambda step: None,
) -> DosFindings:
    """Measure a density-of-states model and write its page.

    Args:
        run: A run folder, a .keras file or the name of a trained model.
        structures: Structures with DOS: those of the split "test" are shown (all, where there are
            no splits), those of the split "train" give the means to compare with.
        path: HTML file to write.
        seed: Of the rotation under which the band energy's change is measured.
        data: What the page calls the data that the structures are of.
        progress: Called with the name of every step before it.

    Returns:
        What was measured.

    Raises:
        InputError: If the run or the structures do not fit, the file cannot be written, or plotly
            is missing.

    Example:
        >>> from csnn_tf.data.atoms import builtin_carbon
        >>> dos_report_page("runs/dos", builtin_carbon(), "report.html")
    """
    graph_objects()  # before minutes of measuring
    from csnn_tf.models import AtomicDosModel

    source = RunSource.find(run)
    model = load_model(run, AtomicDosModel)
    splits = set(structures.split.tolist())
    test = structures.select(split="test") if "test" in splits else structures
    train = structures.select(split="train") if "train" in splits else None
    findings = DosFindings.measure(model, test, train, seed=seed, progress=progress)
    bins = model.energies
    page = render_page(
        source.name,
        f"Density of states of {', '.join(model.elements)} on {len(bins)} bins from {bins[0]:g} to "
        f"{bins[-1]:g} eV, {model.count_params():,} weights",
        dos_sections(source, findings, data),
    )
    write_page(Path(path), page)
    return findings

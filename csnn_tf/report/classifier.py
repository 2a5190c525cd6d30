"""The page of a classifier."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from csnn_tf.data.shape_set import ShapeSet
from csnn_tf.models import CloudClassifier
from csnn_tf.models.loading import load_model
from csnn_tf.plots.plotly_extra import graph_objects
from csnn_tf.report.classifier_findings import ClassifierFindings
from csnn_tf.report.classifier_page import classifier_sections
from csnn_tf.report.page import render_page, write_page
from csnn_tf.report.run_source import RunSource


def classifier_report(
    run: str | Path,
    shapes: ShapeSet,
    path: str | Path,
    *,
    consistency_shapes: int = 300,
    upright_axis: int = 1,
    seed: int = 0,
    data: str | None = None,
    progress: Callable[[str], Any] = lambda step: None,
) -> ClassifierFindings:
    """Measure a classifier and write its page.

    Args:
        run: A run folder, a .keras file or the name of a trained model.
        shapes: The test shapes.
        path: HTML file to write.
        consistency_shapes: See `ClassifierFindings.measure`.
        upright_axis: Coordinate along which the shapes stand.
        seed: Of the rotations.
        data: What the page calls the data that the shapes are of.
        progress: Called with the name of every step before it.

    Returns:
        What was measured.

    Raises:
        InputError: If the run or the shapes do not fit, the file cannot be written, or plotly is
            missing.

    Example:
        >>> from csnn_tf.data.shapes import builtin_shapes
        >>> classifier_report("runs/mine", builtin_shapes("test", 50), "report.html")
    """
    graph_objects()  # before minutes of measuring
    source = RunSource.find(run)
    model = load_model(run, CloudClassifier)
    findings = ClassifierFindings.measure(
        model,
        shapes,
        consistency_shapes=consistency_shapes,
        upright_axis=upright_axis,
        seed=seed,
        progress=progress,
    )
    page = render_page(
        source.name,
        f"Classifier of {model.num_classes} classes, {model.count_params():,} weights",
        classifier_sections(source, findings, upright_axis, data),
    )
    write_page(Path(path), page)
    return findings

"""The sections of a classifier's page."""

import numpy as np

from csnn_tf.data.shape_set import span
from csnn_tf.plots.calibration import calibration, plot_calibration
from csnn_tf.plots.class_shares import plot_class_shares
from csnn_tf.plots.cloud import plot_cloud
from csnn_tf.plots.confusion_matrix import plot_confusion_matrix
from csnn_tf.plots.protocol_accuracy import plot_protocol_accuracy
from csnn_tf.report.classifier_findings import PROTOCOLS, ROTATIONS, ClassifierFindings
from csnn_tf.report.html import grid, percent, picture, section, short, table, text, tiles
from csnn_tf.report.learning import learning_section
from csnn_tf.report.mistake import Mistake
from csnn_tf.report.record import run_section
from csnn_tf.report.run_source import RunSource

Section = tuple[str, str, str]


def classifier_sections(
    run: RunSource, findings: ClassifierFindings, upright_axis: int = 1, data: str | None = None
) -> list[Section]:
    """Everything about a classifier, from the summary to how it was trained."""
    return [
        _summary(run, findings),
        _rotations(findings),
        _classes(findings),
        _mistakes(findings, upright_axis),
        _confidence(findings),
        learning_section(run),
        run_section(
            run,
            {
                "data": data or "–",
                "shapes": len(findings.shapes),
                "points of a cloud": span(*findings.shapes.sizes),
                "seed": findings.seed,
                "shapes in 20 orientations": len(findings.consistent),
                "model": run.model.name,
            },
        ),
    ]


def _summary(run: RunSource, found: ClassifierFindings) -> Section:
    so3 = found.results["so3"]
    confidence, right = _confidences(found)
    worst = min(so3.per_class.items(), key=lambda entry: entry[1])
    return section(
        "summary",
        "At a glance",
        tiles(
            [
                (percent(so3.accuracy), "right in any orientation", _interval(so3.interval)),
                (percent(so3.class_mean_accuracy), "mean over the classes", ""),
                (
                    percent(float(found.consistent.mean())),
                    f"same class in {ROTATIONS} orientations",
                    f"of {len(found.consistent)} shapes",
                ),
                (percent(worst[1], 0), "weakest class", worst[0]),
                (
                    percent(calibration(confidence, right).error),
                    "calibration error",
                    "gap between confidence and accuracy",
                ),
            ]
        ),
        lead=text(
            f"{len(found.shapes)} test shapes of {len(so3.class_names)} classes, each in an "
            f"orientation of its own; trained under rotations: {run.config.get('rotation', '?')}."
        ),
    )


def _rotations(found: ClassifierFindings) -> Section:
    names = [PROTOCOLS[rotation] for rotation in found.results]
    results = list(found.results.values())
    rows = [
        (
            name,
            percent(result.accuracy, 2),
            _interval(result.interval),
            percent(result.class_mean_accuracy, 2),
        )
        for name, result in zip(names, results, strict=True)
    ]
    figure = plot_protocol_accuracy(
        names, [result.accuracy for result in results], [result.interval for result in results]
    )
    said = "; ".join(f"{row[0]}: {row[1]}" for row in rows)
    return section(
        "rotations",
        "Accuracy by rotation",
        picture(
            figure,
            f"Accuracy by rotation of the test shapes. {said}.",
            data=table(("shapes shown", "accuracy", "95 % interval", "mean over classes"), rows),
            narrow=True,
        ),
        lead="One pass over all test shapes for each way of turning them. The bars are 95 % "
        "intervals by bootstrap over the shapes, or exact ones where all or none are right. What "
        "holds under rotation shows the same accuracy in every row.",
    )


def _classes(found: ClassifierFindings) -> Section:
    so3 = found.results["so3"]
    labels = found.shapes.labels
    names = list(so3.per_class)
    counts = [int((labels == so3.class_names.index(name)).sum()) for name in names]
    accuracy = picture(
        plot_class_shares(names, list(so3.per_class.values()), "classified right", counts=counts),
        f"Accuracy of {len(names)} classes as bars, the weakest first.",
        heading="Accuracy by class",
        data=table(
            ("class", "right", "shapes"),
            zip(names, map(percent, so3.per_class.values()), counts, strict=True),
        ),
    )
    tried = labels[found.consistent_rows]
    shares = {
        so3.class_names[label]: (
            float(found.consistent[tried == label].mean()),
            int((tried == label).sum()),
        )
        for label in np.unique(tried)
    }
    consistency = picture(
        plot_class_shares(
            list(shares),
            [share for share, _ in shares.values()],
            f"same class in all {ROTATIONS} orientations",
            counts=[count for _, count in shares.values()],
        ),
        f"Rotation consistency of {len(shares)} classes as bars, the weakest first.",
        heading="Rotation consistency by class",
        caption=_drawn(found),
        data=table(
            ("class", "consistent", "shapes"),
            [(name, percent(share), count) for name, (share, count) in shares.items()],
        ),
    )
    return section(
        "classes",
        "Where it fails",
        _confusion(found),
        grid(accuracy, consistency, narrowest=440),
        lead="In one orientation of its own for every shape, drawn uniformly over SO(3).",
    )


def _drawn(found: ClassifierFindings) -> str:
    if len(found.consistent) == len(found.shapes):
        return f"All {len(found.shapes)} shapes, each in {ROTATIONS} orientations."
    return (
        f"{len(found.consistent)} of the {len(found.shapes)} shapes, drawn at random (seed "
        f"{found.seed}) and from all classes alike, each in {ROTATIONS} orientations."
    )


def _confusion(found: ClassifierFindings) -> str:
    so3 = found.results["so3"]
    counts, names = so3.confusion, so3.class_names
    shapes = counts.sum(axis=1)
    pairs = sorted(
        (
            (int(counts[true, said]), true, said)
            for true, said in zip(*np.nonzero(counts), strict=True)
            if true != said
        ),
        reverse=True,
    )
    rows = [
        (names[true], names[said], count, percent(count / shapes[true]))
        for count, true, said in pairs
    ]
    most = ", ".join(f"{true} for {said} ({count})" for true, said, count, _ in rows[:5])
    said = f"Most often taken: {most}." if rows else "Nothing is confused."
    return picture(
        plot_confusion_matrix(counts, names),
        f"Confusion matrix of {len(names)} classes. {said}",
        heading="Confusion matrix",
        caption=text(said),
        data=table(("true class", "taken for", "shapes", "of the class"), rows),
        wide=700 if len(names) > 12 else 0,
    )


def _mistakes(found: ClassifierFindings, upright_axis: int) -> Section:
    if not found.mistakes:
        return section("mistakes", "Most confident mistakes", lead="There is no mistake to show.")
    return section(
        "mistakes",
        "Most confident mistakes",
        grid(
            *(_mistake(mistake, upright_axis) for mistake in found.mistakes),
            narrowest=320,
        ),
        lead=f"Wrong with the highest probability, averaged over {ROTATIONS} orientations. Turn a "
        "shape by dragging it; the colour is its height.",
    )


def _mistake(mistake: Mistake, upright_axis: int) -> str:
    rows = [(name, percent(share), f"{first} of {ROTATIONS}") for name, share, first in mistake.top]
    said = mistake.top[0][0]
    return picture(
        plot_cloud(mistake.points, upright_axis=upright_axis),
        f"Point cloud of a {mistake.true}, taken for a {said}.",
        heading=f"{mistake.true}, taken for {said}"
        if said != mistake.true
        else f"{mistake.true}, not in every orientation",
        caption=table(("class", "probability", "came first"), rows)
        + f"<p>{text(short(mistake.name))}</p>",
    )


def _confidence(found: ClassifierFindings) -> Section:
    confidence, right = _confidences(found)
    curve = calibration(confidence, right)
    gap = float(confidence.mean() - right.mean())
    verdict = "less often right than it says" if gap > 0 else "more often right than it says"
    return section(
        "confidence",
        "Calibration",
        picture(
            plot_calibration(confidence, right),
            f"Calibration curve; expected calibration error {percent(curve.error)}.",
            data=table(
                ("says (mean)", "is right", "shapes"),
                [
                    (percent(said), percent(share), count)
                    for said, share, count in zip(
                        curve.confidence, curve.accuracy, curve.counts, strict=True
                    )
                ],
            ),
            narrow=True,
        ),
        lead=f"On average the model is {verdict}: mean confidence {percent(confidence.mean())}, "
        f"accuracy {percent(right.mean())}; the expected calibration error over ten bins is "
        f"{percent(curve.error)}. The larger a marker, the more shapes.",
    )


def _confidences(found: ClassifierFindings) -> tuple[np.ndarray, np.ndarray]:
    probabilities = found.probabilities
    return probabilities.max(axis=1), probabilities.argmax(axis=1) == found.shapes.labels


def _interval(ends: tuple[float, float]) -> str:
    return f"{100 * ends[0]:.1f} to {100 * ends[1]:.1f} %"

"""The section with the learning curves."""

import numpy as np

from csnn_tf.durations import duration
from csnn_tf.plots.learning_curve import plot_learning_curve
from csnn_tf.report.html import grid, number, picture, section, table
from csnn_tf.report.run_source import RunSource
from csnn_tf.training.best_epoch import REFINING

_UNITS = {
    "accuracy": "share classified right",
    "dos": "DOS error (states/eV/atom)",
    "band": "band energy error (eV/atom)",
    "learning_rate": "learning rate",
}
_TITLES = {
    "loss": "Loss",
    "accuracy": "Accuracy",
    "dos": "Error of the DOS",
    "band": "Error of the band energy",
    "learning_rate": "Learning rate",
}
_NO_CURVE = {"epoch", "seconds", REFINING}


def learning_section(run: RunSource) -> tuple[str, str, str]:
    """A curve for every quantity of the history, training and held-out data together."""
    history = run.history
    if not history:
        return section(
            "learning",
            "Learning curves",
            lead="Not shown: there is no history.csv with this model. A run folder has one.",
        )
    epochs = history["epoch"].astype(int)
    quantities = dict.fromkeys(
        name.removeprefix("val_") for name in history if name not in _NO_CURVE
    )
    pictures = []
    for quantity in quantities:
        curves = {
            label: history[column]
            for column, label in ((quantity, "training"), (f"val_{quantity}", "held out"))
            if column in history and np.isfinite(history[column]).any()
        }
        if not curves:
            continue
        figure = plot_learning_curve(
            epochs, curves, _UNITS.get(quantity, quantity), resumed=run.resumed
        )
        rows = [
            (epoch, *(number(curve[place]) for curve in curves.values()))
            for place, epoch in enumerate(epochs)
        ]
        title = _TITLES.get(quantity, quantity.replace("_", " ").capitalize())
        if list(curves) == ["held out"]:
            title += ", held-out data"
        last = ", ".join(f"{name} {number(curve[-1])}" for name, curve in curves.items())
        pictures.append(
            picture(
                figure,
                f"{title} over {len(epochs)} epochs; at the end {last}.",
                heading=title,
                data=table(("epoch", *curves), rows),
            )
        )
    lead = f"{len(epochs)} epochs"
    if "seconds" in history:
        lead += f" in {duration(float(np.nansum(history['seconds'])))}"
    best = run.best_epoch()
    if best:
        held_out = history.keys() & {"val_loss", "val_accuracy"}
        why = "the best on held-out data" if held_out else "with the lowest loss in training"
        if not held_out and 1.0 in history.get(REFINING, ()):
            why += " of those that refine"
        lead += f"; the model shown is that of epoch {best}, {why}"
    if run.resumed:
        stops = ", ".join(map(str, run.resumed))
        lead += f"; resumed at epoch {stops} (shaded)"
    lead += "."
    if run.config.get("label_smoothing") and "val_loss" in history:
        lead += (
            " The training loss is of smoothed labels and cannot reach 0; that of held-out data is "
            "of the labels themselves, so the two are not to be set beside each other."
        )
    return section("learning", "Learning curves", grid(*pictures, narrowest=380), lead=lead)

#!/usr/bin/env python3
"""Compare an exported classifier's latency and throughput with Keras's `predict`.

    python scripts/measure_serving.py --presets small paper --batches 1 8 32

Weights are random: they do not change the time. Both are called in turn, so that whatever else the
machine does meets both alike, and after calls that do not count. Prints a Markdown table of ratios;
--absolute adds the milliseconds, which mean something on an otherwise idle machine only.
"""

import argparse
import tempfile
import time
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from csnn_tf.export import PRECISIONS, ExportOptions, export_model
from csnn_tf.models import PointCloudClassifier

HEADER = (
    "| preset | batch | calls | p50 latency, export / Keras | p99 latency, export / Keras "
    "| throughput, export / Keras |"
)
LEAST = 5
"""Timed calls at least, however long they take."""


def measure(keras_call, exported_call, repeats, seconds, untimed=2):
    """Seconds of each call, [calls] for Keras and for the export."""
    for _ in range(untimed):
        keras_call()
        exported_call()
    times, end = [], time.perf_counter() + seconds
    while len(times) < repeats and (len(times) < LEAST or time.perf_counter() < end):
        row = []
        for call in (keras_call, exported_call):
            start = time.perf_counter()
            call()
            row.append(time.perf_counter() - start)
        times.append(row)
    return np.array(times).T


def compare(preset, batches, points, repeats, seconds, options):
    """Yield (batch, Keras's seconds, the export's seconds) for each batch size."""
    model = PointCloudClassifier.from_preset(preset, num_classes=40)
    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder) / "model.keras")
        path = export_model(Path(folder) / "model.keras", folder, options=options).path
        signature = tf.saved_model.load(str(path)).signatures["serving_default"]
        for batch in batches:
            clouds = np.random.default_rng(0).normal(size=(batch, points, 3)).astype(np.float32)

            def by_keras(clouds=clouds, batch=batch):
                return model.predict(clouds, batch_size=batch, verbose=0)

            def by_export(clouds=clouds):
                return signature(points=tf.constant(clouds))["probabilities"].numpy()

            difference = np.abs(keras.ops.softmax(by_keras()) - by_export()).max()
            if options.precision == "float32" and options.votes == 1 and difference > 1e-5:
                raise SystemExit(f"the export of {preset} differs by {difference:.1e}")
            yield (batch, *measure(by_keras, by_export, repeats, seconds))


def main():
    """Command line."""
    parser = argparse.ArgumentParser(description="Compare an export's speed with Keras's predict.")
    parser.add_argument("--presets", nargs="+", default=["small", "paper"])
    parser.add_argument("--batches", nargs="+", type=int, default=[1, 8, 32])
    parser.add_argument("--points", type=int, default=1024)
    parser.add_argument("--repeats", type=int, default=100, help="timed calls (default: 100)")
    parser.add_argument(
        "--seconds",
        type=float,
        default=60,
        help="fewer calls once they took that long, for each row",
    )
    parser.add_argument("--precision", choices=PRECISIONS, default="float32")
    parser.add_argument("--no-fold", action="store_true")
    parser.add_argument("--absolute", action="store_true", help="milliseconds too")
    options = parser.parse_args()
    if min(options.repeats, options.points, *options.batches) < 1:
        parser.error("--repeats, --points and --batches are positive whole numbers")
    choices = ExportOptions(
        precision=options.precision,
        fold=not options.no_fold,
        max_clouds=max(options.batches),
        max_points=max(options.batches) * options.points,
    )
    absolute = " p50, ms (Keras, export) |" if options.absolute else ""
    print(HEADER + absolute)
    print("|---" * (HEADER + absolute).count(" |") + "|")
    for preset in options.presets:
        rows = compare(
            *(preset, options.batches, options.points),
            *(options.repeats, options.seconds, choices),
        )
        for batch, by_keras, by_export in rows:
            median, tail = (
                np.percentile(by_export, share) / np.percentile(by_keras, share)
                for share in (50, 99)
            )
            row = f"| {preset} | {batch} | {len(by_keras)} | {median:.2f} | {tail:.2f} "
            row += f"| {by_keras.sum() / by_export.sum():.2f} |"
            if options.absolute:
                medians = (1000 * np.median(times) for times in (by_keras, by_export))
                row += " {:.1f}, {:.1f} |".format(*medians)
            print(row, flush=True)


if __name__ == "__main__":
    main()

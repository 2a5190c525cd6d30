"""How long a training step waits for its batch."""

import time
from typing import Any

import numpy as np

from csnn_tf.benchmark import steps
from csnn_tf.benchmark.case import BenchmarkCase
from csnn_tf.benchmark.timing import WARM_UP, finished, median
from csnn_tf.data.batches import BatchPlan
from csnn_tf.data.pipeline import training_batches
from csnn_tf.data.shape_set import ShapeSet
from csnn_tf.data.sources import make_source
from csnn_tf.layers import compiled_kernels
from csnn_tf.training.config import TrainingConfig
from csnn_tf.training.trainer import preparation
from csnn_tf.training.training_network import training_network

_BATCHES = 8
"""Different batches in the data."""
_MOST = 100


def time_input(case: BenchmarkCase) -> dict[str, Any]:
    """Medians of waiting and of stepping, with the training's own pipeline and augmentation."""
    import keras

    model = steps.make_classifier(case.preset, case.changes)
    count = case.batch * _BATCHES
    names = tuple(str(number) for number in range(steps.CLASSES))
    labels = np.arange(count) % steps.CLASSES
    shapes = ShapeSet(
        steps.clouds(count, case.points), labels, [str(n) for n in range(count)], names
    )
    config = TrainingConfig.from_recipe("best", preset=case.preset, num_points=case.points)
    batches = iter(
        training_batches(
            make_source(shapes, case.points, 0),
            preparation(config, model),
            BatchPlan(count, case.batch, 0),
            epochs=_MOST,
        )
    )
    network = training_network(model.network, keras.optimizers.AdamW(1e-3))
    waits, work = [], []
    end = None
    with compiled_kernels(not network.jit_compile):
        for number, _ in enumerate(range(_BATCHES * _MOST)):
            start = time.perf_counter()
            maps, target = next(batches)
            got = time.perf_counter()
            finished(network.train_on_batch(maps, target))
            done = time.perf_counter()
            if number < WARM_UP:
                end = done + case.seconds
                continue
            waits.append(got - start)
            work.append(done - got)
            if done > end and len(work) >= 5:
                break
    return {
        "wait_seconds": median(waits),
        "step_seconds": median(work),
        "share_waiting": float(np.sum(waits) / (np.sum(waits) + np.sum(work))),
        "steps": len(work),
    }

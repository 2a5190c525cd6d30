"""Measures one case in a process of its own, whose memory then says what the case needs.

Run as `python -m csnn_tf.benchmark.worker CASE`; prints one line of JSON.
"""

import json
import sys
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from csnn_tf.benchmark import dos_steps, steps
from csnn_tf.benchmark.case import BenchmarkCase
from csnn_tf.benchmark.import_time import time_import
from csnn_tf.benchmark.input_wait import time_input
from csnn_tf.benchmark.layer_times import time_layers
from csnn_tf.benchmark.limits import matrix_product, memory_pass
from csnn_tf.benchmark.plain_keras import plain_network
from csnn_tf.benchmark.timing import median, take_turns
from csnn_tf.benchmark.training_steps import steps_in_a_call
from csnn_tf.benchmark.work import TRAINING_FACTOR, forward_operations
from csnn_tf.processor import share_cores_among_batches

Calls = dict[str, Callable[[], Any]]


def measure(case: BenchmarkCase) -> dict[str, Any]:
    """Times, rates and memory of a case."""
    if case.kind == "dos-inference":
        share_cores_among_batches()  # as the commands that predict
    if case.kind == "machine":
        return _machine(case)
    if case.kind == "import":
        return time_import()
    if case.kind == "input":
        return time_input(case)
    if case.kind == "layers":
        model = steps.make_classifier(case.preset, case.changes)
        return {"layers": time_layers(model.network, case.batch, case.seconds)}
    calls, work = _calls(case)
    product, operations = matrix_product()
    times = take_turns({**calls, "product": product}, case.seconds)
    limit = operations / median(times.pop("product"))
    result: dict[str, Any] = {"limit_gflops": limit / 1e9, "gflop": work / 1e9}
    steps_each = steps_in_a_call() if case.kind.endswith("training") else 1
    for name, of_calls in times.items():
        values = np.divide(of_calls, steps_each)
        seconds = median(values)
        result[name] = {
            "seconds": seconds,
            "quartiles": np.quantile(values, [0.25, 0.75]).tolist(),
            "calls": len(values) * steps_each,
            "samples_per_second": case.batch / seconds,
            "share_of_limit": work / seconds / limit if work else None,
        }
    for name in times:
        if name != "ours":
            result[name]["ours_is_faster_by"] = result[name]["seconds"] / result["ours"]["seconds"]
    if len(times) == 1 and (memory := peak_memory()) is not None:
        result["peak_memory_bytes"] = memory
    return result


def peak_memory() -> int | None:
    """Largest memory so far: of the accelerator where the backend can tell, else of the process.

    None where the system cannot tell, as Windows.
    """
    if keras.backend.backend() == "jax":
        import jax

        statistics = jax.local_devices()[0].memory_stats()
        if statistics and "peak_bytes_in_use" in statistics:
            return int(statistics["peak_bytes_in_use"])
    try:
        import resource
    except ImportError:
        return None
    # Linux counts in KiB, macOS in bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _calls(case: BenchmarkCase) -> tuple[Calls, float]:
    """What to time, and the floating-point operations of one call."""
    if case.kind.startswith("dos-"):
        return dos_steps.calls(case)
    model = steps.make_classifier(case.preset, case.changes)
    work = case.batch * forward_operations(model.network)
    if case.kind == "mapping":
        return {"ours": steps.mapping_call(model, case.batch, case.points)}, 0.0
    if case.kind == "inference":
        calls = {"ours": steps.inference_call(model, case.batch, case.points)}
        if case.plain:
            plain = plain_network(model.network)
            calls["plain"] = steps.plain_inference_call(model, plain, case.batch, case.points)
        return calls, work
    maps = np.asarray(steps.mapping_call(model, case.batch, case.points)())
    plain = plain_network(model.network) if case.plain else None
    calls = {"ours": steps.training_call(model.network, maps)}
    if plain is not None:
        calls["plain"] = steps.plain_training_call(plain, maps)
    if case.mixed:
        mixed = steps.make_classifier(case.preset, case.changes, mixed=True)
        calls["bfloat16"] = steps.training_call(mixed.network, maps)
    return calls, TRAINING_FACTOR * work


def _machine(case: BenchmarkCase) -> dict[str, Any]:
    product, operations = matrix_product()
    passing, moved = memory_pass()
    times = take_turns({"product": product, "pass": passing}, case.seconds)
    return {
        "limit_gflops": operations / median(times["product"]) / 1e9,
        "limit_gbytes_per_second": moved / median(times["pass"]) / 1e9,
    }


if __name__ == "__main__":
    print(json.dumps(measure(BenchmarkCase.from_json(sys.argv[1]))))

"""Results as lines to read."""

from collections.abc import Iterator
from typing import Any

from csnn_tf.benchmark.case import BenchmarkCase

LAYERS_SHOWN = 12


def result_lines(case: BenchmarkCase, result: dict[str, Any]) -> Iterator[str]:
    """The lines of one result."""
    if "failed" in result:
        size = f" ({_size(case)})" if case.kind not in ("machine", "import") else ""
        yield f"{case.kind:20s} failed{size}: {result['failed']}"
    elif case.kind == "machine":
        yield (
            f"limits               {result['limit_gflops']:.0f} GFLOP/s (matrix product), "
            f"{result['limit_gbytes_per_second']:.1f} GB/s (read and write)"
        )
    elif case.kind == "import":
        yield (
            f"import               {result['beyond_seconds']:.2f} s beyond Keras's "
            f"{result['keras_seconds']:.2f} s"
        )
    elif case.kind == "input":
        yield (
            f"waiting for input    {result['share_waiting']:.1%} of a step of "
            f"{result['step_seconds']:.3f} s"
        )
    elif case.kind == "layers":
        yield "layers, forward and gradients, a batch: time, share of the limit, how often"
        for row in result["layers"][:LAYERS_SHOWN]:
            yield f"  {_layer(row)}"
    else:
        yield _timed(case, result)


def _timed(case: BenchmarkCase, result: dict[str, Any]) -> str:
    ours = result["ours"]
    text = f"{case.kind:20s} {1e3 * ours['seconds'] / case.batch:8.3f} ms each"
    text += f" ({ours['samples_per_second']:.1f}/s; {_size(case)})"
    if ours["share_of_limit"]:
        text += f", {ours['share_of_limit']:.0%} of the limit"
    if "plain" in result:
        text += f", {result['plain']['ours_is_faster_by']:.2f} x plain Keras"
    if "bfloat16" in result:
        text += f", bfloat16 {1 / result['bfloat16']['ours_is_faster_by']:.2f} x float32"
    if "peak_memory_bytes" in result:
        text += f", peak memory {result['peak_memory_bytes'] / 1e9:.2f} GB"
    return text


def _size(case: BenchmarkCase) -> str:
    size = f"batch {case.batch}" + (f" of {case.points}" if "dos" not in case.kind else " atoms")
    changed = " ".join(f"{name}={value}" for name, value in case.changes.items())
    return f"{size}, {changed}" if changed else size


def _layer(row: dict[str, Any]) -> str:
    shapes = " + ".join("x".join(map(str, shape)) for shape in row["input"])
    share = "" if row["training_share"] is None else f"{row['training_share']:5.0%}"
    return (
        f"{row['layer']:20s} {shapes:>18s}  {1e3 * row['training_seconds']:8.2f} ms {share:>6s}"
        f"  x {row['times_in_network']}"
    )

"""Which cases a benchmark has."""

from typing import Any

from csnn_tf.benchmark.case import BenchmarkCase
from csnn_tf.models import preset as model_preset


def standard_cases(
    preset: str, batch: int, points: int, seconds: float, *, mixed: bool
) -> list[BenchmarkCase]:
    """Limits, mapping, layers, training and inference of one preset, with their memory."""
    common = {"preset": preset, "points": points, "seconds": seconds}
    return [
        BenchmarkCase("machine", seconds=seconds),
        BenchmarkCase("import"),
        BenchmarkCase("mapping", batch=32, **common),
        BenchmarkCase("training", batch=batch, plain=True, mixed=mixed, **common),
        BenchmarkCase("inference", batch=batch, plain=True, **common),
        BenchmarkCase("training", batch=32, **common),
        BenchmarkCase("inference", batch=32, **common),
        BenchmarkCase("input", batch=32, **common),
        BenchmarkCase("layers", batch=batch, **common),
        BenchmarkCase("dos-training", batch=1024, preset=preset, seconds=seconds, plain=True),
        BenchmarkCase("dos-inference", batch=1024, preset=preset, seconds=seconds),
    ]


SCALING = {
    "spheres": (1, 2, 4, 8, 16, 32),
    "level": (2, 3, 4, 5),
    "points": (256, 1024, 4096, 16384),
    "batch": (1, 4, 16, 64),
}
"""What the scaling runs vary, each by itself; spheres as in the paper's Table III."""


def scaling_cases(preset: str, batch: int, points: int, seconds: float) -> list[BenchmarkCase]:
    """Training steps and inference over spheres, levels, points and batch sizes."""
    cases = []
    for name, values in SCALING.items():
        for value in values:
            size = {"batch": batch, "points": points}
            changes: dict[str, Any] = {}
            if name in size:
                size[name] = value
            elif name == "level":
                changes = at_level(preset, value)
            else:
                changes[name] = value
            for kind in ("training", "inference"):
                cases.append(BenchmarkCase(kind, preset, changes, seconds=seconds, **size))
    return cases


def at_level(preset: str, level: int) -> dict[str, Any]:
    """Fields of a model of another level, with the hierarchy as far as the grid has one."""
    fields = model_preset(preset)
    per_level = ("intra_filters", "intra_layers", "co_radial_filters", "co_radial_layers")
    return {"level": level, **{name: tuple(fields[name])[: level + 1] for name in per_level}}

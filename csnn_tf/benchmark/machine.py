"""The machine that a benchmark ran on."""

import platform
from pathlib import Path
from typing import Any

from csnn_tf.processor import accelerators, cores
from csnn_tf.training.run_folder import versions


def describe_machine() -> dict[str, Any]:
    """Processor, cores, memory, accelerators, versions."""
    import keras

    return {
        "processor": _line("/proc/cpuinfo", "model name") or platform.processor(),
        "cores": cores(),
        "bfloat16": "avx512_bf16" in _line("/proc/cpuinfo", "flags").split(),
        "memory_gib": _memory(),
        "accelerators": accelerators(),
        "backend": keras.backend.backend(),
        "python": platform.python_version(),
        **versions(),
    }


def _line(path: str, key: str) -> str:
    """The value behind a key of a file of /proc; empty if there is none."""
    try:
        lines = Path(path).read_text("utf-8").splitlines()
    except OSError:
        return ""
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(key)), "")


def _memory() -> float | None:
    total = _line("/proc/meminfo", "MemTotal").split()
    return round(int(total[0]) / 2**20, 1) if total else None

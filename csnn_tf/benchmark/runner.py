"""All cases of a benchmark, one process after the other."""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterable
from typing import Any

from csnn_tf.benchmark.case import BenchmarkCase
from csnn_tf.benchmark.machine import describe_machine
from csnn_tf.benchmark.messages import last_json

Show = Callable[[BenchmarkCase, dict[str, Any]], None]


def run_benchmark(
    cases: Iterable[BenchmarkCase], show: Show = lambda case, result: None
) -> dict[str, Any]:
    """Measure cases, each in a process of its own; one that fails does not end the others.

    Args:
        cases: What to measure, in this order.
        show: Called with each case and its result as soon as it is there.

    Returns:
        "machine": its description; "rows": a list of {"case": ..., "result": ...}; "interrupted":
        whether Ctrl-C kept the other cases from being measured. Ready for JSON. The result of a
        process that failed is {"failed": why}.
    """
    rows, interrupted = [], False
    try:
        for case in cases:
            result = _measure(case)
            show(case, result)
            rows.append({"case": vars(case), "result": result})
    except KeyboardInterrupt:  # what has been measured is kept
        interrupted = True
    return {"machine": describe_machine(), "rows": rows, "interrupted": interrupted}


def _measure(case: BenchmarkCase) -> dict[str, Any]:
    process = subprocess.run(
        [sys.executable, "-m", "csnn_tf.benchmark.worker", case.to_json()],
        capture_output=True,
        text=True,
        check=False,
    )
    found = last_json(process.stdout)
    if process.returncode < 0:  # what it said last is a library's greeting then
        number = -process.returncode
        cause = ", perhaps for want of memory" if number == signal.SIGKILL else ""
        return {"failed": f"killed by signal {number}{cause}"}
    if process.returncode or found is None:
        words = process.stderr.strip().splitlines() or [f"exit status {process.returncode}"]
        return {"failed": words[-1]}
    return found

"""Time that importing the package takes beyond Keras itself."""

import subprocess
import sys
import time
from typing import Any

from csnn_tf.benchmark.timing import median

ROUNDS = 5


def time_import() -> dict[str, Any]:
    """Seconds of a new process that imports Keras, and of one that imports the package too."""
    times: dict[str, list[float]] = {"import keras": [], "import keras, csnn_tf": []}
    for _ in range(ROUNDS):
        for program, found in times.items():
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
            found.append(time.perf_counter() - start)
    alone, both = (median(found) for found in times.values())
    return {"keras_seconds": alone, "with_package_seconds": both, "beyond_seconds": both - alone}

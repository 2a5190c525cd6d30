"""Times of functions taken in turns, so that a noisy machine treats all of them alike."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np

from csnn_tf.processor import accelerators

WARM_UP = 2
"""Calls of each function before any is timed: compilation, allocation."""


def take_turns(
    functions: Mapping[str, Callable[[], Any]], seconds: float, rounds: int = 5
) -> dict[str, list[float]]:
    """Seconds that each call of each function took.

    Args:
        functions: What to call, by name.
        seconds: Goes on for about this long,
        rounds: and for at least so many calls of each.

    Returns:
        As many times for each function, in the order of the calls.
    """
    for function in functions.values():
        for _ in range(WARM_UP):
            finished(function())
    times: dict[str, list[float]] = {name: [] for name in functions}
    end = time.perf_counter() + seconds
    done = 0
    while done < rounds or time.perf_counter() < end:
        for name, function in functions.items():
            start = time.perf_counter()
            finished(function())
            times[name].append(time.perf_counter() - start)
        done += 1
    return times


def median(times: list[float]) -> float:
    """The median time, s."""
    return float(np.median(times))


def finished(result: Any) -> Any:
    """Wait until a result is computed; accelerators work behind the caller's back."""
    backend = keras.backend.backend()
    if backend == "jax":
        import jax

        jax.block_until_ready(result)
    elif backend == "tensorflow" and accelerators():
        import tensorflow as tf

        tf.test.experimental.sync_devices()
    return result

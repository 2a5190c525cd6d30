"""Training on several devices of one host, or by several processes on one or more hosts.

Keras and JAX do the work: every device has a copy of the weights, computes its rows of every batch,
and the gradients and batch statistics are those of the whole batch. This module starts the
processes' connection, and knows which rows are whose.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import keras

from csnn_tf.errors import InputError
from csnn_tf.training.last_words import LastWords

SILENCE = 20
"""Seconds without a sign of life after which a process counts as dead."""
_START = 120
"""Seconds to wait for all processes at the start."""
_GO_ON = "The run folder keeps the last finished epoch: start all processes again with --resume."


class Distribution:
    """This process's part in a run.

    Args:
        processes: Number of processes.
        process: Number of this one, from 0; the first one writes the run folder.
    """

    def __init__(self, processes: int = 1, process: int = 0) -> None:
        self.processes, self.process = processes, process

    @property
    def writes(self) -> bool:
        """Whether this process writes the run folder."""
        return self.process == 0

    def rows(self, batch_size: int) -> slice:
        """The rows of every batch that this process reads and computes.

        Raises:
            InputError: If a batch cannot be shared evenly among the devices.
        """
        active = keras.distribution.distribution()
        devices = len(keras.distribution.list_devices()) if active is not None else 1
        if batch_size % devices:
            raise InputError(
                f"a batch of {batch_size} shapes cannot be shared evenly by {devices} devices: "
                "set batch_size to a multiple."
            )
        share = batch_size // self.processes
        return slice(self.process * share, (self.process + 1) * share)


@contextmanager
def distributed(
    coordinator: str | None = None, processes: int | None = None, process: int | None = None
) -> Iterator[Distribution]:
    """Train on all devices of this host, or of all processes, while in this context.

    Enter it before anything is computed. Where one of several processes fails or vanishes, the
    others cannot go on: they end with a sentence, within a minute. The status is 1, or that of an
    abort where JAX notices first.

    Args:
        coordinator: HOST:PORT where the first process listens; None for this process alone.
        processes: Number of processes.
        process: Number of this process, from 0.

    Raises:
        InputError: If the backend is not JAX, or the three do not fit together.
    """
    if keras.backend.backend() != "jax":
        raise InputError(
            "several devices or processes need the JAX backend: set KERAS_BACKEND=jax (Keras's fit "
            f"does not work with the strategies of {keras.backend.backend()} for several workers)."
        )
    part = _check(coordinator, processes, process)
    if part.processes == 1:
        with _data_parallel():
            yield part
        return
    me = f"csnn-tf: process {part.process}"
    words = LastWords(f"{me} was ended: it was killed, or another process vanished. {_GO_ON}")
    try:
        _connect(str(coordinator), part)
        with _data_parallel():
            yield part
        _disconnect()
        words.leave_unsaid()
    except KeyboardInterrupt:
        _leave(words, f"{me} was interrupted.", 130)
    except (InputError, SystemExit) as error:
        _leave(words, f"{me} stopped: {error}", 2)
    except Exception as error:  # of collective operations: JAX raises several kinds
        reason = f"{type(error).__name__}: " + str(error).strip().partition("\n")[0][:200]
        _leave(words, f"{me} cannot go on without the others ({reason}). {_GO_ON}", 1)


def _check(coordinator: str | None, processes: int | None, process: int | None) -> Distribution:
    given = [value is not None for value in (coordinator, processes, process)]
    if not any(given):
        return Distribution()
    if not all(given):
        raise InputError("--coordinator, --processes and --process-id are given together.")
    host, colon, port = str(coordinator).rpartition(":")
    if not (host and colon and port.isdecimal() and 0 < int(port) < 2**16):
        raise InputError(f"--coordinator must be HOST:PORT, not {coordinator!r}.")
    assert processes is not None
    assert process is not None
    if processes < 1 or not 0 <= process < processes:
        raise InputError(f"--process-id must be from 0 to {processes - 1}, not {process}.")
    return Distribution(processes, process)


def _connect(coordinator: str, part: Distribution) -> None:
    import jax

    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    try:
        # Not keras.distribution.initialize, which cannot say how soon a silence is noticed.
        jax.distributed.initialize(
            coordinator,
            part.processes,
            part.process,
            initialization_timeout=_START,
            heartbeat_timeout_seconds=SILENCE,
            shutdown_timeout_seconds=SILENCE,
        )
    except Exception as error:
        reason = str(error).strip().partition("\n")[0][:200]
        raise InputError(f"{coordinator} cannot be reached or used: {reason}") from error


def _disconnect() -> None:
    import jax

    jax.distributed.shutdown()


@contextmanager
def _data_parallel() -> Iterator[None]:
    before = keras.distribution.distribution()
    # Each process makes its own rows: there is no data set for Keras to share out.
    keras.distribution.set_distribution(keras.distribution.DataParallel(auto_shard_dataset=False))
    try:
        yield
    finally:
        keras.distribution.set_distribution(before)


def _leave(words: LastWords, message: str, status: int) -> None:
    """End at once: an orderly end would wait for the processes that are gone."""
    print(message, file=sys.stderr, flush=True)
    words.leave_unsaid()
    sys.stdout.flush()
    os._exit(status)

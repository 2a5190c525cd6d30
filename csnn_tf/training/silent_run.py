"""A run folder that is read and not written."""

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import keras

from csnn_tf.training.run_folder import RunFolder


class SilentRun(RunFolder):
    """What the processes of a run have that do not write: one of them does it for all."""

    def locked(self) -> AbstractContextManager[None]:
        """Nothing: the process that writes holds the lock."""
        return nullcontext()

    def record_epochs(self, epochs: int) -> AbstractContextManager[None]:
        """Nothing: the process that writes does it."""
        return nullcontext()

    def write_json(self, name: str, content: Any) -> None:
        """Nothing."""

    def mark_resumed(self, epoch: int) -> None:
        """Nothing."""

    def write_history(self, rows: list[dict[str, float]]) -> None:
        """Nothing."""

    def save_model(self, path: Path, model: keras.Model) -> None:
        """Nothing."""

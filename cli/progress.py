"""Progress of a training run: time left and live metrics."""

import time

import keras
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from csnn_tf.durations import duration

_WATCHED = 20.0  # seconds


class TrainingProgress(keras.callbacks.Callback):
    """Bar over all steps on a terminal, one line an epoch everywhere.

    Where no bar is shown a line says after a while how long it will take, if the first epoch is
    longer than that.

    Args:
        epochs: Number of epochs of the run.
    """

    async_safe = True  # the steps of an epoch in any order: see FiniteLoss

    def __init__(self, epochs: int) -> None:
        super().__init__()
        self.epochs, self.history = epochs, []
        self.console = Console(stderr=True)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[metrics]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(elapsed_when_finished=False),
            console=self.console,
            disable=not self.console.is_terminal,
        )
        self._task = None
        self._epoch = 0
        self._shown = 0.0
        self._done = 0
        self._watched_from: tuple[float, int] | None = None
        self._foretold = False

    def __enter__(self):
        """Show the bar."""
        self._foretold = self.console.is_terminal  # the bar says it
        self._bar.__enter__()
        return self

    def __exit__(self, *error):
        """Take the bar away."""
        self._bar.__exit__(*error)

    def on_train_begin(self, logs=None):
        """Set the bar's length."""
        total = self.epochs * self.params["steps"]
        self._task = self._bar.add_task("compiling", total=total, metrics="")
        if logs and "val_loss" in logs:
            self.say(f"before training  {self.held_out(logs).strip()}")

    def on_epoch_begin(self, epoch, logs=None):
        """Know, and say, where a resumed run is."""
        if epoch and not self.history:
            self.say(f"goes on with epoch {epoch + 1} of {self.epochs}")
        self._epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        """Advance; metrics ten times a second at most."""
        now = time.monotonic()
        done = self._epoch * self.params["steps"] + batch + 1
        if done < self._done:
            return
        if not self._foretold:
            self._foretell(now, done)
        if now - self._shown > 0.1 or batch + 1 == self.params["steps"]:
            self._shown, self._done = now, done
            metrics = " ".join(f"{name} {float(value):.3f}" for name, value in logs.items())
            self._bar.update(
                self._task,
                completed=done,
                description=f"epoch {self._epoch + 1}/{self.epochs}",
                metrics=metrics,
            )

    def _foretell(self, now: float, done: int) -> None:
        """Say how long it will take, once the steps after the first, which compiles, tell."""
        if self._watched_from is None:
            self._watched_from = now, done
        begun, first = self._watched_from
        if now - begun < _WATCHED or done == first:
            return
        self._foretold = True
        steps = self.params["steps"]
        if done == self.epochs * steps:
            return
        step = (now - begun) / (done - first)
        epoch, left = step * steps, step * (self.epochs * steps - done)
        self.say(f"an epoch takes some {duration(epoch)}, all that is left {duration(left)}")

    def on_epoch_end(self, epoch, logs=None):
        """One line."""
        self._foretold = True
        row = {name: float(value) for name, value in logs.items()}
        row["epoch"] = epoch + 1
        self.history.append(row)
        text = f"epoch {epoch + 1:3d}/{self.epochs}  {self.described(row)}"
        text += f"  rate {row['learning_rate']:.2e}  {row['seconds']:.1f} s"
        self.say(text)

    def say(self, text: str) -> None:
        """Print a line above the bar."""
        self.console.print(text, highlight=False, soft_wrap=True)

    def described(self, row: dict[str, float]) -> str:
        """What an epoch's line says of its loss and accuracies."""
        return f"loss {row['loss']:.4f}  accuracy {row['accuracy']:.4f}{self.held_out(row)}"

    def held_out(self, row: dict[str, float]) -> str:
        """What a line says of held-out shapes, nothing where there are none."""
        return f"  held out {row['val_accuracy']:.4f}" if "val_accuracy" in row else ""

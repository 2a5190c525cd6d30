"""Progress of the training of a density of states."""

from csnn_tf.cli.progress import TrainingProgress


class DosProgress(TrainingProgress):
    """The progress of a classifier's training, with the errors of a density of states.

    Args:
        epochs: Number of epochs of the run.
    """

    def on_epoch_end(self, epoch, logs=None):
        """One line."""
        row = {name: float(value) for name, value in logs.items()}
        row["epoch"] = epoch + 1
        self.history.append(row)
        text = f"epoch {epoch + 1:3d}/{self.epochs}  loss {row['loss']:.3e}"
        if "val_loss" in row:
            text += f"  held out {row['val_loss']:.3e}: {dos_errors(row)}"
        text += f"  rate {row['learning_rate']:.2e}  {row['seconds']:.1f} s"
        self.console.print(text, highlight=False, soft_wrap=True)


def dos_errors(row: dict[str, float]) -> str:
    """Errors on held-out structures, from a row of the history."""
    text = f"DOS {row['val_dos']:.4f} states/eV/atom"
    if "val_band" in row:
        text += f", band energy {row['val_band']:.4f} eV/atom"
    return text

"""Progress of the training of a density of states."""

from math import isnan

from csnn_tf.cli.progress import TrainingProgress


class DosProgress(TrainingProgress):
    """The progress of a classifier's training, with the errors of a density of states.

    Args:
        epochs: Number of epochs of the run.
    """

    def on_train_begin(self, logs=None):
        """Say how many bins of a trained model do not begin as they were."""
        anew = (logs or {}).get("bins_set_anew", 0)
        if anew:
            self.say(
                f"{anew:.0f} energy bins in which the trained model gives nothing like the data "
                "begin anew"
            )
        super().on_train_begin(logs)

    def described(self, row: dict[str, float]) -> str:
        """What an epoch's line says of its loss and errors."""
        return f"loss {row['loss']:.3e}{self.held_out(row)}"

    def held_out(self, row: dict[str, float]) -> str:
        """What a line says of held-out structures, nothing where there are none."""
        return f"  held out {row['val_loss']:.3e}: {dos_errors(row)}" if "val_loss" in row else ""


def dos_errors(row: dict[str, float]) -> str:
    """Errors on held-out structures, from a row of the history."""
    text = f"DOS {row['val_dos']:.4f} states/eV/atom"
    if "val_band" not in row:
        return text
    if isnan(row["val_band"]):
        return f"{text}, no band energy: a predicted DOS does not reach the electron count"
    return f"{text}, band energy {row['val_band']:.4f} eV/atom"

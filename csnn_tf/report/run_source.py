"""What a page is about: a run folder, a .keras file or a trained model of the package."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from csnn_tf.errors import InputError
from csnn_tf.models.loading import model_file, training_record
from csnn_tf.training.best_epoch import best_row
from csnn_tf.training.run_folder import RunFolder, history_numbers, versions


@dataclass(frozen=True)
class RunSource:
    """The files of a run, read.

    Attributes:
        name: What the page calls it.
        model: Its .keras file.
        folder: The run folder, or None for a model by itself.
        config: The recorded configuration, empty where there is none.
        versions: Versions recorded with the run, and what they were later if it was resumed with
            other ones.
        reporting: Versions that make the page.
        history: Column name to [epochs] values of history.csv, empty where there is none.
        resumed: First epoch of every part that was resumed.
    """

    name: str
    model: Path
    folder: Path | None
    config: dict[str, Any]
    versions: dict[str, str]
    reporting: dict[str, str] = field(default_factory=versions)
    history: dict[str, NDArray] = field(default_factory=dict)
    resumed: tuple[int, ...] = ()

    @classmethod
    def find(cls, run: str | Path) -> "RunSource":
        """Read what a user names.

        Args:
            run: A run folder, a .keras file or the name of a trained model.

        Raises:
            InputError: If there is no model, or a file of the run cannot be read.
        """
        model = model_file(run)
        path = Path(run)
        folder = path if model == path / "best.keras" else None
        if folder is None:
            return cls(model.stem, model, None, training_record(run), {})
        files = RunFolder(folder)

        def optional(name: str, kind: type) -> Any:
            found = files.read_json(name) if (folder / name).is_file() else kind()
            if not isinstance(found, kind):
                raise InputError(f"{folder / name} must hold a {kind.__name__}.")
            return found

        resumed = files.read_resumed()
        return cls(
            folder.resolve().name,
            model,
            folder,
            optional("config.json", dict),
            _all_versions(optional("versions.json", dict), resumed),
            history=read_history(folder / "history.csv"),
            resumed=tuple(resumed),
        )

    def best_epoch(self) -> int | None:
        """The epoch that best.keras is of, by what training goes by, or None if unknown."""
        columns = self.history
        if "epoch" not in columns or not columns.keys() & {"val_loss", "loss"}:
            return None
        values = zip(*columns.values(), strict=True)
        best = best_row(dict(zip(columns, row, strict=True)) for row in values)
        return None if best is None else int(best["epoch"])


def _all_versions(begun: dict[str, str], resumed: dict[int, dict[str, str]]) -> dict[str, str]:
    """Each package's version, followed by those of later epochs where it changed."""
    shown, last = dict(begun), dict(begun)
    for epoch, versions_then in resumed.items():
        # One that is not there then is missing; of some parts nothing is known.
        for name in dict.fromkeys([*last, *versions_then]) if versions_then else ():
            value = versions_then.get(name, "–")
            if last.get(name, "–") != value:
                shown[name] = f"{shown.get(name, '–')}; from epoch {epoch} {value}"
                last[name] = value
    return shown


def read_history(path: Path) -> dict[str, NDArray]:
    """Columns of a history.csv, NaN for empty cells; nothing if there is no such file.

    Raises:
        InputError: If it is not a table of numbers.
    """
    rows = history_numbers(path)
    return {name: np.array([row[name] for row in rows]) for name in (rows[0] if rows else ())}

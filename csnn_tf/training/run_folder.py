"""The folder of a training run: configuration, history, models; written so that nothing is lost."""

import csv
import io
import json
import platform
import re
from contextlib import AbstractContextManager, ExitStack, nullcontext
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import keras

from csnn_tf.atomic_files import check_free, write_aside
from csnn_tf.errors import InputError
from csnn_tf.training.run_lock import locked

# Name of a file of a run that is being written, see `write_aside`.
_ASIDE = re.compile(
    r"\.(best|last|history|test_history|checkpoint|config|versions|resumed|initial)-\w{8}\.\w+"
)
_PACKAGES = (
    *("csnn-tf", "keras", "tensorflow", "jax", "numpy", "scipy"),
    *("tensorflow-graphics", "trimesh", "vesin", "ase"),  # points of meshes, neighbours of atoms
)

CONTENTS = "contents"
"""Entry of config.json: a digest of the data that the run was begun with."""
INITIAL = "initial.json"
"""File of a run that began with a trained model: what there was to say of that one."""
RESUMED = "resumed.json"
"""File of a run that was resumed: with which epochs, and which versions each time."""


def check_run_is_free(path: Path) -> None:
    """Raise `InputError` if a run cannot begin in a folder because something is there."""
    check_free(path, "folder (--out)")


class RunFolder:
    """A run's files: config.json, versions.json, history.csv, best.keras, last.keras and, where it
    began with a trained model or was resumed, initial.json and resumed.json.

    Args:
        path: The folder.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    @classmethod
    def create(cls, path: str | Path, locks: ExitStack) -> "RunFolder":
        """Make an empty run folder.

        Args:
            path: The folder.
            locks: Keeps other processes from beginning a run there, until config.json is locked: an
                export may want the folder later.

        Raises:
            InputError: If there is something at the path already, another process begins there, or
                it cannot be written.
        """
        path = Path(path)
        check_run_is_free(path)
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{path} cannot be made: {error.strerror}.") from error
        locks.enter_context(locked(path))
        check_run_is_free(path)  # nobody was there in between
        return cls(path)

    @classmethod
    def begun(cls, path: str | Path) -> "RunFolder":
        """The folder of a run that has begun.

        Raises:
            InputError: If it is none.
        """
        if not (Path(path) / "config.json").is_file():
            raise InputError(f"{path} is no run folder: it has no config.json.")
        return cls(path)

    def check_contents(self, contents: str) -> None:
        """Raise `InputError` if the run was begun with data of another digest."""
        if self.read_json("config.json").get(CONTENTS, contents) != contents:
            raise InputError(f"{self.path} was begun with other data, or it has changed since.")

    def locked(self) -> AbstractContextManager[None]:
        """Keep other processes from training here; the run has begun.

        Raises:
            InputError: If one does.
        """
        return locked(self.path / "config.json")

    def record_epochs(self, epochs: int) -> AbstractContextManager[None]:
        """Record in config.json the number of epochs that the run goes on to.

        Returns:
            What keeps other processes out of the folder from now on: their lock is on config.json,
            so that of another file in its place has to be held too.

        Raises:
            InputError: If the file cannot be read or written, or another process was faster.
        """
        recorded = self.read_json("config.json")
        if recorded.get("epochs") == epochs:
            return nullcontext()
        self.write_json("config.json", {**recorded, "epochs": epochs})
        return self.locked()

    @property
    def best(self) -> Path:
        """The model of the epoch that was best on the held-out shapes."""
        return self.path / "best.keras"

    @property
    def last(self) -> Path:
        """The model of the last finished epoch."""
        return self.path / "last.keras"

    def write_json(self, name: str, content: Any) -> None:
        """Write a JSON file."""
        text = json.dumps(content, indent=2) + "\n"
        write_aside(self.path / name, lambda temporary: temporary.write_text(text, "utf-8"))

    def read_json(self, name: str) -> Any:
        """Read a JSON file.

        Raises:
            InputError: If it is missing or not JSON.
        """
        path = self.path / name
        try:
            return json.loads(path.read_text("utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise InputError(f"{path} cannot be read as JSON: {error}.") from error

    def read_initial(self) -> dict[str, float] | None:
        """What initial.json says of the model that the run began with; None without measures.

        Raises:
            InputError: If it is there and not JSON.
        """
        if not (self.path / INITIAL).is_file():
            return None
        found = self.read_json(INITIAL)
        return found if isinstance(found, dict) and "val_loss" in found else None

    def write_history(self, rows: list[dict[str, float]]) -> None:
        """Write history.csv, one row an epoch."""
        text = io.StringIO()
        writer = csv.DictWriter(text, fieldnames=list(rows[-1]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        write_aside(
            self.path / "history.csv",
            lambda temporary: temporary.write_text(text.getvalue(), "utf-8", newline=""),
        )

    def mark_resumed(self, epoch: int) -> None:
        """Record in resumed.json that the run goes on, after a stop, with an epoch, and on what.

        What a killed run was writing just then is removed.
        """
        for path in self.path.iterdir():
            if _ASIDE.fullmatch(path.name):
                path.unlink(missing_ok=True)
        starts = {start: on for start, on in self.read_resumed().items() if start < epoch}
        starts[epoch] = versions()
        self.write_json(RESUMED, [{"epoch": start, **on} for start, on in starts.items()])

    def read_resumed(self) -> dict[int, dict[str, str]]:
        """The first epoch of every part that was resumed, and the versions that it was made with.

        Those are unknown of runs that recorded the epochs alone.

        Raises:
            InputError: If resumed.json is there and not of that kind.
        """
        found = self.read_json(RESUMED) if (self.path / RESUMED).is_file() else []
        try:
            starts = [
                dict(start) if isinstance(start, dict) else {"epoch": start} for start in found
            ]
            return {int(start.pop("epoch")): start for start in starts}
        except (TypeError, ValueError, KeyError):
            raise InputError(f"{self.path / RESUMED} must be a list of epochs.") from None

    def save_model(self, path: Path, model: keras.Model) -> None:
        """Write a .keras file, of a model that computes in the type of its weights.

        So what was trained in mixed precision, for speed, answers in float32 wherever it is loaded.
        """
        policy = model.dtype_policy
        model.dtype_policy = policy.variable_dtype  # the layers inside take it from the file
        try:
            write_aside(path, model.save)
        finally:
            model.dtype_policy = policy


def made_in_python(record: dict[str, Any]) -> bool:
    """Whether a classifier was trained on shapes that were given in Python, and lie in no folder.

    Args:
        record: What its config.json says.
    """
    return CONTENTS in record and record.get("data") != "shapes" and not record.get("folder")


def history_rows(path: Path) -> list[dict[str, str]]:
    """Rows of a history, one an epoch; none if there is no such file."""
    try:
        with open(path, encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    except FileNotFoundError:
        return []


def history_numbers(path: Path) -> list[dict[str, float]]:
    """Those rows as numbers, NaN for empty cells.

    Raises:
        InputError: If it is not a table of numbers.
    """
    try:
        return [
            {name: float(value or "nan") for name, value in row.items()}
            for row in history_rows(path)
        ]
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"{path} cannot be read as a table of numbers: {error}.") from error


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that decide the numbers."""
    found = {"python": platform.python_version(), "backend": keras.backend.backend()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return {**found, "machine": platform.machine(), "system": platform.system()}

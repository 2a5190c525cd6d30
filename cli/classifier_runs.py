"""What the commands that reproduce classifiers' tables share: options, data, runs."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from csnn_tf.cli.options import (
    data_option,
    data_to_record,
    load_shapes,
    make_folder,
    own_name,
    parse_epochs,
    parse_fields,
)
from csnn_tf.cli.several_runs import BUDGET, goes_on_later, quiet_retracing, say_training
from csnn_tf.errors import InputError

if TYPE_CHECKING:
    from csnn_tf.data.mesh_set import MeshSet
    from csnn_tf.data.shape_set import ShapeSet
    from csnn_tf.reproduction.classifier_runs import ClassifierRun
    from csnn_tf.training.config import TrainingConfig

_OPTIONS = (
    data_option,
    click.option(
        "--preset",
        default="small",
        show_default=True,
        help="Size of the models: paper, small or tiny.",
    ),
    click.option(
        "--recipe",
        help="Optimiser: paper, best, tilted or quick [default: best; built-in shapes: quick].",
    ),
    click.option(
        "--set",
        "settings",
        multiple=True,
        metavar="KEY=VALUE",
        help="Change one field of the training, or of the models that have it.",
    ),
    click.option("--epochs", type=int, help="Number of epochs of each run."),
    click.option("--budget", type=click.FloatRange(0), help=BUDGET),
    click.option("--seed", type=int, default=0, show_default=True, help="Of everything random."),
    click.option(
        "--out", type=click.Path(path_type=Path), required=True, help="Folder of runs and tables."
    ),
)

_PER_CLASS = 50
per_class_option = click.option(
    "--per-class",
    type=click.IntRange(1, 1_000_000),
    default=_PER_CLASS,
    show_default=True,
    help="Test shapes of a class, of the built-in ones.",
)
"""For the commands that use test shapes."""


def run_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of all these commands; they come together as `Request.of`'s arguments."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@dataclasses.dataclass
class Request:
    """What was asked for.

    Attributes:
        folder: Of the data, or None for the built-in shapes.
        preset, recipe, fields, seed: See `csnn_tf.training.config.TrainingConfig`.
        budget: Minutes, or None.
        per_class: Test shapes of a class, of the built-in ones.
        out: Folder of the runs.
    """

    folder: Path | None
    preset: str
    recipe: str
    fields: dict[str, Any]
    seed: int
    budget: float | None
    per_class: int
    out: Path
    _tests: dict[int, "ShapeSet"] = dataclasses.field(default_factory=dict)

    @classmethod
    def of(
        cls,
        *,
        folder,
        preset,
        recipe,
        settings,
        epochs,
        budget,
        seed,
        out,
        per_class=_PER_CLASS,
        holds_out=True,
    ):
        """The request of a command's options, and whether its epochs are chosen on held-out shapes.

        Raises:
            InputError: If a setting cannot be read.
        """
        fields = parse_fields(settings)
        if holds_out and fields.get("validation") == 0:
            raise InputError("--set does not take validation=0: some shapes must be held out.")
        fields = parse_epochs(epochs, fields)
        recipe = recipe or ("quick" if folder is None else "best")
        return cls(folder, preset, recipe, fields, seed, budget, per_class, out)

    @property
    def data(self) -> str:
        """Name of the data."""
        if self.folder is None:
            return "the built-in shapes"
        return own_name(self.folder)

    def config(self, architecture: str, rotation: str, **changes: Any) -> "TrainingConfig":
        """The configuration of a run, with changes; what the model does not have is left out."""
        from csnn_tf.models.architectures import architecture as find
        from csnn_tf.training.config import TrainingConfig, model_fields

        kind = find(architecture)
        others = set(model_fields()) - set(kind.fields())
        fields = {name: value for name, value in self.fields.items() if name not in others}
        return TrainingConfig.from_recipe(
            self.recipe,
            data="shapes" if self.folder is None else "modelnet",
            folder=None if self.folder is None else data_to_record(self.folder),
            architecture=architecture,
            preset=self.preset,
            rotation=rotation,
            **{"seed": self.seed, **fields, **changes},
        )

    def train(
        self,
        configs: "Mapping[str, TrainingConfig]",
        fields: Sequence[str] = (),
        further: "Callable[[str, TrainingConfig], list[Any]]" = lambda name, config: [],
        shapes: "Callable[[TrainingConfig], ShapeSet | MeshSet] | None" = None,
    ) -> "dict[str, ClassifierRun]":
        """Train what is missing, and say which runs there was no time for.

        Args:
            configs: What to train, by the runs' names.
            fields: Fields of the model in which a run that is there must agree.
            further: Further callbacks of a run.
            shapes: Gives what a run is trained on; by default the whole training set.

        Raises:
            InputError: If there is no model in the end.
        """
        from csnn_tf.cli.progress import TrainingProgress
        from csnn_tf.reproduction.classifier_runs import train_classifiers

        def callbacks(name, config):
            say_training(name, config.epochs)
            return [TrainingProgress(config.epochs), *further(name, config)]

        self.make_out()
        quiet_retracing()
        with goes_on_later():
            runs = train_classifiers(
                configs,
                shapes or self.training_shapes,
                self.out,
                fields=fields,
                budget=None if self.budget is None else 60 * self.budget,
                callbacks=callbacks,
            )
        if not runs:
            raise InputError(f"there is no trained model in {self.out}, and no time to train one.")
        missing = [name for name in configs if name not in runs]
        if missing:
            click.echo(f"Not trained for lack of time: {', '.join(missing)}.")
        return runs

    def make_out(self) -> None:
        """Make the folder of the runs.

        Raises:
            InputError: If it cannot be made, or there are no data.
        """
        if self.folder is not None and not self.folder.exists():
            raise InputError(f"{self.folder} does not exist: --data is the folder of the data.")
        make_folder(self.out)

    def training_shapes(self, config: "TrainingConfig") -> "ShapeSet | MeshSet":
        """The training shapes, as many and with as many points as a run takes."""
        return self._shapes("train", config.num_points, config.per_class, config.resample)

    def tests(self, config: "TrainingConfig") -> "ShapeSet":
        """The test shapes, with as many points as a run takes."""
        from csnn_tf.data.mesh_set import MeshSet

        points = config.num_points
        if points not in self._tests:
            found = self._shapes("test", points, self.per_class)
            if isinstance(found, MeshSet):
                found = found.to_shape_set(points, self.seed)
            self._tests[points] = found
        return self._tests[points]

    def _shapes(self, split: str, points: int, per_class: int, whole: bool = False):
        return load_shapes(
            "shapes" if self.folder is None else "modelnet",
            self.folder,
            split,
            num_points=points,
            per_class=per_class,
            whole=whole,
        )


def step(name: str) -> None:
    """Say what is being measured."""
    click.echo(f"Measuring {name}.", err=True)


def shown(files: Sequence[Path]) -> None:
    """Print the first file, and the names of all."""
    click.echo(files[0].read_text("utf-8"))
    click.echo(f"Written: {', '.join(map(str, files))}")

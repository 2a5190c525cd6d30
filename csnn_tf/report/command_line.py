"""The command that repeats a run."""

import json
import shlex
from typing import Any

from csnn_tf.errors import InputError
from csnn_tf.training.run_config import RunConfig

_BY_OPTION = {"data", "folder", "preset", "recipe", "model", "rotation", "rotate", "seed", "epochs"}
_BY_OPTION |= {"architecture", "electrons", "initial", "per_cell", "reference_energy", "bins"}
"""Fields that have an option of their own."""


def training_command(config: dict[str, Any], built_in: bool | None = None) -> str:
    """The command line that a recorded configuration came from, or one that does the same.

    Args:
        config: The configuration that a run folder or a trained model's JSON file records.
        built_in: Whether a density of states was trained on the structures that are built in; by
            default where its data is called like them.

    Returns:
        The command; an empty text if the record does not say enough.

    Example:
        >>> training_command({"data": "shapes", "preset": "small", "recipe": "best", "seed": 3})
        'csnn-tf train shapes --preset small --recipe best --seed 3'
    """
    if "command" in config:
        return str(config["command"])
    if not {"data", "preset", "recipe"} <= config.keys():
        return ""
    words = ["csnn-tf", "train", *_data(config, built_in)]
    if config.get("initial") is None:  # else it is like that model
        words += ["--preset", config["preset"]]
    words += ["--recipe", config["recipe"]]
    if "rotation" in config:
        words += ["--rotation", config["rotation"]]
    if config.get("rotate") is False:
        words.append("--no-rotate")
    for name in ("seed", "epochs"):
        if name in config:
            words += [f"--{name}", config[name]]
    for name, value in changed_fields(config).items():
        words += ["--set", f"{name}={value if isinstance(value, str) else json.dumps(value)}"]
    return shlex.join(map(str, words))


def is_dos(config: dict[str, Any]) -> bool:
    """Whether a configuration is of a density-of-states run."""
    return "elements" in config or "rotate" in config


def _data(config: dict[str, Any], built_in: bool | None) -> list[str]:
    if is_dos(config):
        if built_in is None:
            built_in = config["data"] == "carbon"
        words = ["dos"] if built_in else ["dos", "--data", config["data"]]
        electrons = config.get("electrons")
        if isinstance(electrons, dict):
            electrons = ",".join(f"{name}={_exact(count)}" for name, count in electrons.items())
        initial = config.get("initial")
        for option, value in (
            ("--electrons", electrons),
            ("--reference-energy", config.get("reference_energy")),
            ("--bins", config.get("bins")),
            ("--model", config.get("architecture") if initial is None else None),
            ("--from", initial),
        ):
            words += [] if value is None else [option, str(value)]
        return [*words, "--per-cell"] if config.get("per_cell") else words
    folder, model = config.get("folder"), config.get("architecture", "csnn")
    words = [config["data"], *(["--data", folder] if folder else [])]
    if config.get("initial") is not None:
        return [*words, "--from", str(config["initial"])]
    return words if model == "csnn" else [*words, "--model", model]


def _exact(count: float) -> str:
    """A number in as few digits as give it again."""
    return repr(count).removesuffix(".0")


def _kind(config: dict[str, Any]) -> type[RunConfig]:
    if is_dos(config):
        from csnn_tf.training.dos_config import DosConfig

        return DosConfig
    from csnn_tf.training.config import TrainingConfig

    return TrainingConfig


def changed_fields(config: dict[str, Any]) -> dict[str, Any]:
    """Fields of the training and of the model that are not what the recipe says.

    Those that have an option of their own, such as the seed, are not among them.

    Args:
        config: As for `training_command`.
    """
    config = json.loads(json.dumps(config))  # as a run folder records it: lists, no tuples
    try:
        recipe = _kind(config).from_recipe(
            config["recipe"],
            architecture=config.get("architecture", "csnn"),
            preset=config["preset"],
        )
    except InputError:  # a recipe or preset that is no longer known
        return dict(config.get("model", {}))
    usual = json.loads(json.dumps(recipe.to_dict()))
    own = {name: value for name, value in config.items() if name in usual.keys() - _BY_OPTION}
    if config.get("folder") or config["data"] != "shapes":
        own.pop("per_class", None)  # about the built-in shapes alone, and refused beside others
    model, usual_model = config.get("model", {}), usual["model"]
    return {
        **{name: value for name, value in own.items() if usual[name] != value},
        **{
            name: value
            for name, value in model.items()
            if name not in usual_model or usual_model[name] != value
        },
        # A recipe that has come to set a field since the run was made.
        **{name: _unset(config, name) for name in usual_model if name not in model},
    }


def _unset(config: dict[str, Any], name: str) -> Any:
    """What a field of the model is where nothing but the preset sets it."""
    if is_dos(config):
        from csnn_tf.models.dos_architectures import dos_architecture as find
    else:
        from csnn_tf.models.architectures import architecture as find
    kind = find(config.get("architecture", "csnn"))
    return kind.presets.get(config["preset"]).get(name, kind.default(name))

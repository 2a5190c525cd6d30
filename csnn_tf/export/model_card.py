"""The model card that travels with an export."""

import dataclasses
import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import csnn_tf
from csnn_tf.export.serving import Serving
from csnn_tf.training.config import TrainingConfig
from csnn_tf.training.dos_config import DosConfig
from csnn_tf.training.public_record import public_text
from csnn_tf.training.run_folder import CONTENTS, versions

# What records have beside the fields of the configurations.
_RECORDED = ("name", "command", "stages", "classes", "elements", CONTENTS)
_PRIVATE = object()


def model_card(
    serving: Serving,
    name: str,
    source: str,
    record: Mapping[str, Any],
    remarks: Sequence[str] = (),
    *,
    portable: bool = False,
) -> str:
    """Markdown that says what an exported model is.

    Args:
        serving: The exported model.
        name: Name under which it is served.
        source: Name and SHA-256 of the .keras file that it comes from.
        record: What the training run recorded; may be empty.
        remarks: Sentences about that.
        portable: Whether it is exported for another runtime than TensorFlow's.
    """
    options, model = serving.options, serving.model
    labels = list(serving.labels)
    facts = {
        "Model": f"{type(model).__name__}, {model.count_params():,} weights",
        "Source": source,
        "Exported": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "Precision": options.precision,
        "Batch normalisation": "folded" if options.fold else "as trained",
        "Rotation votes": str(options.votes),
        "Package": f"csnn-tf {csnn_tf.__version__}",
        "Written with": ", ".join(
            f"{package} {number}"
            for package, number in versions().items()
            if package in ("keras", "tensorflow")
        ),
    }
    parts = [f"# {name}", "\n".join(f"- {key}: {value}" for key, value in facts.items())]
    sections = serving.portable_card() if portable else serving.card()
    parts += [f"## {title}\n\n{text}" for title, text in sections.items()]
    if labels:
        parts.append(f"## Labels\n\n{', '.join(labels)}")
    if record := _known(record):
        parts.append("\n\n".join(["## Training", *remarks, _json(record)]))
    config = {
        key: value
        for key, value in model.get_config().items()
        if key not in ("name", "trainable", "frozen", "dtype", "class_names", "energies")
    }
    parts.append(f"## Configuration\n\n{_json(config)}")
    return "\n\n".join(parts) + "\n"


def _known(record: Mapping[str, Any]) -> dict[str, Any]:
    """What a training records; a card is public, and whatever else the file says is not."""
    fields = [
        field.name for kind in (TrainingConfig, DosConfig) for field in dataclasses.fields(kind)
    ]
    known = {
        key: _public(key, value) for key, value in record.items() if key in (*fields, *_RECORDED)
    }
    return {key: value for key, value in known.items() if value is not _PRIVATE}


def _public(key: str, value: Any) -> Any:
    """What of a field is for everyone: values that are single, and no more of paths than names."""
    if key == "model" and isinstance(value, dict):
        fields = {*TrainingConfig.model_fields(), *DosConfig.model_fields()}
        value = {name: _public("", each) for name, each in value.items() if name in fields}
        return {name: each for name, each in value.items() if each is not _PRIVATE}
    if key == "electrons" and isinstance(value, dict):
        return {
            name: each
            for name, each in value.items()
            if re.fullmatch("[A-Z][a-z]?", name) and isinstance(each, int | float)
        }
    if isinstance(value, str):
        return public_text(key, value)
    if isinstance(value, list):
        values = [_public(key, each) for each in value if not isinstance(each, list)]
        return [each for each in values if each is not _PRIVATE]
    return value if value is None or isinstance(value, int | float) else _PRIVATE


def _json(content: Mapping[str, Any]) -> str:
    return f"```json\n{json.dumps(content, indent=2, default=str)}\n```"

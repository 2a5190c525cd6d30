"""One thing to measure."""

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any

from csnn_tf.errors import InputError

KINDS = (
    "machine",
    "import",
    "mapping",
    "training",
    "inference",
    "input",
    "layers",
    "dos-training",
    "dos-inference",
)


@dataclass(frozen=True)
class BenchmarkCase:
    """What a process of its own measures.

    Args:
        kind: "machine" (limits alone), "import" (of the package, beyond Keras), "mapping",
            "training" (a step), "inference", "input" (a training step waiting for its batch),
            "layers" (each layer, forward and backward), and the density-of-states model's step and
            inference.
        preset: Name of the preset.
        changes: Fields of the model that differ from it.
        batch: Clouds, or atoms of a density of states, in a batch.
        points: Points of a cloud.
        seconds: Time to measure for, after compilation.
        plain: Whether the plain formulation is measured in turns with it.
        mixed: Whether it runs in mixed bfloat16, in turns with float32.

    Raises:
        InputError: If a value makes no sense.
    """

    kind: str
    preset: str = "paper"
    changes: dict[str, Any] = field(default_factory=dict)
    batch: int = 8
    points: int = 1024
    seconds: float = 10.0
    plain: bool = False
    mixed: bool = False

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InputError(f"kind must be one of {', '.join(KINDS)}, not {self.kind!r}.")
        for name in ("batch", "points"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise InputError(f"{name} must be a positive whole number, not {value!r}.")
        if not 0 < self.seconds <= 3600:
            raise InputError(f"seconds must be above 0 and at most 3600, not {self.seconds!r}.")

    def to_json(self) -> str:
        """As text for another process."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "BenchmarkCase":
        """From `to_json`."""
        return cls(**json.loads(text))

"""What a user can choose about an export."""

from dataclasses import dataclass

from csnn_tf.checks import check_between, check_positive
from csnn_tf.errors import InputError

FORMATS = ("savedmodel", "onnx", "tflite")
PRECISIONS = ("float32", "bfloat16")


@dataclass(frozen=True)
class ExportOptions:
    """Choices that shape the exported graph.

    Args:
        votes: Rotations over which class probabilities, or densities of states, are averaged; 1
            takes the input as it comes.
        precision: What the network computes in and stores its weights in: "float32" or "bfloat16".
            The mapping to spheres and all outputs are float32 in either case.
        fold: Whether batch normalisations are folded into the convolution or dense layer before
            them.
        top: How many classes `classes` and `scores` list, best first (at most all of them).
        max_points: Rows of `points` that a request may have over all its clouds, padding included;
            for atoms, pairs of neighbours.
        max_clouds: Clouds or structures that a request may have.
        max_atoms: Atoms that a request may have. These bounds keep a request from taking the
            server's memory.

    Raises:
        InputError: If a choice is unknown or out of range.
    """

    votes: int = 1
    precision: str = "float32"
    fold: bool = True
    top: int = 5
    max_points: int = 1_000_000
    max_clouds: int = 128
    max_atoms: int = 10_000

    def __post_init__(self) -> None:
        for name in ("votes", "top"):
            check_positive(name, getattr(self, name))
        for name in ("max_points", "max_clouds", "max_atoms"):  # which graphs count in 64 bits
            check_between(name, getattr(self, name), 1, 2**63 - 1)
        if self.precision not in PRECISIONS:
            raise InputError(
                f"precision must be {' or '.join(PRECISIONS)}, not {self.precision!r}."
            )

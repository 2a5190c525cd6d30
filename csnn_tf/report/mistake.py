"""A shape that was classified wrong."""

from dataclasses import dataclass

from numpy.typing import NDArray


@dataclass(frozen=True)
class Mistake:
    """A shape and what the model took it for in many orientations.

    Attributes:
        name: Where the shape comes from.
        points: [n, 3] the cloud as it is filed.
        true: Its class.
        top: The three classes of the highest probability: name, mean probability over the
            orientations, and in how many orientations it came first.
    """

    name: str
    points: NDArray
    true: str
    top: tuple[tuple[str, float, int], ...]

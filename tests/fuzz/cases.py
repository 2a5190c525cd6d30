"""Generated cases: how many, what may come of them, and damaged bytes."""

import contextlib
import os
import signal
from collections import Counter
from collections.abc import Iterable, Iterator

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from csnn_tf.errors import InputError

EXAMPLES = int(os.environ.get("CSNN_TF_FUZZ_EXAMPLES", "0"))
"""Cases of a whole test; `make fuzz` sets it. Without it a few, the same ones every time."""
TRIED: Counter[str] = Counter()
"""Cases tried so far by test, for the summary."""
REFUSED: Counter[str] = Counter()
"""Those of them that were refused."""
SECONDS = 120
"""A case that takes longer hangs."""


def cases(share: float = 1.0, short: int = 25) -> settings:
    """Settings of a test that takes a share of the cases, or `short` of them by default."""
    return settings(
        max_examples=max(1, round(EXAMPLES * share)) if EXAMPLES else short,
        derandomize=not EXAMPLES,
        database=None,
        deadline=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )


def running() -> str:
    """The test that runs, without its parameters."""
    return os.environ["PYTEST_CURRENT_TEST"].partition(" ")[0].partition("[")[0]


@contextlib.contextmanager
def refused_or_right(*culprits: object) -> Iterator[None]:
    """A case: whatever it does must succeed or raise an InputError that names the culprit."""
    TRIED[running()] += 1
    previous = signal.signal(signal.SIGALRM, _hangs)
    signal.alarm(SECONDS)
    try:
        yield
    except InputError as error:
        REFUSED[running()] += 1
        message = str(error)
        assert message.strip()
        assert "\n" not in message, message
        if culprits:
            assert any(str(culprit) in message for culprit in culprits), message
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, previous)


def _hangs(*_):
    raise AssertionError(f"the case takes more than {SECONDS} s")


def ends(content: bytes, short: int, last: int = 0) -> Iterable[int]:
    """Where to cut a file off: at every byte in `make fuzz`.

    Otherwise at about `short` places at even distances, and at each of the `last` bytes.
    """
    step = 1 if EXAMPLES else max(1, len(content) // short)
    tail = max(0, len(content) - last)
    return [*range(0, tail, step), *range(tail, len(content))]


_FRAGMENTS = (
    b"",
    b"\x00" * 4,
    b"\xff" * 4,
    b"\xff\xff\xff\x7f",
    b"\x00\x00\x00\x80",
    b"1000000000000",
    b"-1",
    b"nan",
    b"inf",
    b"1e400",
    b"\n",
    b"\n\n",
    b" ",
    b"\xc3\x28",
    b"PK\x03\x04",
)


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """A file's content cut off, or with some pieces replaced, repeated or left out."""
    if draw(st.integers(0, 3)) == 0:
        return content[: draw(st.integers(0, len(content)))]
    changed = bytearray(content)
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(changed)))
        end = min(len(changed), start + draw(st.integers(0, 12)))
        piece = draw(
            st.one_of(
                st.sampled_from(_FRAGMENTS), st.binary(max_size=8), st.just(changed[start:end] * 2)
            )
        )
        changed[start:end] = piece
    return bytes(changed)


JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-3, 6),
        st.sampled_from([2**31, -(2**63), 10**30]),
        st.floats(allow_nan=True, width=32),
        st.text(max_size=6),
        st.sampled_from(["so3", "z", "max", "mean", "last", "adam", "cosine", "tiny", "1/d"]),
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=4,
)
"""What a JSON file or `--set` may hold."""

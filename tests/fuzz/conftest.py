"""Lines at the end: how many cases there were."""

import pytest

from csnn_tf.models import PointCloudClassifier
from tests.fuzz.cases import EXAMPLES, REFUSED, TRIED
from tests.helpers import TWO_LEVELS


def pytest_terminal_summary(terminalreporter):
    if not TRIED:
        return
    for test in TRIED if EXAMPLES else ():
        terminalreporter.write_line(f"{TRIED[test]:7} tried, {REFUSED[test]:6} refused: {test}")
    cut = sum(count for test, count in TRIED.items() if "truncation" in test)
    terminalreporter.write_line(
        f"{TRIED.total() - cut} generated cases and {cut} files cut off, "
        f"{REFUSED.total()} of them refused"
    )


@pytest.fixture(scope="session")
def classifier():
    return PointCloudClassifier.from_preset("tiny", num_classes=3, spheres=2, **TWO_LEVELS)

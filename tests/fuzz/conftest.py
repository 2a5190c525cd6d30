"""A line at the end: how many generated cases there were."""

import pytest

from csnn_tf.models import PointCloudClassifier
from tests.fuzz.cases import TRIED
from tests.training.test_trainer import SMALL


def pytest_terminal_summary(terminalreporter):
    if TRIED:
        text = f"{TRIED['tried']} generated cases, {TRIED['refused']} of them refused"
        terminalreporter.write_line(text)


@pytest.fixture(scope="session")
def classifier():
    return PointCloudClassifier.from_preset("tiny", num_classes=3, spheres=2, **SMALL)

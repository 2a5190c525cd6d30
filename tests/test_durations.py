"""Durations in words."""

import pytest

from csnn_tf.durations import duration


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(99, "99 seconds"), (120, "2 minutes"), (5940, "99 minutes"), (6120, "1.7 hours")],
)
def test_the_unit_suits_the_duration(seconds, words):
    assert duration(seconds) == words

"""Parsing of --set."""

import pytest

from csnn_tf.cli.options import parse_fields
from csnn_tf.errors import InputError


def test_values_are_json_where_they_can_be():
    settings = ["spheres=16", "radius=null", "intra-filters=[4, 8]", "schedule=cosine", "x=a=b"]
    assert parse_fields(settings) == {
        "spheres": 16,
        "radius": None,
        "intra_filters": [4, 8],
        "schedule": "cosine",
        "x": "a=b",
    }


@pytest.mark.parametrize("setting", ["spheres", "=3", ""])
def test_a_setting_needs_key_and_value(setting):
    with pytest.raises(InputError, match="key=value"):
        parse_fields([setting])


def test_a_key_comes_once():
    with pytest.raises(InputError, match="twice"):
        parse_fields(["a=1", "a=2"])

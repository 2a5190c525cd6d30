"""The script that compares an export's speed with Keras's."""

import sys

import numpy as np
import pytest

from tests.export.conftest import script


def run(monkeypatch, *arguments):
    """The export options that the script measures with."""
    measure, seen = script("measure_serving"), []

    def compare(preset, batches, points, repeats, seconds, options):
        seen.append(options)
        return [(batch, np.ones(2), np.ones(2)) for batch in batches]

    monkeypatch.setattr(measure, "compare", compare)
    monkeypatch.setattr(sys, "argv", ["measure_serving.py", "--presets", "tiny", *arguments])
    measure.main()
    return seen[0]


def test_the_export_takes_the_largest_batch(monkeypatch):
    options = run(monkeypatch, "--batches", "1", "2048", "--points", "4096")
    assert options.max_clouds == 2048
    assert options.max_points == 2048 * 4096


@pytest.mark.parametrize("name", ["repeats", "points", "batches"])
def test_nothing_to_measure_is_an_error(monkeypatch, capsys, name):
    with pytest.raises(SystemExit):
        run(monkeypatch, f"--{name}", "0")
    assert "are positive whole numbers" in capsys.readouterr().err

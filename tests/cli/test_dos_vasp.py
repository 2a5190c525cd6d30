"""VASP runs, from the command line."""

import json

import pytest

from csnn_tf.errors import InputError
from csnn_tf.models import DensityOfStates
from csnn_tf.models.loading import load_model
from tests.cli.running import run
from tests.cli.test_dos_commands import TINY
from tests.data.atoms.test_vasp import VACUUM, write_run
from tests.helpers import eagerly, tensorflow_only

pytestmark = [tensorflow_only, eagerly]


def test_a_folder_of_runs_is_read_on_the_vacuum_level_that_is_given(tmp_path):
    runs, out = tmp_path / "runs", tmp_path / "run"
    runs.mkdir()
    for place in range(2):
        write_run(runs / f"{place}")
    options = ["--data", runs, *TINY, "--set", "validation=0"]
    with pytest.raises(InputError, match=r"runs/0 is a VASP run, .*--reference-energy"):
        run("train", "dos", *options, "--out", out)
    assert not out.exists()
    run("train", "dos", *options, "--reference-energy", VACUUM, "--out", out)
    assert json.loads((out / "config.json").read_text())["reference_energy"] == VACUUM
    assert load_model(out, DensityOfStates).electrons == {"C": pytest.approx(4, abs=1e-3)}
    found = run("evaluate", out, "--split", "all").stdout
    assert f"{out}: 2 structures" in found
    other = run("evaluate", out, "--data", runs, "--reference-energy", 0, "--split", "all")
    assert other.stdout != found

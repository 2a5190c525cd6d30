"""The script that serves with KServe: its port, its inputs, how it ends."""

import importlib
import json
import re
import shutil
import socket
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.export.conftest import HERE, script
from tests.helpers import long_run

ROOT = HERE.parents[1]

_INTEGERS = st.integers(-(2**63), 2**63 - 1)
_FLOATS = st.floats(allow_nan=False)
_STRANGE = [None, "1", True, 1, 1.0, {}]
_TAKEN = {"points": (int, float), "positions": (int, float), "numbers": (int,), "pbc": (bool,)}


@pytest.fixture(scope="module")
def server():
    """The server's script, which takes the command line when it is imported."""
    pytest.importorskip("kserve")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [*sys.argv])
        return script("serve_kserve")


@pytest.fixture(scope="module")
def array(server):
    """What it makes of an input."""
    return importlib.import_module("kserve_parts.json_arrays").array


def test_the_script_alone(server, tmp_path):
    alone = shutil.copy(ROOT / "scripts" / "serve_kserve.py", tmp_path)
    found = subprocess.run([sys.executable, alone], capture_output=True, text=True, timeout=300)
    assert (found.returncode, found.stdout) == (1, "")
    assert found.stderr == "serve_kserve: the folder kserve_parts must lie beside it\n"


@pytest.mark.parametrize("size", ["0", "-5"])
def test_a_bound_that_lets_no_request_through(server, tmp_path, monkeypatch, size):
    monkeypatch.setattr(server, "ARGUMENTS", [str(tmp_path), "--max-body", size])
    message = f"^serve_kserve: --max-body must be at least 1, not {size}$"
    with pytest.raises(SystemExit, match=message):
        server.main()


@pytest.mark.parametrize("damage", ["port", pytest.param("model", marks=long_run)])
def test_kserve_ends_with_a_sentence(exported, tmp_path, damage):
    """A port that is taken, and a version that cannot be read."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        folder = exported.folder
        if damage == "model":
            folder, port = tmp_path, 0
            (tmp_path / "name" / "3").mkdir(parents=True)
            (tmp_path / "name" / "3" / "saved_model.pb").write_bytes(b"\x80")
        command = [sys.executable, ROOT / "scripts" / "serve_kserve.py", folder]
        command += ["--port", str(port)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 1
    *_, last = done.stderr.splitlines()
    expected = {
        "port": f"serve_kserve: port {port} is taken: choose one with --port",
        "model": f"serve_kserve: {tmp_path} holds no model that can be read",
    }
    assert last == expected[damage]
    if damage == "model":
        assert f"serve_kserve: {tmp_path / 'name' / '3'} cannot be read: " in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_damaged_version_gives_way_to_the_one_before(server, tmp_path, monkeypatch, capsys):
    for name in ("9", "10", "11", "x"):
        (tmp_path / "name" / name).mkdir(parents=True)
        (tmp_path / "name" / name / "saved_model.pb").write_bytes(b"")
    versions = server.versions_in(tmp_path)
    assert [path.name for path in versions["name"]] == ["11", "10", "9"]

    def damaged(folder):
        if folder.name == "11":
            raise ValueError("cut off\nhere")
        return folder.name

    monkeypatch.setattr(server, "SavedModel", damaged)
    assert server.load(versions["name"]) == ("10", tmp_path / "name" / "10")
    path = tmp_path / "name" / "11"
    assert capsys.readouterr().err == f"serve_kserve: {path} cannot be read: cut off\n"
    assert server.load(versions["name"][:1]) is None


@pytest.mark.parametrize("port", [-1, 65536, 10**20])
def test_ports_that_are_none(server, port):
    message = rf"^serve_kserve: port {port} cannot be had \(.*\): choose one with --port$"
    with pytest.raises(SystemExit, match=message):
        server.bound(port)


def test_a_port_is_kept_while_models_are_loaded(server):
    with server.bound(0) as kept:
        port = kept.getsockname()[1]
        with server.bound(port) as another:  # Linux allows this as long as nobody listens
            another.listen()
            with (
                pytest.raises(SystemExit, match=f"port {port} is taken"),
                server.ending(kept, port),
            ):
                kept.listen()


def test_kserve_is_not_installed(monkeypatch):
    monkeypatch.setattr(sys, "argv", [*sys.argv])
    monkeypatch.setitem(sys.modules, "kserve", None)
    with pytest.raises(SystemExit, match="^serve_kserve: pip install kserve first: "):
        script("serve_kserve")


@settings(deadline=None)
@given(_INTEGERS | _FLOATS, st.lists(st.just([1, 2, 3]), max_size=3))
def test_inputs_become_what_json_says(array, number, rows):
    assert array("pbc", [[True, False]]).tolist() == [[True, False]]
    assert array("points", rows).tolist() == rows
    assert array("positions", [number]).tolist() == [float(number)]
    if isinstance(number, int):
        assert array("numbers", [number]).tolist() == [number]


@pytest.mark.parametrize("strange", _STRANGE, ids=repr)
@pytest.mark.parametrize("key", _TAKEN)
def test_inputs_of_another_type_are_named(array, key, strange):
    """The one among many that is of another type, in JSON's words."""
    taken = _TAKEN[key]
    if type(strange) in taken:
        assert array(key, [strange]) == [strange]
        return
    message = f"^{key} must be [a-z ]*: got {re.escape(json.dumps(strange))}$"
    for value in (strange, [strange], [[taken[0](1)], [strange]]):
        with pytest.raises(ValueError, match=message):
            array(key, value)


def test_large_inputs_are_no_loop(array):
    """Over their numbers, which kept other requests waiting."""
    points = [[[0.5, 1, 2]] * 1000]
    calls = []
    sys.setprofile(lambda *_: calls.append(1))
    try:
        found = array("points", points)
    finally:
        sys.setprofile(None)
    assert len(calls) < 100
    np.testing.assert_array_equal(found, points)


@pytest.mark.parametrize("value", [[[1], [1, 2]], [1, [1]], [[[1], [1]], [[1]]]])
def test_inputs_of_uneven_rows_are_named(array, value):
    with pytest.raises(ValueError, match="^numbers must be whole numbers in rows of one length$"):
        array("numbers", value)
    with pytest.raises(ValueError, match=r"in rows of one length \(clouds.* signature padded\)$"):
        array("points", value)


@pytest.mark.parametrize(("key", "value"), [("numbers", 2**63), ("points", 10**400)])
def test_numbers_that_do_not_fit_are_refused(array, key, value):
    with pytest.raises(ValueError, match=f"^{key} must be .*: one has too many digits$"):
        array(key, [value])
    assert np.isinf(array("points", [1e39]))  # the model refuses these

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from csnn_tf.atomic_files import write_aside
from csnn_tf.errors import InputError
from csnn_tf.export.layout import publish, versions_of
from csnn_tf.export.server_files import write_server_files

ROOT = Path(__file__).parents[2]
DIES = """
import os, signal, sys
from pathlib import Path
from csnn_tf.export.layout import publish

def write(folder):
    (folder / "saved_model.pb").write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)

publish(Path(sys.argv[1]), write)
"""


def _write(folder: Path, text: str = "x") -> None:
    (folder / "variables").mkdir()
    (folder / "variables" / "data").write_text(text)


def test_versions_count_up(tmp_path):
    folder = tmp_path / "models" / "name"
    assert [publish(folder, _write).name for _ in range(2)] == ["1", "2"]
    assert publish(folder, _write, version=10).name == "10"
    assert publish(folder, _write).name == "11"
    (folder / "latest").mkdir()
    assert versions_of(folder) == [1, 2, 10, 11]
    with pytest.raises(InputError, match=r"10 exists already"):
        publish(folder, _write, version=10)


def test_invisible_until_complete(tmp_path):
    seen = []

    def write(folder: Path) -> None:
        _write(folder)
        seen.append(versions_of(folder.parent))
        assert not folder.name.isdecimal()

    publish(tmp_path / "name", write)
    assert seen == [[]]
    assert [path.name for path in (tmp_path / "name").iterdir()] == ["1"]


def test_failed_write_leaves_nothing(tmp_path):
    def write(folder: Path) -> None:
        _write(folder)
        raise InputError("no")

    with pytest.raises(InputError, match="no"):
        publish(tmp_path / "models" / "name", write)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "name").mkdir()
    with pytest.raises(InputError, match="no"):
        publish(tmp_path / "name", write)
    assert list(tmp_path.rglob("*")) == [tmp_path / "name"]


def test_killed_write_is_no_version(tmp_path):
    # Any backend will do: Keras is only imported.
    environment = {**os.environ, "KERAS_BACKEND": "jax", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", DIES, tmp_path / "name"]
    assert subprocess.run(command, env=environment, timeout=300).returncode == -signal.SIGKILL
    assert [path.read_text() for path in tmp_path.rglob("*.pb")] == ["half"]
    assert versions_of(tmp_path / "name") == []
    assert publish(tmp_path / "name", _write).name == "1"
    assert [path.name for path in (tmp_path / "name").iterdir()] == ["1"]  # what it left is gone


def test_two_writers_at_once_get_two_versions(tmp_path):
    def write(folder: Path) -> None:
        publish(folder.parent, _write)
        _write(folder, "outer")

    assert publish(tmp_path / "name", write).name == "2"
    with pytest.raises(InputError, match="3 exists already"):
        publish(tmp_path / "name", write, version=3)


def test_other_format_under_the_same_name(tmp_path):
    publish(tmp_path / "name", lambda folder: (folder / "model.onnx").touch())
    with pytest.raises(InputError, match=r"1 holds no saved_model.pb"):
        publish(tmp_path / "name", _write, marker="saved_model.pb")


@pytest.mark.parametrize("name", ["two words", ".hidden", "a:b"])
def test_names_that_are_no_address(tmp_path, name):
    with pytest.raises(InputError, match="name must be"):
        publish(tmp_path / name, _write)


@pytest.mark.parametrize("version", [0, 2**63, 2.5, True, "3"])
def test_versions_that_no_server_counts(tmp_path, version):
    message = f"version must be a whole number from 1 to .*, not {version!r}"
    with pytest.raises(InputError, match=message):
        publish(tmp_path / "name", _write, version=version)
    assert not list(tmp_path.iterdir())


def test_after_the_last_version(tmp_path):
    publish(tmp_path / "name", _write, version=2**63 - 1)
    with pytest.raises(InputError, match="has the last number that servers count: choose"):
        publish(tmp_path / "name", _write)
    assert publish(tmp_path / "name", _write, version=2).name == "2"


@pytest.mark.parametrize(
    ("name", "message"),
    [("01", "01 is not how a version is called: rename it"), ("1", "1 is empty: remove it")],
)
def test_version_folders_that_are_none(tmp_path, name, message):
    (tmp_path / "name" / name).mkdir(parents=True)
    with pytest.raises(InputError, match=message):
        publish(tmp_path / "name", _write, marker="saved_model.pb")


def test_a_version_that_cannot_be_announced_is_taken_back(tmp_path):
    publish(tmp_path / "old" / "name", _write)

    def fail():
        seen.append(versions_of(folder))
        raise InputError("no")

    seen: list[list[int]] = []
    for folder, left in ((tmp_path / "old" / "name", [1]), (tmp_path / "new" / "name", [])):
        with pytest.raises(InputError, match="no"):
            publish(folder, _write, announce=fail)
        assert versions_of(folder) == left
    assert seen == [[1, 2], [1]]
    assert [path.name for path in tmp_path.iterdir()] == ["old"]
    assert [path.name for path in (tmp_path / "old" / "name").iterdir()] == ["1"]


def test_whom_the_umask_lets_may_read(tmp_path):
    before = os.umask(0o027)
    try:
        path = publish(tmp_path / "name", _write)
    finally:
        os.umask(before)
    modes = [path.stat().st_mode & 0o777 for path in (path.parent, path, path / "variables")]
    assert modes == [0o750] * 3


def test_folder_that_is_a_file(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"cannot be written"):
        publish(tmp_path / "file" / "name", _write)


def test_systems_that_open_no_folders_publish(tmp_path, monkeypatch):
    """Windows, which has no fcntl either."""

    def opened(path, flags):
        if Path(path).is_dir():
            raise PermissionError(13, "Permission denied")
        return os.open(path, flags)

    windows = SimpleNamespace(**{**vars(os), "name": "nt", "open": opened})
    monkeypatch.setattr("csnn_tf.export.layout.os", windows)
    monkeypatch.setattr("csnn_tf.export.layout.fcntl", None)
    assert [publish(tmp_path / "name", _write).name for _ in range(2)] == ["1", "2"]
    assert [path.read_text() for path in tmp_path.rglob("data")] == ["x", "x"]


def test_models_config_has_what_another_export_publishes_meanwhile(tmp_path, monkeypatch):
    def publish_model(name):
        (tmp_path / name / "1").mkdir(parents=True)
        (tmp_path / name / "1" / "saved_model.pb").touch()

    waiting = ["third", "second"]

    def write(path, content):
        if waiting:  # between the look at the folder and the file
            publish_model(waiting.pop())
        write_aside(path, content)

    publish_model("first")
    monkeypatch.setattr("csnn_tf.export.server_files.write_aside", write)
    write_server_files(tmp_path)
    config = (tmp_path / "models.config").read_text()
    names = [line.split('"')[1] for line in config.splitlines() if "name:" in line]
    assert names == ["first", "second", "third"]


def test_models_config_passes_over_what_is_no_model(tmp_path, monkeypatch):
    """A disk's lost+found, which others may not read, and a name that ends its own quotation."""

    def versions(folder):
        if folder.name == "lost+found":
            raise PermissionError(13, "Permission denied")
        return versions_of(folder)

    for name in ("lost+found", 'a "copy"', "shapes"):
        (tmp_path / name / "1").mkdir(parents=True)
        (tmp_path / name / "1" / "saved_model.pb").touch()
    monkeypatch.setattr("csnn_tf.export.server_files.versions_of", versions)
    write_server_files(tmp_path)
    config = (tmp_path / "models.config").read_text()
    assert [line.strip() for line in config.splitlines() if "name:" in line] == ['name: "shapes"']

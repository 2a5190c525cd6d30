"""Files and folders that are replaced whole, also behind links and when the process is killed."""

import os
import signal
import stat
import subprocess
import sys
import time

import numpy as np
import pytest

from csnn_tf.atomic_files import flush_folder, folder_aside, write_aside
from csnn_tf.errors import InputError

KILLS = int(os.environ.get("CSNN_TF_KILLS", "1"))


def test_a_file_is_flushed_before_and_its_folder_after_the_rename(tmp_path, monkeypatch):
    calls = []
    for name in ("fsync", "replace"):
        real = getattr(os, name)
        monkeypatch.setattr(
            os, name, lambda *args, name=name, real=real: calls.append(name) or real(*args)
        )
    write_aside(tmp_path / "a.txt", lambda path: path.write_text("hello"))
    assert calls == ["fsync", "replace", "fsync"]


def test_files_are_flushed_through_handles_that_may_write(tmp_path, monkeypatch):
    flushed = []

    def fsync(handle):  # as on Windows
        if stat.S_ISREG(os.fstat(handle).st_mode):
            flushed.append(os.write(handle, b""))

    monkeypatch.setattr(os, "fsync", fsync)
    write_aside(tmp_path / "a.txt", lambda path: path.write_text("hello"))
    monkeypatch.setattr(os, "name", "nt")
    flush_folder(tmp_path)
    assert len(flushed) == 2


def test_others_may_read_what_the_mask_allows_and_it_stays(tmp_path, monkeypatch):
    before = os.umask(0o027)
    try:
        with monkeypatch.context() as patch:
            patch.setattr(os, "umask", lambda _: pytest.fail("other threads write meanwhile"))
            write_aside(tmp_path / "a.txt", lambda path: path.write_text("hello"))
            with folder_aside(tmp_path / "b"):
                pass
    finally:
        os.umask(before)
    modes = [(tmp_path / name).stat().st_mode & 0o777 for name in ("a.txt", "b")]
    assert modes == [0o640, 0o750]


def test_what_a_link_leads_to_is_written(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    target, link = tmp_path / "elsewhere" / "3f2a", tmp_path / "b.npz"
    link.symlink_to(target)
    for value in (1, 2):
        # Which looks at the name's end: targets in stores have none.
        write_aside(link, lambda path, value=value: np.savez(path, value=value))
        assert link.is_symlink()
        with np.load(link) as stored:
            assert stored["value"] == value
    assert [path.name for path in target.parent.iterdir()] == ["3f2a"]


def fill(path):
    with folder_aside(path) as aside:
        for name in "ab":
            (aside / name).write_text(name)


def fill_half(path):
    with folder_aside(path) as aside:
        (aside / "a.npy").write_text("half")
        raise OSError("3 requested and 2 written.")


@pytest.mark.parametrize("is_there", [False, True])
def test_a_folder_appears_when_it_is_full(tmp_path, is_there):
    path = tmp_path / "shapes"
    if is_there:
        path.mkdir()
    with pytest.raises(InputError, match="shapes cannot be written: 3 requested and 2 written"):
        fill_half(path)
    assert [entry.name for entry in tmp_path.rglob("*")] == ["shapes"] * is_there
    with folder_aside(path) as aside:
        (aside / "a").mkdir()
        (aside / "a" / "b.npy").write_text("whole")
    assert sorted(entry.name for entry in tmp_path.rglob("*")) == ["a", "b.npy", "shapes"]
    with pytest.raises(InputError, match="shapes exists already"):
        fill_half(path)


def test_folders_above_are_made_and_go_again(tmp_path):
    path = tmp_path / "a" / "b" / "shapes"
    with pytest.raises(InputError, match="cannot be written"):
        fill_half(path)
    assert not list(tmp_path.iterdir())
    with folder_aside(path) as aside:
        (aside / "a.npy").write_text("whole")
    assert [entry.name for entry in path.iterdir()] == ["a.npy"]


def test_an_empty_folder_stays_empty_if_not_all_can_be_moved(tmp_path, monkeypatch):
    rename, calls = os.rename, []

    def once(source, target):
        calls.append(source)
        if len(calls) == 2:
            raise OSError("no more")
        rename(source, target)

    monkeypatch.setattr(os, "rename", once)
    with pytest.raises(InputError, match="no more"):
        fill(tmp_path)
    assert not list(tmp_path.iterdir())


SCRIPT = """
import pathlib, sys
import numpy as np
from csnn_tf.atomic_files import write_aside
path, number = pathlib.Path(sys.argv[1]), 0
while True:
    number += 1
    values = np.full(300_000, number)
    write_aside(path, lambda aside: np.savez(aside.open("wb"), values=values))
"""


@pytest.mark.slow
def test_killed_while_writing(tmp_path):
    path = tmp_path / "checkpoint.npz"
    rng = np.random.default_rng(0)
    for _ in range(KILLS):
        path.unlink(missing_ok=True)
        command = [sys.executable, "-W", "ignore", "-c", SCRIPT, str(path)]
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        while not path.exists():
            assert process.poll() is None
            time.sleep(0.01)
        time.sleep(rng.uniform(0, 0.2))
        process.send_signal(signal.SIGKILL)
        process.wait()
        with np.load(path, allow_pickle=False) as stored:
            values = stored["values"]
        assert len(values) == 300_000
        assert (values == values[0]).all()

"""Full disks and read-only folders: a clear error, and the old file whole."""

import contextlib
import resource
import subprocess

import keras
import pytest

from csnn_tf.errors import InputError
from csnn_tf.training.checkpoint import Checkpoint
from csnn_tf.training.run_folder import RunFolder


class Ending:
    """In place of the real one: nothing but a state."""

    def keep(self):
        """Nothing."""

    def state(self):
        return {"rows": [1] * 1000}

    def restore(self, state):
        self.restored = state


@pytest.fixture(scope="module")
def model():
    model = keras.Sequential([keras.Input((64,)), keras.layers.Dense(128)])
    model.compile(optimizer="adam", loss="mse")
    model.optimizer.build(model.trainable_variables)
    return model


def writers(folder, model):
    """What a run writes, by file, each with a way to see that it is whole."""
    run, checkpoint = RunFolder(folder), Checkpoint(folder / "checkpoint.npz", Ending())
    checkpoint.set_model(model)
    return {
        run.last: (
            lambda: run.save_model(run.last, model),
            lambda: keras.models.load_model(run.last, compile=False),
        ),
        checkpoint.path: (
            lambda: checkpoint.on_epoch_end(0),
            lambda: checkpoint.restore(model),
        ),
        folder / "history.csv": (
            lambda: run.write_history([{"loss": 1.5}] * 5000),
            lambda: (folder / "history.csv").read_text().splitlines()[5000],
        ),
    }


@contextlib.contextmanager
def file_size_limit(size):
    """Every write beyond `size` bytes of a file fails, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def check_failures(folder, model, failing):
    parts = writers(folder, model)
    for write, read in parts.values():
        write()
        read()
    before = {path: path.read_bytes() for path in parts}
    with failing():
        for path, (write, _) in parts.items():
            with pytest.raises(InputError, match=path.name) as caught:
                write()
            assert "cannot be written" in str(caught.value)
    for path, (_, read) in parts.items():
        assert path.read_bytes() == before[path]
        read()
    assert sorted(folder.iterdir()) == sorted(parts)  # nothing half-written is left


@pytest.mark.parametrize("size", [0, 1000, 12_000])
def test_no_more_can_be_written(tmp_path, model, size):
    check_failures(tmp_path, model, lambda: file_size_limit(size))


@pytest.fixture
def small_disk(tmp_path):
    """A file system of its own, where the machine lets this user make one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, check=False)
    except OSError:
        pytest.skip("there is no mount")
    if done.returncode:
        pytest.skip("this user may not mount a file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk(small_disk, model):
    @contextlib.contextmanager
    def full():
        filler = small_disk.parent / "disk" / "filler"
        with contextlib.suppress(OSError), open(filler, "wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        yield
        filler.unlink()

    check_failures(small_disk, model, full)


def test_a_read_only_disk(small_disk, model):
    @contextlib.contextmanager
    def read_only():
        subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
        with contextlib.ExitStack() as locks, pytest.raises(InputError, match="cannot be made"):
            RunFolder.create(small_disk / "run", locks)
        yield
        subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)

    check_failures(small_disk, model, read_only)


def test_a_folder_that_refuses(tmp_path, monkeypatch, model):
    # Where nothing can be mounted: the system's answer, put in by hand.
    @contextlib.contextmanager
    def refusing():
        def refuse(*_, **__):
            raise PermissionError(13, "Permission denied")

        with monkeypatch.context() as patch:
            patch.setattr("pathlib.Path.touch", refuse)
            yield

    check_failures(tmp_path, model, refusing)

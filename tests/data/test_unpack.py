import io
import os
import stat
import struct
import zipfile

import pytest

from csnn_tf.data import load_modelnet40
from csnn_tf.data.unpack import unpack_modelnet_zip
from csnn_tf.errors import InputError
from tests.data.data_files import hdf5_form

NAME = "modelnet40_ply_hdf5_2048"


def archive_of(folder, prefix=f"{NAME}/", method=zipfile.ZIP_DEFLATED):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for path in sorted(folder.iterdir()):
            archive.write(path, prefix + path.name)
    return stream.getvalue()


@pytest.fixture
def good(tmp_path):
    """A zip file of a tiny data set."""
    path = tmp_path / "at_hand.zip"
    path.write_bytes(archive_of(hdf5_form(tmp_path / "made")))
    return path


def add(path, name, content=b"x", mode=None, method=zipfile.ZIP_STORED):
    info = zipfile.ZipInfo(name)
    info.compress_type = method
    if mode is not None:
        info.external_attr = mode << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(info, content)


def assert_refused(archive, folder, reason):
    """Nothing is unpacked, and nothing is left over, inside `folder` or beside it."""
    before = set(archive.parent.rglob("*"))
    with pytest.raises(InputError, match=reason) as caught:
        unpack_modelnet_zip(archive, folder)
    assert str(archive) in str(caught.value)
    assert set(archive.parent.rglob("*")) - {folder} == before - {folder}


@pytest.mark.parametrize("prefix", [f"{NAME}/", "", "renamed/"])
def test_unpacks_what_can_then_be_loaded(tmp_path, prefix):
    made = hdf5_form(tmp_path / "made")
    path = tmp_path / "a.zip"
    path.write_bytes(archive_of(made, prefix))
    add(path, "__MACOSX/._x")
    target = unpack_modelnet_zip(path, tmp_path / "data" / "new")
    assert target == tmp_path / "data" / "new" / NAME
    assert {item.name for item in made.iterdir()} <= {item.name for item in target.iterdir()}
    assert os.listdir(target.parent) == [NAME]
    assert len(load_modelnet40(target, "train")) == 5
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE(target.stat().st_mode) == 0o777 & ~umask


def test_an_existing_folder_is_left_alone(tmp_path, good):
    (tmp_path / "data" / NAME).mkdir(parents=True)
    assert_refused(good, tmp_path / "data", "there already")


@pytest.mark.parametrize(
    "name",
    [
        "/tmp/evil",
        "../evil",
        f"{NAME}/../../evil",
        "a\\..\\..\\evil",
        "C:/evil",
        f"{NAME}/..",
        "..",
    ],
)
def test_paths_that_lead_out_are_refused(tmp_path, good, name):
    add(good, name)
    assert_refused(good, tmp_path / "data", "unsafe")


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFSOCK])
def test_links_and_devices_are_refused(tmp_path, good, kind):
    add(good, f"{NAME}/link", b"/etc/passwd", mode=kind | 0o777)
    assert_refused(good, tmp_path / "data", "unsafe")


def test_a_size_out_of_proportion_is_refused(tmp_path, good):
    add(good, f"{NAME}/zeros", bytes(5_000_000), method=zipfile.ZIP_DEFLATED)
    assert good.stat().st_size < 100_000
    assert_refused(good, tmp_path / "data", "20 times its size")


def test_a_size_that_is_understated_is_refused(tmp_path, good):
    add(good, f"{NAME}/zeros", bytes(5_000_000), method=zipfile.ZIP_DEFLATED)
    true_size = struct.pack("<I", 5_000_000)
    content = good.read_bytes()
    assert true_size in content
    good.write_bytes(content.replace(true_size, struct.pack("<I", 50)))
    assert_refused(good, tmp_path / "data", "CRC")


def test_too_many_files_are_refused(tmp_path, good):
    with zipfile.ZipFile(good, "a") as archive:
        for number in range(1000):
            archive.writestr(f"{number}", b"")
    assert_refused(good, tmp_path / "data", "more than 1000")


def test_a_file_twice_is_refused(tmp_path, good):
    with pytest.warns(UserWarning, match="Duplicate name"):
        add(good, f"{NAME}/train_files.txt")
    assert_refused(good, tmp_path / "data", "exists")


def test_unknown_methods_are_refused(tmp_path, good):
    add(good, f"{NAME}/more", b"x", method=zipfile.ZIP_LZMA)
    assert_refused(good, tmp_path / "data", "unknown method")


def test_another_archive_is_refused(tmp_path):
    path = tmp_path / "other.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")
    assert_refused(path, tmp_path / "data", r"no train_files\.txt")


@pytest.mark.parametrize("content", [b"", b"junk" * 100])
def test_what_is_no_zip_is_refused(tmp_path, content):
    path = tmp_path / "junk.zip"
    path.write_bytes(content)
    assert_refused(path, tmp_path / "data", "zip")
    with pytest.raises(InputError, match=r"gone\.zip"):
        unpack_modelnet_zip(tmp_path / "gone.zip", tmp_path / "data")


def test_an_archive_cut_off_or_damaged_is_refused(tmp_path, good):
    content = good.read_bytes()
    for end in range(0, len(content), 97):
        good.write_bytes(content[:end])
        with pytest.raises(InputError):
            unpack_modelnet_zip(good, tmp_path / "data")
    damaged = bytearray(content)
    damaged[200:210] = bytes(10)
    good.write_bytes(damaged)
    assert_refused(good, tmp_path / "data", "cannot be unpacked")

"""Any arguments on the command line: status 0, or a sentence and status 2; never a traceback."""

import contextlib
import io
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from csnn_tf_command import main
from tests.fuzz.cases import REFUSED, TRIED, cases, running


def call(*arguments):
    """Run the command as the shell does, and give status, output and messages."""
    TRIED[running()] += 1
    out, err = io.StringIO(), io.StringIO()
    before = sys.argv
    sys.argv = ["csnn-tf", *map(str, arguments)]
    status = 0
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            main()
    except SystemExit as end:
        status = end.code or 0
    finally:
        sys.argv = before
    assert status in (0, 2), err.getvalue()
    if status == 2:
        REFUSED[running()] += 1
        assert err.getvalue().strip()
    assert "Traceback" not in err.getvalue()
    assert "nan" not in out.getvalue().lower().replace("nano", "")
    return status, out.getvalue(), err.getvalue()


@pytest.fixture(scope="module")
def pool(classifier, tmp_path_factory):
    """Files and names that arguments are drawn from."""
    root = tmp_path_factory.mktemp("pool")
    classifier.save(root / "model.keras")
    (root / "broken.keras").write_bytes(b"PK\x03\x04")
    np.save(root / "cloud.npy", np.eye(3))
    np.save(root / "flat.npy", np.zeros((0, 3)))
    (root / "mesh.off").write_text("OFF\n3 1 0\n0 0 0\n1 0 0\n0 1 0\n3 0 1 2\n")
    (root / "POSCAR").write_text("x\n1\n5 0 0\n0 5 0\n0 0 5\nC\n1\nCartesian\n0 0 0\n")
    files = [str(path) for path in sorted(root.iterdir())]
    return [*files, str(root), str(root / "none.npy"), "/dev/null", "x" * 300, "", ".", "é\udc80"]


WORDS = st.sampled_from(
    [
        "0",
        "1",
        "-1",
        "3",
        "1e9",
        "99999999999",
        "nan",
        "so3",
        "z",
        "haar",
        "best",
        "tiny",
        "test",
        "all",
        "npz",
        "--json",
        "--top",
        "--num-points",
        "--votes",
        "--repeats",
        "--seed",
        "--per-class",
        "--rotation",
        "--split",
        "--data",
        "--csv",
        "--help",
        "-h",
        "--resume",
        "--electrons",
        "C=4",
        "C=x",
        "--rotations",
        "--consistency",
        "--upright-axis",
        "2",
        "dos",
        "modelnet",
        "shapes",
    ]
) | st.text(st.characters(blacklist_characters="\0"), max_size=5)


@given(
    data=st.data(),
    command=st.sampled_from(["predict", "predict dos", "evaluate", "evaluate dos", "what", ""]),
)
@cases(1, short=50)
def test_reading_commands(pool, data, command):
    words = st.sampled_from(pool) | WORDS
    call(*command.split(), *data.draw(st.lists(words, max_size=5)))


VALUES = st.sampled_from(["", "1", "-1", "nan", "[]", "[1,", "{}", "null", "1e99", "so3"])
SETTINGS = st.builds(
    "{}={}".format,
    st.sampled_from(["epochs", "seed", "preset", "model", "scale", "batch_size", "name", "cls"]),
    VALUES | st.text(st.characters(blacklist_characters="\0"), max_size=4),
)


@given(
    kind=st.sampled_from(["modelnet", "shapes", "dos", "x"]),
    settings=st.lists(SETTINGS, max_size=2),
    data=st.data(),
)
@cases(1, short=40)
def test_training_commands_that_do_not_get_to_train(tmp_path_factory, pool, kind, settings, data):
    out = tmp_path_factory.getbasetemp() / "never"
    flags = [part for setting in settings for part in ("--set", setting)]
    more = data.draw(st.lists(WORDS.filter(lambda word: word not in ("--help", "-h")), max_size=2))
    missing = data.draw(st.sampled_from(["no/such/folder", "x" * 300, "/dev/null"]))
    status, _, _ = call("train", kind, *flags, *more, "--data", missing, "--out", out)
    assert status == 2 or "--help" in more
    assert not out.exists()


@given(
    command=st.sampled_from(["export", "report", "show", "data"]),
    words=st.lists(WORDS.filter(lambda word: word not in ("modelnet", "shapes")), max_size=4),
)
@cases(0.5, short=20)
def test_writing_commands_without_a_model(tmp_path_factory, monkeypatch, command, words):
    folder = tmp_path_factory.getbasetemp() / "empty"
    folder.mkdir(exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        call(command, "no-such-model", *words)
    assert not list(folder.iterdir())


def test_what_is_sound_among_all_this_works(pool):
    model = next(name for name in pool if name.endswith("model.keras"))
    cloud = next(name for name in pool if name.endswith("cloud.npy"))
    status, out, _ = call("predict", model, cloud, "--json")
    assert status == 0
    assert "probability" in out
    assert call("--help")[0] == 0
    assert call("predict", model, "x" * 300)[0] == 2
    assert call("predict", "x" * 300, cloud)[0] == 2

"""What files from strangers cannot do: run code, or claim memory that they do not fill."""

import ast
import bz2
import gzip
import lzma
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

import csnn_tf
from csnn_tf.data.atoms import load_structures
from csnn_tf.errors import InputError

ROOT = Path(csnn_tf.__file__).parent.parent
SOURCES = sorted(
    path for folder in ("csnn_tf", "cli", "scripts") for path in (ROOT / folder).rglob("*.py")
)
RUNS_CODE = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
# Calls that would run code in a file unless told not to, and what tells them.
MUST_SAY = {
    "np.load": ("allow_pickle", False),
    "numpy.load": ("allow_pickle", False),
    "np.lib.format.read_array": ("allow_pickle", False),
    "torch.load": ("weights_only", True),
    "keras.models.load_model": ("safe_mode", True),
    "keras.saving.load_model": ("safe_mode", True),
}
MUST_NOT = {"eval", "exec", "yaml.load", "yaml.unsafe_load", "np.fromregex", "os.system"}
MUST_NOT |= {"keras.config.enable_unsafe_deserialization"}


def objections(source: str) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if alias.name.split(".")[0] in RUNS_CODE]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in RUNS_CODE:
            found.append(node.module)
        elif isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            said = {k.arg: getattr(k.value, "value", None) for k in node.keywords}
            if name in MUST_NOT:
                found.append(name)
            elif name in MUST_SAY:
                argument, value = MUST_SAY[name]
                found += (
                    [] if said.get(argument) is value else [f"{name} without {argument}={value}"]
                )
    return found


def test_no_source_unpickles_or_evaluates_a_file():
    assert len(SOURCES) > 100
    found = {str(path): bad for path in SOURCES if (bad := objections(path.read_text("utf-8")))}
    assert found == {}


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from dill import load",
        "np.load(path)",
        "np.load(path, allow_pickle=True)",
        "torch.load(path, weights_only=False)",
        "keras.models.load_model(path, compile=False)",
        "eval(text)",
    ],
)
def test_the_search_finds_what_it_is_for(source):
    assert len(objections(source)) == 1


LARGE = 10**12
POSCAR = "x\n1\n5 0 0\n0 5 0\n0 0 5\nC\n{}\nCartesian\n0 0 0\n"
PACKERS = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}
BOMBS = {
    "POSCAR": POSCAR.format(LARGE),
    "old_POSCAR": POSCAR.replace("C\n", "").format(LARGE),
    "two_POSCAR": POSCAR.replace("C\n", "C H\n").format(f"1 {LARGE}"),
    "less_POSCAR": POSCAR.format(10**9),
    "a.xyz": f"{LARGE}\nProperties=species:S:1:pos:R:3\nC 0 0 0\n",
    **dict.fromkeys(("plain.xyz", "a.xyz.gz", "a.xyz.bz2"), f"{LARGE}\n\nC 0 0 0\n"),
    "POSCAR.gz": POSCAR.format(LARGE),
}


@pytest.mark.parametrize("name", BOMBS)
def test_structures_that_announce_too_much_allocate_nothing(tmp_path, name):
    pack = PACKERS.get(Path(name).suffix, bytes)
    (tmp_path / name).write_bytes(pack(BOMBS[name].encode()))
    (tmp_path / "good_POSCAR").write_text(POSCAR.format(1))
    assert len(load_structures(tmp_path / "good_POSCAR")) == 1  # imports what is lazy, too
    with pytest.raises(InputError, match=name):
        load_structures(tmp_path / name)
    tracemalloc.start()
    try:
        with pytest.raises(InputError):
            load_structures(tmp_path / name)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("suffix", PACKERS)
def test_packed_structures_are_read_up_to_a_bound(tmp_path, suffix):
    path = tmp_path / f"a.xyz{suffix}"
    path.write_bytes(PACKERS[suffix](b"1\n\nC 0 0 0\r\n" * 3))
    assert len(load_structures(path)) == 3
    path.write_bytes(PACKERS[suffix](b"1\n" + b" " * 20_000_000))
    with pytest.raises(InputError, match=r"a\.xyz.* unpacks to more than 100 times its size"):
        load_structures(path)


def test_a_structure_file_of_huge_arrays_allocates_nothing(tmp_path):
    np.savez(tmp_path / "a.npz", positions=np.zeros((1, 1, 3)))
    content = (tmp_path / "a.npz").read_bytes()
    huge = content.replace(b"(1, 1, 3), }" + b" " * 12, b"(1, 1000000000000, 3), }"[:24])
    assert huge != content
    (tmp_path / "a.npz").write_bytes(huge)
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match=r"a\.npz"):
            load_structures(tmp_path / "a.npz")
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


def test_the_kind_of_a_hostile_model_file_is_none(tmp_path):
    from csnn_tf.models.kind import class_name, is_dos_model

    path = tmp_path / "deep.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", "[" * 200_000)
    assert class_name(path) is None
    assert not is_dos_model(path)

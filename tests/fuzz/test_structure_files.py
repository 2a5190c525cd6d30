"""Damaged files of atomic structures, in every form that is read, and structures of any content."""

import dataclasses

import ase.io
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from csnn_tf.data.atoms import (
    Structure,
    StructureSet,
    builtin_carbon,
    load_structures,
    write_npz,
    write_published,
)
from csnn_tf.dos_inference import DosPredictor
from csnn_tf.models import DensityOfStates
from tests.data.atoms.test_ase_files import ENERGIES as BINS
from tests.data.atoms.test_ase_files import dos, silicon
from tests.data.atoms.test_vasp import write_run
from tests.fuzz.cases import cases, damaged, ends, refused_or_right


@pytest.fixture(scope="module")
def forms(tmp_path_factory):
    """A path to read for every form, and the files in it that may be damaged."""
    root = tmp_path_factory.mktemp("structures")
    carbon = builtin_carbon()
    few = carbon.subset([int(np.flatnonzero(carbon.types == "C20")[0])])
    few.energies, few.dos = few.energies[::4], few.dos[:, ::4]
    few.electrons = np.full(1, np.nan)
    atoms = silicon()
    atoms.pbc = True
    atoms.write(root / "POSCAR", format="vasp")
    ase.io.write(root / "a.xyz", [silicon(dos=dos()[::6], dos_energies=BINS[::6])] * 2)
    atoms.write(root / "a.cif")
    write_npz(root / "a.npz", few)
    write_published(root / "published", carbon.subset([0]))
    write_run(root / "run", rows=101)
    text = (root / "run" / "DOSCAR").read_text().splitlines(keepends=True)
    (root / "run" / "DOSCAR").write_text("".join(text[:6] + text[6::20]))
    found = {
        name: root / name for name in ("POSCAR", "a.xyz", "a.cif", "a.npz", "published", "run")
    }
    for path in found.values():
        assert len(load(path)) >= 1, path
    return found


def load(path):
    return load_structures(path, reference_energy=6.5 if path.name == "run" else None)


def check(structures):
    assert len(structures) >= 1
    assert np.isfinite(structures.positions).all()
    assert structures.positions.shape == (structures.counts.sum(), 3)
    if structures.dos is not None:
        assert structures.dos.shape == (len(structures), len(structures.energies))
        assert np.isfinite(structures.dos).all()


FORMS = ("POSCAR", "a.xyz", "a.cif", "a.npz", "published", "run")


@pytest.mark.filterwarnings("ignore")  # ASE warns of much that it then reads
@given(data=st.data(), form=st.sampled_from(FORMS))
@cases(1, short=50)
def test_structure_files(forms, data, form):
    path = forms[form]
    file = path
    if path.is_dir():
        file = data.draw(st.sampled_from(sorted(p for p in path.rglob("*") if p.is_file())))
    whole = file.read_bytes()
    file.write_bytes(data.draw(damaged(whole)))
    try:
        with refused_or_right(path):
            check(load(path))
    finally:
        file.write_bytes(whole)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("form", ["POSCAR", "a.xyz", "a.cif", "a.npz", "run"])
def test_every_truncation(forms, form):
    path = forms[form]
    file = path / "DOSCAR" if form == "run" else path
    whole = file.read_bytes()
    try:
        for end in ends(whole, short=150, last=50):
            file.write_bytes(whole[:end])
            with refused_or_right(path):
                check(load(path))
    finally:
        file.write_bytes(whole)


NUMBERS = st.floats(-20, 20, width=32) | st.sampled_from([0.0, 1e-30, 1e30, np.nan, np.inf])
STRUCTURES = st.builds(
    Structure,
    positions=hnp.arrays(np.float64, st.sampled_from([(1, 3), (2, 3), (3, 3)]), elements=NUMBERS)
    | hnp.arrays(np.float64, hnp.array_shapes(max_dims=3, min_side=0, max_side=3)),
    numbers=hnp.arrays(np.int64, st.sampled_from([1, 2, 3]), elements=st.sampled_from([6, 6, 6, 1]))
    | hnp.arrays(
        np.int64, st.sampled_from([1, 2, 3]), elements=st.sampled_from([-1, 0, 119, 2**40])
    ),
    cell=hnp.arrays(np.float64, (3, 3), elements=NUMBERS) | st.just(np.eye(3) * 5),
    pbc=hnp.arrays(bool, 3) | st.booleans(),
    name=st.just("mine"),
)


@pytest.fixture(scope="module")
def predictor():
    model = DensityOfStates.from_preset(
        "tiny", ["C"], np.linspace(-30, 1, 32), {"C": 4}, cutoff=3.0
    )
    return DosPredictor(model, chunk_atoms=16)


@given(structure=STRUCTURES, shift=st.floats(0, 3))
@cases(0.5, short=40)
def test_structures(predictor, structure, shift):
    positions = np.asarray(structure.positions)
    if positions.shape == (2, 3):  # some that are at a distance from each other
        structure = dataclasses.replace(structure, positions=positions + [[0, 0, 0], [shift] * 3])
    with refused_or_right():
        found = predictor.predict(StructureSet.from_structures([structure]))
        assert found.dos.shape == (1, 32)
        assert np.isfinite(found.dos).all()
        assert (found.dos >= 0).all()
        # NaN where the DOS does not hold the electrons, as documented.
        assert np.isfinite(found.band_energy) == np.isfinite(found.fermi_level)

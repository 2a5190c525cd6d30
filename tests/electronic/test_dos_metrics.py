import json
import tracemalloc

import numpy as np
import pytest

from csnn_tf.electronic import cumulative_dos, dos_report, format_table, solve_fermi
from csnn_tf.errors import InputError

ENERGIES = -30 + 0.1 * np.arange(310)
TYPES = ["C60", "C60", "C20"]


def reference_dos():
    centers = np.array([[-20.0, -12, -6], [-19, -12, -5.5], [-21, -10, -6]])
    shape = np.exp(-(((ENERGIES[:, None, None] - centers) / 2) ** 2) / 2)
    dos = shape.sum(axis=2).T
    return dos * 5 / (dos.sum(axis=1, keepdims=True) * 0.1)


def test_perfect_prediction_has_no_error():
    dos = reference_dos()
    report = dos_report(ENERGIES, dos, dos, 4.0, TYPES)
    assert report.overall.structures == 3
    assert list(report.by_type) == ["C60", "C20"]
    for errors in (report.overall, *report.by_type.values()):
        assert errors.band_energy_mae == errors.fermi_level_mae == errors.dos_rmse == 0
        assert errors.within_chemical_accuracy == 1
        assert errors.unresolved == 0
    assert report.types_within_chemical_accuracy == 2


def test_references_may_lack_what_reading_lets_them():
    dos = reference_dos()
    held = cumulative_dos(ENERGIES, dos)[:, -1]
    lacking = dos * ((4.0 - np.array([0.005, 0.0099, 0.5])) / held)[:, None]
    report = dos_report(ENERGIES, lacking, lacking, 4.0, TYPES)
    assert [errors.unresolved for errors in report.by_type.values()] == [0, 1]
    assert report.by_type["C60"].band_energy_mae == 0
    level = solve_fermi(ENERGIES, lacking, 4.0).fermi_level
    np.testing.assert_array_equal(np.isnan(level), [False, False, True])
    assert np.isnan(solve_fermi(ENERGIES, lacking, 4.0, role="prediction").fermi_level).all()
    # Less than the reference holds is too little.
    assert dos_report(ENERGIES, lacking, 0.999 * lacking, 4.0, TYPES).overall.unresolved == 3


def test_figures_are_what_their_names_say():
    dos = reference_dos()
    predicted = dos * np.array([[1.0], [1.01], [1.2]])
    report = dos_report(ENERGIES, dos, predicted, 4.0, TYPES)
    true, found = (solve_fermi(ENERGIES, d, 4.0) for d in (dos, predicted))
    band = np.abs(found.band_energy - true.band_energy)
    level = np.abs(found.fermi_level - true.fermi_level)
    assert report.overall.band_energy_mae == pytest.approx(band.mean())
    assert report.overall.fermi_level_mae == pytest.approx(level.mean())
    assert report.overall.dos_rmse == pytest.approx(np.sqrt(((predicted - dos) ** 2).mean()))
    assert report.by_type["C20"].band_energy_mae == pytest.approx(band[2])
    assert report.by_type["C60"].within_chemical_accuracy == (band[:2] <= 0.043).mean()
    running = 0.1 * np.cumsum(predicted - dos, axis=1)
    rmse = np.sqrt((running**2).mean())
    assert report.overall.cumulative_dos_rmse == pytest.approx(rmse, rel=0.02)


def test_unresolved_structures_are_counted_and_never_flatter():
    dos = reference_dos()
    predicted = dos.copy()
    predicted[1] *= 0.1
    report = dos_report(ENERGIES, dos, predicted, 4.0, TYPES)
    assert report.by_type["C60"].unresolved == 1
    assert report.by_type["C60"].within_chemical_accuracy == 0.5
    assert report.types_within_chemical_accuracy == 1
    table = format_table({"model": report, "reference": dos_report(ENERGIES, dos, dos, 4.0, TYPES)})
    row = next(line for line in table.splitlines() if line.startswith("| model"))
    assert row.count("unresolved") == 2
    predicted[:] = 0
    nothing = dos_report(ENERGIES, dos, predicted, 4.0, TYPES)
    assert json.loads(json.dumps(nothing.to_dict()))["overall"]["band_energy_mae"] is None


def test_many_types_cost_no_more_than_their_structures_and_stand_in_no_table():
    energies = np.linspace(-2, 2, 9)
    dos = np.random.default_rng(0).uniform(1, 2, (4000, 9))
    types = np.random.default_rng(1).permutation(np.arange(4000) // 2)
    tracemalloc.start()
    report = dos_report(energies, dos, 1.01 * dos, 2.0, types)
    assert tracemalloc.get_traced_memory()[1] < 7e6  # one bool a type and structure: 8 MB
    tracemalloc.stop()
    assert list(report.by_type) == [str(kind) for kind in dict.fromkeys(types)]
    one = types == types[0]
    alone = dos_report(energies, dos[one], 1.01 * dos[one], 2.0, types[one])
    errors = report.by_type[str(types[0])]
    assert errors.structures == 2
    assert errors.band_energy_mae == pytest.approx(alone.overall.band_energy_mae)
    assert errors.dos_rmse == pytest.approx(alone.overall.dos_rmse)
    assert format_table({"model": report}).splitlines()[0] == "| Model | Overall |"
    assert len(report.to_dict()["by_type"]) == 2000


def test_structures_with_a_gap_are_counted():
    centers = np.array([[-20, -12, -6], [-20, -12, -2], [-20, -12, -6.5]])[:, :, None]
    shape = np.exp(-(((ENERGIES - centers) / 0.5) ** 2) / 2).sum(axis=1)
    dos = shape * 4 / (shape[:, ENERGIES < -9].sum(axis=1, keepdims=True) * 0.1)  # full at -9 eV
    dos[2] *= 0.8
    noisy = dos * (1 + 1e-4 * np.random.default_rng(0).normal(size=dos.shape))
    report = dos_report(ENERGIES, dos, noisy, 4.0, TYPES)
    assert {name: errors.gapped for name, errors in report.by_type.items()} == {"C60": 2, "C20": 0}
    assert report.by_type["C60"].fermi_level_mae > 0.1 > report.by_type["C20"].fermi_level_mae
    assert report.overall.band_energy_mae < 1e-2


def test_published_convention_reports_its_own_offset():
    dos = reference_dos()
    options = {"convention": "published", "atoms": [60, 60, 20]}
    report = dos_report(ENERGIES, dos, dos, 4.0, TYPES, **options)
    assert 0 < report.overall.band_energy_mae <= 0.06
    assert report.overall.fermi_level_mae == 0


def test_table_has_the_papers_columns_and_marks_the_best():
    dos = reference_dos()
    reports = {
        "a": dos_report(ENERGIES, dos, dos, 4.0, TYPES),
        "b": dos_report(ENERGIES, dos, dos * 1.01, 4.0, TYPES),
    }
    lines = format_table(reports).splitlines()
    assert lines[0] == "| Model | C60 | C20 | Overall |"
    assert lines[2] == "| a | **0.0000** | **0.0000** | **0.0000** |"
    assert "**" not in lines[3]
    assert format_table(reports, "structures").splitlines()[2] == "| a | **2** | **1** | **3** |"
    with pytest.raises(InputError, match="'accuracy'"):
        format_table(reports, "accuracy")


def test_report_survives_json():
    dos = reference_dos()
    plain = dos_report(ENERGIES, dos, dos * 1.02, 4.0, TYPES).to_dict()
    assert json.loads(json.dumps(plain)) == plain
    assert plain["types_within_chemical_accuracy"] == 0


@pytest.mark.parametrize(
    ("reference", "predicted", "types"),
    [
        (np.ones((2, 310)), np.ones((3, 310)), ["a", "b"]),
        (np.ones((0, 310)), np.ones((0, 310)), []),
        (np.ones((2, 310)), np.ones((2, 310)), ["a"]),
    ],
)
def test_arrays_that_do_not_fit_are_refused(reference, predicted, types):
    with pytest.raises(InputError):
        dos_report(ENERGIES, reference, predicted, 4.0, types)

import os

import numpy as np
import pytest

from csnn_tf.data.atoms import builtin_carbon, read_npz
from csnn_tf.electronic import mean_dos_predictions, yardstick_reports
from csnn_tf.errors import InputError


def test_means_by_group_with_the_overall_mean_as_fallback():
    train = np.array([[1.0, 1], [3, 3], [10, 10]])
    found = mean_dos_predictions(train, ["a", "a", "b"], ["b", "a", "new"])
    np.testing.assert_allclose(found, [[10, 10], [2, 2], [14 / 3, 14 / 3]])
    with pytest.raises(InputError, match="train_dos"):
        mean_dos_predictions(train[:0], [], ["a"])


def test_finer_means_are_harder_to_beat():
    carbon = builtin_carbon()
    reports = yardstick_reports(carbon.select(split="train"), carbon.select(split="test"))
    band = [report.overall.band_energy_mae for report in reports.values()]
    rmse = [report.overall.dos_rmse for report in reports.values()]
    assert list(reports)[-1] == "mean DOS of the type and temperature"
    assert band == sorted(band, reverse=True)
    assert rmse == sorted(rmse, reverse=True)
    assert len(reports["mean DOS"].by_type) == 8


def test_a_temperature_that_training_lacks_gets_the_mean_of_its_type():
    carbon = builtin_carbon()
    train, test = carbon.select(split="train"), carbon.select(split="test")
    train.temperature[:] = 1.0
    reports = yardstick_reports(train, test)
    finest = reports["mean DOS of the type and temperature"]
    assert finest == reports["mean DOS of the type"]
    assert finest != reports["mean DOS"]


def test_without_temperatures_the_finest_mean_is_left_out():
    carbon = builtin_carbon()
    carbon.temperature[:] = np.nan
    reports = yardstick_reports(carbon.select(split="train"), carbon.select(split="test"))
    assert list(reports) == ["mean DOS", "mean DOS of the type"]


def test_sets_that_cannot_be_compared_are_refused():
    carbon = builtin_carbon().select(type="C20")
    other = carbon.subset([0])
    other.energies = other.energies + 1
    with pytest.raises(InputError, match="energy grids"):
        yardstick_reports(carbon, other)
    other.dos = None
    with pytest.raises(InputError, match="test set holds no DOS"):
        yardstick_reports(carbon, other)


@pytest.mark.skipif(
    "CSNN_TF_CARBON_DOS" not in os.environ,
    reason="CSNN_TF_CARBON_DOS does not name the folder of the full carbon data",
)
def test_published_yardsticks_of_the_full_data():
    carbon = read_npz(os.environ["CSNN_TF_CARBON_DOS"], electrons={"C": 4})
    reports = yardstick_reports(carbon.select(split="train"), carbon.select(split="test"))
    overall = [report.overall for report in reports.values()]
    band = [errors.band_energy_mae for errors in overall]
    np.testing.assert_allclose(band, [0.484, 0.033, 0.022], rtol=0, atol=5e-4)
    rmse = [errors.dos_rmse for errors in overall]
    np.testing.assert_allclose(rmse, [0.085, 0.0157, 0.0144], rtol=0, atol=5e-4)

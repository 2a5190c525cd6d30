import keras
import numpy as np
import pytest

from csnn_tf.electronic import cumulative_dos, solve_fermi
from csnn_tf.errors import InputError
from csnn_tf.losses import DosLoss

ENERGIES = -30 + 0.1 * np.arange(310)


def dos_pair(rows=4):
    rng = np.random.default_rng(0)
    centers = rng.uniform(-25, -3, (2, rows, 9))
    shape = np.exp(-(((ENERGIES[:, None, None, None] - centers) / 1.5) ** 2) / 2)
    dos = np.moveaxis(shape.sum(axis=-1), 0, -1)
    dos *= 5 / (dos.sum(axis=-1, keepdims=True) * 0.1)
    return dos.astype("float32")


@pytest.mark.parametrize("alpha", [0.0, 0.1, 1.0])
def test_equation_15(alpha):
    true, predicted = dos_pair()
    difference = predicted.astype(float) - true
    dos = (difference**2).mean()
    cumulative = ((0.1 * np.cumsum(difference, axis=1)) ** 2).mean()
    loss = DosLoss(alpha=alpha)(true, predicted)
    assert float(loss) == pytest.approx(alpha * dos + (1 - alpha) * cumulative, rel=1e-4)


def test_one_value_a_structure_and_weights():
    true, predicted = dos_pair()
    each = np.asarray(DosLoss(reduction="none")(true, predicted))
    assert each.shape == (4,)
    chosen = DosLoss()(true, predicted, sample_weight=np.array([0.0, 0, 1, 0], "float32"))
    assert float(chosen) == pytest.approx(each[2] / 4, rel=1e-5)


def test_fermi_term():
    true, predicted = dos_pair()
    plain = DosLoss(reduction="none")(true, predicted)
    full = DosLoss(reduction="none", fermi_weight=2.0, electrons=4.0)
    extra = np.asarray(full(true, predicted)) - np.asarray(plain)
    a, b = solve_fermi(ENERGIES, true, 4.0), solve_fermi(ENERGIES, predicted, 4.0)
    np.testing.assert_allclose(
        extra, 2 * (a.fermi_level - b.fermi_level) ** 2, rtol=1e-3, atol=1e-4
    )


def test_band_term_is_the_band_energy_error_to_first_order():
    true, other = dos_pair()
    for share, tolerance in ((0.1, 0.1), (0.01, 0.01)):
        predicted = (1 - share) * true + share * other
        plain = DosLoss(reduction="none")(true, predicted)
        full = DosLoss(reduction="none", band_weight=3.0, electrons=4.0)
        extra = np.asarray(full(true, predicted)) - np.asarray(plain)
        found, expected = solve_fermi(ENERGIES, np.stack([predicted, true]), 4.0).band_energy
        np.testing.assert_allclose(extra, 3 * (found - expected) ** 2, rtol=2 * tolerance)


def test_terms_vanish_where_the_count_is_out_of_reach():
    true, predicted = dos_pair()
    predicted[1] *= 0.1
    true[2] *= 0.1
    plain = np.asarray(DosLoss(reduction="none")(true, predicted))
    fermi = DosLoss(reduction="none", fermi_weight=1.0, electrons=4.0)(true, predicted)
    assert ((np.asarray(fermi) > plain) == [True, False, False, True]).all()
    band = DosLoss(reduction="none", band_weight=1.0, electrons=4.0)(true, predicted)
    assert ((np.asarray(band) > plain) == [True, True, False, True]).all()


def test_terms_stay_where_a_reference_lacks_what_reading_lets_it():
    true, predicted = dos_pair()
    held = cumulative_dos(ENERGIES, true).max()
    plain = np.asarray(DosLoss(reduction="none")(true, predicted))
    for lacking, stay in ((0.005, True), (0.015, False)):
        loss = DosLoss(reduction="none", band_weight=1.0, electrons=held + lacking)
        band = loss(true, predicted)
        assert (np.asarray(band) > plain).any() == stay


def test_electrons_can_come_with_each_structure():
    true, predicted = dos_pair()
    counts = np.array([4.0, 3.5, np.nan, 3.0], "float32")
    with_counts = np.concatenate([true, counts[:, None]], axis=1)
    loss = DosLoss(reduction="none", band_weight=1.0, fermi_weight=0.5)
    found = np.asarray(loss(with_counts, predicted))
    for row, count in enumerate(counts):
        terms = {"band_weight": 1.0, "fermi_weight": 0.5, "electrons": float(count)}
        one = DosLoss(reduction="none", **({} if np.isnan(count) else terms))
        expected = np.asarray(one(true[row : row + 1], predicted[row : row + 1]))
        assert found[row] == pytest.approx(expected[0], rel=1e-5)
    with pytest.raises(InputError, match="need the electrons"):
        loss(true, predicted)


def test_band_term_has_bounded_gradients_in_a_gap():
    true, predicted = dos_pair()
    gap = (ENERGIES > -14) & (ENERGIES < -9)
    for dos in (true, predicted):
        dos[:, gap] = 0
        below = dos[:, ENERGIES <= -14]
        dos[:, ENERGIES <= -14] *= 4 / (0.1 * below.sum(axis=1, keepdims=True))
    loss = DosLoss(reduction="none", band_weight=1.0, electrons=4.0)
    change = predicted.copy()
    change[:, 160] += 1e-2
    difference = np.asarray(loss(true, change)) - np.asarray(loss(true, predicted))
    assert (np.abs(difference) < 1).all()


def test_training_with_all_terms_lowers_the_loss():
    true, _ = dos_pair()
    layer = keras.layers.Dense(
        310, activation="softplus", kernel_initializer=keras.initializers.GlorotUniform(seed=0)
    )
    model = keras.Sequential([keras.Input((4,)), layer])
    model.compile(keras.optimizers.Adam(0.05), DosLoss(band_weight=0.01, electrons=4.0))
    x = np.eye(4, dtype="float32")
    history = [float(model.train_on_batch(x, true)) for _ in range(30)]
    assert np.isfinite(history).all()
    assert history[-1] < history[0] / 4


def test_serialisation():
    loss = DosLoss(alpha=0.3, bin_width=0.2, fermi_weight=1.0, electrons=4.0, first_energy=-10.0)
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert isinstance(again, DosLoss)
    assert again.get_config() == loss.get_config()
    true, predicted = dos_pair()
    assert float(again(true, predicted)) == float(loss(true, predicted))


@pytest.mark.parametrize(
    "options",
    [
        {"alpha": 1.5},
        {"bin_width": 0.0},
        {"band_weight": -1.0, "electrons": 4.0},
        {"electrons": 0.0},
        {"band_weight": 1.0, "electrons": -4.0},
        {"alpha": "x"},
        {"bin_width": np.inf},
        {"first_energy": np.nan},
        {"fermi_weight": None},
        {"electrons": {"C": 4}},
    ],
)
def test_bad_options_are_refused(options):
    with pytest.raises(InputError, match="|".join(options)):
        DosLoss(**options)


@pytest.mark.parametrize(("rows", "bins"), [(4, 1), (1, 310), (4, 300), (4, 312)])
def test_references_of_another_shape_are_refused(rows, bins):
    true, predicted = dos_pair()
    with pytest.raises(InputError, match=r"DosLoss expects densities of states \[batch, bins\]"):
        DosLoss()(np.resize(true, (rows, bins)), predicted)
    with pytest.raises(InputError, match="predictions"):
        DosLoss()(true[:, :, None], predicted[:, :, None])

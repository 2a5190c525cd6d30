import keras
import numpy as np
import pytest
from keras import ops

from csnn_tf.errors import InputError
from csnn_tf.models import ConcentricBackbone
from csnn_tf.testing import assert_equivariant, assert_invariant
from tests.helpers import feature_maps, numpy_of, randomise, saved_and_loaded, training_step

FIELDS = {
    "level": 2,
    "spheres": 4,
    "channels": 2,
    "intra_filters": (6, 8, 10),
    "intra_layers": (2, 1, 1),
    "co_radial_filters": (6, 10, 12),
    "co_radial_layers": (1, 2, 1),
}
FEW_LEVELS = {
    "intra_filters": (6,),
    "intra_layers": (1,),
    "co_radial_filters": (10,),
    "co_radial_layers": (1,),
}
MAPS = feature_maps(2, 4, 2)


def made(**changes):
    backbone = ConcentricBackbone(**{**FIELDS, **changes})
    randomise(backbone)
    return backbone


@pytest.mark.parametrize("pooling", ["max", "mean"])
def test_every_layer_inside_is_equivariant(pooling):
    backbone = made(pooling=pooling)
    features = [layer for layer in backbone.layers if layer.output.ndim == 4][1:]
    # All outputs of a level at once: side by side along the channels.
    for vertices in (162, 42, 12):
        outputs = [layer.output for layer in features if layer.output.shape[1] == vertices]
        assert len(outputs) >= 5
        joined = keras.layers.Concatenate()(outputs)
        assert_equivariant(keras.Model(backbone.input, joined), MAPS)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"pooling": "mean"},
        {"descriptor": "last"},
        {"pooling": "mean", "early_reduction": True, "descriptor": "last"},
        {"early_reduction": True},
        {"kernel_size": 1},
    ],
    ids=str,
)
def test_descriptors_are_invariant(changes):
    backbone = made(**changes)
    width = 12 if changes.get("descriptor") == "last" else 28
    assert backbone.output_shape == (None, width)
    assert_invariant(backbone, MAPS)
    assert np.ptp(numpy_of(backbone(MAPS, training=False)), axis=0).max() > 1e-2


def test_descriptors_run_from_fine_to_coarse():
    backbone = made()
    parts = [backbone.get_layer(f"level{level}_descriptor").output for level in (2, 1, 0)]
    parts = keras.Model(backbone.input, parts)(MAPS, training=False)
    joined = np.concatenate([numpy_of(part) for part in parts], axis=1)
    np.testing.assert_array_equal(numpy_of(backbone(MAPS, training=False)), joined)


@pytest.mark.parametrize("pooling", ["max", "mean"])
def test_a_descriptor_reduces_the_last_map_of_its_level(pooling):
    backbone = made(pooling=pooling)
    reduce = {"max": ops.max, "mean": ops.mean}[pooling]
    for level, last in ((2, 0), (1, 1), (0, 0)):
        names = f"level{level}_co_radial{last}_norm", f"level{level}_descriptor"
        tensors = [backbone.get_layer(name).output for name in names]
        maps, found = keras.Model(backbone.input, tensors)(MAPS, training=False)
        expected = numpy_of(reduce(maps, axis=(1, 2)))
        np.testing.assert_allclose(numpy_of(found), expected, rtol=1e-5, atol=1e-6)


def test_early_reduction_averages_before_the_last_co_radial_convolution():
    changes = {"pooling": "mean", "descriptor": "last"}
    early = made(early_reduction=True, **changes)
    norm = early.get_layer("level0_co_radial0_norm")
    conv = early.get_layer("level0_co_radial0")
    x = keras.Model(early.input, early.get_layer("level0_intra0_sum").output)(MAPS, training=False)
    assert x.shape == (2, 12, 4, 10)
    x = ops.mean(x, axis=1, keepdims=True)
    x = ops.mean(ops.relu(norm(conv(x), training=False)), axis=(1, 2))
    np.testing.assert_allclose(numpy_of(early(MAPS, training=False)), numpy_of(x), atol=1e-5)


def test_biases_before_normalisations_have_gradients_where_their_maps_are_read():
    backbone = made(**FEW_LEVELS)

    def loss(outputs):
        return ops.mean(ops.square(outputs - 1))

    bias = "level2_intra0/bias"
    # By itself and inside another model the backbone spares the pass over memory.
    assert not training_step(backbone, MAPS, loss)[2][bias].any()
    inputs = keras.Input(MAPS.shape[1:])
    outer = keras.Model(inputs, keras.layers.Dense(2)(backbone(inputs)))
    assert not training_step(outer, MAPS, loss)[2][bias].any()
    tapped = keras.Model(backbone.input, backbone.get_layer("level2_intra0").output)
    found = training_step(tapped, MAPS, loss)
    expected = 2 * (found[0] - 1).mean(axis=(0, 1, 2)) / found[0].shape[-1]
    np.testing.assert_allclose(found[2][bias], expected, rtol=1e-4)


def test_a_residual_sum_where_widths_agree():
    names = {layer.name for layer in made().layers if layer.name.endswith("_sum")}
    assert names == {"level2_intra1_sum", "level0_intra0_sum"}  # 6 -> 6 and 10 -> 10


def test_fewer_levels_than_the_grid_has():
    backbone = made(**FEW_LEVELS)
    assert backbone.output_shape == (None, 10)
    assert_invariant(backbone, MAPS)


def test_configuration_and_saving(tmp_path):
    fields = {
        **FEW_LEVELS,
        "kernel_size": 1,
        "pooling": "mean",
        "descriptor": "last",
        "early_reduction": True,
    }
    backbone = made(**fields)
    config = backbone.get_config()
    assert {**FIELDS, **fields}.items() <= {
        name: tuple(value) if isinstance(value, list) else value for name, value in config.items()
    }.items()
    assert ConcentricBackbone.from_config(config).get_config() == config
    again = saved_and_loaded(backbone, tmp_path)
    assert type(again) is ConcentricBackbone
    np.testing.assert_array_equal(numpy_of(again(MAPS)), numpy_of(backbone(MAPS)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"level": 8}, "level must be"),
        ({"intra_layers": (1, 1)}, "one entry for each of 1 to 3 levels"),
        ({"level": 1}, "one entry for each of 1 to 2 levels"),
        (dict.fromkeys([*FIELDS][3:], ()), "one entry for each"),
        ({"intra_filters": (6, 8, 0)}, "intra_filters must be a positive"),
        ({"co_radial_layers": (1, 1.5, 1)}, "co_radial_layers must be a positive"),
        ({"spheres": 0}, "spheres must be"),
        ({"channels": None}, "channels must be"),
        ({"kernel_size": 2}, "kernel_size must be odd"),
        ({"early_reduction": "no"}, "early_reduction must be true or false, not 'no'"),
        ({"pooling": "sum"}, "pooling must be one of max, mean"),
        ({"descriptor": "first"}, "descriptor must be one of levels, last"),
    ],
    ids=str,
)
def test_wrong_arguments(changes, message):
    with pytest.raises(InputError, match=message):
        ConcentricBackbone(**{**FIELDS, **changes})

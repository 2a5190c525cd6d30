import keras
import pytest

from csnn_tf.models.graph import calls_of, graphs_of, largest_output, sole_readers

layers = keras.layers


def nested():
    inner_inputs = keras.Input((4,))
    inner = keras.Model(inner_inputs, layers.Dense(9, name="wide")(inner_inputs), name="inner")
    inputs = keras.Input((3,))
    x = layers.Dense(4, name="first")(inputs)
    return keras.Model(inputs, layers.Dense(2, name="last")(inner(layers.ReLU(name="relu")(x))))


def names(calls):
    return [call.operation.name for call in calls]


def test_calls_and_graphs_of_nested_models():
    model = nested()
    assert names(calls_of(model)) == ["first", "relu", "inner", "last"]
    assert [graph.name for graph in graphs_of(model)] == [model.name, "inner"]
    assert names(calls_of(model.get_layer("inner"))) == ["wide"]


def test_the_largest_output_may_be_inside():
    assert largest_output(nested()) == 9
    inputs = keras.Input((None, 3))
    assert largest_output(keras.Model(inputs, layers.ReLU()(inputs))) == 1  # of unknown size


def test_a_tensor_that_one_call_reads():
    model = nested()
    reader_of = sole_readers(model)
    calls = {call.operation.name: call for call in calls_of(model)}
    assert reader_of[id(calls["first"].outputs[0])] is calls["relu"]
    assert id(calls["last"].outputs[0]) not in reader_of
    assert id(calls_of(model.get_layer("inner"))[0].outputs[0]) not in reader_of


@pytest.mark.parametrize(
    "combine",
    [
        lambda x, layer: [layers.ReLU()(x), layers.ReLU()(x)],
        lambda x, layer: layers.Add()([x, x]),
        lambda x, layer: [x, layers.ReLU()(x)],
        lambda x, layer: [layers.ReLU()(x), layer(x)],
    ],
    ids=["two readers", "read twice", "an output", "made by a layer that is called twice"],
)
def test_a_tensor_that_is_read_otherwise(combine):
    inputs = keras.Input((3,))
    layer = layers.Dense(3)
    x = layer(inputs)
    assert id(x) not in sole_readers(keras.Model(inputs, combine(x, layer)))

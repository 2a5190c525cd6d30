import pytest

from csnn_tf import layers
from csnn_tf.errors import InputError
from tests.helpers import clouds, tensorflow_only


@tensorflow_only
def test_input_errors_come_through_functions_and_pipelines_of_tensorflow():
    import tensorflow as tf

    cloud = clouds(1, 5)[0]
    with pytest.raises(InputError, match="expects points"):
        tf.function(layers.NormalizePoints())(cloud)
    with pytest.raises(InputError, match="expects points"):
        tf.data.Dataset.from_tensors(cloud).map(lambda points: layers.NormalizePoints()(points))

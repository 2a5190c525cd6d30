import numpy as np

from csnn_tf.export.network import with_inner_output
from csnn_tf.models.inference_network import inference_network
from tests.export.conftest import CLASSES
from tests.helpers import clouds, numpy_of


def test_inner_output(tiny_classifier):
    spheres = tiny_classifier.spheres(clouds(2, 30))
    network = with_inner_output(inference_network(tiny_classifier.network), "backbone")
    descriptor, logits = network(spheres, training=False)
    expected = tiny_classifier.backbone(spheres, training=False)
    np.testing.assert_allclose(descriptor, expected, atol=1e-5)
    assert logits.shape == (2, len(CLASSES))


def test_bfloat16_network(tiny_classifier):
    network = inference_network(tiny_classifier.network, precision="bfloat16")
    assert {str(variable.dtype) for variable in network.get_layer("backbone").variables} == {
        "bfloat16"
    }
    logits = network(tiny_classifier.spheres(clouds(2, 30)), training=False)
    assert logits.dtype == "float32"
    expected = numpy_of(tiny_classifier(clouds(2, 30)))
    np.testing.assert_allclose(logits, expected, atol=0.1 * np.abs(expected).max())

import numpy as np

from csnn_tf.export.network import with_inner_output
from csnn_tf.models.inference_network import inference_network
from tests.export.conftest import CLASSES
from tests.helpers import clouds


def test_inner_output(tiny_classifier):
    spheres = tiny_classifier.spheres(clouds(2, 30))
    network = with_inner_output(inference_network(tiny_classifier.network), "backbone")
    descriptor, logits = network(spheres, training=False)
    expected = tiny_classifier.backbone(spheres, training=False)
    np.testing.assert_allclose(descriptor, expected, atol=1e-5)
    assert logits.shape == (2, len(CLASSES))

"""The golden classifier: its inputs on our grid, its weights, and a model of its shape."""

import numpy as np

from csnn_tf.models import PointCloudClassifier
from tests.helpers import golden, golden_config, our_vertices

GOLDEN = golden("classifier_l2_r4")
WEIGHTS = {k.removeprefix("w/"): v for k, v in GOLDEN.items() if k.startswith("w/")}
INPUTS = np.empty((6, 162, 4, 2), "float32")
INPUTS[:, our_vertices(GOLDEN["vertices"], 2)] = GOLDEN["x"].transpose(0, 2, 1, 3)


def published_classifier(**changes) -> PointCloudClassifier:
    config = golden_config("classifier_l2_r4")
    fields = {
        "num_classes": config["classes"],
        "level": config["level"],
        "spheres": config["radial"],
        "channels": config["in_channels"],
        "intra_filters": config["graph_dims"],
        "intra_layers": config["graph_layers"],
        "co_radial_filters": config["radial_dims"],
        "co_radial_layers": config["radial_layers"],
        "hidden": config["hidden"],
        "pooling": config["pool"],
        "dropout": 0.0,
    }
    return PointCloudClassifier(**{**fields, **changes})

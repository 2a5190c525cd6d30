"""The classifiers of point clouds, by name."""

from csnn_tf.checks import check_choice
from csnn_tf.models.cloud_classifier import CloudClassifier
from csnn_tf.models.dgcnn_classifier import DgcnnClassifier
from csnn_tf.models.point_cloud_classifier import PointCloudClassifier
from csnn_tf.models.pointnet_classifier import PointNetClassifier

ARCHITECTURES: dict[str, type[CloudClassifier]] = {
    "csnn": PointCloudClassifier,
    "pointnet": PointNetClassifier,
    "dgcnn": DgcnnClassifier,
}
"""The paper's model and baselines of its Table I."""


def architecture(name: str) -> type[CloudClassifier]:
    """The class of a classifier by its name.

    Args:
        name: "csnn", "pointnet" or "dgcnn".

    Raises:
        InputError: If the name is unknown.

    Example:
        >>> architecture("pointnet").from_preset("small", num_classes=40).num_classes
        40
    """
    return ARCHITECTURES[check_choice("architecture", name, tuple(ARCHITECTURES))]

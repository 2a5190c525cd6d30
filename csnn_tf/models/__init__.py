"""Models: the backbone, the classifier and the density of states on it, and their presets."""

from csnn_tf.models.backbone import ConcentricBackbone
from csnn_tf.models.density_of_states import DensityOfStates
from csnn_tf.models.dos_presets import dos_preset, dos_preset_names
from csnn_tf.models.point_cloud_classifier import PointCloudClassifier
from csnn_tf.models.presets import preset, preset_names

__all__ = [
    "ConcentricBackbone",
    "DensityOfStates",
    "PointCloudClassifier",
    "dos_preset",
    "dos_preset_names",
    "preset",
    "preset_names",
]

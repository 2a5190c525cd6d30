"""Models: the backbone, the classifier and the density of states on it, baselines, presets."""

from csnn_tf.models.agni_dos import AgniDensityOfStates
from csnn_tf.models.architectures import architecture
from csnn_tf.models.atomic_dos_model import AtomicDosModel
from csnn_tf.models.backbone import ConcentricBackbone
from csnn_tf.models.cloud_classifier import CloudClassifier
from csnn_tf.models.density_of_states import DensityOfStates
from csnn_tf.models.dgcnn_classifier import DgcnnClassifier
from csnn_tf.models.dos_architectures import dos_architecture
from csnn_tf.models.dos_presets import dos_preset, dos_preset_names
from csnn_tf.models.point_cloud_classifier import PointCloudClassifier
from csnn_tf.models.pointnet_classifier import PointNetClassifier
from csnn_tf.models.presets import preset, preset_names
from csnn_tf.models.schnet_dos import SchNetDensityOfStates

__all__ = [
    "AgniDensityOfStates",
    "AtomicDosModel",
    "CloudClassifier",
    "ConcentricBackbone",
    "DensityOfStates",
    "DgcnnClassifier",
    "PointCloudClassifier",
    "PointNetClassifier",
    "SchNetDensityOfStates",
    "architecture",
    "dos_architecture",
    "dos_preset",
    "dos_preset_names",
    "preset",
    "preset_names",
]

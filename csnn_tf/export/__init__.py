"""Export of trained models: SavedModels for TensorFlow Serving, ONNX, TensorFlow Lite."""

from csnn_tf.export.exporter import Exported, export_model
from csnn_tf.export.options import FORMATS, PRECISIONS, ExportOptions
from csnn_tf.export.serving import Request, Serving, serves, serving_of

__all__ = [
    "FORMATS",
    "PRECISIONS",
    "ExportOptions",
    "Exported",
    "Request",
    "Serving",
    "export_model",
    "serves",
    "serving_of",
]

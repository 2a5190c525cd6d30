"""A page about a run: one HTML file that shows how good a model is and where it fails."""

from csnn_tf.report.classifier import classifier_report
from csnn_tf.report.density_of_states import dos_report_page

__all__ = ["classifier_report", "dos_report_page"]

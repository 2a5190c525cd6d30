"""Speed and memory of a preset on the machine at hand, beside what the machine could do.

This is no part of the library: it holds the plain formulation that the layers are compared with.
"""

from csnn_tf.benchmark.case import BenchmarkCase
from csnn_tf.benchmark.runner import run_benchmark

__all__ = ["BenchmarkCase", "run_benchmark"]

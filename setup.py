"""Packaging of csnn-tf."""

from pathlib import Path

from setuptools import find_packages, setup

here = Path(__file__).parent
library = find_packages(include=["csnn_tf", "csnn_tf.*"])

setup(
    name="csnn-tf",
    version="0.1.0",
    description="Concentric Spherical Neural Networks for TensorFlow and Keras 3",
    long_description=(here / "README.md").read_text("utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.11,<3.14",
    # cli/ and saved_models/ install inside csnn_tf, so that no package of such a general name
    # lands in site-packages.
    packages=[*library, "csnn_tf.cli", "csnn_tf.saved_models", "csnn_tf_command"],
    package_dir={
        "csnn_tf.cli": "cli",
        "csnn_tf.saved_models": "saved_models",
        "csnn_tf_command": "cli/launcher",
    },
    package_data={
        "csnn_tf": ["py.typed"],
        "csnn_tf.models": ["*.json"],
        "csnn_tf.training": ["*.json"],
        "csnn_tf.data.atoms": ["*.npz"],
        "csnn_tf.report": ["*.html", "*.css", "*.js"],
        "csnn_tf.saved_models": ["*.keras", "*.json", "*.md"],
    },
    install_requires=[
        "tensorflow>=2.18",
        "keras>=3.11",
        "numpy>=1.26",
        "scipy>=1.11.1",
        "ase>=3.23",
        "click>=8.1",
        "h5py>=3.11",
        "trimesh>=4.6.13",
        "rich>=13",
        "vesin>=0.6",
        # Newer Pythons have no usable release; see csnn_tf/data/triangle_sampler.py.
        'tensorflow-graphics==2021.12.3; python_version < "3.12"',
    ],
    extras_require={
        "jax": ["jax>=0.7.2"],
        "plot": ["matplotlib>=3.8", "plotly>=6"],
        "tensorboard": ["tensorboard>=2.18", "matplotlib>=3.8"],
        # Warm-up requests of an export, and the gRPC client.
        "serving": ["tensorflow-serving-api>=2.18", "grpcio>=1.60"],
        "onnx": ["tf2onnx>=1.16", "onnx>=1.16"],
        "test": [
            "pytest>=8",
            "pytest-xdist>=3.5",
            "ruff>=0.8",
            "hypothesis>=6",
            "jax>=0.7.2",
            "matplotlib>=3.8",
            "plotly>=6",
            "tensorboard>=2.18",
            # Runs the quick start notebook.
            "nbclient>=0.10",
            "nbformat>=5.10",
            "ipykernel>=6",
            # Drives the Chromium of the machine; downloads none.
            "playwright>=1.45",
            "tensorflow-serving-api>=2.18",
            "grpcio>=1.60",
            "tf2onnx>=1.16",
            "onnx>=1.16",
            "onnxruntime>=1.18",
        ],
        # A real server for the REST tests; they skip without it.
        "serving-test": ["kserve>=0.15"],
    },
    entry_points={"console_scripts": ["csnn-tf = csnn_tf_command:main"]},
    classifiers=[
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Typing :: Typed",
    ],
)

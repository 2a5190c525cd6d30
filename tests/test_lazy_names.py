import subprocess
import sys

import pytest

import csnn_tf.data
import csnn_tf.training

PACKAGES = [csnn_tf.data, csnn_tf.training]


@pytest.mark.parametrize("package", PACKAGES)
def test_names_are_found(package):
    assert package.__all__ == sorted(set(package.__all__)) == dir(package)
    for name in package.__all__:
        assert getattr(package, name) is not None
    with pytest.raises(AttributeError, match=rf"'{package.__name__}' has no attribute 'nothing'"):
        package.nothing  # noqa: B018


def test_nothing_is_loaded_before():
    code = "import sys, csnn_tf.data, csnn_tf.training; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert not {"csnn_tf.data.shapes", "csnn_tf.training.trainer", "trimesh", "ase"} & loaded

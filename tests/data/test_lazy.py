import subprocess
import sys

import csnn_tf.data


def test_every_exported_name_is_there():
    for name in csnn_tf.data.__all__:
        assert getattr(csnn_tf.data, name) is not None
    assert set(csnn_tf.data.__all__) <= set(dir(csnn_tf.data))
    assert not hasattr(csnn_tf.data, "nothing")


def test_loading_clouds_needs_no_tensorflow():
    # With a bare package around it: importing the whole package may load a Keras backend.
    script = f"""
import sys, types
package = types.ModuleType("csnn_tf")
package.__path__ = {list(csnn_tf.__path__)!r}
sys.modules["csnn_tf"] = package
from csnn_tf.data import MeshSet, ShapeSet, fetch_modelnet40, load_point_clouds
loaded = {{name.partition(".")[0] for name in sys.modules}}
unwanted = {{"tensorflow", "tensorflow_graphics", "keras", "scipy", "trimesh", "h5py", "rich"}}
assert not loaded & unwanted, loaded & unwanted
"""
    subprocess.run([sys.executable, "-c", script], check=True)

"""A KServe server around a SavedModel: python kserve_server.py FOLDER NAME PORT SIGNATURES.json.

KServe does the HTTP, as in scripts/serve_kserve.py; TensorFlow's C++ runtime, without its Python,
computes.
"""

import importlib.util
import json
import sys
from pathlib import Path

from c_runtime import SavedModel

SCRIPT = Path(__file__).parents[2] / "scripts" / "serve_kserve.py"

if __name__ == "__main__":
    folder, name, port, signatures = sys.argv[1:]
    sys.path.insert(0, str(SCRIPT.parent))
    spec = importlib.util.spec_from_file_location("serve_kserve", SCRIPT)
    serve_kserve = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(serve_kserve)
    loaded = SavedModel(folder, json.loads(Path(signatures).read_text("utf-8")))
    loaded.inputs = {name: list(sides["inputs"]) for name, sides in loaded.signatures.items()}
    assert not {"csnn_tf", "keras", "tensorflow"} & set(sys.modules)
    serve_kserve.serve({name: loaded}, serve_kserve.bound(int(port)))

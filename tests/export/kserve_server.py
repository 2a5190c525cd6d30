"""A KServe server around a SavedModel: python kserve_server.py FOLDER NAME PORT SIGNATURES.json.

KServe does the HTTP; TensorFlow's C++ runtime, without its Python, computes. Requests are in the
row format of TensorFlow Serving's REST interface.
"""

import asyncio
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import kserve
import numpy as np
from c_runtime import SavedModel
from kserve.errors import InvalidInput

_INTEGERS = ("lengths", "row_lengths")


class Runtime(kserve.Model):
    """Answers predict requests with a SavedModel."""

    def __init__(self, name: str, model: SavedModel) -> None:
        super().__init__(name)
        self.model, self.ready = model, True
        self.pool = ThreadPoolExecutor(8)

    async def predict(self, payload, headers=None, response_headers=None):
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.pool, self._answer, payload)

    def _answer(self, payload):
        signature = payload.get("signature_name", "serving_default")
        try:
            outputs = self.model.run(signature, _inputs(payload["instances"]))
        except (KeyError, RuntimeError, TypeError, ValueError) as error:
            raise InvalidInput(f"{type(error).__name__}: {error}") from error
        rows = {key: value.tolist() for key, value in outputs.items()}
        if len(rows) == 1:
            return {"predictions": next(iter(rows.values()))}
        return {
            "predictions": [
                dict(zip(rows, row, strict=True)) for row in zip(*rows.values(), strict=True)
            ]
        }


def _inputs(instances):
    if not isinstance(instances[0], dict):
        instances = [{"points": instance} for instance in instances]
    columns = {key: [instance[key] for instance in instances] for key in instances[0]}
    return {
        key: np.array(values, np.int64 if key in _INTEGERS else np.float32)
        for key, values in columns.items()
    }


if __name__ == "__main__":
    folder, name, port, signatures = sys.argv[1:]
    loaded = SavedModel(folder, json.loads(Path(signatures).read_text("utf-8")))
    assert not {"csnn_tf", "keras", "tensorflow"} & set(sys.modules)
    kserve.ModelServer(http_port=int(port), enable_grpc=False, workers=1).start(
        [Runtime(name, loaded)]
    )

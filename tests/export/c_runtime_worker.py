"""Runs requests in the C++ runtime: python c_runtime_worker.py JOB.npz RESULT.npz.

JOB holds `spec`, JSON with the SavedModel's folder, its signatures and the requests in order, each
a signature's name and how many threads send it at once; their inputs are arrays `REQUEST/INPUT`.
RESULT gets `REQUEST/OUTPUT` arrays, or `REQUEST/error`.
"""

import json
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from c_runtime import SavedModel


def main(job: str, result: str) -> None:
    with np.load(job, allow_pickle=False) as file:
        arrays = dict(file)
    spec, found = json.loads(str(arrays.pop("spec"))), {}
    model = SavedModel(spec["folder"], spec["signatures"])
    for place, request in enumerate(spec["requests"]):
        prefix = f"{place}/"
        inputs = {k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)}
        try:
            outputs = _same_from_threads(model, request["signature"], inputs, request["threads"])
        except RuntimeError as error:
            outputs = {"error": np.array(str(error))}
        found |= {prefix + key: value for key, value in outputs.items()}
    imported = [name for name in ("csnn_tf", "keras", "tensorflow") if name in sys.modules]
    assert not imported, f"imported {imported}"
    np.savez(result, **found)


def _same_from_threads(model, signature, inputs, threads):
    with ThreadPoolExecutor(threads) as pool:
        runs = list(pool.map(lambda _: model.run(signature, inputs), range(threads)))
    for outputs in runs[1:]:
        for key, value in outputs.items():
            if value.dtype.kind == "f":
                np.testing.assert_allclose(value, runs[0][key], rtol=1e-5, atol=1e-6)
            else:
                np.testing.assert_array_equal(value, runs[0][key])
    return runs[0]


if __name__ == "__main__":
    main(*sys.argv[1:])

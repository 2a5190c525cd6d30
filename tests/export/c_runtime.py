"""SavedModels in TensorFlow's C++ runtime, through its C API: no Python of TensorFlow involved.

XLA is disabled as the stock server disables it. Needs the shared libraries inside the tensorflow
wheel, found without importing it, and NumPy.
"""

import ctypes as c
import importlib.util
from collections.abc import Mapping
from pathlib import Path

import numpy as np

_NUMBERS = {1: np.float32, 2: np.float64, 3: np.int32, 9: np.int64, 10: np.bool_, 14: np.uint16}
_CODES = {np.dtype(kind): code for code, kind in _NUMBERS.items()}
_STRING, _STRING_BYTES = 7, 24
_NO_ARGUMENTS = (None, 0)


class _Output(c.Structure):
    _fields_ = (("operation", c.c_void_p), ("index", c.c_int))


def _library() -> c.CDLL:
    folder = Path(importlib.util.find_spec("tensorflow").origin).parent
    # Not RTLD_GLOBAL: extension modules imported later would find TensorFlow's C++ symbols.
    library = c.CDLL(str(folder / "libtensorflow_cc.so.2"))
    library._ZN10tensorflow21DisableXlaCompilationEv()
    pointers = (
        "TF_NewStatus TF_NewGraph TF_NewSessionOptions TF_LoadSessionFromSavedModel TF_TensorData "
        "TF_GraphOperationByName TF_AllocateTensor TF_StringGetDataPointer"
    )
    for name in pointers.split():
        getattr(library, name).restype = c.c_void_p
    library.TF_Message.restype = c.c_char_p
    library.TF_Dim.restype = c.c_int64
    library.TF_StringGetSize.restype = c.c_size_t
    return library


class SavedModel:
    """A loaded SavedModel; `run` may be called from several threads at once.

    Args:
        folder: The SavedModel.
        signatures: For each signature its "inputs" and "outputs", tensors' names by their keys.
    """

    def __init__(self, folder: str, signatures: Mapping[str, Mapping[str, Mapping[str, str]]]):
        self._tf, self.signatures = _library(), signatures
        self._graph = c.c_void_p(self._tf.TF_NewGraph())
        status = c.c_void_p(self._tf.TF_NewStatus())
        self._session = c.c_void_p(
            self._tf.TF_LoadSessionFromSavedModel(
                c.c_void_p(self._tf.TF_NewSessionOptions()),
                None,
                str(folder).encode(),
                (c.c_char_p * 1)(b"serve"),
                1,
                self._graph,
                None,
                status,
            )
        )
        self._check(status)

    def run(self, signature: str, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Outputs of a signature by name; strings come as an array of `str`.

        Raises:
            RuntimeError: With the runtime's message.
        """
        names = self.signatures[signature]
        feeds = self._outputs([names["inputs"][key] for key in inputs])
        values = (c.c_void_p * len(inputs))(*map(self._tensor, inputs.values()))
        fetches = self._outputs(names["outputs"].values())
        results = (c.c_void_p * len(fetches))()
        status = c.c_void_p(self._tf.TF_NewStatus())
        self._tf.TF_SessionRun(
            self._session,
            None,
            *(feeds, values, len(values)),
            *(fetches, results, len(results)),
            *_NO_ARGUMENTS,
            None,
            status,
        )
        for value in values:
            self._tf.TF_DeleteTensor(c.c_void_p(value))
        self._check(status)
        return dict(zip(names["outputs"], map(self._array, results), strict=True))

    def _check(self, status: c.c_void_p) -> None:
        failed, message = self._tf.TF_GetCode(status), self._tf.TF_Message(status).decode()
        self._tf.TF_DeleteStatus(status)
        if failed:
            raise RuntimeError(message)

    def _outputs(self, names):
        found = []
        for name in names:
            operation, index = name.split(":")
            pointer = self._tf.TF_GraphOperationByName(self._graph, operation.encode())
            assert pointer, f"the graph has no {name}"
            found.append(_Output(pointer, int(index)))
        return (_Output * len(found))(*found)

    def _tensor(self, array: np.ndarray) -> int:
        array = np.ascontiguousarray(array)
        shape = (c.c_int64 * array.ndim)(*array.shape)
        size = c.c_size_t(array.nbytes)
        tensor = self._tf.TF_AllocateTensor(_CODES[array.dtype], shape, array.ndim, size)
        c.memmove(self._tf.TF_TensorData(c.c_void_p(tensor)), array.ctypes.data, array.nbytes)
        return tensor

    def _array(self, pointer: int) -> np.ndarray:
        tensor = c.c_void_p(pointer)
        shape = [self._tf.TF_Dim(tensor, axis) for axis in range(self._tf.TF_NumDims(tensor))]
        kind, data = self._tf.TF_TensorType(tensor), self._tf.TF_TensorData(tensor)
        count = int(np.prod(shape))
        if kind == _STRING:
            array = np.array([self._string(data + i * _STRING_BYTES) for i in range(count)], str)
        else:
            size = count * np.dtype(_NUMBERS[kind]).itemsize
            array = np.frombuffer(c.string_at(data, size), _NUMBERS[kind])
        self._tf.TF_DeleteTensor(tensor)
        return array.reshape(shape)

    def _string(self, address: int) -> str:
        pointer = c.c_void_p(address)
        start = self._tf.TF_StringGetDataPointer(pointer)
        return c.string_at(start, self._tf.TF_StringGetSize(pointer)).decode()

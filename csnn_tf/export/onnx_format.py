"""The ONNX format."""

from pathlib import Path

from csnn_tf.errors import InputError
from csnn_tf.export.companions import write_companions
from csnn_tf.export.quiet import quiet
from csnn_tf.export.serving import Serving

OPSET = 18


def write_onnx(folder: Path, serving: Serving, name: str, card: str) -> None:
    """Write model.onnx, labels and model card into an empty folder.

    Args:
        folder: The folder.
        serving: The model.
        name: The model's name.
        card: The model card.

    Raises:
        InputError: If the converter is missing or fails, or it can convert no such model or
            precision.
    """
    from csnn_tf.export.portable import portable_function

    function, specs = portable_function(serving, "onnx")
    try:
        import onnx
        import tf2onnx
    except ImportError as error:
        raise InputError("format onnx needs tf2onnx: pip install 'csnn-tf[onnx]'.") from error
    try:
        with quiet():
            model, _ = tf2onnx.convert.from_function(function, input_signature=specs, opset=OPSET)
    except (InputError, MemoryError):
        raise
    except Exception as error:  # of any kind
        raise _fails(error) from error
    model.graph.name = name
    for value in (*model.graph.input, *model.graph.output):
        sizes = serving.free_sizes.get(value.name, "").split()
        for size, dimension in zip(sizes, value.type.tensor_type.shape.dim, strict=False):
            dimension.dim_param = size
    for key, text in (("labels", "\n".join(serving.labels)), ("model_card", card)):
        model.metadata_props.add(key=key, value=text)
    try:
        onnx.checker.check_model(model)
    except onnx.checker.ValidationError as error:
        raise _fails(error) from error
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    write_companions(folder, serving, card)


def _fails(error: Exception) -> InputError:
    reason = (str(error).strip().splitlines() or [repr(error)])[0]
    return InputError(f"the model cannot be converted to onnx: {reason.removesuffix('.')}.")

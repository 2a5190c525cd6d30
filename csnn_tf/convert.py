"""Weights of the authors' PyTorch models, read without running their pickles."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from csnn_tf.checks import check_path
from csnn_tf.errors import InputError
from csnn_tf.layers import CoRadialConv, IntraSphereConv
from csnn_tf.models import ConcentricBackbone, PointCloudClassifier

_NESTED = ("state_dict", "model_state_dict", "model")
_NORM = {
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}


def load_published_weights(model: PointCloudClassifier, weights: Mapping[str, Any]) -> None:
    """Set all weights of a classifier to those of the published PyTorch implementation.

    Either every weight is set or, if anything does not fit, none.

    Args:
        model: A classifier of the same hierarchy (levels, widths, numbers of layers, classes).
        weights: Arrays by their published names, for example
            `gconv_blocks.0.conv_layers.1.conv.weight`; see `read_published_weights`.

    Raises:
        InputError: If an entry is missing, unexpected, wrongly shaped or not finite; the message
            names it. Or if the model is of another kind, or the weights have no names.

    Example:
        >>> model = PointCloudClassifier.from_preset("paper", num_classes=40)
        >>> load_published_weights(model, read_published_weights("weights.pt"))
    """
    check_kind(model, PointCloudClassifier)
    assign_published_weights(classifier_layers(model), weights)


def read_published_weights(path: str | os.PathLike, prefix: str = "") -> dict[str, NDArray]:
    """Read weights from a NumPy archive (.npz) or a PyTorch file (.pt, .pth).

    A PyTorch file may hold the weights themselves or a checkpoint with them under `state_dict`,
    `model_state_dict` or `model`. It needs torch, which loads weights only: no code of the file is
    run. Counters of batches and the `module.` of parallel training are taken away.

    Args:
        path: The file.
        prefix: Keep only names that begin like this, without it (`w/`, for instance).

    Returns:
        Arrays by their published names.

    Raises:
        InputError: If the file cannot be read, or torch would be needed and is not there.
    """
    path = check_path(path)
    if not path.is_file():
        raise InputError(f"{path} does not exist or is not a file.")
    suffix = path.suffix.lower()
    if suffix == ".npz":
        arrays = _read_npz(path)
    elif suffix in (".pt", ".pth"):
        arrays = _read_torch(path)
    else:
        raise InputError(f"{path} must end in .npz, .pt or .pth.")
    arrays = {k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)}
    if not arrays:
        raise InputError(f"{path} holds no weights whose names begin with {prefix!r}.")
    return _plain(arrays)


def assign_published_weights(
    layers: Mapping[str, keras.layers.Layer], weights: Mapping[str, Any]
) -> None:
    """Set the weights of layers from arrays in PyTorch's names and layouts; all or none.

    Args:
        layers: Layers by the published names of their PyTorch counterparts.
        weights: Arrays by name.

    Raises:
        InputError: See `load_published_weights`.
    """
    if not isinstance(weights, Mapping) or not all(isinstance(name, str) for name in weights):
        raise InputError(
            f"The published weights must be arrays by name, not {type(weights).__name__} "
            f"{weights!r:.60}."
        )
    weights = _plain(weights)
    targets = {
        f"{prefix}.{name}": (variable, axes)
        for prefix, layer in layers.items()
        for name, variable, axes in _parameters(layer)
    }
    for problem, names in (
        ("is missing from", sorted(set(targets) - set(weights))),
        ("is unexpected in", sorted(set(weights) - set(targets))),
    ):
        if names:
            more = f" (and {len(names) - 1} more)" if names[1:] else ""
            raise InputError(
                f"{names[0]!r} {problem} the published weights{more}: "
                f"the model has {len(targets)} entries, and {len(weights)} are given."
            )
    values = []
    for name, (variable, axes) in targets.items():
        value, shape = np.asarray(weights[name]), tuple(variable.shape)
        # axes turns PyTorch's layout into ours; an argsort of it turns ours back.
        expected = tuple(shape[axis] for axis in np.argsort(axes))
        if value.shape != expected:
            raise InputError(f"{name!r} must have the shape {expected}, not {value.shape}.")
        if value.dtype.kind not in "fiu":
            raise InputError(f"{name!r} must hold finite numbers.")
        with np.errstate(over="ignore"):
            value = value.astype(variable.dtype)
        if not np.isfinite(value).all():
            raise InputError(f"{name!r} must hold finite numbers in {variable.dtype}.")
        values.append(value.transpose(axes))
    for (variable, _), value in zip(targets.values(), values, strict=True):
        variable.assign(value)


def check_kind(model: Any, kind: type) -> None:
    """Raise `InputError` unless the model is of the kind whose weights are published."""
    if not isinstance(model, kind):
        raise InputError(
            f"These published weights are of a {kind.__name__}, not of a {type(model).__name__}."
        )


def classifier_layers(model: PointCloudClassifier) -> dict[str, keras.layers.Layer]:
    """Layers of a classifier by the published names."""
    layers = backbone_layers(model.backbone)
    head = model.network.get_layer
    for place in range(len(model.hidden)):
        layers[f"output.dense_layers.{place}"] = head(f"hidden{place}")
        layers[f"output.batch_norms.{place}"] = head(f"hidden{place}_norm")
    layers[f"output.dense_layers.{len(model.hidden)}"] = head("logits")
    return layers


def backbone_layers(backbone: ConcentricBackbone) -> dict[str, keras.layers.Layer]:
    """Layers of a backbone by the published names; blocks count from the finest level."""
    config, layer = backbone.get_config(), backbone.get_layer
    layers = {}
    for block, (intra, co_radial) in enumerate(
        zip(config["intra_layers"], config["co_radial_layers"], strict=True)
    ):
        level = f"level{config['level'] - block}"
        for place in range(intra):
            published = f"gconv_blocks.{block}.conv_layers.{place}"
            layers[f"{published}.conv"] = layer(f"{level}_intra{place}")
            layers[f"{published}.batchnorm_h"] = layer(f"{level}_intra{place}_norm")
        for place in range(co_radial):
            published, ours = f"conv_radial_blocks.{block}", f"{level}_co_radial{place}"
            layers[f"{published}.conv_layers.{place}"] = layer(ours)
            layers[f"{published}.batch_norms.{place}"] = layer(f"{ours}_norm")
    return layers


def _parameters(
    layer: keras.layers.Layer,
) -> Iterator[tuple[str, keras.Variable, tuple[int, ...]]]:
    """PyTorch's name, our variable, and the axes that turn PyTorch's layout into ours."""
    if isinstance(layer, keras.layers.BatchNormalization):
        for ours, published in _NORM.items():
            yield published, getattr(layer, ours), (0,)
        return
    if isinstance(layer, IntraSphereConv):
        axes: tuple[int, ...] = (0, 1)  # [C, F] in both
    elif isinstance(layer, keras.layers.Dense):
        axes = (1, 0)  # [F, C] there
    elif isinstance(layer, (CoRadialConv, keras.layers.Conv1D)):
        axes = (2, 1, 0)  # [F, C, K] there
    else:
        raise InputError(f"{layer.name} is a {type(layer).__name__}, which has no counterpart.")
    yield "weight", layer.kernel, axes
    if layer.bias is not None:
        yield "bias", layer.bias, (0,)


def _plain(weights: Mapping[str, Any]) -> dict[str, Any]:
    """Without batch counters and the prefix of parallel training."""
    return {
        name.removeprefix("module."): value
        for name, value in weights.items()
        if not name.endswith("num_batches_tracked")
    }


def _read_npz(path: Path) -> dict[str, NDArray]:
    from csnn_tf.data.atoms.npz import load_arrays

    return load_arrays(path)


def _read_torch(path: Path) -> dict[str, NDArray]:
    try:
        import torch
    except ImportError as error:
        raise InputError(
            f"{path} can only be read with torch, which is not installed (pip install torch); "
            f"an .npz file of the same arrays is read without it."
        ) from error
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch lets through whatever its readers stumble over
        reason = str(error).strip().partition("\n")[0].rstrip(".") or type(error).__name__
        raise InputError(f"{path} is not a PyTorch file of weights alone: {reason}.") from error
    for name in _NESTED:
        if isinstance(content, Mapping) and isinstance(content.get(name), Mapping):
            content = content[name]
    if not isinstance(content, Mapping) or not all(map(torch.is_tensor, content.values())):
        raise InputError(f"{path} must hold tensors by name, or such a table as 'state_dict'.")
    return {name: tensor.detach().float().numpy() for name, tensor in content.items()}

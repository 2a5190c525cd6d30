"""Requests and answers in JSON, as TensorFlow Serving has them, from and to arrays."""

import json
from itertools import chain

import numpy as np

DTYPES = {
    "positions": np.float64,
    "cell": np.float64,
    "pbc": np.bool_,
    **dict.fromkeys(("lengths", "row_lengths", "numbers", "counts"), np.int64),
    **dict.fromkeys(("centre", "neighbor_numbers"), np.int64),
}
"""What inputs are of that are not float32."""
FROM_JSON = {
    "f": ("numbers", (int, float)),
    "i": ("whole numbers", (int,)),
    "b": ("true or false", (bool,)),
}
"""Of each kind of input, its name and the types that JSON may give for it."""


def columns(instances):
    """Inputs by name, or the only one, from a list with one entry for each row."""
    if not (isinstance(instances, list) and instances):
        raise ValueError("instances must be a list with at least one entry")
    if not isinstance(instances[0], dict):
        return instances
    if any(not isinstance(each, dict) or each.keys() != instances[0].keys() for each in instances):
        raise ValueError("all instances must name the same inputs")
    return {key: [instance[key] for instance in instances] for key in instances[0]}


def named(inputs, wanted):
    """Inputs by name; that of a signature with no other may come without it."""
    names = ", ".join(wanted)
    if not isinstance(inputs, dict):
        if len(wanted) > 1:
            raise ValueError(f"the inputs {names} must be given by name")
        inputs = {wanted[0]: inputs}
    if inputs.keys() != set(wanted):
        raise ValueError(f"the inputs must be {names}, not {', '.join(inputs) or 'none'}")
    return inputs


def rows(outputs):
    """A list with one entry for each row of all outputs."""
    sizes = {key: len(value) for key, value in outputs.items()}
    if len(set(sizes.values())) > 1:
        said = ", ".join(f"{key} {size}" for key, size in sizes.items())
        raise ValueError(f'outputs have different numbers of rows ({said}): ask with "inputs"')
    values = {key: plain(value) for key, value in outputs.items()}
    if len(values) == 1:
        return alone(values)
    return [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]


def alone(values):
    """Values by name, or those of the only one without it."""
    return values if len(values) > 1 else next(iter(values.values()))


def arrays(inputs):
    """Inputs of the types that signatures take."""
    return {key: array(key, value) for key, value in inputs.items()}


def array(key, value):
    """An input from nested lists: nothing is rounded, cut off or taken for a number to fit."""
    dtype = np.dtype(DTYPES.get(key, np.float32))
    words, types = FROM_JSON[dtype.kind]
    if not kinds(value) <= set(types):
        for each in np.array(value, object).flat:
            if isinstance(each, list):
                hint = " (clouds of different sizes go with signature padded)"
                hint = hint if key == "points" else ""
                raise ValueError(f"{key} must be {words} in rows of one length{hint}")
            if type(each) not in types:
                raise ValueError(f"{key} must be {words}: got {json.dumps(each):.60}")
    try:
        with np.errstate(over="ignore"):  # infinite then, which the model refuses
            return np.asarray(value, dtype)
    except OverflowError:
        raise ValueError(f"{key} must be {words}: one has too many digits") from None


def kinds(value):
    """The types that nested lists hold, lists among them where rows are uneven.

    True is an int for isinstance, and for NumPy among numbers; and a loop over the numbers of a
    large request would keep others waiting.
    """
    try:
        depth = np.ndim(value)
    except ValueError:
        return {list}
    values = [value]
    for _ in range(depth):
        values = chain.from_iterable(values)
    return set(map(type, values))


def plain(array):
    """Nested lists, with strings for bytes."""
    return np.char.decode(array.astype(bytes)).tolist() if array.dtype == object else array.tolist()

"""Picture of a benchmark: shares of the machine's limit, and where the time of a step goes."""

from collections import defaultdict
from typing import Any

from csnn_tf.plots.matplotlib_extra import pyplot

_KINDS = {
    "training": "training step",
    "inference": "inference",
    "dos-training": "DOS training",
    "dos-inference": "DOS inference",
}


def plot_benchmark(found: dict[str, Any]):
    """Draw what `csnn_tf.benchmark.run_benchmark` returned.

    Left, the share of the limit of each measurement, plain Keras beside ours where it was measured;
    for scaling runs the time of a shape over what was varied. Right, each kind of layer's part of
    the time of forward pass and gradients; for scaling runs the peak memory.

    Args:
        found: The result of `run_benchmark`; cases that failed are left out.

    Returns:
        A matplotlib figure.

    Raises:
        InputError: If matplotlib is not installed.
    """
    plt = pyplot()
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    machine = found["machine"]
    figure.suptitle(f"{machine['processor']}, {machine['cores']} cores, {machine['backend']}")
    rows = [row for row in found["rows"] if "failed" not in row["result"]]
    if not rows:
        return figure
    if {row["case"]["kind"] for row in rows} <= {"training", "inference"}:
        _scaling(left, right, rows)
    else:
        _shares(left, rows)
        _layers(right, rows)
    return figure


def _shares(axes, rows) -> None:
    labels, bars = [], {"plain": [], "ours": []}
    for row in rows:
        case, result = row["case"], row["result"]
        if case["kind"] not in _KINDS or not result.get("ours", {}).get("share_of_limit"):
            continue
        labels.append(f"{_KINDS[case['kind']]}, {case['batch']}")
        for name, values in bars.items():
            values.append(100 * result.get(name, {}).get("share_of_limit", float("nan")))
    places = range(len(labels))
    axes.barh([p - 0.2 for p in places], bars["ours"], 0.38, label="csnn-tf")
    axes.barh([p + 0.2 for p in places], bars["plain"], 0.38, label="plain Keras")
    axes.set_yticks(list(places), labels)
    axes.invert_yaxis()
    axes.set(xlabel="share of the matrix-product rate, %", title="Kind and batch size")
    axes.legend(frameon=False, loc="lower right")  # where the bars are short


def _layers(axes, rows) -> None:
    total: dict[str, float] = defaultdict(float)
    for row in rows:
        for layer in row["result"].get("layers", ()):
            total[layer["layer"]] += layer["training_seconds"] * layer["times_in_network"]
    names = sorted(total, key=total.get)
    whole = sum(total.values())
    axes.barh(names, [100 * total[name] / whole for name in names])
    axes.set(xlabel="% of the sum over layers", title="Forward and gradients, by layer")


def _scaling(left, right, rows) -> None:
    lines: dict[tuple[str, str], list[tuple[float, float, float]]] = defaultdict(list)
    base = rows[0]["case"]
    usual = {name: _usual(rows, name) for name in ("batch", "points")}
    several = [name for name in usual if len({row["case"][name] for row in rows}) > 1]
    for row in rows:
        case, ours = row["case"], row["result"]["ours"]
        # A level comes with the lists of widths that it has room for.
        varied = [(n, value) for n, value in case["changes"].items() if isinstance(value, int)]
        if not varied:
            other = [name for name in several if case[name] != usual[name]]
            # The usual case is a point of every such line.
            varied = [(name, case[name]) for name in other or several]
        for name, value in varied:
            memory = row["result"].get("peak_memory_bytes", float("nan")) / 1e9
            each = 1e3 * ours["seconds"] / case["batch"]
            lines[case["kind"], name].append((value, each, memory))
    for (kind, name), points in lines.items():
        values, times, memory = zip(*sorted(points), strict=True)
        style = "-o" if kind == "training" else "--s"
        left.plot(values, times, style, label=f"{kind}, {name}")
        right.plot(values, memory, style, label=f"{kind}, {name}")
    for axes in (left, right):
        axes.set(xscale="log", yscale="log", xlabel="value")
    left.set(ylabel="ms a shape", title=f"Time, {base['preset']}")
    right.set(ylabel="GB", title="Peak memory of the process")
    # Outside: lines may be anywhere within.
    handles, labels = left.get_legend_handles_labels()
    left.get_figure().legend(handles, labels, loc="outside lower center", ncols=4, frameon=False)


def _usual(rows, name: str):
    values = [row["case"][name] for row in rows]
    return max(set(values), key=values.count)

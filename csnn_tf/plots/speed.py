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

    Left, the share of the limit of each measurement, plain Keras beside ours where it was measured.
    Right, each kind of layer's part of the time of forward pass and gradients. Of scaling runs, a
    column for each thing that was varied, with the time of a shape above the peak memory.

    Args:
        found: The result of `run_benchmark`; cases that failed are left out.

    Returns:
        A matplotlib figure.

    Raises:
        InputError: If matplotlib is not installed.
    """
    plt = pyplot()
    rows = [row for row in found["rows"] if "failed" not in row["result"]]
    title = "{processor}, {cores} cores, {backend}".format(**found["machine"])
    scaling = {row["case"]["kind"] for row in rows} <= {"training", "inference"}
    if rows and scaling and (lines := _lines(rows)):
        figure = _scaling(plt, lines)
        title += f", preset {rows[0]['case']['preset']}"
    else:
        figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
        if rows:
            _shares(left, rows)
            _layers(right, rows)
    figure.suptitle(title)
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
    # Below the axes, where it hides no bar.
    axes.legend(frameon=False, ncols=2, loc="upper center", bbox_to_anchor=(0.5, -0.13))


def _layers(axes, rows) -> None:
    total: dict[str, float] = defaultdict(float)
    for row in rows:
        for layer in row["result"].get("layers", ()):
            total[layer["layer"]] += layer["training_seconds"] * layer["times_in_network"]
    names = sorted(total, key=total.get)
    whole = sum(total.values())
    axes.barh(names, [100 * total[name] / whole for name in names])
    axes.set(xlabel="% of the sum over layers", title="Forward and gradients, by layer")


def _scaling(plt, lines):
    things = list(dict.fromkeys(name for _, name in lines))
    size = (2.75 * len(things) + 0.5, 5)
    figure, grid = plt.subplots(
        2,
        len(things),
        sharex="col",
        sharey="row",
        squeeze=False,
        figsize=size,
        layout="constrained",
    )
    for (kind, name), points in lines.items():
        values, *measured = zip(*sorted(points), strict=True)
        style, color = ("-o", "C0") if kind == "training" else ("--s", "C1")
        for axes, numbers in zip(grid[:, things.index(name)], measured, strict=True):
            axes.plot(values, numbers, style, color=color, label=kind)
            axes.set(xscale="linear" if name == "level" else "log", yscale="log")
            axes.set_xticks(values, [f"{value:,}" for value in values])
            axes.minorticks_off()
    for bottom, name in zip(grid[1], things, strict=True):
        bottom.set_xlabel(name)
    grid[0, 0].set_ylabel("ms a shape")
    grid[1, 0].set_ylabel("peak memory, GB")
    for axes in grid[:, 0]:
        axes.yaxis.set_major_locator(plt.LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter("{x:g}")
    # Outside: lines may be anywhere within.
    handles = {line.get_label(): line for axes in grid[0] for line in axes.lines}
    figure.legend(handles.values(), handles, loc="outside lower center", ncols=2, frameon=False)
    return figure


def _lines(rows) -> dict[tuple[str, str], list[tuple[int, float, float]]]:
    """By kind and thing varied: its value, ms a shape and GB."""
    lines: dict[tuple[str, str], list[tuple[int, float, float]]] = defaultdict(list)
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
    return lines


def _usual(rows, name: str):
    values = [row["case"][name] for row in rows]
    return max(set(values), key=values.count)

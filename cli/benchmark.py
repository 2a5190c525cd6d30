"""csnn-tf benchmark"""

import json
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from csnn_tf.atomic_files import write_aside
from csnn_tf.benchmark import BenchmarkCase, run_benchmark
from csnn_tf.benchmark.cases import scaling_cases, standard_cases
from csnn_tf.benchmark.lines import result_lines
from csnn_tf.cli.options import make_folder
from csnn_tf.errors import InputError
from csnn_tf.models import preset
from csnn_tf.plots.matplotlib_extra import pyplot


@click.command("benchmark")
@click.option("--preset", "name", default="paper", show_default=True, help="paper, small or tiny.")
@click.option("--batch", type=click.IntRange(1), default=8, show_default=True, help="Shapes.")
@click.option(
    "--points", type=click.IntRange(1), default=1024, show_default=True, help="Of a cloud."
)
@click.option(
    "--seconds",
    type=float,
    default=10.0,
    show_default=True,
    help="For each measurement, after start and compilation.",
)
@click.option("--scaling", is_flag=True, help="Vary spheres, level, points and batch instead.")
@click.option("--mixed/--no-mixed", default=True, show_default=True, help="bfloat16 as well.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for benchmark.json and benchmark.png.",
)
def benchmark_command(name, batch, points, seconds, scaling, mixed, out) -> None:
    """Measure speed and memory of a preset beside what this machine could do.

    Each line gives a median time, its share of the machine's rate of large matrix products
    (floating-point work: 2 x multiply-adds of convolutions and dense layers), and the ratio to the
    same network in plain Keras, taken in turns with it. What was measured is kept where a case
    fails, for want of memory for example, and on Ctrl-C.
    """
    preset(name)
    if scaling and not mixed:
        raise InputError("--scaling measures no bfloat16: leave out --no-mixed.")
    if out is not None and (out / "benchmark.json").exists():
        raise InputError(f"{out / 'benchmark.json'} exists already.")
    if out is not None:
        pyplot()  # missing, it ends the command before it measures
        make_folder(out)
    if scaling:
        cases = scaling_cases(name, batch, points, seconds)
    else:
        cases = standard_cases(name, batch, points, seconds, mixed=mixed)
    console = Console()

    def show(case: BenchmarkCase, result: dict[str, Any]) -> None:
        for line in result_lines(case, result):
            console.print(line, highlight=False, soft_wrap=True, markup=False)

    click.echo(f"{len(cases)} cases, one process after the other.", err=True)
    found = run_benchmark(cases, show)
    rows = found["rows"]
    failed = [row["case"]["kind"] for row in rows if "failed" in row["result"]]
    if out is not None and len(failed) < len(rows):
        _write(found, out)
        click.echo(f"Numbers and picture: {out}")
    if found["interrupted"]:
        click.echo(f"Interrupted after {len(rows)} of {len(cases)} cases.")
        raise SystemExit(130)
    if failed:
        raise InputError(f"{len(failed)} of {len(cases)} cases failed: {', '.join(failed)}.")


def _write(found: dict[str, Any], out: Path) -> None:
    from csnn_tf.plots.speed import plot_benchmark

    text = json.dumps(found, indent=2)
    write_aside(out / "benchmark.json", lambda temporary: temporary.write_text(text, "utf-8"))
    figure = plot_benchmark(found)
    write_aside(out / "benchmark.png", lambda temporary: figure.savefig(temporary, format="png"))

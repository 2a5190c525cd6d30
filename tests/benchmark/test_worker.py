"""Every kind of case gives its numbers; how large they are is no matter for a test."""

import json
import subprocess
import sys
from types import SimpleNamespace

import keras
import pytest
from click.testing import CliRunner

from csnn_tf.benchmark import BenchmarkCase, limits, run_benchmark, training_steps
from csnn_tf.benchmark.cases import scaling_cases, standard_cases
from csnn_tf.benchmark.layer_times import time_layers
from csnn_tf.benchmark.lines import result_lines
from csnn_tf.benchmark.timing import take_turns
from csnn_tf.benchmark.worker import measure, peak_memory
from csnn_tf.cli.benchmark import benchmark_command
from csnn_tf.errors import InputError
from csnn_tf.layers import BatchNormalization, CoRadialConv, IntraSphereConv, VertexPooling
from csnn_tf.models import ConcentricBackbone, preset
from tests.helpers import ONE_LEVEL, long_run, tensorflow_only

pytestmark = tensorflow_only
TINY = {"preset": "tiny", "changes": ONE_LEVEL, "batch": 2, "points": 64, "seconds": 0.01}


@pytest.mark.parametrize(
    "kind", ["training", "inference", pytest.param("dos-training", marks=long_run)]
)
def test_ours_beside_plain(kind):
    case = BenchmarkCase(kind, plain=True, mixed=kind == "training", **TINY)
    result = measure(case)
    assert result["limit_gflops"] > 0
    for form in ("ours", "plain"):
        assert result[form]["calls"] >= 5
        low, high = result[form]["quartiles"]
        assert 0 < low <= result[form]["seconds"] <= high
        assert 0 < result[form]["share_of_limit"] < 1
    ratio = result["plain"]["seconds"] / result["ours"]["seconds"]
    assert result["plain"]["ours_is_faster_by"] == pytest.approx(ratio)
    assert ("bfloat16" in result) == case.mixed
    (line,) = result_lines(case, result)
    assert "x plain Keras" in line


def test_steps_in_a_row_are_counted_one_by_one(monkeypatch):
    monkeypatch.setattr(training_steps, "accelerators", lambda: ["a card"])
    monkeypatch.setattr(training_steps, "_ON_AN_ACCELERATOR", 3)
    network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    network.compile("sgd", "mse", jit_compile=False)
    call = training_steps.training_steps(network, [[1.0, 2.0]] * 4, [[0.0]] * 4)
    call()
    assert int(network.optimizer.iterations) == 3
    assert measure(BenchmarkCase("training", **TINY))["ours"]["calls"] % 3 == 0


@pytest.mark.parametrize("kind", ["mapping", "dos-inference"])
def test_alone_it_tells_its_memory(kind):
    case = BenchmarkCase(kind, **TINY)
    result = measure(case)
    assert result["peak_memory_bytes"] > 2**26
    assert "peak memory" in next(result_lines(case, result))


def test_the_limit_is_of_all_cores_where_operations_have_one_thread(monkeypatch):
    monkeypatch.setattr(limits, "_device", lambda: "processor")
    alone = limits.matrix_product()[1]
    monkeypatch.setattr(limits, "one_thread_an_operation", lambda: True)
    monkeypatch.setattr(limits, "cores", lambda: 3)
    monkeypatch.setitem(limits.MATRIX, "processor", 64)
    product, operations = limits.matrix_product()
    assert operations == 3 * 2 * 64**3 < alone
    assert [tuple(result.shape) for result in product()] == 3 * [(64, 64)]


def test_memory_of_other_systems(monkeypatch):
    with monkeypatch.context() as patch:
        resource = pytest.importorskip("resource")
        patch.setattr(resource, "getrusage", lambda who: SimpleNamespace(ru_maxrss=3))
        for system, size in (("linux", 3 * 1024), ("darwin", 3)):
            patch.setattr(sys, "platform", system)
            assert peak_memory() == size
    monkeypatch.setitem(sys.modules, "resource", None)  # as on Windows
    assert peak_memory() is None
    case = BenchmarkCase("mapping", **TINY)
    result = measure(case)
    assert "peak_memory_bytes" not in result
    assert "memory" not in next(result_lines(case, result))


def test_waiting_for_input():
    case = BenchmarkCase("input", **TINY)
    result = measure(case)
    assert 0 <= result["share_waiting"] < 1
    assert result["steps"] >= 5
    assert "waiting" in next(result_lines(case, result))


def test_layers():
    inputs = keras.Input((42, 2, 3))
    x = CoRadialConv(4)(IntraSphereConv(4)(inputs))
    x = VertexPooling("max")(BatchNormalization()(x))
    x = keras.layers.GlobalMaxPooling2D(data_format="channels_last")(x)
    network = keras.Model(inputs, keras.layers.Dense(3)(x))
    result = {"layers": time_layers(network, 2, 0.01)}
    kinds = {row["layer"] for row in result["layers"]}
    assert {"IntraSphereConv", "CoRadialConv", "VertexPooling", "BatchNormalization"} <= kinds
    for row in result["layers"]:
        assert row["training_seconds"] > 0
        assert (row["training_share"] is None) == (row["layer"] not in _WITH_PRODUCTS)
    lines = list(result_lines(BenchmarkCase("layers", **TINY), result))
    assert len(lines) > 5


_WITH_PRODUCTS = {"IntraSphereConv", "CoRadialConv", "Dense"}


@pytest.mark.slow
def test_processes_of_their_own_of_which_one_fails(tmp_path, monkeypatch):
    cases = [
        BenchmarkCase("training", "tiny", {"level": 99}, seconds=0.01),
        BenchmarkCase("machine", seconds=0.01),
    ]
    monkeypatch.setattr("csnn_tf.cli.benchmark.standard_cases", lambda *_, **__: cases)
    options = ["--preset", "tiny", "--out", str(tmp_path)]
    result = CliRunner().invoke(benchmark_command, options)
    assert isinstance(result.exception, InputError)
    assert str(result.exception) == "1 of 2 cases failed: training."
    first, limits, _ = result.stdout.splitlines()
    assert first.startswith("training             failed (batch 8 of 1024, level=99): ")
    assert "level" in first.split("): ", 1)[1]
    assert limits.startswith("limits ")
    found = json.loads((tmp_path / "benchmark.json").read_text())
    assert found["machine"]["cores"] >= 1
    assert ["failed" in row["result"] for row in found["rows"]] == [True, False]
    assert (tmp_path / "benchmark.png").stat().st_size > 1000


def test_what_was_measured_before_an_interruption_is_kept(tmp_path, monkeypatch):
    def measured(case):
        if case.kind == "mapping":
            raise KeyboardInterrupt
        return {"limit_gflops": 100.0, "limit_gbytes_per_second": 10.0}

    monkeypatch.setattr("csnn_tf.benchmark.runner._measure", measured)
    cases = [BenchmarkCase("machine"), BenchmarkCase("mapping"), BenchmarkCase("import")]
    monkeypatch.setattr("csnn_tf.cli.benchmark.standard_cases", lambda *_, **__: cases)
    result = CliRunner().invoke(benchmark_command, ["--out", str(tmp_path)])
    assert result.exit_code == 130
    assert result.stdout.endswith("Interrupted after 1 of 3 cases.\n")
    found = json.loads((tmp_path / "benchmark.json").read_text())
    assert found["interrupted"]
    assert [row["case"]["kind"] for row in found["rows"]] == ["machine"]


def test_without_matplotlib_nothing_is_measured_for_a_folder(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setattr("csnn_tf.cli.benchmark.run_benchmark", None)
    result = CliRunner().invoke(benchmark_command, ["--out", str(tmp_path / "out")])
    assert isinstance(result.exception, InputError)
    assert "Pictures need matplotlib" in str(result.exception)
    assert not (tmp_path / "out").exists()


def test_a_case_that_was_killed_is_told_from_one_that_failed(monkeypatch):
    greeting = subprocess.CompletedProcess([], -9, "", "To enable the following instructions\n")
    monkeypatch.setattr("csnn_tf.benchmark.runner.subprocess.run", lambda *_, **__: greeting)
    (row,) = run_benchmark([BenchmarkCase("training", "tiny", {"spheres": 32})])["rows"]
    (line,) = result_lines(BenchmarkCase(**row["case"]), row["result"])
    assert line == (
        "training             failed (batch 8 of 1024, spheres=32): killed by signal 9, "
        "perhaps for want of memory"
    )


def test_the_picture_has_a_bar_for_each_share_and_kind_of_layer():
    from csnn_tf.plots.speed import plot_benchmark

    layers = [{"layer": "Dense", "training_seconds": 0.1, "times_in_network": 2}]
    results = {
        "machine": {},
        "training": {"ours": {"share_of_limit": 0.5}, "plain": {"share_of_limit": 0.2}},
        "inference": {"failed": "no memory"},
        "layers": {"layers": layers},
    }
    rows = [
        {"case": vars(BenchmarkCase(kind, **TINY)), "result": result}
        for kind, result in results.items()
    ]
    machine = {"processor": "any", "cores": 2, "backend": "tensorflow"}
    left, right = plot_benchmark({"machine": machine, "rows": rows}).axes
    assert [label.get_text() for label in left.get_yticklabels()] == ["training step, 2"]
    assert [bar.get_width() for bar in left.patches] == [50, 20]
    assert [bar.get_width() for bar in right.patches] == [100]


def test_the_picture_of_scaling_has_a_line_for_each_thing_varied(tmp_path):
    from csnn_tf.plots.speed import plot_benchmark

    result = {"ours": {"seconds": 0.5}, "peak_memory_bytes": 2e9}
    cases = scaling_cases("paper", batch=8, points=1024, seconds=1.0)
    rows = [{"case": vars(case), "result": result} for case in cases]
    machine = {"processor": "any", "cores": 2, "backend": "tensorflow"}
    figure = plot_benchmark({"machine": machine, "rows": rows})
    times, memory = figure.axes[:4], figure.axes[4:]
    lines = {}
    for time, below in zip(times, memory, strict=True):
        assert [line.get_label() for line in time.lines] == ["training", "inference"]
        assert [set(line.get_ydata()) for line in below.lines] == [{2.0}, {2.0}]
        (lines[below.get_xlabel()],) = {
            tuple(line.get_xdata()) for line in (*time.lines, *below.lines)
        }
    assert lines == {
        "spheres": (1, 2, 4, 8, 16, 32),
        "level": (2, 3, 4, 5),
        "points": (256, 1024, 4096, 16384),
        "batch": (1, 4, 8, 16, 64),
    }
    figure.savefig(tmp_path / "benchmark.png")


@pytest.mark.parametrize("result", [{"failed": "no memory"}, {"ours": {"seconds": 0.5}}])
def test_the_picture_of_nothing_to_compare_is_empty(result):
    from csnn_tf.plots.speed import plot_benchmark

    rows = [{"case": vars(BenchmarkCase("training", **TINY)), "result": result}]
    machine = {"processor": "any", "cores": 2, "backend": "tensorflow"}
    left, _ = plot_benchmark({"machine": machine, "rows": rows}).axes
    assert not left.lines


def test_functions_take_turns():
    order = []
    functions = {name: lambda name=name: order.append(name) for name in "ab"}
    times = take_turns(functions, seconds=0, rounds=3)
    assert order == list("aabb" + "ab" * 3)
    assert {name: len(values) for name, values in times.items()} == {"a": 3, "b": 3}


def test_cases_cover_what_is_asked():
    kinds = {case.kind for case in standard_cases("tiny", 8, 64, 1.0, mixed=False)}
    assert {"machine", "mapping", "layers", "training", "inference", "dos-training"} <= kinds
    varied = {
        (tuple(c.changes.items()), c.batch, c.points) for c in scaling_cases("tiny", 8, 64, 1)
    }
    assert ((("spheres", 32),), 8, 64) in varied
    assert ((), 8, 16384) in varied


def test_a_model_can_be_made_at_every_level():
    for case in scaling_cases("paper", 8, 64, 1):
        if "level" in case.changes:
            fields = preset("paper", **case.changes)
            ConcentricBackbone(
                **{
                    name: value
                    for name, value in fields.items()
                    if name not in ("hidden", "dropout")
                }
            )


@pytest.mark.parametrize(
    "changes", [{"kind": "cooking"}, {"batch": 0}, {"points": True}, {"seconds": 0.0}]
)
def test_cases_that_make_no_sense(changes):
    with pytest.raises(InputError, match=next(iter(changes))):
        BenchmarkCase(**{"kind": "training", **changes})


def test_the_command_refuses_what_it_does_not_know(tmp_path):
    (tmp_path / "benchmark.json").write_text("{}")
    for arguments in (["--preset", "huge"], ["--out", str(tmp_path)]):
        result = CliRunner().invoke(benchmark_command, arguments)
        assert isinstance(result.exception, InputError)

"""Imports go one way: cli -> report -> training, export -> data -> models -> layers -> grid."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parents[1]
UPWARDS = (
    *("errors", "checks", "processor", "named", "lazy_names", "atomic_files", "even_bins"),
    *("durations", "compiled_predictor", "overlapping", "evaluation_result"),
    *("grid", "layers", "testing", "models", "electronic", "losses", "data", "plots", "rotating"),
    *("convert", "convert_dos", "inference", "dos_inference", "evaluation", "dos_evaluation"),
    *("ase_interface", "training", "export", "report", "benchmark", "reproduction", "cli"),
)


def imported(tree: ast.AST) -> Iterator[str]:
    """Modules that a source imports, early or late, but not only for types."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{name.name}" for name in node.names)
        yield from imported(node)


def dependencies() -> dict[str, set[str]]:
    """Of every part of the package, a folder or a single module, the parts that it imports."""
    found: dict[str, set[str]] = {}
    for folder, prefix in ((ROOT / "csnn_tf", ()), (ROOT / "cli", ("cli",))):
        for path in folder.rglob("*.py"):
            part = (*prefix, *path.relative_to(folder).with_suffix("").parts)[0]
            if part == "__init__" or (part == "cli" and not prefix):
                continue
            modules = imported(ast.parse(path.read_text("utf-8")))
            names = {m.split(".")[1] for m in modules if m.startswith("csnn_tf.")}
            found.setdefault(part, set()).update(names - {part})
    return found


def test_every_form_of_an_import_is_seen():
    source = "import csnn_tf.a\nfrom csnn_tf import b\ndef f():\n    from csnn_tf.c import d"
    assert [*imported(ast.parse(source))] == ["csnn_tf.a", "csnn_tf.b", "csnn_tf.c.d"]


def test_no_part_imports_what_imports_it():
    parts = dependencies()
    assert set(UPWARDS) == set(parts)
    tuple(TopologicalSorter(parts).static_order())  # raises if they go round


def test_imports_go_one_way():
    rank = {name: place for place, name in enumerate(UPWARDS)}
    wrong = [
        f"{part} imports {other}"
        for part, others in dependencies().items()
        for other in others
        if rank[other] > rank[part]
    ]
    assert wrong == []

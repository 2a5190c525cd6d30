"""Imports go one way: cli -> report -> training, export -> data -> models -> layers -> grid."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parents[1]
UPWARDS = (
    *("errors", "checks", "grid", "layers", "models", "electronic", "data", "plots"),
    *("training", "export", "report", "reproduction", "cli"),
)


def imported(tree: ast.AST) -> Iterator[str]:
    """Modules that a source imports, early or late, but not only for types."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
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


def test_no_part_imports_what_imports_it():
    parts = dependencies()
    assert set(UPWARDS) <= set(parts)
    tuple(TopologicalSorter(parts).static_order())  # raises if they go round


def test_imports_go_one_way():
    rank = {name: place for place, name in enumerate(UPWARDS)}
    wrong = [
        f"{part} imports {other}"
        for part, others in dependencies().items()
        for other in others
        if part in rank and other in rank and rank[other] > rank[part]
    ]
    assert wrong == []

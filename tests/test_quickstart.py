"""The quick start notebook still runs and still says what it says."""

import importlib
import re
from pathlib import Path

import pytest

from tests.helpers import long_run, tensorflow_only

NOTEBOOK = Path(__file__).parent.parent / "scripts" / "quickstart.ipynb"


def printed(cell) -> list[str]:
    """Kinds of a cell's outputs; what the libraries log does not count."""
    return [
        output.output_type
        for output in cell.outputs
        if not (output.output_type == "stream" and output.name == "stderr")
        and not output.get("text", "").startswith("INFO:")
    ]


def test_the_notebook_was_run_from_its_beginning_without_an_error():
    nbformat = pytest.importorskip("nbformat", reason="needs pip install 'csnn-tf[test]'")
    cells = [c for c in nbformat.read(NOTEBOOK, as_version=4).cells if c.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    for cell in cells:
        compile(cell.source, str(NOTEBOOK), "exec")
        assert not [output for output in cell.outputs if output.output_type == "error"]
    imported = re.findall(
        r"^from (csnn_tf\S*) import (.+)$", "\n".join(c.source for c in cells), re.M
    )
    assert imported
    for module, names in imported:
        for name in names.split(", "):
            assert hasattr(importlib.import_module(module), name), (module, name)


@tensorflow_only
@pytest.mark.slow
@long_run
@pytest.mark.filterwarnings("default")  # the notebook's kernel is another process
def test_the_notebook_runs_and_gives_what_it_shows(tmp_path):
    nbformat = pytest.importorskip("nbformat", reason="needs pip install 'csnn-tf[test]'")
    client = pytest.importorskip("nbclient", reason="needs pip install 'csnn-tf[test]'")
    stored = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(stored)
    fresh = nbformat.read(NOTEBOOK, as_version=4)
    client.NotebookClient(
        fresh, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    codes = [
        (old, new)
        for old, new in zip(stored.cells, fresh.cells, strict=True)
        if old.cell_type == "code"
    ]
    assert len(codes) >= 6
    for old, new in codes:
        assert old.execution_count == new.execution_count
        assert printed(old) == printed(new), old.source
        # What does not depend on the machine's rounding stays to the letter.
        results = [
            [o.data["text/plain"] for o in cell.outputs if o.output_type == "execute_result"]
            for cell in (old, new)
        ]
        assert results[0] == results[1]
    answer = codes[-1][1].outputs[-1].text
    assert "chair" in answer
    assert (tmp_path / "report.html").stat().st_size < 8e6

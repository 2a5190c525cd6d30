"""The bar of an evaluation, on a terminal and elsewhere."""

import io

from rich.console import Console

from csnn_tf.cli.passes_bar import passes_bar


def drawn(terminal):
    console = Console(file=io.StringIO(), force_terminal=terminal, width=80)
    with passes_bar(console) as show:
        for done in range(1, 4):
            show(done, 3)
    return console.file.getvalue()


def test_the_passes_are_counted_on_a_terminal():
    assert "3 of 3 passes" in drawn(True)


def test_nothing_is_written_elsewhere():
    assert drawn(False).strip() == ""

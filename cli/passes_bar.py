"""Progress of an evaluation: passes over the test set and the time left."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


@contextmanager
def passes_bar(console: Console | None = None) -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal's standard error, gone when all is done; nothing elsewhere.

    Gives a function of the passes done and their total. Until the first pass is done the bar only
    shows that something is computed.

    Args:
        console: Where to draw; standard error by default.
    """
    console = console or Console(stderr=True)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with bar:
        task = bar.add_task("first pass", total=None)

        def show(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total, description=f"{done} of {total} passes")

        yield show

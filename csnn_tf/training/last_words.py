"""A sentence that is printed should this process be ended from outside."""

import subprocess
import sys

# Ctrl-C reaches every process of a terminal, and this one must outlive the one that it watches.
_WATCH = """
import signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
if not sys.stdin.buffer.read():
    print(sys.argv[1], file=sys.stderr, flush=True)
"""


class LastWords:
    """Prints a sentence if this process is killed or aborted.

    Python code cannot do it itself: an abort in a library, which is how JAX ends a process whose
    coordinator is gone, and SIGKILL end it at once. A small process waits at the other end of a
    pipe and speaks when the pipe closes without a word.

    Args:
        sentence: What to print on the standard error.
    """

    def __init__(self, sentence: str) -> None:
        self._watch = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _WATCH, sentence], stdin=subprocess.PIPE
        )

    def leave_unsaid(self) -> None:
        """This process ends by itself: nothing is printed."""
        if self._watch.stdin is not None and not self._watch.stdin.closed:
            self._watch.communicate(b".")

"""A process that is ended from outside leaves a sentence; one that ends by itself does not."""

import signal
import subprocess
import sys

import pytest

from csnn_tf.training import last_words

# The file by itself, which needs nothing of the package: that would take seconds to import.
SCRIPT = """
import os, runpy, signal, sys
words = runpy.run_path(sys.argv[1])["LastWords"]("it is over")
if sys.argv[2] == "unsaid":
    words.leave_unsaid()
    words.leave_unsaid()
else:
    os.kill(os.getpid(), int(sys.argv[2]))
"""


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGABRT, signal.SIGTERM])
def test_said_when_ended_from_outside(end):
    command = [sys.executable, "-c", SCRIPT, last_words.__file__, str(int(end))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == -end
    assert done.stderr == "it is over\n"


def test_unsaid_at_an_orderly_end():
    command = [sys.executable, "-c", SCRIPT, last_words.__file__, "unsaid"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == ""

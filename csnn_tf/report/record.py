"""The section about how a run was made."""

import json
from collections.abc import Iterable
from typing import Any

from csnn_tf.report.command_line import is_dos, training_command
from csnn_tf.report.html import grid, section, table, text
from csnn_tf.report.run_source import RunSource
from csnn_tf.training.public_record import without_folders
from csnn_tf.training.run_folder import made_in_python


def run_section(run: RunSource, made_of: dict[str, Any]) -> tuple[str, str, str]:
    """Configuration, versions and the command to repeat a run.

    Args:
        run: The run.
        made_of: What the page's figures were measured on, by name.
    """
    recorded = without_folders(run.config)
    # Data in a folder named carbon is not what is built in, though its name alone is shown.
    command = training_command(recorded, built_in=run.config.get("data") == "carbon")
    hidden = {"classes", "command"}
    config = [
        (name, value if isinstance(value, str) else json.dumps(value))
        for name, value in recorded.items()
        if name not in hidden
    ]
    names = list(dict.fromkeys([*run.versions, *run.reporting]))
    versions = [(name, run.versions.get(name, "–"), run.reporting.get(name, "–")) for name in names]
    if made_in_python(run.config) and not is_dos(run.config):
        repeat = "<p>Trained on data that was given in Python; no command repeats it.</p>"
    elif command:
        repeat = f"<pre>{text(command)}</pre>"
    else:
        repeat = "<p>The model's file does not record it.</p>"
    return section(
        "run",
        "The run",
        f'<div class="card"><h3>Command to repeat it</h3>{repeat}</div>',
        grid(
            _card("Configuration", ("field", "value"), config) if config else "",
            _card("Versions", ("", "training", "this page"), versions),
            _card("This page", ("", "value"), made_of.items()),
        ),
    )


def _card(title: str, head: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> str:
    return f'<div class="card record"><h3>{title}</h3>{table(head, rows)}</div>'

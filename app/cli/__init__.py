"""The command line: typed sub-commands over the workflows. JSON on standard output, progress on standard error."""

from __future__ import annotations

import io
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import app
from app.cli.parser import CANCELLED, OUR_FAULT, UNUSABLE_INPUT, build_parser
from app.cli.requests import choose_workflow
from app.core.errors import Cancelled, InputError
from app.core.jobs import TimeLeft, describe_failure, run_request_file, run_workflow
from app.core.paths import logs_folder


def run_command_line(words: Sequence[str]) -> int:
    """Carry out a command line.

    Parameters
    ----------
    words : sequence of str
        Without the program's name.

    Returns
    -------
    int
        0 done, 2 the input cannot be used, 3 cancelled, 1 our fault.
    """
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        # A terminal that lacks a letter of some name shows the letter's number.
        sys.stdout.reconfigure(errors="backslashreplace")
    options = build_parser().parse_args(list(words))
    progress = Progress()
    try:
        workflow, request = choose_workflow(options), options.request(options)
        if workflow == "run":
            result = run_request_file(request["path"], progress)
        else:
            result = run_workflow(f"app.core.workflows:{workflow}", request, progress)
        show: Callable[[dict[str, Any]], str] = options.show
        text = json.dumps(result, allow_nan=False) if options.json else show(result)
    except (Cancelled, KeyboardInterrupt):
        progress.close()
        sys.stderr.write("Cancelled.\n")
        return CANCELLED
    except Exception as error:  # noqa: BLE001 - the last stop: whatever it is becomes a sentence and an exit status
        progress.close()
        return explain(error)
    progress.close()
    sys.stdout.write(f"{text}\n")
    status: Callable[[dict[str, Any]], int] = options.status
    return status(result)


def explain(error: Exception) -> int:
    """Print one sentence for an error, keep an unexpected one's traceback in the log, and return the exit status."""
    log = _log_file()
    failure = describe_failure(error, log=log or "")
    issues = failure.extra.get("issues", [])
    options = [f"{option['value']} ({option['title']})" for option in failure.extra.get("options", [])]
    remedy = f"Details are in {log}." if failure.kind == "unexpected" and log else failure.remedy
    listed = f" Choose from: {'; '.join(options)}." if options else ""
    sys.stderr.write(" ".join(part for part in (failure.message, *issues, remedy + listed) if part) + "\n")
    if failure.kind != "unexpected":
        return OUR_FAULT if failure.kind == "engine" else UNUSABLE_INPUT
    if log is not None:
        with log.open("a", encoding="utf-8") as file:
            file.write(f"{time.strftime('%Y-%m-%dT%H:%M:%S')} LipoScope {app.__version__}\n{failure.traceback}\n")
    return OUR_FAULT


def _log_file() -> Path | None:
    """Where details are kept; nowhere when the data folder cannot be made, which may be the very fault to tell."""
    try:
        return logs_folder() / "command-line.log"
    except InputError:
        return None


class Progress:
    """A bar on a terminal, a line per step otherwise; standard error only."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._last = ""
        self._left = TimeLeft(time.monotonic())

    def __call__(self, fraction: float, message: str) -> None:
        """Show how far a workflow is."""
        if self._terminal:
            filled = round(24 * min(max(fraction, 0.0), 1.0))
            left = _word_left(self._left.update(time.monotonic(), fraction))
            sys.stderr.write(f"\r\x1b[K[{'=' * filled}{' ' * (24 - filled)}] {fraction:4.0%}{left} {message}")
            sys.stderr.flush()
        elif message != self._last:
            sys.stderr.write(f"{message}\n")
        self._last = message

    def close(self) -> None:
        """Leave the bar's line."""
        if self._terminal and self._last:
            sys.stderr.write("\r\x1b[K")


def _word_left(seconds: float | None) -> str:
    """The time left, to the minute; nothing where it is not known or short."""
    if seconds is None or seconds < 60:
        return ""
    minutes = round(seconds / 60)
    return f", about {minutes} min left:" if minutes < 120 else f", about {minutes / 60:.0f} h left:"

"""Works for worker processes to carry out: some die, some wait, all small."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any


def double(request: dict[str, Any]) -> dict[str, Any]:
    """Answer, after a pause where one is asked for."""
    time.sleep(request.get("pause", 0.0))
    return {"twice": 2 * request["number"], "process": os.getpid()}


def die_now_and_then(request: dict[str, Any]) -> dict[str, Any]:
    """Be killed as the system kills: always, or only the first time, noted in a file."""
    mark = request.get("mark")
    if request.get("deadly") or (mark and not Path(mark).exists()):
        if mark:
            Path(mark).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return double(request)


def fail(request: dict[str, Any]) -> dict[str, Any]:
    """Raise what no work should."""
    raise ZeroDivisionError(str(request["number"]))

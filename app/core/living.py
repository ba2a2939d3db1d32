"""Who still runs: a mark that a process leaves on what it has in hand, and whether the one who left it still lives.

A mark names the machine, the process and the process's beginning, so that neither a later process of the same number
nor another machine on the same disk is mistaken for it. On Linux the beginning is counted from the machine's own start:
a clock that is set back changes nothing.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
from functools import cache
from pathlib import Path

import psutil

MARK = r"[0-9a-f]{4}-\d+-[0-9a-f]+"
_MACHINE, _BOOT = Path("/etc/machine-id"), Path("/proc/sys/kernel/random/boot_id")


def own_mark() -> str:
    """Mark of this process: machine, number and beginning, without the machine's name.

    Returns
    -------
    str
        As in '3f0a-4711-9c41b5d2': fit for a file's name.
    """
    return _mark(os.getpid())


def is_living(mark: str) -> bool:
    """Whether a process still runs; one of another machine is taken to.

    Parameters
    ----------
    mark : str
        What `own_mark` gave to it.
    """
    if not re.fullmatch(MARK, mark):
        return False
    machine, number, began = mark.split("-")
    if machine != _machine():
        return True
    try:
        process = psutil.Process(int(number))
        return _beginning(int(number)) == began and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, OSError, ValueError, OverflowError):
        return False


@cache
def _mark(process: int) -> str:
    return f"{_machine()}-{process}-{_beginning(process)}"


@cache
def _machine() -> str:
    try:
        name = _MACHINE.read_text(encoding="ascii")
    except (OSError, ValueError):
        name = platform.node()
    return hashlib.sha256(name.strip().encode()).hexdigest()[:4]


def _beginning(process: int) -> str:
    """When a process began, in hexadecimal; on Linux which start of the machine, and clock ticks since."""
    try:
        boot = hashlib.sha256(_BOOT.read_bytes()).hexdigest()[:4]
        told = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
        return f"{boot}{int(told.rpartition(')')[2].split()[19]):x}"
    except (OSError, ValueError, IndexError):
        return f"{round(psutil.Process(process).create_time()):x}"

"""Work in a child process that is killed at an instant: after so many seconds, or just before its n-th change on disk.

The child is a fork of a process that has everything imported, so that an instant costs no more than the work itself.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

Work = Callable[[], object]
_CHANGES = ("os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.truncate", "os.link", "os.symlink")
_WRITING = os.O_WRONLY | os.O_RDWR
PATIENCE = 120.0


@dataclass(frozen=True)
class Instant:
    """When the child dies: after `seconds`, or before its change number `change`, counted from 1."""

    seconds: float | None = None
    change: int | None = None


@dataclass(frozen=True)
class Ending:
    """Whether the child was killed before its work was done, and the last lines of an error of its own."""

    killed: bool
    trouble: str = ""


@dataclass(frozen=True)
class Extent:
    """How long the work takes, s, and how many changes it makes on disk below a folder."""

    seconds: float
    changes: int

    def draw(self, rng: Random) -> Instant:
        """Draw an instant: by the clock or by the changes, in equal parts."""
        if rng.random() < 0.5 and self.changes:
            return Instant(change=rng.randint(1, self.changes))
        return Instant(seconds=rng.uniform(0.0, self.seconds))


def watch_changes(folder: Path, each: Callable[[int, str], None]) -> None:
    """Call `each` before every change of this process below a folder, with its number; for good."""
    count, below = 0, str(folder)

    def hear(event: str, words: tuple[Any, ...]) -> None:
        nonlocal count
        if event == "open":
            path, mode, flags = words
            if not (isinstance(mode, str) and set(mode) & set("wax+")) and not (flags or 0) & _WRITING:
                return
        elif event not in _CHANGES:
            return
        else:
            path = words[0]
        if str(path).startswith(below):
            count += 1
            each(count, event)

    sys.addaudithook(hear)


def _fork(work: Work, prepare: Callable[[], None], report: int) -> int:
    pid = os.fork()
    if pid:
        return pid
    try:
        os.setpgid(0, 0)
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        prepare()
        work()
    except BaseException:  # noqa: BLE001 - the child's only way to tell
        os.write(report, traceback.format_exc()[-3000:].encode(errors="replace"))
        os._exit(1)
    os._exit(0)


def run_child(work: Work, *, prepare: Callable[[], None] = lambda: None, instant: Instant = Instant()) -> Ending:
    """Do work in a child, and kill it at an instant.

    Parameters
    ----------
    work : callable
    prepare : callable
        Called in the child first.
    instant : Instant
        By default never.
    """
    theirs, ours = os.pipe()
    pid = _fork(work, prepare, ours)
    os.close(ours)
    deadline = time.monotonic() + (PATIENCE if instant.seconds is None else instant.seconds)
    status = None
    while status is None and time.monotonic() < deadline:
        found, code = os.waitpid(pid, os.WNOHANG)
        if found:
            status = code
        else:
            time.sleep(0.0005)
    if status is None:
        try:
            os.killpg(pid, signal.SIGKILL)
        except ProcessLookupError:  # it has not made its group yet
            os.kill(pid, signal.SIGKILL)
        status = os.waitpid(pid, 0)[1]
    with os.fdopen(theirs, errors="replace") as told:
        trouble = told.read()
    return Ending(os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL, trouble)


def kill_at(work: Work, folder: Path, instant: Instant) -> Ending:
    """Do work in a child that dies at an instant; changes count below `folder`."""

    def prepare() -> None:
        if instant.change is not None:
            watch_changes(folder, lambda number, _event: number == instant.change and _die())

    return run_child(work, prepare=prepare, instant=instant)


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def preload(work: Work, into: Path) -> None:
    """Import here what work imports, so that the children need not; the work itself is done in a child.

    Raises
    ------
    RuntimeError
        It does not end well.
    """
    names = into / "modules.txt"

    def work_and_tell() -> None:
        work()
        names.write_text("\n".join(sys.modules))

    ended = run_child(work_and_tell)
    if ended.killed or ended.trouble:
        raise RuntimeError(ended.trouble or "the work was killed")
    for name in names.read_text().splitlines():
        if not name.startswith("__"):
            with suppress(ImportError):
                importlib.import_module(name)
    names.unlink()


def measure(work: Work, folder: Path, afresh: Callable[[], object] = lambda: None) -> Extent:
    """Do work in a child to its end, twice, and measure the second time.

    Parameters
    ----------
    work : callable
    folder : Path
        Below which changes count.
    afresh : callable
        Called in between, so that there is all of it to do again.

    Raises
    ------
    RuntimeError
        It does not end well.
    """
    preload(work, folder)
    afresh()
    theirs, ours = os.pipe()
    begun = time.monotonic()
    ended = run_child(work, prepare=lambda: watch_changes(folder, lambda *_: os.write(ours, b".") and None))
    seconds = time.monotonic() - begun
    os.close(ours)
    with os.fdopen(theirs, "rb") as told:
        changes = len(told.read())
    if ended.killed or ended.trouble:
        raise RuntimeError(ended.trouble or "the work was killed")
    return Extent(seconds, changes)

"""From an exception or a dead process to a `Failure`: a calm sentence that names the step."""

from __future__ import annotations

import errno
import signal
import traceback
from dataclasses import asdict
from pathlib import Path
from typing import Any

from app.core.errors import AppError, ChoiceNeeded, CohortError, Failure

_NO_MEMORY = ("bad_alloc", "allocate memory", "out of memory")
_FREE_MEMORY = "Close other programs, or use a smaller image or fewer processes, and try again."
_CONNECT = "Check that its drive is connected and that nothing was moved, and try again."
_DISK = {
    errno.ENOSPC: ("The disk is full", "Free some space and try again."),
    errno.EDQUOT: ("The disk quota is used up", "Free some space and try again."),
    errno.EACCES: ("A file may not be read or written there", "Choose a folder of your own and try again."),
    errno.EPERM: ("A file may not be read or written there", "Choose a folder of your own and try again."),
    errno.EEXIST: ("Something of that name is in the way", "Choose another name or folder."),
    errno.EISDIR: ("A folder of that name is in the way", "Choose another name."),
    errno.ENOTDIR: ("A file of that name is in the way", "Choose another folder."),
    errno.ENAMETOOLONG: ("A name is too long for this disk", "Choose a shorter one."),
    errno.EROFS: ("That folder can only be read", "Choose a folder of your own and try again."),
    errno.EFBIG: ("A file is larger than this disk can hold", "Choose another disk."),
    errno.ENOENT: ("A file or a folder is gone", _CONNECT),
    errno.EIO: ("The disk could not be read or written", _CONNECT),
    errno.ENODEV: ("The drive is gone", _CONNECT),
    errno.ENXIO: ("The drive is gone", _CONNECT),
}
_DISK |= {
    getattr(errno, name): ("The network drive does not answer", _CONNECT)
    for name in ("ESTALE", "ENOTCONN", "EHOSTDOWN", "ETIMEDOUT")
    if hasattr(errno, name)  # not every system has them all
}


def while_step(step: str) -> str:
    """' while: step', or nothing when no step is known."""
    return f" at the step '{step}'" if step else ""


def outline_traceback(error: BaseException) -> str:
    """Where an error arose, without its message: a message may quote a path, and a path a patient.

    Parameters
    ----------
    error : BaseException
        The error; its causes are told first.
    """
    lines = []
    link: BaseException | None = error
    while link is not None:
        frames = [f"  {'/'.join(Path(frame.filename).parts[-3:])}:{frame.lineno} {frame.name}"
                  for frame in traceback.extract_tb(link.__traceback__)]
        lines.append("\n".join([*frames, type(link).__qualname__]))
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return "\n".join(reversed(lines))


def _extra(error: AppError) -> dict[str, Any]:
    if isinstance(error, ChoiceNeeded):
        return {"field": error.field, "about": error.about, "options": [asdict(option) for option in error.options]}
    if isinstance(error, CohortError):
        return {"issues": list(error.issues)}
    return {}


def describe_failure(error: Exception, step: str = "", log: str | Path = "") -> Failure:
    """Tell an exception as the user shall read it.

    Parameters
    ----------
    error : Exception
        What a workflow raised; `Cancelled` is not a failure.
    step : str
        The last progress message.
    log : path
        Where details are kept; named in the remedy of an unexpected fault.
    """
    where = outline_traceback(error)
    if isinstance(error, AppError):
        return Failure(error.kind, error.message, error.remedy, where, _extra(error))
    if isinstance(error, MemoryError) or any(word in str(error) for word in _NO_MEMORY):
        return Failure("engine", f"There was not enough memory{while_step(step)}. Your files are untouched.",
                       _FREE_MEMORY, where, {"memory": True})
    if isinstance(error, OSError) and error.errno in _DISK:
        message, remedy = _DISK[error.errno]
        return Failure("input", f"{message}{while_step(step)}. Nothing half-written was kept.", remedy, where)
    pointer = f"Details are in {log}; the same job can be repeated from its record." if log else \
        "The same job can be repeated from its record."
    return Failure("unexpected", f"Something unforeseen stopped this{while_step(step)}. Your files are untouched.",
                   pointer, where)


def describe_death(exit_code: int | None, step: str = "", log: str | Path = "") -> Failure:
    """Tell the death of an engine process as the user shall read it.

    Parameters
    ----------
    exit_code : int, optional
        As multiprocessing gives it: negative for a signal; None when unknown.
    step : str
        The last progress message.
    log : path
        Where details are kept.
    """
    remedy = f"Try again; the engine has been restarted. Details are in {log}." if log else \
        "Try again; the engine has been restarted."
    if exit_code is not None and -exit_code == getattr(signal, "SIGKILL", 9):
        return Failure("engine", f"The system stopped the engine{while_step(step)}, most often because memory ran out. "
                       "Your files are untouched.", _FREE_MEMORY, f"exit code {exit_code}")
    how = "stopped without an answer"
    if exit_code is not None and exit_code < 0:
        how = f"crashed (signal {-exit_code})"
    elif exit_code:
        how = f"ended early (exit code {exit_code})"
    return Failure("engine", f"The engine {how}{while_step(step)}. Your files are untouched.", remedy,
                   f"exit code {exit_code}")

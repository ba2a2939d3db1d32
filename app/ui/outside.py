"""Other programs of the system, such as the browser: started as they would be from anywhere else."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_OURS = ("LD_LIBRARY_PATH", "QT_PLUGIN_PATH", "QML2_IMPORT_PATH")
_THEIRS = "_ORIG"


@contextmanager
def other_programs() -> Iterator[None]:
    """Hide where the frozen program's own libraries are: a browser that took them for its own might not start."""
    kept = {name: os.environ.pop(name) for name in _OURS if getattr(sys, "frozen", False) and name in os.environ}
    for name in kept:
        if name + _THEIRS in os.environ:
            os.environ[name] = os.environ[name + _THEIRS]
    try:
        yield
    finally:
        os.environ.update(kept)

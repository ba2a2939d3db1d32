"""skops, imported without what it would drag in: it looks through all of scikit-learn, one module of which is torch's.

No score of a model of features needs torch, which takes seconds to import.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def _hidden(name: str) -> Iterator[None]:
    """A module that is not imported yet cannot be, meanwhile."""
    if name in sys.modules:
        yield
        return
    sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[name]


with _hidden("torch"):
    from skops.io import dumps, get_untrusted_types, load

__all__ = ["dumps", "get_untrusted_types", "load"]

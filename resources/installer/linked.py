"""Whether every library inside the frozen program finds those that it is linked to."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

# What a desktop brings along: drivers of the graphics card, and the protocols of its screen.
OF_THE_DESKTOP = ("libEGL.so", "libGL.so", "libxcb.so", "libwayland-")


def find_missing(inside: Path) -> dict[str, list[str]]:
    """List libraries that are neither in the program nor on this machine.

    Parameters
    ----------
    inside : Path
        The folder of the program's libraries.

    Returns
    -------
    dict
        Name of a missing library to the files that are linked to it; empty where `ldd` does not exist.
    """
    if sys.platform != "linux" or shutil.which("ldd") is None:
        return {}
    missing: dict[str, list[str]] = {}
    for file in sorted(inside.rglob("*.so*")):
        if file.is_file() and not file.is_symlink():
            for name in _not_found(file, inside):
                missing.setdefault(name, []).append(file.relative_to(inside).as_posix())
    return missing


def _not_found(file: Path, inside: Path) -> list[str]:
    done = subprocess.run(["ldd", str(file)], capture_output=True, text=True, check=False,
                          env={"PATH": os.environ["PATH"], "LD_LIBRARY_PATH": str(inside)})
    names = {line.split("=>")[0].strip() for line in done.stdout.splitlines() if line.endswith("=> not found")}
    return sorted(name for name in names if not name.startswith(OF_THE_DESKTOP))

"""Somebody who was only given the program: an ordinary user with an empty home, no network and nothing on PATH."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

NOBODY = 65534
PATIENCE = 900.0


class Skipped(Exception):
    """A step that cannot be tried here, and why."""


class Guest:
    """The user, and how he runs things.

    Parameters
    ----------
    program : Path
        The program's file.
    room : Path
        A folder of his own, with `home` in it.
    prefix : list of str
        Words before every command: they cut off the network and give up rights.
    words : str
        What of that is so here, as a sentence.
    """

    def __init__(self, program: Path, room: Path, prefix: list[str], words: str) -> None:
        self.program, self.room, self.words = program, room, words
        self.home, self.empty = room / "home", room / "nothing"
        self._prefix = prefix

    def environment(self, path: str = "") -> dict[str, str]:
        """Return all that he has of an environment."""
        return {"HOME": str(self.home), "PATH": path or str(self.empty), "TMPDIR": str(self.room / "tmp"),
                "XDG_RUNTIME_DIR": str(self.room / "runtime"), "LANG": "C.UTF-8"}

    def run(
        self, command: Sequence[str], *, path: str = "", timeout: float = PATIENCE
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run([*self._prefix, *command], cwd=self.home, env=self.environment(path), capture_output=True,
                              text=True, timeout=timeout, check=False)

    def run_program(self, words: Sequence[str]) -> subprocess.CompletedProcess[str]:
        """Run the program's command line to its end."""
        return self.run([str(self.program), *words])

    def start_program(self, words: Sequence[str], display: str) -> subprocess.Popen[bytes]:
        """Open the program's window."""
        return subprocess.Popen([*self._prefix, str(self.program), *words], cwd=self.home, stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL, env={**self.environment(), "DISPLAY": display,
                                                                "QT_QPA_PLATFORM": "xcb"})

    def living(self) -> list[str]:
        """Command lines of the program's processes."""
        return [" ".join(process.info["cmdline"] or ()) for process in psutil.process_iter(["exe", "cmdline", "status"])
                if process.info["exe"] == str(self.program) and process.info["status"] != psutil.STATUS_ZOMBIE]

    @contextmanager
    def source_data(self) -> Iterator[dict[str, str]]:
        """Give the source a data folder of its own: it must not find what the program has kept."""
        with tempfile.TemporaryDirectory(prefix="liposcope-source-") as folder:
            yield {**os.environ, "LIPOSCOPE_DATA": folder}


@contextmanager
def make_guest(folder: Path) -> Iterator[Guest]:
    """Make the user's room, and take it away again."""
    room = Path(tempfile.mkdtemp(prefix="liposcope-guest-"))
    try:
        for name in ("home", "nothing", "tmp", "runtime"):
            (room / name).mkdir(mode=0o700)
        prefix, words = _prefix()
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            for path in (room, *room.iterdir()):
                os.chown(path, NOBODY, NOBODY)
        yield Guest(folder / ("LipoScope.exe" if os.name == "nt" else "LipoScope"), room, prefix, words)
    finally:
        shutil.rmtree(room, ignore_errors=True)


def _prefix() -> tuple[list[str], str]:
    """Find out how the network can be cut off and rights be given up here."""
    if shutil.which("unshare") is None:
        return [], "Networking is not cut off: this system has no unshare."
    if os.geteuid() == 0:
        words = ["unshare", "--net", "--", "setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--"]
        told = "As the user 'nobody', in a network without interfaces, with an empty home and an empty PATH."
    else:
        words = ["unshare", "--map-current-user", "--net", "--"]
        told = "As this user, in a network without interfaces, with an empty home and an empty PATH."
    words = [shutil.which(word) or word for word in words]  # the guest's own PATH is empty
    tried = subprocess.run([*words, "/bin/true"], capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        return [], f"Networking is not cut off: this system does not allow it ({tried.stderr.strip()})."
    return words, told

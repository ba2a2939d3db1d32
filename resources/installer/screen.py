"""A screen that nobody sits at: when a window appears on it, what it shows, and how its user would close it."""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import shutil
import struct
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

WIDTH, HEIGHT = 1920, 1080
_LIT = 0.25
_EVERY = 8


class Screen:
    """A virtual X screen whose pixels lie in a file that is mapped into memory.

    Parameters
    ----------
    display : str
        As in DISPLAY.
    file : Path
        What Xvfb keeps its pixels in.
    """

    def __init__(self, display: str, file: Path) -> None:
        self.display = display
        head = file.open("rb").read(100)
        size, = struct.unpack(">I", head[:4])
        colours, = struct.unpack(">I", head[76:80])
        self._pixels = np.memmap(file, np.uint8, "r", offset=size + 12 * colours, shape=(HEIGHT, WIDTH, 4))

    def is_lit(self) -> bool:
        """Whether a good part of the screen is not black: a window has painted itself."""
        few = self._pixels[::_EVERY, ::_EVERY, :3]
        return bool((few.max(axis=2) > 0).mean() > _LIT)

    def wait_lit(self, patience: float, process: subprocess.Popen[bytes]) -> float:
        """Wait for a window; the moment it was there, on `time.perf_counter`'s clock.

        Raises
        ------
        TimeoutError
            None came in time, or the process ended.
        """
        deadline = time.perf_counter() + patience
        while not self.is_lit():
            if process.poll() is not None:
                raise TimeoutError(f"the program ended with {process.returncode} before its window appeared")
            if time.perf_counter() > deadline:
                raise TimeoutError(f"no window within {patience:g} s")
            time.sleep(0.002)
        return time.perf_counter()

    def save(self, path: Path) -> None:
        """Write what is on the screen as a PNG."""
        from PIL import Image

        Image.fromarray(np.ascontiguousarray(self._pixels[:, :, 2::-1])).save(path)

    def close_windows(self) -> int:
        """Ask every window to close, as the button in its frame does; how many were asked."""
        return _ask_to_close(self.display)


@contextmanager
def virtual_screen() -> Iterator[Screen | None]:
    """Start Xvfb where it is installed; None where it is not."""
    server = shutil.which("Xvfb")
    if server is None:
        yield None
        return
    read, write = os.pipe()
    with tempfile.TemporaryDirectory(prefix="liposcope-screen-") as folder:
        words = [server, "-displayfd", str(write), "-screen", "0", f"{WIDTH}x{HEIGHT}x24", "-nolisten", "tcp", "-ac",
                 "-fbdir", folder]
        process = subprocess.Popen(words, pass_fds=[write], stderr=subprocess.DEVNULL)
        os.close(write)
        try:
            with os.fdopen(read) as numbers:
                number = numbers.readline().strip()
            yield Screen(f":{number}", Path(folder) / "Xvfb_screen0")
        finally:
            process.terminate()
            process.wait()


class _ClientMessage(ctypes.Structure):
    _fields_ = [("type", ctypes.c_int), ("serial", ctypes.c_ulong), ("send_event", ctypes.c_int),
                ("display", ctypes.c_void_p), ("window", ctypes.c_ulong), ("message_type", ctypes.c_ulong),
                ("format", ctypes.c_int), ("data", ctypes.c_long * 5), ("room", ctypes.c_long * 12)]


def _ask_to_close(display: str) -> int:
    x11 = _load_x11()
    handle = x11.XOpenDisplay(display.encode())
    if not handle:
        return 0
    try:
        protocols, delete = (x11.XInternAtom(handle, name, 0) for name in (b"WM_PROTOCOLS", b"WM_DELETE_WINDOW"))
        asked = 0
        for window in _windows(x11, handle):
            count, atoms = ctypes.c_int(), ctypes.POINTER(ctypes.c_ulong)()
            if not x11.XGetWMProtocols(handle, window, ctypes.byref(atoms), ctypes.byref(count)):
                continue
            known = [atoms[place] for place in range(count.value)]
            x11.XFree(atoms)
            if delete in known:
                message = _ClientMessage(type=33, window=window, message_type=protocols, format=32)
                message.data[0] = delete
                x11.XSendEvent(handle, window, 0, 0, ctypes.byref(message))
                asked += 1
        x11.XSync(handle, 0)
        return asked
    finally:
        x11.XCloseDisplay(handle)


def _windows(x11: Any, handle: int) -> list[int]:
    root, parent, count = ctypes.c_ulong(), ctypes.c_ulong(), ctypes.c_uint()
    children = ctypes.POINTER(ctypes.c_ulong)()
    x11.XQueryTree(handle, x11.XDefaultRootWindow(handle), ctypes.byref(root), ctypes.byref(parent),
                   ctypes.byref(children), ctypes.byref(count))
    found = [children[place] for place in range(count.value)]
    if count.value:
        x11.XFree(children)
    return found


def _load_x11() -> Any:
    x11 = ctypes.CDLL(ctypes.util.find_library("X11") or "libX11.so.6")
    pointer, window = ctypes.c_void_p, ctypes.c_ulong
    x11.XOpenDisplay.restype, x11.XOpenDisplay.argtypes = pointer, [ctypes.c_char_p]
    x11.XCloseDisplay.argtypes, x11.XFree.argtypes = [pointer], [pointer]
    x11.XSync.argtypes = [pointer, ctypes.c_int]
    x11.XDefaultRootWindow.restype, x11.XDefaultRootWindow.argtypes = window, [pointer]
    x11.XInternAtom.restype, x11.XInternAtom.argtypes = window, [pointer, ctypes.c_char_p, ctypes.c_int]
    x11.XGetWMProtocols.argtypes = [pointer, window, pointer, pointer]
    x11.XQueryTree.argtypes = [pointer, window, pointer, pointer, pointer, pointer]
    x11.XSendEvent.argtypes = [pointer, window, ctypes.c_int, ctypes.c_long, pointer]
    return x11

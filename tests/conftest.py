"""Fixtures for every test: no display needed, the shared data where it is present, a data folder of its own.

The suite runs on several workers at once. Each takes its share of the processor's threads, and tests marked *quiet*,
which measure time, wait until nothing else runs.
"""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

try:
    import fcntl
except ImportError:  # Windows, where files are locked otherwise: there the tests that measure time share the machine
    fcntl = None

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
HEAVIEST_WORKER_GB = 3.0
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS",
           "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS")


def cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell's background job, whose programs would not hear Ctrl-C
    signal.signal(signal.SIGINT, signal.default_int_handler)
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
if workers := int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "0")):
    for name in THREADS:  # before anything imports a library that reads them; the processes of tests inherit them
        os.environ.setdefault(name, str(max(cores() // workers, 1)))


def pytest_xdist_auto_num_workers() -> int:
    """Give each core a worker, while there is memory for all of them."""
    import psutil

    return max(1, min(cores(), int(psutil.virtual_memory().available / 1e9 / HEAVIEST_WORKER_GB)))


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("numprocesses", None):
        os.environ["LIPOSCOPE_TEST_ROOM"] = tempfile.mkdtemp(prefix="liposcope-tests-")


def pytest_unconfigure(config: pytest.Config) -> None:
    if config.getoption("numprocesses", None):
        shutil.rmtree(os.environ.pop("LIPOSCOPE_TEST_ROOM", ""), ignore_errors=True)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Let quiet tests run alone: they close the door, wait until the room is empty, and open it when they leave."""
    folder = os.environ.get("LIPOSCOPE_TEST_ROOM")
    if not folder or fcntl is None:
        return (yield)
    with ExitStack() as door, ExitStack() as room:
        lock(door, Path(folder) / "door", fcntl.LOCK_EX)
        if item.get_closest_marker("quiet"):
            lock(room, Path(folder) / "room", fcntl.LOCK_EX)
        else:
            lock(room, Path(folder) / "room", fcntl.LOCK_SH)
            door.close()
        return (yield)


def lock(held: ExitStack, path: Path, kind: int) -> None:
    fcntl.flock(held.enter_context(path.open("w")), kind)  # unlocked when the file is closed


@pytest.fixture(scope="session")
def shared_data() -> Path:
    if not SHARED.is_dir():
        pytest.skip(f"the shared data folder is not beside the repository ({SHARED.parent.name}/{SHARED.name})")
    return SHARED


@pytest.fixture(scope="session", autouse=True)
def data_folder_of_the_session(tmp_path_factory) -> Iterator[None]:
    """Keep what fixtures of modules do out of the data folder of whoever runs the tests, and of other workers'."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIPOSCOPE_DATA", str(tmp_path_factory.mktemp("session_data_folder")))
        yield


@pytest.fixture(autouse=True)
def own_data_folder(tmp_path_factory, monkeypatch) -> Path:
    folder = tmp_path_factory.mktemp("data_folder")
    monkeypatch.setenv("LIPOSCOPE_DATA", str(folder))
    return folder

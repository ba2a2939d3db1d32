"""Nothing leaves the machine, and nothing tells who was scanned: a tour through the whole program, watched.

Every process of the tour, the engines and their workers among them, writes down each socket that it opens and each
name that it looks up. Where the system can give it a network of its own without any interface, the kernel counts what
libraries in C send, too. Afterwards all that was left behind is searched for the patients of the tour.
"""

import gzip
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.core.pdf_text import read_pdf
from tests.laws.tour import FOLDER, IDENTITY

ROOT = Path(__file__).resolve().parents[2]
WATCH = """
import os, sys
def _note(words):
    file = os.open(os.environ["LIPOSCOPE_TEST_EARS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(file, (words + "\\n").encode())
    os.close(file)
def _listen(event, arguments):
    if not event.startswith(("socket.", "urllib.", "ftplib.", "smtplib.", "http.", "imaplib.", "poplib.", "telnetlib.",
                             "nntplib.", "webbrowser.")) or event == "socket.gethostname":
        return
    family = arguments[1] if event == "socket.__new__" else getattr(arguments[0], "family", None) if arguments else None
    if family is not None and int(family) == 1:
        return
    _note(f"EVENT {os.getpid()} {event} {arguments!r}")
sys.addaudithook(_listen)
_note(f"START {os.getpid()} {' '.join(sys.orig_argv)}")
"""
# What stays with the reader by intent: his worklist and its records, which case a row of a model's evaluation is, and
# what he asked to have written under the names that he gave.
KEPT_WITH_NAMES = (r"data/store\.sqlite3.*", r"data/runs/[^/]+/request\.json", r"data/cases/[0-9a-f]{64}\.json",
                   r"data/training/.*\.csv", r"report\..*", r"out/.*", r"[^/]+\.csv", r"seen\.json")


class Watched(NamedTuple):
    folder: Path
    starts: list[str]
    events: list[str]
    seen: dict
    alone: bool


def own_network() -> list[str]:
    """Words before a command that give it a network without interfaces; none where the system forbids that."""
    program = shutil.which("unshare")
    words = [program or "", "--map-root-user", "--net", "--"]
    if program is None or subprocess.run([*words, "true"], capture_output=True).returncode != 0:
        return []
    return words


def watched_environment(folder: Path) -> dict[str, str]:
    (folder / "ears").mkdir(parents=True, exist_ok=True)
    (folder / "ears" / "sitecustomize.py").write_text(WATCH, encoding="utf-8")
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder / "ears"), str(ROOT)]),
            "QT_QPA_PLATFORM": "offscreen", "LIPOSCOPE_TEST_EARS": str(folder / "ears" / "heard"),
            "LIPOSCOPE_DATA": str(folder / "data"), "TMPDIR": str(folder / "tmp")}


def heard(folder: Path, kind: str) -> list[str]:
    lines = (folder / "ears" / "heard").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.startswith(kind)]


@pytest.fixture(scope="module")
def tour(tmp_path_factory) -> Watched:
    folder = tmp_path_factory.mktemp("tour")
    for name in ("data", "out", "tmp"):
        (folder / name).mkdir()
    words = own_network()
    done = subprocess.run([*words, sys.executable, "-m", "tests.laws.tour", str(folder)], cwd=ROOT, capture_output=True,
                          text=True, timeout=900, env=watched_environment(folder))
    assert done.returncode == 0, done.stderr[-3000:]
    seen = json.loads((folder / "seen.json").read_text(encoding="utf-8"))
    return Watched(folder, heard(folder, "START"), heard(folder, "EVENT"), seen, bool(words))


@pytest.mark.slow
def test_the_tour_went_everywhere(tour):
    window, commands = tour.seen["window"], tour.seen["commands"]
    assert window["identity"]["patient_id"] == IDENTITY["PatientID"]
    assert 0 < window["score"] < 1
    assert window["measured"] == window["cohort"] == 3
    assert "Something unforeseen" in window["broke"]
    assert "crashed (signal 11)" in window["died"]
    assert {name: each["status"] for name, each in commands.items()} == {
        "score": 0, "extract": 0, "convert": 0, "train": 0, "failing": 2, "breaking": 1, "importing": 0}, commands
    spawned = [line for line in tour.starts if "spawn_main" in line]
    assert len(spawned) >= 3 + 1 + 2 + 2, "engines and workers are watched"


@pytest.mark.slow
def test_no_process_opens_a_socket_or_looks_up_a_name(tour):
    assert tour.events == []


@pytest.mark.slow
def test_the_kernel_has_sent_nothing_for_any_library(tour):
    if not tour.alone or not tour.seen["network"]:
        pytest.skip("this system gives a process no network of its own")
    assert set(tour.seen["network"].values()) == {0}, tour.seen["network"]


def test_the_ears_hear(tmp_path):
    code = ("import socket, urllib.request\ntry:\n    urllib.request.urlopen('http://127.0.0.1:9/')\nexcept OSError:\n"
            "    pass\nsocket.socket(socket.AF_UNIX).close()\n"
            "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(('127.0.0.1', 9))")
    subprocess.run([sys.executable, "-c", code], env=watched_environment(tmp_path), timeout=60, check=True)
    events = [line.split()[2] for line in heard(tmp_path, "EVENT")]
    assert {"urllib.Request", "socket.getaddrinfo", "socket.connect", "socket.__new__"} <= set(events)
    assert events.count("socket.__new__") == 2, "a socket within the machine is not counted"


def test_the_kernel_counts(tmp_path):
    if not (words := own_network()):
        pytest.skip("this system gives a process no network of its own")
    code = """
import ctypes, json, socket, struct
from tests.laws.tour import counters
before, libc = counters(), ctypes.CDLL(None)
for kind in (1, 2):
    number = libc.socket(2, kind, 0)
    libc.connect(number, struct.pack("=HH4s8x", 2, socket.htons(9), bytes([192, 0, 2, 1])), 16)
print(json.dumps([before, counters()]))
"""
    done = subprocess.run([*words, sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    before, after = json.loads(done.stdout)
    assert set(before.values()) == {0}
    assert after["Ip:OutNoRoutes"] == 2, "what a library in C tries is counted"


def test_onnx_runtime_reports_to_nobody(tmp_path):
    """Left alone it opens connections some seconds after its import, and keeps an identity of the machine."""
    if not (words := own_network()):
        pytest.skip("this system gives a process no network of its own")
    code = """
import app, json, time
import onnxruntime
from tests.laws.tour import counters
time.sleep(8)
print(json.dumps(counters()))
"""
    done = subprocess.run([*words, sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60,
                          env={**os.environ, "HOME": str(tmp_path), "TMPDIR": str(tmp_path)})
    assert set(json.loads(done.stdout).values()) == {0}
    assert list(tmp_path.rglob("*")) == []


def contents(path: Path) -> bytes:
    """All that a file says, its name and what is packed inside it included."""
    data = path.read_bytes()
    told = [str(path.name).encode(), data]
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            told += [name.encode() + archive.read(name) for name in archive.namelist()]
    elif data[:2] == b"\x1f\x8b":
        told.append(gzip.decompress(data))
    elif data[:4] == b"%PDF":
        told.append(read_pdf(data).encode())
    return b"\n".join(told)


def telling(tour: Watched, words: list[str], *, but: tuple[str, ...] = ()) -> list[str]:
    """Files of the tour that tell one of the words, by name or by content; sources are left out."""
    pattern = re.compile(b"|".join(re.escape(word.encode()) for word in words), re.IGNORECASE)
    places = {path: path.relative_to(tour.folder).as_posix() for path in tour.folder.rglob("*") if path.is_file()}
    left = {path: place for path, place in places.items() if not place.startswith(("in/", "broken/", "ears/"))}
    assert len(left) > 60
    return [place for path, place in left.items()
            if not any(re.fullmatch(kept, place) for kept in but) and pattern.search(contents(path))]


def identity_words() -> list[str]:
    dates = [IDENTITY["PatientBirthDate"], IDENTITY["StudyDate"]]
    words = [part for name, value in IDENTITY.items() if not name.endswith("Date") for part in value.split("^")]
    return [*words, *dates, *(f"{date[:4]}-{date[4:6]}-{date[6:]}" for date in dates)]


@pytest.mark.slow
def test_what_the_header_says_of_the_patient_is_written_nowhere(tour):
    assert telling(tour, identity_words(), but=(r"seen\.json",)) == []
    assert telling(tour, identity_words()) == ["seen.json"], "the search finds what is there"


@pytest.mark.slow
def test_what_the_reader_calls_a_case_stays_in_his_worklist_and_in_what_he_asked_for(tour):
    assert telling(tour, [FOLDER], but=KEPT_WITH_NAMES) == []
    assert "data/store.sqlite3" in telling(tour, [FOLDER])
    logs = [path.name for path in (tour.folder / "data" / "logs").iterdir()]
    assert {"command-line.log", "engine-score.log", "engine-train.log", "engine-view.log"} <= set(logs)
    crash = (tour.folder / "data" / "logs" / "engine-score.log").read_text(encoding="utf-8")
    assert "RuntimeError" in crash
    assert "Segmentation fault" in crash


@pytest.mark.slow
def test_nothing_of_a_patient_lies_in_the_folder_for_temporary_files(tour):
    assert [path.name for path in (tour.folder / "tmp").rglob("*") if path.is_file()] == []


def test_documentation_is_opened_by_a_click_alone():
    """Two places open things outside the program: folders of this machine, and links of the guide that are clicked."""
    sources = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
               for path in (ROOT / "app").rglob("*.py")}
    opening = [name for name, text in sources.items() if "openUrl" in text]
    assert sorted(opening) == ["app/ui/folders.py", "app/ui/pages/guide.py"]
    assert "QUrl.fromLocalFile" in sources["app/ui/folders.py"]
    guide = sources["app/ui/pages/guide.py"]
    assert re.findall(r"\.follow\b.*", guide) == [".follow)"], "a click alone leads there"
    assert "self.text.anchorClicked.connect(self.follow)" in guide
    assert "self.text.setOpenLinks(False)" in guide
    others = r"setOpenExternalLinks\(True|webbrowser|QNetworkAccess|QtNetwork|QTcpSocket|urlopen"
    assert [name for name, text in sources.items() if re.search(others, text)] == []

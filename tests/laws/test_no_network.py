"""Nothing leaves the machine: scoring and reporting work with every socket refused."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REFUSE = """
import socket, sys
def refuse(*_arguments, **_named):
    raise OSError("no network in this test")
class NoSocket(socket.socket):
    __init__ = refuse
socket.socket = NoSocket
socket.create_connection = socket.getaddrinfo = refuse
"""


def run_without_network(code: str, *words: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-c", REFUSE + code, *words], cwd=ROOT, capture_output=True, text=True,
                          timeout=60)


def test_the_refusal_works():
    done = run_without_network("import urllib.request\nurllib.request.urlopen('http://127.0.0.1:9/')")
    assert done.returncode == 1
    assert "no network in this test" in done.stderr


def test_scoring_and_its_report_open_no_socket(shared_data, tmp_path):
    case = shared_data / "sts" / "STS_003"
    done = run_without_network("from app.cli import run_command_line\nsys.exit(run_command_line(sys.argv[1:]))",
                               "score", str(case / "t1.nii.gz"), str(case / "gtv.nii.gz"), "--json", "--out",
                               str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["case"] == "STS_003"
    assert {path.name for path in (tmp_path / "out").iterdir()} >= {"score.html", "score.pdf", "score.json"}

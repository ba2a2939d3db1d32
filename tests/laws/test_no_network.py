"""Nothing leaves the machine: scoring and reporting work with every socket refused."""

import ast
import json
import subprocess
import sys
from pathlib import Path

from tests.core.small_cohorts import write_ball

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


NETWORK = {"socket", "ssl", "http", "urllib.request", "requests", "urllib3", "aiohttp", "tornado", "dask",
           "distributed", "ftplib", "smtplib", "socketserver", "xmlrpc"}


def imports_of(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return {start for name in names for start in (name.split(".")[0], ".".join(name.split(".")[:2]))}


def test_one_module_alone_speaks_to_other_machines():
    speaking = {path.relative_to(ROOT).as_posix(): found for path in (ROOT / "app").rglob("*.py")
                if (found := imports_of(path) & NETWORK)}
    assert speaking == {"app/core/workflows/cluster.py": {"distributed"}}


def test_a_cohort_is_measured_by_processes_without_a_socket(tmp_path):
    for number in range(2):
        write_ball(tmp_path / "in" / f"P{number}", 12, (3, 3, 3), seed=number)
    done = run_without_network("""
if __name__ == "__main__":
    from app.cli import run_command_line
    status = run_command_line(sys.argv[1:])
    assert "distributed" not in sys.modules
    sys.exit(status)
""", "extract", str(tmp_path / "in"), "--recipe", "pyradiomics", "--jobs", "2", "--json", "--out",
                               str(tmp_path / "f.csv"), "--cache", str(tmp_path / "cache"))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["measured"] == 2

"""An extraction is killed as a power cut kills it: no finished case is measured again, and nothing is left running."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.core.small_cohorts import write_ball

ROOT = Path(__file__).resolve().parents[3]
CASES = 10


@pytest.fixture
def cohort(tmp_path):
    rows = ["patient,image,mask"]
    for number in range(CASES):
        write_ball(tmp_path / f"P{number}", 24 + number, (1.5, 1.5, 3), seed=number)
        rows.append(f"P{number},P{number}/t1.nii.gz,P{number}/mask.nii.gz")
    (tmp_path / "cohort.csv").write_text("\n".join(rows) + "\n")
    return tmp_path / "cohort.csv"


def words(cohort, out, *more):
    return [sys.executable, "-m", "app", "extract", str(cohort), "--recipe", "pyradiomics", "--out", str(out), *more]


def start(command):
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def finish(command):
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), done.stderr.splitlines()


def is_gone(process):
    """Dead, or a zombie that only waits for its exit status to be read."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="only POSIX kills so")
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_killed_extraction_is_taken_up_where_it_was(cohort, tmp_path, own_data_folder, jobs):
    out = tmp_path / "features.csv"
    run = start(words(cohort, out, "--jobs", jobs))
    said = []
    for line in run.stderr:
        said.append(line)
        if "(3 of 10)" in line:
            break
    workers = psutil.Process(run.pid).children(recursive=True)
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    run.stderr.close()
    run.stdout.close()
    assert len(workers) >= int(jobs)
    deadline = time.monotonic() + 20
    while not all(is_gone(worker) for worker in workers):
        assert time.monotonic() < deadline, "a worker outlives the run"
        time.sleep(0.05)
    kept = {path: path.stat().st_mtime_ns for path in (own_data_folder / "cache" / "cases").rglob("*.json")}
    assert 3 <= len(kept) < CASES
    assert not out.exists()
    result, told = finish(words(cohort, out, "--jobs", jobs, "--json"))
    assert (result["reused"], result["measured"], result["failed"]) == (len(kept), CASES - len(kept), [])
    assert len([line for line in told if "was measured before" in line]) == len(kept)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept, "a finished case was written again"
    fresh, _ = finish(words(cohort, tmp_path / "fresh.csv", "--cache", str(tmp_path / "other"), "--json"))
    assert fresh["measured"] == CASES
    assert out.read_bytes() == (tmp_path / "fresh.csv").read_bytes()
    assert list(tmp_path.glob(".partial-*")) == []

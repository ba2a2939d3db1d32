"""A small fixed sample of the kills; `python -m tests.faults` makes hundreds."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="only POSIX kills so")
def test_nothing_is_lost_and_nothing_lies_about():
    done = subprocess.run([sys.executable, "-m", "tests.faults", "kills=30", "seed=7", "scoring", "training", "saving",
                           "storing"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    kills, losses, leftovers = map(int, re.search(r"(\d+) kills, (\d+) losses, (\d+) leftovers", done.stdout).groups())
    assert kills >= 30
    assert (losses, leftovers) == (0, 0)

"""Who still runs: a clock that is set back, a number that is used again and another machine change nothing."""

import os
import signal
import subprocess
import sys

import psutil
import pytest

from app.core import living
from app.core.living import is_living, own_mark


def test_this_process_lives_and_its_mark_is_fit_for_a_name():
    assert is_living(own_mark())
    assert own_mark().replace("-", "").isalnum()
    assert os.uname().nodename not in own_mark() if hasattr(os, "uname") else True


def test_an_ended_process_does_not():
    code = "from app.core.living import own_mark; print(own_mark(), flush=True); input()"
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    mark = process.stdout.readline().strip()
    assert is_living(mark)
    if hasattr(signal, "SIGSTOP"):
        process.send_signal(signal.SIGSTOP)
        assert is_living(mark), "one that sleeps lives"
        process.send_signal(signal.SIGCONT)
    process.kill()
    process.stdin.close()
    process.stdout.close()
    if hasattr(os, "waitid"):
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert not is_living(mark), "one that is dead and not yet buried does not"
    process.wait()
    assert not is_living(mark)


def test_a_later_process_of_the_same_number_is_another():
    machine, number, began = own_mark().split("-")
    assert not is_living(f"{machine}-{number}-{int(began, 16) + 1:x}")


def test_another_machine_is_not_judged():
    _machine, number, began = own_mark().split("-")
    assert is_living(f"ffff-{number}-{began}")


@pytest.mark.parametrize("mark", ["", "4711", "views", "3f0a-x-1", "3f0a-1-", "..", "3f0a-99999999999999999999-1"])
def test_what_is_no_mark_is_nobodys(mark):
    machine = own_mark().split("-")[0]
    assert not is_living(mark.replace("3f0a", machine))


@pytest.mark.skipif(not living._BOOT.exists(), reason="elsewhere the system keeps the beginning as it was noted")
def test_a_clock_that_is_set_back_changes_no_mark(monkeypatch):
    mark = own_mark()
    before = psutil.Process().create_time()
    monkeypatch.setattr(psutil.Process, "create_time", lambda _self: before - 3600.0)  # as after an hour's correction
    assert living._beginning(os.getpid()) == mark.split("-")[2]
    assert is_living(mark)

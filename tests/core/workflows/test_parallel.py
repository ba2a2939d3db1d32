"""Work in several processes: order, a process that dies, a wish to stop, and processes that give their memory back."""

import os
import signal
import sys
import time

import psutil
import pytest

from app.core.errors import Cancelled, EngineError
from app.core.workflows import worker
from app.core.workflows.parallel import describe_loss, run_each
from tests.core.small_cohorts import quiet
from tests.core.toy_works import die_now_and_then, double, fail


def numbers(count, **more):
    return [{"number": number, **more} for number in range(count)]


def children() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if "spawn_main" in " ".join(child.cmdline())]


def test_here_and_in_processes_the_order_is_the_same():
    requests = [{"number": number, "pause": 0.2 if number == 0 else 0.0} for number in range(7)]
    here = run_each(double, requests, 1, quiet, "Doubling")
    assert [each["twice"] for each in here] == [0, 2, 4, 6, 8, 10, 12]
    assert {each["process"] for each in here} == {os.getpid()}
    there = run_each(double, requests, 2, quiet, "Doubling")
    assert [each["twice"] for each in there] == [each["twice"] for each in here]
    assert len({each["process"] for each in there} - {os.getpid()}) == 2
    apart = run_each(double, requests, 1, quiet, "Doubling", isolate=True)
    assert os.getpid() not in {each["process"] for each in apart}
    assert children() == []


def test_what_is_said():
    told = []

    def tell(request, answer):
        return f"{request['number']} is {answer['twice']}"

    run_each(double, numbers(3), 1, lambda fraction, message: told.append((fraction, message)), "Doubling", tell=tell)
    assert [message for _, message in told] == ["0 is 0 (1 of 3)", "1 is 2 (2 of 3)", "2 is 4 (3 of 3)"]
    assert [fraction for fraction, _ in told] == [1 / 3, 2 / 3, 1]
    told.clear()
    run_each(double, numbers(3), 2, lambda _fraction, message: told.append(message), "Doubling", tell=tell)
    assert list(dict.fromkeys(message[-8:] for message in told))[-3:] == ["(1 of 3)", "(2 of 3)", "(3 of 3)"]


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_process_that_dies_twice_costs_its_request_alone(jobs):
    requests = numbers(6)
    requests[2]["deadly"] = True
    answers = run_each(die_now_and_then, requests, jobs, quiet, "Trying", isolate=True,
                       lost=lambda request, failure: {"lost": request["number"], "why": failure.message})
    assert [each.get("twice") for each in answers] == [0, 2, None, 6, 8, 10]
    assert answers[2]["lost"] == 2
    assert "The system stopped the process that worked on it, twice" in answers[2]["why"]
    with pytest.raises(EngineError, match="stopped one of the processes"):
        run_each(die_now_and_then, requests, jobs, quiet, "Trying", isolate=True)
    assert children() == []


def test_a_process_that_dies_once_costs_nothing(tmp_path):
    requests = numbers(5)
    requests[1]["mark"] = str(tmp_path / "died")
    answers = run_each(die_now_and_then, requests, 2, quiet, "Trying")
    assert [each["twice"] for each in answers] == [0, 2, 4, 6, 8]
    assert (tmp_path / "died").exists()


@pytest.mark.quiet
def test_a_wish_to_stop_is_heard_while_all_are_at_work():
    begun = time.monotonic()

    def stop(_fraction, _message):
        if time.monotonic() - begun > 1.0:
            raise Cancelled

    with pytest.raises(Cancelled):
        run_each(double, numbers(2, pause=60.0), 2, stop, "Doubling")
    assert time.monotonic() - begun < 10
    assert children() == []


def test_a_fault_of_the_work_is_raised_here():
    with pytest.raises(ZeroDivisionError, match="0"):
        run_each(fail, numbers(2), 1, quiet, "Failing", isolate=True)
    assert children() == []


def test_a_worker_is_replaced_after_its_share(monkeypatch):
    monkeypatch.setattr(worker, "REQUESTS_AT_MOST", 3)
    answers = run_each(double, numbers(7), 1, quiet, "Doubling", isolate=True)
    counts = {}
    for each in answers:
        counts[each["process"]] = counts.get(each["process"], 0) + 1
    assert list(counts.values()) == [3, 3, 1]
    assert [each["twice"] for each in answers] == list(range(0, 14, 2))


def test_where_no_process_can_be_started_the_work_is_done_here(monkeypatch):
    monkeypatch.setattr(worker, "serve", print)  # a target that ends at once
    answers = run_each(double, numbers(3), 2, quiet, "Doubling")
    assert [each["twice"] for each in answers] == [0, 2, 4]
    assert {each["process"] for each in answers} == {os.getpid()}


@pytest.mark.parametrize(("code", "words"), [(-signal.SIGKILL, "memory ran out"), (-signal.SIGSEGV, "signal 11"),
                                             (3, "exit code 3")])
def test_deaths_are_told_apart(code, words):
    assert words in describe_loss(code).message


@pytest.mark.skipif(sys.platform == "win32", reason="no such signal")
def test_an_interrupt_while_a_process_starts_is_heard_after():
    heard_late = []

    def start():
        with worker._deaf():
            os.kill(os.getpid(), signal.SIGINT)
            heard_late.append(True)

    with pytest.raises(KeyboardInterrupt):
        start()
    assert heard_late
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler

"""Processes that stay for a whole run: order, laziness, errors, a process that dies, and none that is left behind."""

import os
import signal
import time

import psutil
import pytest

from app.core.errors import Cancelled, CohortError, EngineError
from app.core.workflows.crew import Crew


def children():
    return [child for child in psutil.Process().children() if "spawn_main" in " ".join(child.cmdline())]


def listen():
    """Hear of no wish to stop."""


def triple(number):
    """Three times a number, and who worked it out; the first takes longest."""
    time.sleep(0.3 if number == 0 else 0.0)
    return 3 * number, os.getpid()


def refuse(number):
    """Raise for one of them."""
    if number == 2:
        raise CohortError("Two is not used.", ["two"], "Choose three.")
    return number


def die(number):
    """End the process at once."""
    if number == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def test_answers_come_in_order_from_processes_that_stay():
    with Crew(2, listen) as crew:
        first = list(crew.map(triple, range(5)))
        second = list(crew.map(triple, range(4)))
    assert [each for each, _ in first] == [0, 3, 6, 9, 12]
    assert [each for each, _ in second] == [0, 3, 6, 9]
    processes = {process for _, process in first + second}
    assert len(processes) == 2
    assert os.getpid() not in processes
    assert children() == []
    with Crew(1, listen) as crew:
        assert {process for _, process in crew.map(triple, range(3))} == {os.getpid()}


def test_one_job_works_lazily():
    done = []
    with Crew(1, listen) as crew:
        answers = crew.map(done.append, range(3))
        assert done == []
        next(answers)
        assert done == [0]


def test_an_exception_travels_and_the_crew_works_on():
    with Crew(2, listen) as crew:
        with pytest.raises(CohortError, match="Two is not used") as caught:
            list(crew.map(refuse, range(5)))
        assert caught.value.issues == ["two"]
        assert [each for each, _ in crew.map(triple, range(3))] == [0, 3, 6]
    assert children() == []


def test_a_request_that_kills_twice_ends_the_run():
    with Crew(2, listen) as crew, pytest.raises(EngineError, match="memory"):
        list(crew.map(die, range(3)))
    assert children() == []


def test_a_wish_to_stop_is_heard_and_leaves_no_process():
    def stop():
        raise Cancelled

    with pytest.raises(Cancelled), Crew(2, stop) as crew:
        list(crew.map(triple, range(5)))
    assert children() == []

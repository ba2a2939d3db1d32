"""How far a run has come while other processes train its networks."""

import json
import os

import pytest

from app.core.workflows.course import Course
from app.core.workflows.under_way import UnderWay


def note(path, *lines, head=True):
    told = [{"title": "net", "networks": 2, "epochs": 10}] if head else []
    with path.open("a") as file:
        file.writelines(json.dumps(line) + "\n" for line in (*told, *lines))


@pytest.fixture
def under_way(tmp_path, monkeypatch):
    monkeypatch.setattr("app.core.workflows.under_way._EVERY", 0.0)
    note(tmp_path / "old.jsonl", {"network": 1, "epoch": 5})
    os.utime(tmp_path / "old.jsonl", (1.0, 1.0))
    return UnderWay(tmp_path)


def test_trainings_count_by_their_epochs(under_way, tmp_path):
    assert under_way.count() == 0.0  # the old one is of an earlier run
    note(tmp_path / "a.jsonl")
    assert under_way.count() == 0.0
    note(tmp_path / "a.jsonl", {"network": 1, "epoch": 5}, head=False)
    note(tmp_path / "b.jsonl", {"network": 2, "epoch": 5})
    assert under_way.count() == pytest.approx(0.25 + 0.75)
    note(tmp_path / "b.jsonl", {"done": True}, head=False)
    with (tmp_path / "a.jsonl").open("a") as file:
        file.write('{"network": 1, "ep')  # half a line
    assert under_way.count() == 0.0


def test_a_run_never_seems_to_go_back(under_way, tmp_path):
    told = []
    course = Course(lambda share, _words: told.append(share), 0.0, 1.0, 40.0, under_way.count)
    answers = course.follow(lambda fit, items: map(fit, items), "net", 4, 10.0)(lambda item: item, range(4))

    note(tmp_path / "a.jsonl", {"network": 2, "epoch": 10})
    next(answers)
    course.listen()
    assert told[-1] == pytest.approx(0.5)  # one is done, and another is as good as done
    note(tmp_path / "a.jsonl", {"done": True}, head=False)
    course.listen()
    assert told[-1] == pytest.approx(0.5)
    next(answers)
    assert told == sorted(told)

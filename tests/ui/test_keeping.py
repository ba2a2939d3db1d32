"""A finished score is kept; where the disk refuses, it is said, the job stays owed, and it is kept when it can be."""

import pytest
from window_fixtures import SCORE, case_files

from app.core.errors import Failure, InputError
from app.core.jobs import Job
from app.ui import keeping
from app.ui.cut_off import WORDS, describe_cut_off
from app.ui.jobs import Jobs


@pytest.fixture
def refusing(driver, monkeypatch):
    """A store that cannot be written until it is told that it can."""
    store, add, state = driver.window.state.store, driver.window.state.store.add_score, {"full": True}

    def refuse(*words, **named):
        if state["full"]:
            raise InputError("The worklist cannot be written (database or disk is full).", "Free some space.")
        return add(*words, **named)

    monkeypatch.setattr(store, "add_score", refuse)
    monkeypatch.setattr(keeping, "RETRY_MS", 50)
    driver.reading.keeping._again.setInterval(50)
    driver.jobs.owed = []
    driver.jobs.keep_owed = driver.jobs.owed.append
    return state


def test_a_score_that_cannot_be_kept_is_shown_said_and_kept_later(driver, refusing):
    told, said = [], []
    driver.reading.noticed.connect(told.append)
    driver.reading.said.connect(said.append)
    driver.open(case_files("A"), case_files("B"))
    jobs = [job for job, _lane, name, _request in driver.jobs.asked if name == "score_case"]
    for job in jobs:
        driver.jobs.finished.emit(job, SCORE)
    assert [entry.status for entry in driver.reading.worklist.entries()] == ["scored", "scored"]
    assert [failure.message for failure in told] == [
        "The worklist cannot be written (database or disk is full). The score of STS_003 is on the screen only."]
    assert "made again at the next start" in told[0].remedy
    assert driver.jobs.owed == jobs
    assert driver.reading.keeping.waiting == 2
    driver.qtbot.wait(200)
    assert driver.reading.keeping.waiting == 2
    assert driver.window.state.store.scores() == []
    refusing["full"] = False
    driver.qtbot.waitUntil(lambda: driver.reading.keeping.waiting == 0)
    assert len(driver.window.state.store.scores()) == 2
    assert said[-1] == "Scores are kept again; 2 were late."


def test_a_job_whose_score_is_not_kept_stays_in_the_queue(qtbot, tmp_path):
    from app.core.store import Store

    store = Store(tmp_path / "store.sqlite3")
    jobs = Jobs(store)
    ended = []
    try:
        jobs.finished.connect(lambda job, _result: (jobs.keep_owed(job) if not ended else None, ended.append(job)))
        for number in (1, 2):
            jobs.start("score", "tests.core.toy_workflows:add", {"a": number, "b": 1})
        qtbot.waitUntil(lambda: len(ended) == 2, timeout=20000)
    finally:
        jobs.shutdown()
    store.close()
    again = Store(tmp_path / "store.sqlite3")
    assert [job.id for job in again.claim_queue()] == ended[:1]
    again.close()


def job(name):
    return Job("1", "", f"app.core.workflows:{name}", {}, "STS_003")


def test_what_was_cut_off_is_told_in_words():
    assert describe_cut_off([], 0) is None
    assert describe_cut_off([job("view_case"), job("list_models")], 0) is None
    assert "3 scores" in describe_cut_off([], 3).extra["issues"][0]
    told = describe_cut_off([job("score_case"), job("train"), job("extract"), job("train")], 12)
    assert told.message == "The program was ended while it worked, the last time."
    assert told.extra["issues"] == [
        "Scoring was cut off; no finished score is lost. The 12 scores that were owed are being made now.",
        WORDS["train"], WORDS["extract"]]
    assert "Score the case again" in describe_cut_off([job("score_case")], 0).extra["issues"][0]
    assert "is being made now" in describe_cut_off([job("score_case")], 1).extra["issues"][0]
    given_up = describe_cut_off([job("score_case")], 0, [job("score_case")]).extra["issues"]
    assert given_up == ["The score of STS_003 ended the program three times and is not made again by itself."]


def test_every_workflow_that_is_told_exists():
    from app.core.workflows import _HOMES

    assert set(WORDS) <= set(_HOMES)


def test_a_score_outlives_its_pictures(driver):
    driver.open(case_files("A"))
    driver.show("A")
    driver.jobs.answer("score_case", SCORE)
    driver.reading.choose("")
    driver.reading.choose(driver.reading.worklist.entries()[0].key)
    gone = Failure("input", "There is no file or folder 't1.nii'.", "Check where it was moved to.")
    driver.jobs.failed.emit(driver.jobs.last("view_case"), gone)
    assert driver.entry.status == "scored"
    assert driver.page.result.shows_score
    assert driver.page.notices.card("case").sentence.text() == gone.message
    driver.page.notices.card("case").closed.emit()
    assert driver.page.notices.card("case") is None
    assert driver.page.result.shows_score

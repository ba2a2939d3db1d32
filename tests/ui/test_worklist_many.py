"""A long worklist: what changes is drawn and nothing else, and thousands come and go without a wait."""

from time import perf_counter

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication
from window_fixtures import SCORE, case_files

from app.core.store import Store
from app.ui.jobs import Jobs
from app.ui.scoring import MOST_AT_ONCE
from app.ui.widgets.worklist import Worklist
from app.ui.widgets.worklist_model import Entry, WorklistModel


def entry(number, model="lipoma-size"):
    return Entry(str(number), case_files(f"P{number}"), "scored", {**SCORE, "model": model})


@pytest.fixture
def listed(qtbot):
    listed = Worklist(WorklistModel())
    qtbot.addWidget(listed)
    listed.resize(240, 800)
    with qtbot.waitExposed(listed):
        listed.show()
    listed.model.add([entry(number) for number in range(2000)])
    qtbot.wait(50)
    return listed


def test_a_changed_row_is_drawn_alone_and_one_out_of_sight_not_at_all(listed, qtbot, monkeypatch):
    drawn = []
    delegate = listed.list.itemDelegate()
    paint = delegate.paint
    monkeypatch.setattr(delegate, "paint", lambda *words: (drawn.append(words[2].row()), paint(*words)))
    listed.model.change("4", status="failed")
    qtbot.waitUntil(lambda: bool(drawn))
    assert set(drawn) <= {3, 4, 5}
    assert 4 in drawn
    drawn.clear()
    listed.model.change("1500", status="failed")
    qtbot.wait(50)
    assert drawn == []
    listed.model.choose_model("another")
    qtbot.waitUntil(lambda: len(set(drawn)) > 15)


def test_half_of_a_long_list_goes_and_comes_back_at_once(listed):
    before = listed.model.entries()
    begun = perf_counter()
    listed.model.remove([str(number) for number in range(0, 2000, 2)])
    QApplication.processEvents()
    assert len(listed.model.restore()) == 1000
    assert perf_counter() - begun < 3
    assert listed.model.entries() == before


def test_the_model_agrees_with_a_plain_list():
    choice, model, plain, gone = np.random.default_rng(4), WorklistModel(), [], []
    model.choose_model("lipoma-size")
    fresh = 0
    for _ in range(300):
        act = choice.choice(("add", "change", "remove", "restore", "model"))
        keys = [each.key for each in plain]
        if act == "add":
            models = choice.choice(["lipoma-size", "another"], choice.integers(1, 10)).tolist()
            new = [entry(fresh + n, name) for n, name in enumerate(models)]
            fresh += len(new)
            model.add(new)
            plain += new
        elif act == "change" and plain:
            key = str(choice.choice(keys))
            changed = model.change(key, score={**SCORE, "model": str(choice.choice(["lipoma-size", "another"]))})
            plain[keys.index(key)] = changed
        elif act == "remove" and plain:
            out = choice.permutation(keys)[: choice.integers(1, len(keys) + 1)].tolist()
            gone.append([(row, each) for row, each in enumerate(plain) if each.key in out])
            model.remove(out)
            plain = [each for each in plain if each.key not in out]
        elif act == "restore" and gone:
            batch = gone.pop()
            for row, each in batch:
                plain.insert(min(row, len(plain)), each)
            assert model.restore() == [each.key for _row, each in batch]
        elif act == "model":
            model.choose_model(str(choice.choice(["lipoma-size", "another", ""])))
        assert list(model.entries()) == plain
        assert [model.row(each.key) for each in plain] == list(range(len(plain)))
        assert model.others == sum(each.is_of_other_model(model.model) for each in plain)


def test_thousands_are_queued_some_at_a_time_and_can_be_called_off_in_between(driver):
    many = 5 * MOST_AT_ONCE
    driver.open(*[case_files(f"P{number}") for number in range(many)])
    scoring = driver.reading.scoring
    assert scoring.waiting == many
    assert driver.jobs.count("score_case") < many
    driver.reading.remove([driver.reading.worklist.entries()[-1].key])
    driver.qtbot.waitUntil(lambda: driver.jobs.count("score_case") == many - 1)
    assert scoring.waiting == many - 1
    driver.reading.score_all()
    assert scoring.waiting == many - 1
    scoring.cancel_all()
    assert scoring.waiting == 0
    asked = driver.jobs.count("score_case")
    driver.qtbot.wait(50)
    assert driver.jobs.count("score_case") == asked
    assert {each.status for each in driver.reading.worklist.entries()} == {"new"}


def test_changes_of_the_queue_are_written_together(qtbot, tmp_path):
    store = Store(tmp_path / "store.sqlite3")
    batches, write = [], store.change_queue
    store.change_queue = lambda changes: (batches.append(len(changes)), write(changes))
    jobs = Jobs(store)
    try:
        with store._database.transaction():  # the disk is slow for a moment
            asked = [jobs.start("score", "tests.core.toy_workflows:hang", {}) for _ in range(300)]
        for job in asked[1:200]:
            jobs.cancel(job)
        qtbot.waitUntil(lambda: len(jobs.live_jobs()) == 101)
    finally:
        jobs.shutdown()
        store.close()
    assert sum(batches) >= 300 + 199
    assert len(batches) < 100
    again = Store(tmp_path / "store.sqlite3")
    assert [job.id for job in again.claim_queue()] == [asked[0], *asked[200:]]
    again.close()

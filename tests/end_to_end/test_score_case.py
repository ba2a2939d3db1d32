"""A phantom case dropped on the real window, through real engine processes, to a score."""

import pytest

from app.core.store import Store
from app.ui.window import MainWindow


@pytest.mark.slow
def test_a_dropped_case_is_shown_and_scored(qtbot, tmp_path):
    from app.core.workflows import demo_case

    made = demo_case({}, lambda _fraction, _message: None)
    window = MainWindow(Store(tmp_path / "store.sqlite3"))
    qtbot.addWidget(window)
    with qtbot.waitExposed(window):
        window.show()
    try:
        window.open([made["case"]["mask"], made["case"]["images"]["image"]])
        qtbot.waitUntil(lambda: window.score_page.viewer.state.case is not None, timeout=60_000)
        qtbot.waitUntil(lambda: window.score_page.result.shows_score, timeout=120_000)
        panel = window.score_page.result.panel
        assert 0.0 < float(panel.trained.text()) < 1.0
        assert window.reading.view["mask"]["volume_ml"] > 1
        kept = window.state.store.worklist()
        assert kept[0].score.score["probability"] == pytest.approx(float(panel.trained.text()), abs=0.005)
        out = tmp_path / "report.html"
        window.exporting.write("html", str(out))
        qtbot.waitUntil(out.exists, timeout=60_000)
        assert "Research use only" in out.read_text(encoding="utf-8")
    finally:
        window.close()


@pytest.mark.slow
def test_the_queue_is_worked_off_and_the_worklist_returns(qtbot, shared_data, tmp_path):
    window = MainWindow(Store(tmp_path / "store.sqlite3"))
    qtbot.addWidget(window)
    window.show()
    window.open([str(shared_data / "sts" / name) for name in ("STS_003", "STS_005", "STS_006")])
    worklist = window.reading.worklist
    qtbot.waitUntil(lambda: [entry.status for entry in worklist.entries()] == ["scored"] * 3, timeout=120_000)
    before = [entry.score["probability"] for entry in window.reading.worklist.entries()]
    window.close()
    again = MainWindow(Store(tmp_path / "store.sqlite3"))
    qtbot.addWidget(again)
    again.show()
    qtbot.waitUntil(lambda: again.reading.worklist.rowCount() == 3, timeout=20_000)
    assert [entry.score["probability"] for entry in again.reading.worklist.entries()] == before
    again.close()

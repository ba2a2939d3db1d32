"""Opening the program: a status of 0, the demo case scored, and nothing left on the disk but what is remembered."""

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from app.ui.launch import launch
from app.ui.window import MainWindow


def _windows():
    return [each for each in QApplication.topLevelWidgets() if isinstance(each, MainWindow)]


@pytest.mark.slow
def test_the_demo_is_shown_scored_and_cleaned_away(qapp, own_data_folder):
    seen = {}
    watch = QTimer()
    earlier = _windows()  # of other tests, not yet deleted

    def look():
        window = next((each for each in _windows() if each not in earlier), None)
        if window is not None and (window.score_page.result.shows_score or seen.setdefault("looks", 0) > 1200):
            seen["scored"] = window.score_page.result.shows_score
            watch.stop()
            window.close()  # the last window closed ends the program; a second end would end the next test's loop
            window.deleteLater()
        seen["looks"] = seen.get("looks", 0) + 1

    watch.timeout.connect(look)
    watch.start(50)
    assert launch(demo=True) == 0
    assert seen["scored"]
    views = own_data_folder / "views"
    assert not views.exists() or not list(views.iterdir())

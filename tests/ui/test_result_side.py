"""The finding's side: a comparison only where there is one, and reasons before the fine print."""

import numpy as np
from PySide6.QtCore import QPoint
from PySide6.QtGui import QImage
from window_fixtures import SCORE, case_files

from app.ui.widgets.probability_scale import ProbabilityScale

SHARE = {**SCORE, "comparator": {"name": "prevalence", "probability": 0.53, "title": "The share in training"}}


def pixels(scale):
    image = scale.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    return np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.width(), 4)[..., :3].copy()


def test_the_share_in_training_leaves_no_mark_on_the_scale(qtbot):
    marked, plain, shares = (ProbabilityScale() for _ in range(3))
    for scale, score in ((marked, SCORE), (plain, {**SCORE, "comparator": None}), (shares, SHARE)):
        qtbot.addWidget(scale)
        scale.show_score(score)
        scale.resize(300, scale.height())
    assert np.array_equal(pixels(shares), pixels(plain))
    assert marked.height() > plain.height()
    at = shares._x(0.53)
    assert "share" not in shares.words_at(at)
    assert "Tumour volume alone" in marked.words_at(marked._x(0.58))


def test_the_panel_says_a_comparison_only_where_there_is_one(driver):
    driver.open(case_files())
    driver.jobs.answer("score_case", SHARE)
    assert driver.page.result.shows_score
    assert not driver.page.result.panel.comparator.isVisible()
    driver.open(case_files("B"))
    driver.jobs.answer("score_case", SCORE)
    assert driver.page.result.panel.comparator.isVisible()


def test_the_models_fine_print_scrolls_below_why_and_the_choices_stay(driver):
    driver.window.resize(1440, 900)
    driver.open(case_files())
    driver.show()
    driver.jobs.answer("score_case", SCORE)
    side, panel = driver.page.result, driver.page.result.panel
    driver.qtbot.waitUntil(lambda: side.model_line.mapTo(panel.widget(), QPoint()).y()
                           > panel.contributions.mapTo(panel.widget(), QPoint()).y())
    assert panel.widget().isAncestorOf(side.model_line)
    assert not panel.widget().isAncestorOf(side.choices)
    assert side.height() - panel.geometry().bottom() < 170
    top = panel.contributions.mapTo(panel.viewport(), QPoint()).y()
    first = panel.contributions.rows.visualItemRect(panel.contributions.rows.topLevelItem(0)).bottom()
    assert 0 < top < panel.viewport().height()  # the reasons begin above the fold
    assert panel.contributions.rows.viewport().mapTo(panel.viewport(), QPoint(0, first)).y() < panel.viewport().height()
    assert driver.window.line.notice.isVisible()
    assert "Research use only" in driver.window.line.notice.text()

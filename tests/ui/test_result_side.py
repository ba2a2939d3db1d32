"""The finding's side: a comparison only where there is one, and reasons before the fine print."""

import numpy as np
import pytest
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
    panel = driver.page.result.panel
    assert not panel.comparator.isVisible()
    driver.jobs.answer("score_case", SCORE)

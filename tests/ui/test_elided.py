"""Long names are cut with an ellipsis, whole in the tooltip and on the clipboard; letters stay legible on white fat."""

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QImage, QPainter
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget
from window_fixtures import SCORE, case_files

from app.ui.widgets.copy_label import ElidedLabel
from app.ui.widgets.elided_combo import ElidedCombo
from app.ui.widgets.overlay import Overlay, paint_overlay
from app.ui.widgets.result_choices import ResultChoices

LONG = "Hospital-17_2024-05-06_T1-weighted_axial_patient-0000000000001234567890"


@pytest.fixture
def label(qtbot):
    label = ElidedLabel(LONG)
    qtbot.addWidget(label)
    label.show()
    return label


def test_what_does_not_fit_is_in_the_tooltip(label):
    label.resize(120, 20)
    assert QLabel.text(label).endswith("…")
    assert (label.text(), label.toolTip()) == (LONG, LONG)
    label.resize(label.sizeHint().width() + 4, 20)
    assert (QLabel.text(label), label.toolTip()) == (LONG, "")


def test_the_whole_text_is_copied(label):
    label.resize(120, 20)
    label.copy()
    assert QGuiApplication.clipboard().text() == LONG


def test_a_long_name_takes_no_room_from_the_window(driver):
    driver.open(case_files(LONG))
    driver.show(LONG)
    driver.jobs.answer("score_case", {**SCORE, "case": LONG})
    driver.window.resize(900, 640)
    driver.qtbot.wait(50)
    bar = driver.page.bar
    assert driver.window.width() == 900
    assert bar.title.text() == LONG
    assert QLabel.text(bar.title) != LONG
    assert bar.title.toolTip() == LONG
    assert driver.page.worklist.model.index(0).data(Qt.ItemDataRole.ToolTipRole).startswith(LONG)


@pytest.mark.parametrize("scale", [1, 2])
def test_letters_are_legible_on_white(qapp, scale):
    picture = QImage(500 * scale, 400 * scale, QImage.Format.Format_RGB32)
    picture.setDevicePixelRatio(scale)
    picture.fill(Qt.GlobalColor.white)
    painter = QPainter(picture)
    paint_overlay(painter, 500, 400, Overlay(letters=("R", "L", "A", "P"), top_left=("Axial", "case")))
    painter.end()
    grey = np.frombuffer(picture.constBits(), np.uint8).reshape(400 * scale, 500 * scale, 4)[..., 0] / 255.0
    letter, plate = grey[192 * scale:207 * scale, 5 * scale:23 * scale], grey[200 * scale, 6 * scale]
    linear = ((plate + 0.055) / 1.055) ** 2.4 if plate > 0.04045 else plate / 12.92
    # WCAG contrast of the letters' own colour, relative luminance 0.79, against the plate on white
    assert (0.79 + 0.05) / (linear + 0.05) >= 4.5
    assert (letter < 0.25).sum() > 20 * scale * scale  # the halo
    assert (np.abs(letter - 0.92) < 0.05).sum() > 10 * scale * scale  # the letter


def test_a_pickers_text_ends_in_an_ellipsis(qtbot):
    combo = ElidedCombo()
    qtbot.addWidget(combo)
    combo.addItem(LONG)
    combo.resize(120, 28)
    combo.show()
    assert combo.shown_text().endswith("…")
    combo.resize(900, 28)
    assert combo.shown_text() == LONG


def test_the_choices_fold_into_rows_in_a_narrow_panel(qtbot):
    panel, choices = QWidget(), ResultChoices()
    qtbot.addWidget(panel)
    QVBoxLayout(panel).addWidget(choices)
    panel.resize(360, 120)
    panel.show()
    qtbot.waitUntil(lambda: choices.thresholds.y() == choices.rates.y())
    panel.resize(240, 160)
    qtbot.waitUntil(lambda: choices.thresholds.y() > choices.rates.y())
    assert choices.thresholds.geometry().right() < 220


def test_no_text_hides_the_letters_of_the_sides(qapp):
    def paint(lines):
        picture = QImage(160, 140, QImage.Format.Format_RGB32)
        picture.fill(Qt.GlobalColor.black)
        painter = QPainter(picture)
        paint_overlay(painter, 160, 140, Overlay(letters=("R", "L", "A", "P"), top_left=lines, top_right=("image",)))
        painter.end()
        grey = np.frombuffer(picture.constBits(), np.uint8).reshape(140, 160, 4)[8:26, 72:88, 0]
        return grey > 200

    alone, crowded = paint(()), paint(("Axial, radiological", "a very long case name"))
    assert alone.sum() > 20
    assert crowded[alone].all()

"""Numbers typed on a system whose decimals have commas, and on one whose thousands do, mean the same."""

import pytest
from PySide6.QtCore import QLocale
from PySide6.QtTest import QTest

from app.ui.widgets.decimal_box import DecimalBox
from app.ui.widgets.form_fields import Number, Scale


@pytest.fixture(params=["de_DE", "en_US", "de_CH", "C"])
def system(request):
    before = QLocale()
    QLocale.setDefault(QLocale(request.param))
    yield request.param
    QLocale.setDefault(before)


@pytest.mark.parametrize(("typed", "meant"), [("5,5", 5.5), ("5.5", 5.5), ("0,05", 0.05), ("0.05", 0.05),
                                              ("12", 12.0), (",5", 0.5), ("7,", 7.0)])
def test_comma_and_point_are_the_decimal(qtbot, system, typed, meant):
    box = DecimalBox()
    qtbot.addWidget(box)
    box.setDecimals(4)
    box.setRange(0, 99)
    box.setSuffix(" in 100")
    box.selectAll()
    QTest.keyClicks(box, typed)
    assert box.value() == pytest.approx(meant)
    box.interpretText()
    assert "," not in box.text()


def test_what_a_form_shows_is_read_back(qtbot, system):
    field = Number(Scale(0.0001, 10.0, log=True, whole=False), 0.0, 10.0)
    qtbot.addWidget(field)
    for value in (0.001, 0.5, 2.5):
        field.set_value(value)
        field.box.interpretText()
        assert field.value() == pytest.approx(value)


def test_the_window_has_no_other_kind_of_field(driver):
    from PySide6.QtWidgets import QDoubleSpinBox

    driver.window.show_page(5)
    boxes = driver.window.findChildren(QDoubleSpinBox)
    assert boxes
    assert [box.accessibleName() for box in boxes if not isinstance(box, DecimalBox)] == []

"""Keys changed by pressing them: who loses one is named, the window's own are refused, all of it is remembered."""

import pytest
from PySide6.QtCore import Qt

from app.ui.widgets.key_table import KeyTable
from app.ui.widgets.keymap import Keymap


@pytest.fixture
def table(qtbot):
    table = KeyTable(Keymap())
    qtbot.addWidget(table)
    with qtbot.waitExposed(table):
        table.show()
    table.reserve({"F7": "Fold the worklist", "F1": "Map of keys"})
    return table


def press(qtbot, table, action, key, modifier=Qt.KeyboardModifier.NoModifier, *, adding=False):
    table.choose(action)
    table.listen(adding=adding)
    qtbot.keyClick(table.tree, key, modifier)


def test_pressing_gives_the_key_and_names_who_lost_it(qtbot, table):
    with qtbot.waitSignal(table.remapped):
        press(qtbot, table, "invert", Qt.Key.Key_G)
    assert table.keys_shown("invert") == "G"
    assert table.keys_shown("mask_mode") == "\N{EN DASH}"
    assert table.said.text() == "“Invert” is now G. “Outline: contour, filled, off” lost it and has no key now."


def test_a_key_can_be_added_to_those_there_are(qtbot, table):
    press(qtbot, table, "invert", Qt.Key.Key_J, Qt.KeyboardModifier.ControlModifier, adding=True)
    assert table._keymap.keys("invert") == ("I", "Ctrl+J")


@pytest.mark.parametrize("key", [Qt.Key.Key_Tab, Qt.Key.Key_Up, Qt.Key.Key_Return])
def test_keys_that_move_the_focus_can_be_taken_too(qtbot, table, key):
    press(qtbot, table, "invert", key)
    assert table._keymap.keys("invert") != ("I",)
    assert not table.tree.listening


def test_escape_changes_nothing(qtbot, table):
    press(qtbot, table, "invert", Qt.Key.Key_Escape)
    assert table.keys_shown("invert") == "I"


def test_the_windows_own_keys_are_refused_except_where_they_mean_the_same(qtbot, table):
    press(qtbot, table, "invert", Qt.Key.Key_F7)
    assert table.keys_shown("invert") == "I"
    assert table.said.text().startswith("F7 belongs to the window: Fold the worklist.")
    press(qtbot, table, "help", Qt.Key.Key_F1)
    assert table.keys_shown("help") == "F1"


def test_the_profile_comes_back(qtbot, table):
    press(qtbot, table, "invert", Qt.Key.Key_G)
    qtbot.mouseClick(table.restore, Qt.MouseButton.LeftButton)
    assert (table.keys_shown("invert"), table.keys_shown("mask_mode")) == ("I", "G")


def test_own_keys_work_on_the_picture_and_are_remembered(driver):
    window = driver.window
    window.show_named("Settings")
    press(driver.qtbot, window.settings_page.keys, "invert", Qt.Key.Key_J)
    driver.qtbot.waitUntil(lambda: (window.state.store.setting("keymap") or {}).get("own") == {"invert": ["J"]})
    assert Keymap.from_json(window.state.store.setting("keymap")).keys("invert") == ("J",)
    window.show_page(0)
    driver.open({"id": "A", "images": {"t1": "/a.nii"}, "mask": "/m.nii"})
    driver.show("A")
    driver.qtbot.keyClick(driver.page.viewer.panes["axial"], Qt.Key.Key_J)
    assert driver.page.viewer.state.inverted

"""The filled outline's opacity: a slider in the picture's menu, remembered."""

from PySide6.QtWidgets import QMenu, QSlider, QWidgetAction
from window_fixtures import Driver, case_files

from app.ui.widgets.viewer_menu import build_menu


def slider_of(viewer):
    outline = next(each for each in build_menu(viewer).findChildren(QMenu) if each.title() == "Outline")
    held = next(action for action in outline.actions() if isinstance(action, QWidgetAction))
    assert isinstance(held.defaultWidget(), QSlider)
    return held.defaultWidget()


def test_the_menus_slider_fills_the_outline_and_is_remembered(qtbot, driver, tmp_path):
    driver.open(case_files("STS_003"))
    driver.show()
    viewer = driver.page.viewer
    qtbot.waitUntil(lambda: viewer.state.case is not None)
    assert viewer.state.mask_mode == "contour"
    slider = slider_of(viewer)
    assert slider.value() == 35
    slider.setValue(80)
    assert (viewer.state.opacity, viewer.state.mask_mode) == (0.8, "fill")
    driver.window.close()
    again = Driver(qtbot, tmp_path)
    assert again.page.viewer.state.opacity == 0.8
    again.window.close()

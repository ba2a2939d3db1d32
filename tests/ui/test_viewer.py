"""The viewer's mouse, keys, memory and words."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QGuiApplication, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QLabel
from viewer_cases import open_case, to_array, write_image

from app.ui.widgets.histogram import HistogramPlot
from app.ui.widgets.keymap import Keymap
from app.ui.widgets.overlay import shorten_overlay
from app.ui.widgets.view_case import PLANES
from app.ui.widgets.viewer import Viewer
from app.ui.widgets.viewer_menu import build_menu

LEFT, RIGHT, MIDDLE, NONE = (Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton, Qt.MouseButton.MiddleButton,
                             Qt.MouseButton.NoButton)
PLAIN = Qt.KeyboardModifier.NoModifier
AFFINE = np.diag([-1.0, -1.0, 4.0, 1.0])


@pytest.fixture
def case(tmp_path):
    rng = np.random.default_rng(3)
    voxels = rng.uniform(100, 900, (40, 50, 12)).astype(np.float32)
    mask = np.zeros(voxels.shape, bool)
    mask[10:20, 15:25, 3:8] = True
    mask[8:24, 12:30, 5] = True
    fine = np.diag([-0.5, -0.5, 8.0, 1.0])
    t1 = write_image(tmp_path, "t1", voxels, AFFINE, mask, (voxels / 500).astype(np.float32),
                     acquisition={"modality": "MR", "window": [50.0, 450.0], "thickness": 3.5, "sequence": "t1"},
                     cautions=[{"code": "mask_resampled", "message": "The outline was resampled."}])
    t2 = write_image(tmp_path, "t2", rng.uniform(0, 80, (80, 100, 6)), fine, window=[0.0, 80.0])
    return open_case({"t1": t1, "t2": t2}, identity={"patient_name": "Doe^Jane", "patient_id": "4711"},
                     cautions=[{"code": "lossy", "message": "Compressed with loss."}])


@pytest.fixture
def viewer(qtbot, case):
    viewer = Viewer(fourth=QLabel("fourth"))
    qtbot.addWidget(viewer)
    viewer.resize(900, 800)
    viewer.show()
    viewer.show_case(case)
    viewer.panes["axial"].setFocus()
    QApplication.processEvents()
    return viewer


def _mouse(pane, kind, at, button, buttons, modifiers=PLAIN):
    spot = QPointF(*at)
    event = QMouseEvent(kind, spot, pane.viewport().mapToGlobal(spot), button, buttons, modifiers)
    QApplication.sendEvent(pane.viewport(), event)


def _drag(pane, button, start, end, modifiers=PLAIN):
    _mouse(pane, QMouseEvent.Type.MouseButtonPress, start, button, button, modifiers)
    for share in (0.5, 1.0):
        at = (start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1]))
        _mouse(pane, QMouseEvent.Type.MouseMove, at, NONE, button, modifiers)
    _mouse(pane, QMouseEvent.Type.MouseButtonRelease, end, button, NONE, modifiers)


def _wheel(pane, notches, modifiers=PLAIN):
    spot = QPointF(pane.viewport().rect().center())
    QApplication.sendEvent(pane.viewport(), QWheelEvent(
        spot, pane.viewport().mapToGlobal(spot), QPoint(), QPoint(0, 120 * notches), NONE, modifiers,
        Qt.ScrollPhase.NoScrollPhase, False))


def _number(viewer, plane="axial"):
    grid = viewer.panes[plane].grid
    return grid.shape[PLANES[plane].fixed] - viewer.state.slice_index(PLANES[plane])


def test_opens_at_the_largest_slice_of_the_tumour(viewer):
    assert _number(viewer) == 6  # file slice 5, counted from 1
    assert viewer.state.image.acquired == "axial"


def test_wheel_and_keys_scroll_and_stop_at_the_ends(qtbot, viewer):
    pane = viewer.panes["axial"]
    with qtbot.waitSignal(viewer.slice_changed) as told:
        _wheel(pane, 2)
    assert told.args == ["axial", 8, 12]
    qtbot.keyClick(pane, Qt.Key.Key_Down)
    assert _number(viewer) == 7
    qtbot.keyClick(pane, Qt.Key.Key_End)
    qtbot.keyClick(pane, Qt.Key.Key_Up)
    assert _number(viewer) == 12
    qtbot.keyClick(pane, Qt.Key.Key_Home)
    assert _number(viewer) == 1
    qtbot.keyClick(pane, Qt.Key.Key_M)
    assert _number(viewer) == 6


def test_left_drag_changes_window_and_level(qtbot, viewer):
    low, high = viewer.windows.window()
    with qtbot.waitSignal(viewer.window_changed):
        _drag(viewer.panes["axial"], LEFT, (100, 100), (160, 100))
    wider = viewer.windows.window()
    assert wider[1] - wider[0] > high - low
    assert sum(wider) == pytest.approx(low + high)
    _drag(viewer.panes["axial"], LEFT, (100, 100), (100, 60))
    assert sum(viewer.windows.window()) < sum(wider), "dragging up brightens"


def test_window_reaches_the_picture(viewer):
    bright = to_array(viewer.grab_picture(overlays=False, plane="axial")).mean()
    viewer.windows.set_window(600, 2000)
    assert to_array(viewer.grab_picture(overlays=False, plane="axial")).mean() < bright - 20


def test_middle_pans_right_zooms_and_space_resets(qtbot, viewer):
    pane = viewer.panes["axial"]
    world = viewer.state.world
    before, zoom = pane.to_pixel(world), pane.zoom
    _drag(pane, MIDDLE, (100, 100), (130, 80))
    moved = pane.to_pixel(world) - before
    assert (moved.x(), moved.y()) == pytest.approx((30, -20), abs=0.5)
    _drag(pane, RIGHT, (100, 100), (100, 60))
    assert pane.zoom > zoom * 1.2
    viewer.windows.set_window(1, 2)
    qtbot.keyClick(pane, Qt.Key.Key_Space)
    assert pane.zoom == pytest.approx(zoom)
    assert viewer.windows.window() == (0.0, 1000.0)


def test_right_click_in_place_opens_the_menu_and_a_drag_does_not(qtbot, viewer):
    pane = viewer.panes["axial"]
    asked = []
    pane.menu_requested.disconnect()
    pane.menu_requested.connect(lambda plane, _at: asked.append(plane))
    _drag(pane, RIGHT, (100, 100), (100, 60))
    assert asked == []
    _drag(pane, RIGHT, (100, 100), (100, 100))
    assert asked == ["axial"]


def test_shift_move_drives_all_planes(viewer):
    pane = viewer.panes["axial"]
    target = viewer.panes["axial"].grid.to_world((10, 12, 6))
    spot = pane.to_pixel(target)
    _mouse(pane, QMouseEvent.Type.MouseMove, (spot.x(), spot.y()), NONE, NONE, Qt.KeyboardModifier.ShiftModifier)
    assert viewer.state.slice_index(PLANES["sagittal"]) == 10
    assert viewer.state.slice_index(PLANES["coronal"]) == 12
    assert _number(viewer) == 6, "the plane under the pointer stays"


def test_ctrl_drag_windows_on_a_region(viewer):
    pane = viewer.panes["axial"]
    first, last = (pane.to_pixel(pane.grid.to_world(index)) for index in ((5, 5, 6), (20, 20, 6)))
    _drag(pane, LEFT, first.toTuple(), last.toTuple(), Qt.KeyboardModifier.ControlModifier)
    region = viewer.state.layer.voxels[5:21, 5:21, 6]
    assert viewer.windows.window() == pytest.approx(np.percentile(region, (1, 99)), rel=0.02)
    assert pane.region is None


def test_double_click_maximises_and_restores(viewer):
    pane = viewer.panes["sagittal"]
    _mouse(pane, QMouseEvent.Type.MouseButtonDblClick, (90, 90), LEFT, LEFT)
    assert viewer.state.layout == "sagittal"
    assert viewer.panes["axial"].isHidden()
    assert viewer.fourth.isHidden()
    _mouse(pane, QMouseEvent.Type.MouseButtonDblClick, (90, 90), LEFT, LEFT)
    assert viewer.state.layout == "quad"
    assert not viewer.fourth.isHidden()


def test_cursor_tells_value_position_and_voxel(qtbot, viewer):
    pane = viewer.panes["axial"]
    spot = pane.to_pixel(pane.grid.to_world((12, 18, 6)))
    with qtbot.waitSignal(viewer.cursor_moved) as told:
        _mouse(pane, QMouseEvent.Type.MouseMove, spot.toTuple(), NONE, NONE)
    found = told.args[0]
    assert found["voxel"] == (12, 18, 5)  # file L, P, S against display L, P, I
    assert found["value"] == pytest.approx(float(viewer.state.layer.voxels[12, 18, 6]))
    assert found["in_mask"]
    assert found["text"].startswith("L 12.")
    with qtbot.waitSignal(viewer.cursor_moved) as told:
        _mouse(pane, QMouseEvent.Type.MouseMove, (1, 1), NONE, NONE)
    assert told.args[0] == {}


def test_sequence_switch_keeps_the_place(qtbot, viewer):
    world = viewer.state.world
    qtbot.keyClick(viewer.panes["axial"], Qt.Key.Key_Tab)
    assert viewer.state.sequence == "t2"
    assert viewer.state.world == world
    assert viewer.panes["axial"].grid.shape == (80, 100, 6)
    assert viewer.panes["axial"].to_pixel(world) == viewer.panes["axial"].to_pixel(viewer.state.world)
    assert viewer.windows.window() == (0.0, 80.0)
    viewer.set_sequence("t1")
    assert _number(viewer) == 6


def test_tab_is_no_trap(qtbot, viewer):
    qtbot.keyClick(viewer.panes["axial"], Qt.Key.Key_F6)
    assert not viewer.panes["axial"].hasFocus()


def test_before_and_after_have_windows_of_their_own(qtbot, viewer):
    pane = viewer.panes["axial"]
    qtbot.keyClick(pane, Qt.Key.Key_B)
    assert viewer.state.prepared
    assert viewer.windows.window() == (0.0, 2.0)
    assert "after preparation" in pane.describe().top_right
    qtbot.keyClick(pane, Qt.Key.Key_B)
    assert viewer.windows.window() == (0.0, 1000.0)
    viewer.set_sequence("t2")
    viewer.set_prepared(True)
    assert not viewer.state.prepared, "t2 has nothing to compare with"


def test_presets_fit_the_modality_and_are_remembered(qtbot, viewer, tmp_path, case):
    names = [preset.name for preset in viewer.windows.presets()]
    assert names[:3] == ["auto", "tags", "tumour"]
    assert "bone" not in names
    with qtbot.waitSignal(viewer.windows.preset_remembered) as told:
        qtbot.keyClick(viewer.panes["axial"], Qt.Key.Key_2)
    assert told.args == ["t1", "tags"]
    assert viewer.windows.window() == (50.0, 450.0)
    viewer.show_case(None)
    viewer.show_case(case)
    assert viewer.windows.window() == (50.0, 450.0)
    qtbot.keyClick(viewer.panes["axial"], Qt.Key.Key_0)
    values = viewer.state.layer.voxels
    assert viewer.windows.window() == pytest.approx((values.min(), values.max()))
    ct = write_image(tmp_path, "ct", np.linspace(-1000, 1000, 4096).reshape(16, 16, 16), AFFINE,
                     acquisition={"modality": "CT"})
    viewer.show_case(open_case({"ct": ct}))
    assert "bone" in [preset.name for preset in viewer.windows.presets()]
    assert viewer.windows.apply_preset("soft")
    assert viewer.windows.window() == (-160, 240)


def test_mask_modes_change_the_picture(qtbot, viewer):
    pane, seen = viewer.panes["axial"], []
    viewer.state.set_crosshair(False)
    for mode in ("contour", "fill", "off"):
        assert viewer.state.mask_mode == mode
        picture = pane.grab_image(overlays=False)
        yellow = [picture.pixelColor(x, y) for x in range(0, picture.width(), 3) for y in range(0, picture.height(), 3)]
        seen.append(sum(c.red() > c.blue() + 30 for c in yellow))
        qtbot.keyClick(pane, Qt.Key.Key_G)
    assert seen[1] > seen[0] > 0
    assert seen[2] == 0


def test_invert_and_flips_are_seen_and_said(qtbot, viewer):
    pane = viewer.panes["axial"]
    viewer.state.set_mask_mode("off")
    plain = to_array(pane.grab_image(overlays=False))[150:250, 170:270]
    qtbot.keyClick(pane, Qt.Key.Key_I)
    inverted = to_array(pane.grab_image(overlays=False))[150:250, 170:270]
    assert np.corrcoef(plain.ravel(), inverted.ravel())[0, 1] < -0.9
    qtbot.keyClick(pane, Qt.Key.Key_I)
    plain = to_array(pane.grab_image(overlays=False))
    qtbot.keyClick(pane, Qt.Key.Key_H)
    flipped = to_array(pane.grab_image(overlays=False))
    assert np.corrcoef(plain[:, ::-1].ravel(), flipped.ravel())[0, 1] > 0.95
    told = pane.describe()
    assert told.letters == ("L", "R", "A", "P")
    assert "flipped: patient right is on the right" in told.warnings
    assert viewer.panes["coronal"].flipped == (False, False)


def test_words_on_the_picture(viewer):
    told = viewer.panes["axial"].describe()
    assert told.letters == ("R", "L", "A", "P")
    assert told.top_left[:2] == ("Axial, radiological", "Doe, Jane  4711")
    assert told.bottom_left[0] == "slice 6/12  S 20.0 mm"
    assert "slices 4 mm apart, 3.5 mm thick" in told.bottom_left
    assert set(told.warnings) == {"outline resampled", "lossy compression"}
    viewer.set_sequence("t2")  # voxels of 0.5 x 0.5 x 8 mm
    assert set(viewer.panes["axial"].describe().warnings) == {"anisotropic voxels", "lossy compression"}
    assert viewer.panes["sagittal"].describe().letters == ("A", "P", "S", "I")


def test_identity_has_three_states_and_is_never_exported_unasked(qtbot, viewer):
    pane = viewer.panes["axial"]
    qtbot.keyClick(pane, Qt.Key.Key_T)
    assert pane.describe().top_left == ("Axial, radiological",)
    qtbot.keyClick(pane, Qt.Key.Key_T)
    assert pane.describe().top_left == ()
    qtbot.keyClick(pane, Qt.Key.Key_T)
    exported, full = pane.grab_image(), pane.grab_image(identity=True)
    assert not np.array_equal(to_array(exported), to_array(full))
    viewer.state.set_text_mode("anonymous")
    assert np.array_equal(to_array(pane.grab_image()), to_array(exported))


def test_copied_picture_is_the_exported_one(qtbot, viewer):
    viewer.set_layout("axial")
    qtbot.keyClick(viewer.panes["axial"], Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    copied = QGuiApplication.clipboard().image()
    assert np.array_equal(to_array(copied), to_array(viewer.grab_picture()))


def test_hidden_plane_can_be_exported(viewer):
    viewer.set_layout("axial")
    picture = to_array(viewer.grab_picture(overlays=False, plane="coronal"))
    assert picture.std() > 10
    assert viewer.panes["coronal"].isHidden()


def test_empty_viewer_is_calm(qtbot, viewer):
    viewer.clear()
    picture = to_array(viewer.grab_picture())
    assert picture.max() - picture.min() < 2
    assert not viewer.perform("invert")
    _wheel(viewer.panes["axial"], 1)
    _drag(viewer.panes["axial"], LEFT, (50, 50), (80, 80))
    qtbot.keyClick(viewer.panes["axial"], Qt.Key.Key_M)


def test_same_case_read_again_stays_where_the_reader_is(viewer, case):
    pane = viewer.panes["axial"]
    pane.zoom_by(2.0)
    viewer.windows.set_window(200, 300)
    viewer.state.step_slice(PLANES["axial"], 3)
    seen = pane.zoom, viewer.state.world, viewer.windows.window()
    viewer.show_case(case, keep=True)
    assert (pane.zoom, viewer.state.world, viewer.windows.window()) == seen
    viewer.show_case(case)
    assert pane.zoom < seen[0]
    assert viewer.windows.window() == (0.0, 1000.0)
    assert _number(viewer) == 6


def test_case_keys_are_handed_to_the_window(qtbot, viewer):
    with qtbot.waitSignal(viewer.action_requested) as told:
        qtbot.keyClick(viewer.panes["axial"], Qt.Key.Key_PageDown)
    assert told.args == ["next_case"]


def test_menu_lists_what_applies(viewer):
    menu = build_menu(viewer)
    titles = [action.text().split("\t")[0] for action in menu.actions()]
    for wanted in ("Window", "Invert", "Outline", "Sequence", "Layout", "Copy the picture", "Save the picture"):
        assert wanted in titles
    next(action for action in menu.actions() if action.text().startswith("Invert")).trigger()
    assert viewer.state.inverted


def test_histogram_follows_the_viewer(qtbot, viewer):
    plot = HistogramPlot()
    qtbot.addWidget(plot)
    plot.bind(viewer.state, viewer.windows)
    before, after = (plot.plots[key] for key in ("before", "after"))
    assert not before.isHidden()
    assert not after.isHidden()
    viewer.windows.set_window(200, 400)
    assert plot.bands["before"].getRegion() == pytest.approx((200, 400))
    plot.bands["before"].setRegion((250, 500))
    assert viewer.windows.window() == pytest.approx((250, 500))
    viewer.set_prepared(True)
    plot.bands["after"].setRegion((0.5, 1.5))
    assert viewer.windows.window() == pytest.approx((0.5, 1.5))
    assert viewer.windows.window(prepared=False) == pytest.approx((250, 500))
    viewer.set_sequence("t2")
    assert after.isHidden()
    assert len(before.getPlotItem().listDataItems()) == 1


def test_small_panes_keep_what_matters(viewer):
    told = shorten_overlay(viewer.panes["axial"].describe())
    assert told.bottom_left == ("slice 6/12  S 20.0 mm", "W 1000  L 500")
    assert told.top_right == ("t1", "before preparation")
    assert len(told.warnings) == 2


def test_panes_have_names_for_screen_readers(viewer):
    assert [pane.accessibleName() for pane in viewer.panes.values()] == [
        "Axial picture", "Coronal picture", "Sagittal picture"]
    assert viewer.panes["axial"].accessibleDescription() == "Slice 6 of 12"
    assert viewer.panes["axial"].focusPolicy() & Qt.FocusPolicy.TabFocus


def test_keys_can_be_changed_and_kept(qtbot, viewer):
    losers = viewer.keymap.remap("invert", ["J", "B"])
    assert losers == ("before_after",)
    again = Keymap.from_json(viewer.keymap.to_json())
    assert again.keys("invert") == ("J", "B")
    assert again.keys("before_after") == ()
    qtbot.keyClick(viewer.panes["axial"], Qt.Key.Key_J)
    assert viewer.state.inverted
    viewer.keymap.restore()
    assert viewer.keymap.keys("invert") == ("I",)

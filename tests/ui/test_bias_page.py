"""The bias-correction page in the window: open, steer, judge, undo, apply, keep, close."""

import json
from pathlib import Path

import numpy as np
import pytest
from bias_results import measure_result, preview_result
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from window_fixtures import case_files, view_result

from app.core.errors import Failure
from app.core.recipe import N4Recipe
from app.ui.bias_settings import PRESETS, read_settings


@pytest.fixture
def room(driver):
    driver.open(case_files())
    driver.show()
    driver.steering = driver.page.steering
    driver.panel = driver.steering.page
    return driver


def answer(room, number=0, **more):
    result = preview_result(Path(room.jobs.request("preview_bias")["folder"]), **more)
    room.jobs.answer("preview_bias", result)
    return result


def paint(room, start=(0.45, 0.5), end=(0.55, 0.5)):
    viewport = room.panel.compare.panes["original"].viewport()
    left = Qt.MouseButton.LeftButton
    for kind, place, button in ((QEvent.Type.MouseButtonPress, start, left),
                                (QEvent.Type.MouseMove, end, Qt.MouseButton.NoButton),
                                (QEvent.Type.MouseButtonRelease, end, left)):
        spot = QPointF(place[0] * viewport.width(), place[1] * viewport.height())
        held = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseButtonRelease else left
        QApplication.sendEvent(viewport, QMouseEvent(kind, spot, viewport.mapToGlobal(spot), button, held,
                                                     Qt.KeyboardModifier.NoModifier))


def test_the_key_opens_it_and_escape_closes_it(room):
    QTest.keyClick(room.page.viewer.active_pane, Qt.Key.Key_N)
    assert room.steering.is_on
    assert room.jobs.count("preview_bias") == 1
    assert room.page.bar.isHidden()
    QTest.keyClick(room.window, Qt.Key.Key_Escape)
    assert not room.steering.is_on
    assert room.page.bar.isVisible()
    room.page.bar.bias.click()
    assert room.steering.is_on


def test_without_a_picture_it_does_not_open(driver):
    driver.page.steering.open()
    assert not driver.page.steering.is_on


def test_original_corrected_and_field_are_linked(room):
    room.steering.open()
    answer(room, scale=2.0)
    compare = room.panel.compare
    assert compare.states["original"].image.mask is not None
    compare.perform("slice_up")
    worlds = {state.world for state in compare.states.values()}
    assert len(worlds) == 1
    compare.windows["original"].set_window(10, 90)
    assert compare.windows["corrected"].window() == pytest.approx((5, 45))
    compare.windows["corrected"].set_window(10, 20)
    assert compare.windows["original"].window() == pytest.approx((20, 40))
    assert compare.windows["field"].window() == pytest.approx((1.8, 2.2))
    compare.panes["field"].zoom_by(2.0)
    assert compare.panes["original"].zoom == pytest.approx(compare.panes["field"].zoom, rel=1e-3)
    assert compare.panes["corrected"].frame[1] is False


def test_the_window_stays_when_the_next_picture_comes(room):
    room.steering.open()
    answer(room)
    compare = room.panel.compare
    compare.windows["original"].set_window(10, 90)
    compare.windows["field"].set_window(0.5, 1.5)
    compare.perform("slice_up")
    world = compare.states["field"].world
    room.panel.controls.form.fields["levels"].slider.setValue(5)
    answer(room, scale=1.25)
    assert compare.windows["original"].window() == pytest.approx((10, 90))
    assert compare.windows["corrected"].window() == pytest.approx((8, 72))
    assert compare.windows["field"].window() == pytest.approx((0.5, 1.5))
    assert compare.states["corrected"].world == world


def test_a_moving_slider_asks_and_dims_what_is_out_of_date(room):
    room.steering.open()
    answer(room)
    caption = room.panel.compare.captions["corrected"]
    assert caption.isEnabled()
    room.panel.controls.form.fields["levels"].slider.setValue(0)
    assert room.jobs.request("preview_bias")["settings"]["levels"] == 1
    assert not caption.isEnabled()
    answer(room)
    assert caption.isEnabled()
    assert room.panel.controls.presets.currentIndex() == -1


def test_worse_is_said_in_words_for_the_mask_and_for_the_painted_region(room):
    room.steering.open()
    answer(room, worse=True)
    said = room.panel.figures.verdict
    assert said.text().startswith("This made it worse")
    assert said.property("role") == "warning"
    answer(room)  # no longer asked for: nothing changes
    room.panel.controls.form.fields["levels"].slider.setValue(0)
    answer(room)
    assert said.text().startswith("More even")
    assert said.property("role") != "warning"
    room.panel.brush.set_mode("paint")
    paint(room)
    room.jobs.answer("measure_bias", measure_result(region=(0.05, 0.09)))
    words = said.text().replace("\N{NO-BREAK SPACE}", " ")
    assert "the painted region is less even (5.0 % before, 9.0 % after)" in words
    assert room.panel.histogram.plots["region"].isVisible()


@pytest.mark.parametrize(("contrast", "flattened"), [((1.5, 1.1), True), ((0.4, 0.8), True), ((1.5, 1.45), False),
                                                     ((0.6, 0.5), False), ((1.02, 1.0), False), (None, False)])
def test_a_tumour_that_is_evened_out_is_a_warning(room, contrast, flattened):
    room.steering.open()
    result = preview_result(Path(room.jobs.request("preview_bias")["folder"])) | {"contrast": contrast}
    room.jobs.answer("preview_bias", result)
    said = room.panel.figures.verdict
    assert ("stands out less" in said.text()) is flattened
    assert (said.property("role") == "warning") is flattened
    assert room.panel.figures.cells["tumour"][0].isVisible() is (contrast is not None)


def test_painting_erasing_clearing_and_taking_back(room):
    room.steering.open()
    answer(room)
    brush, bar = room.panel.brush, room.panel.brush_bar
    bar.buttons["paint"].click()
    bar.size.setValue(3)
    paint(room)
    painted = brush.region.copy()
    assert painted.any()
    assert brush.region.any(axis=(0, 1)).sum() == 1
    np.testing.assert_array_equal(np.load(room.jobs.request("measure_bias")["region"]), painted)
    room.jobs.answer("measure_bias", measure_result(region=(0.1, 0.1)))
    bar.buttons["erase"].click()
    paint(room)
    assert brush.voxels == 0
    room.window.undo()
    np.testing.assert_array_equal(brush.region, painted)
    bar.clear.click()
    assert brush.voxels == 0
    room.window.undo()
    room.window.undo()
    assert brush.voxels == 0
    brush.set_mode("")
    paint(room)
    assert brush.voxels == 0


def test_undo_returns_to_the_settings_before_a_drag(room):
    room.steering.open()
    answer(room)
    slider = room.panel.controls.form.fields["levels"].slider
    for place in (4, 5, 6):
        slider.setValue(place)
    assert room.panel.controls.settings.levels == 7
    room.window.undo()
    assert room.panel.controls.settings == PRESETS[0].settings
    answer(room)
    assert room.jobs.request("preview_bias")["settings"]["levels"] == 4


def test_two_settings_changed_at_once_are_two_steps_back(room):
    room.steering.open()
    fields = room.panel.controls.form.fields
    fields["levels"].slider.setValue(5)
    fields["shrink"].slider.setValue(1)
    room.window.undo()
    assert (room.panel.controls.settings.levels, room.panel.controls.settings.shrink) == (6, 4)
    room.window.undo()
    assert room.panel.controls.settings == PRESETS[0].settings


@pytest.mark.parametrize("number", range(len(PRESETS)))
def test_a_preset_is_taken_over_and_says_what_it_is_for(room, number):
    room.steering.open()
    room.panel.controls.choose(PRESETS[number].settings)
    assert room.panel.controls.settings == PRESETS[number].settings
    assert room.panel.controls.presets.currentIndex() == number
    assert room.panel.controls.about.text() == PRESETS[number].words


def test_a_slow_engine_waits_for_a_button_and_can_be_stopped(room):
    room.steering.open()
    answer(room)
    controls = room.panel.controls
    asked = room.jobs.count("preview_bias")
    controls.choose(N4Recipe(engine="itk"))
    assert room.jobs.count("preview_bias") == asked
    before = room.panel.compare.windows["original"].window()
    request = room.jobs.request("outline_bias")
    room.jobs.answer("outline_bias", {"mask": preview_result(room.folder / "outline", offset=30)["mask"]})
    mask = room.panel.compare.states["original"].image.mask
    assert mask.voxels.sum() == np.load(room.folder / "outline" / "fit.npy").sum()
    assert request["settings"]["engine"] == "itk"
    assert room.panel.compare.windows["original"].window() == before
    assert "minutes" in controls.slow.text()
    assert controls.run.isVisible()
    assert "press Preview" in room.panel.compare.captions["corrected"].text()
    controls.run.click()
    assert room.jobs.count("preview_bias") == asked + 1
    assert controls.run.text() == "Stop"
    QTest.keyClick(room.window, Qt.Key.Key_Escape)
    assert room.jobs.stopped == [room.jobs.last("preview_bias")]
    assert room.steering.is_on
    assert controls.run.text() == "Preview"


def test_applied_it_is_shown_remembered_and_taken_back(room, qtbot):
    room.steering.open()
    answer(room)
    room.panel.controls.choose(PRESETS[2].settings)
    answer(room)
    room.panel.apply_one.click()
    assert not room.steering.is_on
    request = room.jobs.request("view_case")
    assert N4Recipe.parse(request["prep"]["n4"]) == PRESETS[2].settings
    assert room.page.bar.preparations.currentData() == "own"
    key = room.reading.current
    qtbot.waitUntil(lambda: room.window.state.store.setting(f"n4/{key}") is not None)
    assert room.window.state.store.audit_trail(1)[0].action == "bias correction applied"
    view = view_result(room.folder / "again")
    view["images"]["t1"]["prepared"] = view["images"]["t1"]["array"]
    room.jobs.answer("view_case", view)
    assert room.page.viewer.state.prepared
    room.page.viewer.perform("before_after")
    assert not room.page.viewer.state.prepared
    room.window.undo()
    assert room.jobs.request("view_case")["prep"] is None
    assert room.reading.bias.of(key) is None
    assert room.page.bar.preparations.currentData() == "stored"


def test_reopened_it_has_the_settings_the_case_was_given(room, tmp_path):
    own = tmp_path / "own.nii.gz"
    own.write_bytes(b"")
    room.reading.apply_bias(PRESETS[3].settings, str(own))
    assert room.jobs.request("view_case")["n4_mask"] == str(own)
    room.jobs.answer("view_case", view_result(room.folder / "again"))
    room.panel.controls.show_settings(PRESETS[0].settings, "")
    room.steering.open()
    assert room.panel.controls.settings == PRESETS[3].settings
    assert room.jobs.request("preview_bias")["mask"] == str(own)
    assert room.panel.controls.own_button.text() == "own.nii.gz"


def test_a_removal_after_an_application_is_undone_first(room):
    key = room.reading.current
    room.reading.apply_bias(PRESETS[0].settings)
    room.reading.remove([key])
    room.window.undo()
    assert room.reading.worklist.rowCount() == 1
    assert room.reading.bias.of(key) is not None
    room.window.undo()
    assert room.reading.bias.of(key) is None


def test_settings_go_out_to_json_and_come_back_from_any_recipe(room, qtbot, tmp_path):
    room.steering.open()
    room.panel.controls.choose(PRESETS[3].settings)
    path = tmp_path / "n4.json"
    room.panel.save(str(path))
    qtbot.waitUntil(path.exists)
    values = json.loads(path.read_text(encoding="utf-8"))
    for wrapped in (values, {"n4": values}, {"name": "x", "prep": {"n4": values}}):
        path.write_text(json.dumps(wrapped), encoding="utf-8")
        assert read_settings(path) == PRESETS[3].settings
    room.panel.controls.choose(PRESETS[0].settings)
    room.panel.load(str(path))
    assert room.panel.controls.settings == PRESETS[3].settings
    said = []
    room.reading.noticed.connect(said.append)
    for text in ("no json", "[]", '{"prep": {"n4": null}}', '{"levels": 99}'):
        path.write_text(text, encoding="utf-8")
        room.panel.load(str(path))
    assert [failure.kind for failure in said] == ["input"] * 4
    assert room.panel.controls.settings == PRESETS[3].settings


def test_the_worklist_is_corrected_into_a_new_folder(room, tmp_path):
    (tmp_path / "n4").mkdir()
    room.steering.open()
    said = []
    room.reading.noticed.connect(said.append)
    room.panel.cohort.start(room.panel.controls.settings, tmp_path)
    lane = next(lane for _job, lane, name, _request in room.jobs.asked if name == "correct_cohort")
    request = room.jobs.request("correct_cohort")
    assert lane == "train"
    assert request["out"] == str(tmp_path / "n4-2")
    assert [case["id"] for case in request["cases"]] == ["STS_003"]
    room.jobs.answer("correct_cohort", {"folder": request["out"], "written": ["a", "b"], "worse": ["STS_003"],
                                        "failed": [{"case": "STS_005", "message": "The file is gone."}]})
    assert said[0].extra["issues"] == ("STS_005: The file is gone.", "STS_003: made worse, less even than before")
    assert "2 corrected images" in room.window.line.note.text()


def test_a_failed_preview_is_said_in_its_place(room):
    room.steering.open()
    failure = Failure("input", "The region holds no voxel above 0.", "Choose another mask.")
    room.jobs.failed.emit(room.jobs.last("preview_bias"), failure)
    assert room.panel.figures.verdict.text() == "The region holds no voxel above 0. Choose another mask."


def test_the_next_case_is_taken_up_where_the_reader_is(room):
    room.open(case_files("STS_005"))
    room.show("STS_005")
    first = room.reading.worklist.entries()[0].key
    room.steering.open()
    answer(room)
    QTest.keyClick(room.panel.compare.panes["original"], Qt.Key.Key_PageUp)
    assert room.reading.current == first
    assert room.steering.is_on
    assert room.panel.compare.states["original"].case is None
    room.show("STS_003")
    assert room.panel.title.text() == "STS_003"
    assert room.panel.key == first


def test_a_pane_alone_and_the_two_images_in_turn(room):
    room.steering.open()
    answer(room)
    compare = room.panel.compare
    QTest.keyClick(compare.panes["original"], Qt.Key.Key_B)
    assert [name for name, pane in compare.panes.items() if pane.isVisible()] == ["original"]
    QTest.keyClick(compare.panes["original"], Qt.Key.Key_B)
    assert [name for name, pane in compare.panes.items() if pane.isVisible()] == ["corrected"]
    compare.maximise("corrected")
    assert all(pane.isVisible() for pane in compare.panes.values())
    room.panel.planes.button(1).click()
    assert {pane.plane.name for pane in compare.panes.values()} == {"coronal"}

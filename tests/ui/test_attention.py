"""Where a network looked: the map over the slices and what is said of it, with an engine that answers when told."""

from __future__ import annotations

import json

import numpy as np
import pytest
from attention_answers import ELSEWHERE, LOOKED, NETWORK, PEAK, answer, map_voxels, network_score, write_case
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication
from window_fixtures import SCORE, Driver, case_files

from app.core.errors import Failure
from app.core.jobs import Job
from app.core.requests import CaseFiles, ExplainRequest
from app.ui.attention import NO_NETWORK
from app.ui.attention_words import network_sentence, share_sentence
from app.ui.remembered import Remembered
from app.ui.scoring import SCORE_WORKFLOW
from app.ui.theme import theme
from app.ui.widgets.view_case import PLANES
from app.ui.widgets.viewer_menu import build_menu


def open_network_case(driver, score=None, sequences=("t1",), name="STS_003"):
    driver.open(case_files(name))
    driver.show(name, **write_case(driver.folder / "view", name, sequences))
    driver.jobs.answer("score_case", network_score() if score is None else score)
    QApplication.processEvents()
    return driver.page.result.panel.attention


@pytest.fixture
def section(driver):
    return open_network_case(driver)


def colour_of(viewer, plane, world):
    """Chroma of the picture at a world point, 0 for grey."""
    QApplication.processEvents()
    pane = viewer.panes[plane]
    spot = pane.to_pixel(world)
    colour = pane.grab_image(overlays=False).pixelColor(round(spot.x()), round(spot.y()))
    return max(colour.getRgb()[:3]) - min(colour.getRgb()[:3])


def world_of(i, j, k):
    return (-float(i), float(j), 4.0 * k)


def test_a_score_without_a_network_has_no_such_section_and_the_key_says_why(driver, qtbot):
    driver.open(case_files())
    driver.show(**write_case(driver.folder / "view"))
    driver.jobs.answer("score_case", {**SCORE, "network": None, "attention": None})
    panel = driver.page.result.panel
    assert not panel.attention.isVisible()
    assert panel.why.isVisible()
    with qtbot.waitSignal(driver.reading.said) as told:
        qtbot.keyClick(driver.page.viewer.active_pane, Qt.Key.Key_W)
    assert told.args == [NO_NETWORK]
    assert driver.jobs.count("explain_case") == 0
    titles = [action.text() for action in build_menu(driver.page.viewer).actions()]
    assert not any("network" in title for title in titles)


def test_the_section_says_how_much_of_it_was_the_tumour_and_what_answered(driver, section):
    assert section.isVisible()
    assert section.share.text() == ("72\N{NO-BREAK SPACE}% of what the network looked at lies in the tumour; an even "
                                    "spread would have 11\N{NO-BREAK SPACE}%.")
    assert section.bar.shares == (0.72, 0.11)
    assert section.meaning.text() == "It shows where the network's answer came from, not where the disease is."
    assert not section.elsewhere.isVisible()
    assert "cnn-small, 5 networks, 486,170 parameters in all." in section.network.text()
    assert not driver.page.result.panel.why.isVisible(), "a network has no features to name"
    assert driver.jobs.count("explain_case") == 0, "nothing is drawn before it is asked for"
    assert driver.page.viewer.state.attention is None


def test_the_caution_stands_beside_the_share(driver):
    section = open_network_case(driver, network_score(cautions=[ELSEWHERE], attention={**LOOKED, "share": 0.32}))
    assert section.elsewhere.isVisible()
    assert section.share.text().startswith("32")
    assert ELSEWHERE["message"] in driver.page.result.panel.cautions.sentences


def test_nothing_that_spoke_is_said_and_has_no_bar(driver):
    section = open_network_case(driver, network_score(attention={**LOOKED, "share": None}))
    assert section.share.text() == "No place in the pictures spoke for ALT/WDL."
    assert not section.bar.isVisible()
    section.switch.click()
    driver.jobs.answer("explain_case", answer(driver.folder, voxels=0 * map_voxels(), share=None))
    assert section.place.text().endswith("There the map is empty.")
    assert not section.peak.isVisible()


def test_spreads_are_said_as_probabilities():
    # log odds of 0.84: 1.658; minus and plus 0.31: 0.7938 and 0.8775; 0.12: 0.8232 and 0.8555
    said = network_sentence(network_score())
    assert "One network alone would say 0.79\N{EN DASH}0.88" in said
    assert "turned or shifted a little 0.82\N{EN DASH}0.86" in said
    one = network_sentence(network_score(network={**NETWORK, "networks": 1, "spread_networks": 0, "spread_views": 0}))
    assert one == "cnn-small, one network, 486,170 parameters."


def test_a_small_share_is_not_said_to_be_none():
    assert share_sentence(0.003, 0.1, "ALT/WDL").startswith("less than 1")


def test_switched_on_the_map_lies_over_the_slices_where_it_is_and_beneath_the_outline(driver, section):
    viewer = driver.page.viewer
    assert colour_of(viewer, "axial", world_of(29, 33, 7)) == 0
    section.switch.click()
    asked = ExplainRequest.parse(driver.jobs.request("explain_case"))
    assert (asked.model, asked.method, asked.case.id) == ("cnn", "gradcam", "STS_003")
    driver.jobs.answer("explain_case", answer(driver.folder))
    viewer.state.set_world(world_of(10, 10, 7))  # the crosshair out of the way
    viewer.state.set_crosshair(False)
    assert colour_of(viewer, "axial", world_of(*PEAK)) > 20
    assert colour_of(viewer, "axial", world_of(8, 8, 7)) == 0, "no picture was cut there"
    pane = viewer.panes["axial"]
    section.opacity.setValue(100)
    QApplication.processEvents()
    edge = (pane.to_pixel(world_of(23, 34, 7)) + pane.to_pixel(world_of(24, 34, 7))) / 2
    colour = pane.grab_image(overlays=False).pixelColor(round(edge.x()), round(edge.y()))
    yellow = QColor(theme().label_colour(1))
    assert colour.getRgb()[:3] == pytest.approx(yellow.getRgb()[:3], abs=25), "the outline stays on top"
    viewer.state.set_world(world_of(10, 10, 2))
    assert colour_of(viewer, "axial", world_of(*PEAK[:2], 2)) == 0, "the network was not given this slice"
    section.switch.click()
    viewer.state.set_world(world_of(10, 10, 7))
    assert colour_of(viewer, "axial", world_of(*PEAK)) == 0


@pytest.mark.parametrize("flips", [(False, False), (True, False), (False, True)])
def test_every_plane_shows_it_in_the_same_place_and_so_do_flips(driver, section, flips):
    section.switch.click()
    driver.jobs.answer("explain_case", answer(driver.folder))
    viewer = driver.page.viewer
    viewer.state.set_crosshair(False)
    section.peak.click()
    assert viewer.state.world == pytest.approx(world_of(*PEAK))
    for plane in PLANES:
        viewer.panes[plane].set_flipped(*flips)
        assert colour_of(viewer, plane, world_of(*PEAK)) > 20
        beyond = world_of(46 if plane != "sagittal" else 30, 3, 7)
        assert colour_of(viewer, plane, beyond) == 0


def test_switching_on_elsewhere_goes_to_the_slice_where_the_map_is_strongest(driver, section):
    viewer = driver.page.viewer
    viewer.state.set_world(world_of(20, 20, 1))
    section.switch.click()
    driver.jobs.answer("explain_case", answer(driver.folder))
    assert viewer.state.world == pytest.approx(world_of(*PEAK))
    assert "slices 6 to 9 of 12" in section.place.text()
    assert "strongest on 8" in section.place.text()


def test_scrolling_on_stays_where_the_reader_is(driver, section):
    section.switch.click()
    driver.jobs.answer("explain_case", answer(driver.folder))
    driver.page.viewer.state.set_world(world_of(20, 20, 1))
    driver.page.refresh()
    assert driver.page.viewer.state.world == world_of(20, 20, 1)


def test_keys_switch_and_jump_and_stand_in_the_menu(driver, section, qtbot):
    viewer = driver.page.viewer
    qtbot.keyClick(viewer.active_pane, Qt.Key.Key_W)
    assert section.switch.isChecked()
    driver.jobs.answer("explain_case", answer(driver.folder))
    viewer.state.set_world(world_of(20, 20, 1))
    qtbot.keyClick(viewer.active_pane, Qt.Key.Key_W, Qt.KeyboardModifier.ShiftModifier)
    assert viewer.state.world == pytest.approx(world_of(*PEAK))
    actions = {action.text(): action for action in build_menu(viewer).actions()}
    assert actions["Where the network looked\tW"].isChecked()
    assert "Slice where the network looked most\tShift+W" in actions
    qtbot.keyClick(viewer.active_pane, Qt.Key.Key_W)
    assert viewer.state.attention is None


def test_the_switch_is_remembered_and_the_next_case_is_asked_at_once(driver, section, qtbot, tmp_path):
    section.switch.click()
    driver.jobs.answer("explain_case", answer(driver.folder))
    section.opacity.setValue(80)
    driver.open(case_files("STS_005"))
    assert driver.page.viewer.state.attention is None, "the last case's map is gone with it"
    driver.reading.choose(driver.reading.worklist.entries()[1].key)
    driver.show("STS_005", **write_case(driver.folder / "other", "STS_005"))
    driver.jobs.answer("score_case", network_score())
    assert driver.jobs.count("explain_case") == 2
    assert driver.jobs.request("explain_case")["case"]["id"] == "STS_005"
    driver.window.close()
    again = Driver(qtbot, tmp_path)
    qtbot.waitUntil(lambda: again.reading.worklist.rowCount() == 2)
    held = open_network_case(again, name="STS_007")
    assert held.switch.isChecked()
    assert held.opacity.value() == 80
    assert again.jobs.count("explain_case") == 1
    again.window.close()


def test_an_answer_about_a_case_that_was_left_is_dropped(driver, section):
    section.switch.click()
    job = driver.jobs.last("explain_case")
    driver.open(case_files("STS_005"))
    driver.reading.choose(driver.reading.worklist.entries()[1].key)
    driver.show("STS_005", **write_case(driver.folder / "other", "STS_005"))
    assert job in driver.jobs.stopped
    driver.jobs.finished.emit(job, answer(driver.folder))
    assert driver.page.viewer.state.attention is None


def test_occlusion_tells_its_progress_and_cancel_goes_back(driver, section, qtbot):
    section.switch.click()
    driver.jobs.answer("explain_case", answer(driver.folder))
    section.method.setCurrentIndex(1)
    section.method.activated.emit(1)
    assert driver.jobs.request("explain_case")["method"] == "occlusion"
    job = driver.jobs.last("explain_case")
    driver.jobs.progress.emit(job, 0.25, "Covering place 16 of 64", 42.0)
    qtbot.waitUntil(section.cancel.isVisible)
    assert section.progress.value() == 250
    assert section.step.text() == "Covering place 16 of 64, 00:42 left"
    section.cancel.click()
    assert job in driver.jobs.stopped
    assert section.method.currentData() == "gradcam"
    assert driver.page.viewer.state.attention.method == "gradcam"
    assert not section.cancel.isVisible()
    assert driver.jobs.count("explain_case") == 2, "the first map is still there"


def test_escape_before_any_map_switches_off(driver, section, qtbot):
    section.switch.click()
    qtbot.keyClick(driver.window, Qt.Key.Key_Escape)
    assert driver.jobs.stopped == [driver.jobs.last("explain_case")]
    assert not section.switch.isChecked()


def test_occlusion_is_told_in_points_of_probability_to_both_sides(driver, section):
    driver.window.state.choose("attention", {"method": "occlusion"})
    section.switch.click()
    voxels = 0.12 * map_voxels()
    voxels[14:18, 18:22, 5] = -0.05
    driver.jobs.answer("explain_case", answer(driver.folder, "occlusion", voxels, share=0.64))
    found = driver.page.viewer.state.attention
    assert found.limits == pytest.approx((-0.12, 0.12), abs=1e-6)
    assert (section.colours.scale.low, section.colours.scale.high) == ("+12 points", "\N{MINUS SIGN}12 points")
    assert "at most 12 percentage points" in section.place.text()
    assert section.share.text().startswith("64\N{NO-BREAK SPACE}% of what covering costs")
    driver.window.state.choose("theme", "light")
    assert section.share.text().startswith("64"), "the score shown again leaves the map's own share"


def test_occlusion_that_moves_little_is_said_to_decide_nothing_and_grad_cam_still_warns(driver):
    section = open_network_case(driver, network_score(cautions=[ELSEWHERE], attention={**LOOKED, "share": 0.32}))
    driver.window.state.choose("attention", {"method": "occlusion"})
    section.switch.click()
    driver.jobs.answer("explain_case", answer(driver.folder, "occlusion", 0.005 * map_voxels(), share=0.64))
    assert section.place.text().endswith("at most 0.5 percentage points: no single place decides.")
    assert section.elsewhere_words.text().startswith("By Grad-CAM 32\N{NO-BREAK SPACE}%")


def test_a_map_may_warn_where_the_score_does_not(driver, section):
    driver.window.state.choose("attention", {"method": "occlusion"})
    section.switch.click()
    driver.jobs.answer("explain_case", answer(driver.folder, "occlusion", share=0.14, caution=ELSEWHERE))
    assert section.elsewhere.isVisible()
    section.switch.click()
    assert not section.elsewhere.isVisible(), "the score itself has no such caution"


def test_slices_between_which_others_were_left_out_are_counted(driver, section):
    section.switch.click()
    voxels = map_voxels()
    voxels[..., (6, 7)] = np.nan
    driver.jobs.answer("explain_case", answer(driver.folder, voxels=voxels, slices=[5, 8]))
    assert "given 2 slices, from 6 to 9 of 12" in section.place.text()


def test_a_failure_is_said_and_nothing_asks_again_by_itself(driver, section):
    section.switch.click()
    driver.jobs.failed.emit(driver.jobs.last("explain_case"),
                            Failure("input", "The model is gone.", "Choose another one."))
    assert section.problem.text() == "The model is gone. Choose another one."
    driver.page.refresh()
    assert driver.jobs.count("explain_case") == 1
    section.switch.click()
    section.switch.click()
    assert driver.jobs.count("explain_case") == 2
    assert not section.problem.isVisible()


def test_a_map_of_another_grid_is_refused_in_words(driver, section):
    section.switch.click()
    driver.jobs.answer("explain_case", answer(driver.folder, voxels=map_voxels()[:-1]))
    assert driver.page.viewer.state.attention is None
    assert "does not lie on the picture's voxels" in section.problem.text()


def test_another_sequence_shows_no_map_and_says_whose_it_is(driver):
    section = open_network_case(driver, sequences=("t1", "t2"))
    viewer = driver.page.viewer
    section.switch.click()
    driver.jobs.answer("explain_case", answer(driver.folder))
    viewer.state.set_crosshair(False)
    viewer.set_sequence("t2")
    assert colour_of(viewer, "axial", world_of(*PEAK)) == 0
    assert "given t1" in section.place.text()
    section.peak.click()
    assert viewer.state.sequence == "t1"
    assert "given slices" in section.place.text()


def test_the_same_case_read_again_keeps_its_map(driver, section):
    section.switch.click()
    driver.jobs.answer("explain_case", answer(driver.folder))
    driver.reading.pictured.emit({**driver.reading.view, **write_case(driver.folder / "again")})
    assert driver.page.viewer.state.attention is not None


def test_the_exported_picture_has_the_map_and_its_colours_in_words(driver, section, tmp_path):
    viewer = driver.page.viewer
    section.switch.click()
    driver.jobs.answer("explain_case", answer(driver.folder))
    viewer.maximise("axial")
    QApplication.processEvents()
    pane = viewer.panes["axial"]
    scale = pane.describe().scale
    assert (scale.title, scale.low, scale.high) == ("Grad-CAM (relative): for ALT/WDL", "0", "1")
    driver.window.exporting.write("png", str(tmp_path / "picture.png"))
    with_map = viewer.grab_picture()
    section.switch.click()
    QApplication.processEvents()
    assert with_map != viewer.grab_picture()
    assert (tmp_path / "picture.png").stat().st_size > 0


def test_what_a_map_means_is_a_click_away(driver, section):
    section.explain.click()
    guide = driver.window.helping.guide
    assert guide.isVisible()
    assert "Grad-CAM" in guide.text.toPlainText()


def test_a_map_that_the_last_session_owed_is_no_score(driver):
    files = CaseFiles.model_validate(case_files()).model_dump(mode="json")
    left = Remembered((), (), {json.dumps(files, sort_keys=True): "7"})
    asked = {"case": files, "model": "cnn"}
    assert left.key_of(Job("1", "score", SCORE_WORKFLOW, asked)) == "7"
    assert left.key_of(Job("2", "score", "app.core.workflows:explain_case", asked)) == ""

"""Diameters on the picture: asked for once, drawn on their slice alone, switched off again, gone with the case."""

import numpy as np
from window_fixtures import case_files, view_result

FOUND = {"axis": 2, "slice": 3, "longest": [[1.0, 1.0, 9.0], [4.0, 3.0, 9.0]],
         "across": [[2.0, 3.0, 9.0], [3.0, 1.0, 9.0]],
         "longest_mm": 36.4, "across_mm": 22.4}


def colours(pane):
    image = pane.grab_image(overlays=False)
    wanted = (0x56, 0xE0, 0xC0)
    return sum((image.pixelColor(x, y).red(), image.pixelColor(x, y).green(), image.pixelColor(x, y).blue()) == wanted
               for x in range(image.width()) for y in range(image.height()))


def test_diameters_are_measured_once_and_drawn_on_their_slice(driver):
    driver.open(case_files())
    driver.jobs.answer("view_case", view_result(driver.folder / "view"))
    state, pane = driver.page.viewer.state, driver.page.viewer.panes["axial"]
    state.set_layout("axial")
    assert driver.jobs.count("measure_diameters") == 0
    state.set_caliper(True)
    state.set_crosshair(False)
    request = driver.jobs.request("measure_diameters")
    assert request["mask"] == str(driver.folder / "view" / "t1.mask.npy")
    assert np.array_equal(request["affine"], np.diag([1.0, 1.0, 3.0, 1.0]))
    driver.jobs.answer("measure_diameters", FOUND)
    assert driver.jobs.count("measure_diameters") == 1
    assert state.diameters["t1"].words == "36 × 22 mm"
    assert state.world == (2.5, 2.0, 9.0)  # on their slice
    state.set_world((2.0, 2.0, 9.0))
    assert colours(pane) > 0
    state.set_world((2.0, 2.0, 3.0))
    assert colours(pane) == 0
    state.set_world((2.0, 2.0, 9.0))
    state.set_caliper(False)
    assert colours(pane) == 0
    state.set_case(None)
    assert state.diameters == {}

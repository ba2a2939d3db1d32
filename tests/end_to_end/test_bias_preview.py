"""The bias correction steered by hand in the real window, with the real engine, on the demo case."""

from pathlib import Path

import numpy as np
import pytest

from app.core.recipe import N4Recipe
from app.core.store import Store
from app.ui.window import MainWindow


@pytest.fixture
def window(qtbot, tmp_path):
    window = MainWindow(Store(tmp_path / "store.sqlite3"))
    qtbot.addWidget(window)
    with qtbot.waitExposed(window):
        window.show()
    window.reading.open_demo()
    qtbot.waitUntil(lambda: window.score_page.viewer.state.case is not None, timeout=120_000)
    qtbot.waitUntil(lambda: not window.jobs.live_jobs(), timeout=120_000)
    yield window
    window.close()


@pytest.mark.slow
def test_steered_judged_applied_and_taken_back(window, qtbot, tmp_path):
    steering = window.score_page.steering
    steering.open()
    page, shown = steering.page, []
    page.preview.previewed.connect(lambda settings, result: shown.append((settings, result)))
    qtbot.waitUntil(lambda: len(shown) == 1, timeout=30_000)
    original = window.reading.view["images"]["image"]["array"]

    # a slider moves: another picture, other figures, and both are the correction itself
    page.controls.form.fields["levels"].slider.setValue(0)
    qtbot.waitUntil(lambda: shown[-1][0].levels == 1 and not page.preview.busy, timeout=30_000)
    first, last = shown[0][1], shown[-1][1]
    assert last["variation"]["mask"][1] != pytest.approx(first["variation"]["mask"][1], rel=1e-3)
    layer = page.compare.states["corrected"].image.before
    np.testing.assert_allclose(np.load(original) / np.load(last["field"]), np.load(last["corrected"]), rtol=1e-5)
    np.testing.assert_array_equal(np.asarray(layer.voxels),
                                  layer.grid.arrange(np.load(last["corrected"])))

    # over the edge: a region of one tissue, corrected far too finely, is less even than before, and that is said
    image, fit = np.load(original), np.load(last["mask"])
    page.brush.region[:] = fit & (np.abs(image - np.median(image[fit])) < 0.03 * np.median(image[fit]))
    page.brush.painted.emit()
    qtbot.waitUntil(lambda: page.preview.result["variation"]["region"] is not None, timeout=30_000)
    page.controls.choose(N4Recipe(levels=7, fwhm=1.0, mean_one=True))
    qtbot.waitUntil(lambda: shown[-1][0].levels == 7 and not page.preview.busy, timeout=60_000)
    assert shown[-1][1]["worse"]["region"]
    assert page.figures.verdict.text().startswith("This made it worse")

    # back to the settings before, then applied: the viewer shows what the preview showed
    window.undo()
    qtbot.waitUntil(lambda: shown[-1][0].levels == 1 and not page.preview.busy, timeout=30_000)
    expected = np.load(shown[-1][1]["corrected"])
    page.apply_one.click()
    viewer = window.score_page.viewer
    qtbot.waitUntil(lambda: viewer.state.can_compare and not window.jobs.live_jobs(), timeout=30_000)
    assert viewer.state.prepared
    prepared = np.load(window.reading.view["images"]["image"]["prepared"])
    np.testing.assert_allclose(prepared, expected, rtol=1e-5)
    key = window.reading.current
    qtbot.waitUntil(lambda: (window.state.store.setting(f"n4/{key}") or {}).get("settings", {}).get("levels") == 1)
    window.undo()
    qtbot.waitUntil(lambda: viewer.state.case is not None and not viewer.state.can_compare, timeout=30_000)
    assert window.reading.bias.of(key) is None


@pytest.mark.slow
def test_the_worklist_is_corrected_into_a_folder(window, qtbot, tmp_path):
    page = window.score_page.steering.page
    page.cohort.start(N4Recipe(), tmp_path)
    qtbot.waitUntil((tmp_path / "n4" / "variation.csv").exists, timeout=60_000)
    names = sorted(path.relative_to(tmp_path).as_posix() for path in Path(tmp_path / "n4").rglob("*.*"))
    assert names == ["n4/Demonstration/image.nii.gz", "n4/n4.json", "n4/variation.csv"]

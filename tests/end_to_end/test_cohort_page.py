"""A cohort in the real window, with the real engines: matched, measured beside scoring, stopped, resumed, explored."""

import csv

import numpy as np
import pytest
from PySide6.QtCore import Qt

from app.core.store import Store
from app.ui.window import MainWindow
from tests.core.small_cohorts import write_ball

CASES = 8


@pytest.fixture
def folder(tmp_path):
    for number in range(CASES):
        write_ball(tmp_path / "cases" / f"P{number}", 12 + number, level=120 + 15 * number, seed=number)
    image, mask = write_ball(tmp_path / "cases" / "bare", 12)
    mask.unlink()
    return image.parent.parent


@pytest.fixture
def window(qtbot, tmp_path):
    window = MainWindow(Store(tmp_path / "store.sqlite3"))
    qtbot.addWidget(window)
    with qtbot.waitExposed(window):
        window.show()
    window.show_page(1)
    yield window
    window.close()


@pytest.mark.slow
def test_a_folder_becomes_a_table_and_a_table_figures(window, qtbot, folder):
    page = window.cohort_page
    page.take([str(folder)])
    qtbot.waitUntil(lambda: bool(page.cohort.model.records() and page.cohort.recipes.known), timeout=60_000)
    panel = page.features.panel
    assert page.features.counts.text() == f"{CASES + 1} cases: {CASES} ready, 1 without outline"
    assert panel.recipe.name == "pyradiomics"
    assert "109 features" in panel.recipe.about.text()
    out = folder.parent / "cases-pyradiomics.csv"
    assert panel.out.path == str(out)

    # stopped half way, and a case scored meanwhile in the other lane
    panel.jobs.setValue(1)
    panel.run.click()
    window.reading.add([page.cohort.cases["P1"]])
    measured = lambda: [record["case"] for record in page.cohort.model.records()  # noqa: E731
                        if record["state"] == "measured"]
    qtbot.waitUntil(lambda: len(measured()) >= 2, timeout=60_000)
    panel.run.click()
    qtbot.waitUntil(lambda: not page.cohort.is_measuring, timeout=10_000)
    done = len(measured())
    assert not out.exists()
    qtbot.waitUntil(lambda: window.reading.worklist.entries()[0].status == "scored", timeout=60_000)

    # taken up again: what was measured is not measured twice
    panel.run.click()
    qtbot.waitUntil(lambda: page.cohort.result is not None, timeout=60_000)
    assert page.cohort.result["reused"] >= min(done, CASES - 1)
    rows = {row["patient"]: row for row in csv.DictReader(out.read_text(encoding="utf-8").splitlines())}
    assert list(rows) == [f"P{number}" for number in range(CASES)]
    volume = 4 / 3 * np.pi * 1.9**3  # of P7, a ball of 19 mm
    assert float(rows["P7"]["volume_ml"]) == pytest.approx(volume, rel=0.03)

    # checked: the bare case is told
    panel.quality.click()
    qtbot.waitUntil(lambda: bool(page.quality.model.records()), timeout=60_000)
    flagged = {record["case"]: [flag["code"] for flag in record["flags"]] for record in page.quality.model.records()}
    assert "no_outline" in flagged["bare"]
    page.quality.table.choose(next(each["key"] for each in page.quality.model.records() if each["case"] == "P3"))
    assert page.quality.side.sheet.has_picture

    # explored: what is on the screen is what was computed
    page.show_part(2)
    explored = page.exploration
    assert explored.form.table.path == str(out)
    explored.form.maps.setChecked(False)
    explored.run.button.click()
    qtbot.waitUntil(lambda: bool(explored.statistics.model.records()), timeout=60_000)
    mean = next(record for record in explored.statistics.model.records()
                if record["feature"] == "original_firstorder_Mean")
    values = [[float(row[name]) for row in rows.values()] for name in ("volume_ml", "original_firstorder_Mean")]
    assert mean["r_volume"] == pytest.approx(np.corrcoef(values)[0, 1], abs=1e-6)
    assert set(explored.histograms.plots) >= {"before", "zscore"}
    assert f"({CASES + 1})" in explored.slices.plot.getAxis("bottom")._tickLevels[0][0][1]
    explored.statistics.table.sortByColumn(3, Qt.SortOrder.DescendingOrder)
    assert explored.statistics.model.shown()[0]["r_volume"] == pytest.approx(1.0)


@pytest.mark.slow
def test_own_recipes_are_kept_by_the_engine_and_refusals_are_said(window, qtbot, own_data_folder):
    page = window.cohort_page
    qtbot.waitUntil(lambda: "pyradiomics" in page.cohort.recipes.known, timeout=60_000)
    editor = page.edit_recipe("pyradiomics")
    editor.duplicate()
    editor.sheet.features.fields["classes"].boxes["shape2D"].click()
    editor.save()
    qtbot.waitUntil(lambda: "shape2D" in editor.problem.text(), timeout=30_000)
    editor.sheet.features.fields["classes"].boxes["shape2D"].click()
    editor.save()
    kept = own_data_folder / "recipes" / "pyradiomics-own.json"
    qtbot.waitUntil(kept.is_file, timeout=30_000)
    qtbot.waitUntil(lambda: editor.chosen == "pyradiomics-own", timeout=30_000)
    editor.delete()
    qtbot.waitUntil(lambda: not kept.exists() and "pyradiomics-own" not in page.cohort.recipes.known, timeout=30_000)
    editor.undo()
    qtbot.waitUntil(kept.is_file, timeout=30_000)
    qtbot.waitUntil(lambda: not window.jobs.live_jobs(), timeout=30_000)
    editor.accept()

"""24 phantom cases through the wizard to a network, stopped on the way and gone on with, to a case scored with it."""

import csv
import re
from dataclasses import replace
from pathlib import Path

import pytest

from app.core.phantom.case import make_case
from app.core.phantom.cohort import COLUMNS, describe_case, write_case
from app.core.phantom.sites import make_sites
from app.core.requests import DemoRequest
from tests.end_to_end.wizard_driver import RUN, WizardDriver

CASES, SITES, SEED, MATRIX, FOLDS = 24, 6, 2019, 64, 3
NETWORK = "cnn-quick"


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    """A table of 24 cases on a coarse matrix, and beside it the folder of a 25th."""
    folder = tmp_path_factory.mktemp("phantoms")
    sites = tuple(replace(site, matrix=MATRIX) for site in make_sites(SITES, SEED))
    for index in range(CASES + 1):
        write_case(folder / f"P{index + 1:03d}", make_case(index, seed=SEED, signal=1.0, sites=sites))
    request = DemoRequest(kind="cohort", out=str(folder), cases=CASES, sites=SITES, seed=SEED)
    with (folder / "cohort.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, COLUMNS)
        table.writeheader()
        table.writerows(describe_case(index, request) for index in range(CASES))
    return folder


@pytest.mark.slow
def test_wizard_trains_a_network_and_scores_a_new_case(qtbot, cohort, tmp_path):
    driver = WizardDriver(qtbot, tmp_path)
    page, training = driver.page, driver.training
    try:
        driver.drop_cases(cohort / "cohort.csv")
        for _ in range(3):
            driver.go_on()
        with driver.timed("networks known"):
            driver.wait(lambda: training.networks.device)
        assert re.search(r"\d,\d{3} parameters", page.models.models[NETWORK].facts.text())
        assert page.models.device.text().startswith("Runs on: ")
        assert not page.models.models["resnet50-2phase"].button.isEnabled()
        look_at_variants(driver)
        _stop_and_go_on(driver)
        with driver.timed("run: gone on with -> model in the library"):
            driver.wait(lambda: training.draft.run["state"] != "running")
        assert training.draft.run["state"] == "done", training.log
        assert page.run.models.item(1, 1).text() == f"{FOLDS} of {FOLDS}"
        assert not page.run.epochs.isVisible()
        results = driver.look_at_results("Network")
        network = results.part("Network")
        assert "parameters" in network.facts.text()
        assert network.plots.isVisibleTo(network)
        name = driver.save("Network of phantoms")
        panel = driver.score(cohort / f"P{CASES + 1:03d}")
        driver.assert_scored(panel, name)
    finally:
        driver.close()


def look_at_variants(driver: WizardDriver) -> None:
    """Open the form: variants of the first case, then of another one."""
    editor = driver.page.edit_network(NETWORK)
    strip = editor.sheet.strip
    with driver.timed("form -> variants of a case"):
        driver.wait(lambda: strip.count == 9)
    first = strip.said.text()
    assert first.startswith("P001")
    with driver.timed("another case"):
        strip.case.click()
        driver.wait(lambda: strip.said.text().startswith("P002") and not editor.sheet.strip.problem.isVisible())
    editor.accept()


def _stop_and_go_on(driver: WizardDriver) -> None:
    """Pause once a network has learned for some epochs, then go on."""
    page, training = driver.page, driver.training
    page.models.models[NETWORK].button.click()
    page.models.models["default"].button.click()
    page.models.efforts["quick"].click()
    with driver.timed("time of the network measured"):
        driver.wait(lambda: training.estimate() is not None)
    driver.go_on()
    page.validation.folds.setValue(FOLDS)
    driver.go_on()
    assert training.draft.step == RUN
    with driver.timed("run: Train -> epochs shown"):
        page.run.start.click()
        driver.wait(lambda: page.run.epochs.isVisible() or not training.is_running)
    assert page.run.epochs.isVisible(), training.log
    with driver.timed("pause"):
        page.run.pause.click()
        driver.wait(lambda: not training.is_running)
    assert training.draft.run["state"] == "paused"
    assert not page.run.epochs.isVisible()
    page.run.start.click()
    assert Path(training.draft.run["request"]["keep"]).is_dir()

"""85 phantom cases of 43 sites through the wizard, to a case scored that the model has not seen."""

import csv
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import pytest

from app.core.phantom.case import make_case
from app.core.phantom.cohort import COLUMNS, describe_case, write_case
from app.core.phantom.sites import make_sites
from app.core.requests import DemoRequest
from tests.end_to_end.wizard_driver import WizardDriver

CASES, SITES, SEED, MATRIX = 85, 43, 2019, 64
"""A coarse matrix: drawing and measuring are the same, and quicker."""


def draw(index: int, folder: Path) -> None:
    """Draw one case of the cohort."""
    sites = tuple(replace(site, matrix=MATRIX) for site in make_sites(SITES, SEED))
    write_case(folder / f"P{index + 1:03d}", make_case(index, seed=SEED, signal=1.0, sites=sites))


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    """A table of 85 cases, and beside it the folder of an 86th."""
    folder = tmp_path_factory.mktemp("phantoms")
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        list(pool.map(draw, range(CASES + 1), [folder] * (CASES + 1), chunksize=8))
    request = DemoRequest(kind="cohort", out=str(folder), cases=CASES, sites=SITES, seed=SEED)
    with (folder / "cohort.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, COLUMNS)
        table.writeheader()
        table.writerows(describe_case(index, request) for index in range(CASES))
    return folder


@pytest.mark.slow
def test_wizard_learns_from_a_cohort_of_many_sites_and_scores_a_new_case(qtbot, cohort, tmp_path):
    driver = WizardDriver(qtbot, tmp_path)
    page, training = driver.page, driver.training
    try:
        driver.drop_cases(cohort / "cohort.csv")
        found = training.found
        assert found["cases"] == CASES
        assert found["chosen"]["label"] == "label"  # every role is recognised by itself
        assert found["chosen"]["site"] == "site"
        assert found["chosen"]["patient"] == "patient"
        assert training.draft.positive_class(found) == "ALT/WDL"
        driver.go_on()
        with driver.timed("recipe chosen -> features counted"):
            page.features.recipe.choose("lgg-shape")
            driver.wait(lambda: training.draft.recipe == "lgg-shape" and not training.is_looking)
        driver.go_on()
        assert len(training.found["sites"]) == len({row["site"] for row in rows(cohort)})
        driver.go_on()
        driver.train(folds=5)
        results = driver.look_at_results()
        assert len(results.session.results.part("cases")["row"]) == CASES
        name = driver.save("Phantoms of 43 sites")
        panel = driver.score(cohort / f"P{CASES + 1:03d}")
        driver.assert_scored(panel, name)
    finally:
        driver.close()


def rows(cohort: Path) -> list[dict[str, str]]:
    """The table as it lies there."""
    with (cohort / "cohort.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))

"""The 32 sarcomas through the wizard: manufacturer as site, lung metastasis as label, to a case scored with it."""

import pytest

from tests.end_to_end.wizard_driver import WizardDriver


@pytest.mark.slow
def test_wizard_learns_from_real_images_and_scores_one(qtbot, shared_data, tmp_path):
    driver = WizardDriver(qtbot, tmp_path)
    training = driver.training
    try:
        driver.drop_cases(shared_data / "sts" / "cohort.csv")
        assert training.found["cases"] == 32
        assert training.found["holds_images"]
        driver.choose_column("label", "lung_metastasis")
        driver.choose_column("site", "manufacturer")
        driver.choose_column("patient", "patient")
        assert training.found["classes"] == {"0": 20, "1": 12}
        assert sum(training.found["sites"].values()) == 32
        assert not driver.page.blocker(0)
        driver.go_on()
        with driver.timed("recipe chosen -> features counted"):
            driver.page.features.recipe.choose("lgg-shape")
            driver.wait(lambda: training.draft.recipe == "lgg-shape" and not training.is_looking)
        driver.go_on()
        assert "Philips" in " ".join(training.found["sites"])
        driver.go_on()
        driver.train(folds=3)
        results = driver.look_at_results()
        assert len(results.session.results.part("cases")["row"]) == 32
        name = driver.save("Lung metastasis of sarcomas")
        panel = driver.score(shared_data / "sts" / "STS_002")
        driver.assert_scored(panel, name)
    finally:
        driver.close()

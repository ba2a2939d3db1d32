"""The last choices about a trained model: title, texts, operating point."""

import pytest

from app.core.bundle import Bundle
from app.core.errors import InputError
from app.core.jobs import run_workflow
from app.core.paths import data_folder
from tests.core.small_cohorts import quiet, training, write_features

W = "app.core.workflows:"


@pytest.fixture
def model(tmp_path):
    out = data_folder() / "models" / "tried"
    run_workflow(f"{W}train", training(write_features(tmp_path / "features.csv"), out), quiet)
    return out


def test_what_can_be_chosen_is_what_was_held_out(model):
    found = run_workflow(f"{W}describe_finish", {"model": "tried"}, quiet)
    assert found["classes"] == ["lipoma", "ALT"]
    assert found["limits"]
    curve = found["curve"]
    assert curve["threshold"] == sorted(curve["threshold"])
    assert curve["sensitivity"] == sorted(curve["sensitivity"], reverse=True)
    assert curve["specificity"] == sorted(curve["specificity"])
    for each in found["verdicts"]:
        assert each["verdict"] + each["uncertain"] == pytest.approx(1)
        assert each["wrong"] <= each["error_rate"] + 0.1


def test_a_model_is_finished(model):
    before = Bundle.load(model)
    features = dict.fromkeys(before.specification.features, 1.0)
    done = run_workflow(f"{W}finish_model", {
        "model": "tried", "title": "Lipoma or ALT", "purpose": "Second look at lipomas of the thigh.",
        "limits": ["Only T1 was seen.", "  ", "No child was\nseen."], "threshold": 0.37}, quiet)
    after = Bundle.load(model)
    assert done["digest"] == after.specification.digest != before.specification.digest
    assert after.specification.title == "Lipoma or ALT"
    assert after.specification.default_threshold.threshold == 0.37
    assert after.specification.default_threshold.name == "chosen"
    assert sum(point.default for point in after.specification.thresholds) == 1
    assert after.card().startswith("# Lipoma or ALT\n")
    assert "## Intended use\n\nSecond look at lipomas of the thigh.\n" in after.card()
    assert after.card().rstrip().endswith("- Only T1 was seen.\n- No child was seen.")
    assert "\n## Performance\n" in after.card()
    assert after.specification.files["evaluation.json"] == before.specification.files["evaluation.json"]
    assert after.predict(features).probability == before.predict(features).probability
    again = run_workflow(f"{W}describe_finish", {"model": "tried"}, quiet)
    assert again["limits"] == ["Only T1 was seen.", "No child was seen."]
    known = before.specification.thresholds[0]
    run_workflow(f"{W}finish_model", {"model": "tried", "threshold": known.threshold}, quiet)
    final = Bundle.load(model).specification
    assert final.default_threshold.name == known.name
    assert "chosen" not in [point.name for point in final.thresholds]


def test_a_shipped_model_is_not_changed():
    with pytest.raises(InputError, match="not one of your own"):
        run_workflow(f"{W}finish_model", {"model": "lipoma-size", "title": "Mine"}, quiet)

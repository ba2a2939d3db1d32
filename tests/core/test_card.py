"""The model card says what the run found, all of it, and nothing that it did not."""

import json
from pathlib import Path

import pytest

from app.core.bundle import Bundle
from app.core.bundle.card import write_card

SHIPPED = Path(__file__).resolve().parents[2] / "models"


@pytest.fixture
def found():
    bundle = Bundle.load(SHIPPED / "lipoma-phantom-demo")
    return bundle.specification.model_dump(mode="json"), bundle.evaluation()


def test_figures_are_those_of_the_evaluation(found):
    model, evaluation = found
    card, figures = write_card(model, evaluation), evaluation["models"]["phantom-demo"]
    assert f"AUC {figures['auc']['mean']:.3f} (95 % interval {figures['auc']['interval'][0]:.3f} to" in card
    assert f"For new patients of new sites: {figures['auc_new_site']['mean']:.3f}" in card
    assert f"**{figures['headline']['sentence']}**" in card
    assert f"Brier score {figures['brier']:.3f}" in card
    for name in evaluation["comparators"]:
        assert f"| {name.replace('_', ' ')} alone |" in card
    assert "Not harmonised." in card
    for absent in ("Audit", "Cautions", "chosen after", "Without harmonisation"):
        assert absent not in card
    assert card == Bundle.load(SHIPPED / "lipoma-phantom-demo").card(), "the shipped card is this one"


def test_choice_audit_harmonisation_and_cautions_are_told_where_there_are_any(found):
    model, evaluation = json.loads(json.dumps(found))
    figures = evaluation["models"]["phantom-demo"]
    model["recipe"]["harmonise"] |= {"method": "combat", "covariates": ["age"], "unseen": "refuse"}
    figures["unharmonised"] = {"auc": {"mean": 0.7, "interval": [0.6, 0.8]},
                               "difference": {"sentence": "Harmonising adds nothing measurable."}}
    evaluation["models"]["other"] = {"auc": {"mean": 0.777, "interval": None}}
    evaluation["selection"] = {"sentence": "phantom-demo was chosen after seeing 2 results."}
    evaluation["audit"] = {"naive": {"sentence": "It would have shown 0.99."},
                           "permuted": {"permutations": 20, "auc": {"mean": 0.501, "sd": None}, "p_value": 0.0476}}
    evaluation["cautions"] = [{"code": "few", "message": "Few cases."}]
    evaluation["cases_failed"] = 3
    card = write_card(model, evaluation)
    for said in ("Harmonised by ComBat over 'site', keeping the effect of age; a site that is not among these is",
                 "phantom-demo was chosen after seeing 2 results.", "AUC 0.700 (0.600 to 0.800). Harmonising adds",
                 "| other | 0.777 (no interval is known to hold) |", "- It would have shown 0.99.",
                 "Under 20 permutations of the labels the whole pipeline has a mean AUC of 0.501, p = 0.0476.",
                 "- Few cases.", "3 more could not be measured."):
        assert said in card, said
    assert "None" not in card
    assert "\n\n\n" not in card

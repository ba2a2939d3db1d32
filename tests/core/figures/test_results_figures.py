"""Figures of results: drawn from what the page shows, the same bytes twice, with what is missing left out."""

from functools import partial

import numpy as np
import pytest

from app.core.figures.discrimination import draw_calibration, draw_decision, draw_roc
from app.core.figures.doubts import draw_audit, draw_importance, draw_learning, draw_sites
from app.core.figures.page import depict
from app.core.workflows.results import as_json
from app.core.workflows.results_training import describe_training
from tests.core.trained_run import make_run

TITLES = {"volume": "tumour volume alone"}


@pytest.fixture(scope="module")
def view():
    specification, evaluation, _ = make_run()
    return as_json(describe_training(specification, evaluation, {}))


def draw_all(view):
    audit, first = view["audit"], view["roc"]["wide"]["auc"]
    return {
        "roc": partial(draw_roc, view["roc"], TITLES, "wide", "ALT"),
        "calibration": partial(draw_calibration, view["calibration"]["wide"], [0.2, 0.4], "wide", "ALT"),
        "decision": partial(draw_decision, view["decision"], TITLES, "wide", 0.3, "ALT"),
        "sites": partial(draw_sites, view["sites"], first, "ALT"),
        "importance": partial(draw_importance, view["importance"]["wide"], "wide"),
        "audit": partial(draw_audit, audit),
        "learning": partial(draw_learning, view["learning_curve"]),
    }


@pytest.mark.parametrize("name", ["roc", "calibration", "decision", "sites", "importance", "audit", "learning"])
def test_same_bytes_twice_and_numbers_beside(view, name):
    draw = draw_all(view)[name]
    (drawing, once), (_, twice) = depict(draw, ("svg",)), depict(draw, ("svg",))
    assert once == twice
    assert drawing.name == name
    assert drawing.caption
    rows = list(drawing.rows)
    assert rows
    assert {len(row) for row in rows} == {len(drawing.header)}


def test_net_benefit_is_that_of_the_formula_at_any_prevalence(view):
    drawing, _ = depict(draw_all(view)["decision"], ("svg",))
    curve = view["decision"]["narrow"]
    place = curve["threshold"].index(0.25)
    expected = 0.3 * curve["sensitivity"][place] - 0.7 * (1 - curve["specificity"][place]) / 3
    found = next(value for name, threshold, value in drawing.rows if (name, threshold) == ("narrow", 0.25))
    assert found == pytest.approx(expected)
    own = view["decision"]["wide"]
    half = next(place for place, threshold in enumerate(own["threshold"]) if threshold == 0.5)
    assert own["benefit"][half] == pytest.approx(
        0.5 * own["sensitivity"][half] - 0.5 * (1 - own["specificity"][half]), abs=1e-9)


def test_sites_with_too_few_cases_and_many_sites(view):
    sites = [{"site": f"a hospital with a rather long name {number}", "cases": 60 - number, "positive": 5,
              "auc": None if number % 3 == 0 else 0.8, "low": None if number % 3 == 0 else 0.3,
              "high": None if number % 3 == 0 else 0.99} for number in range(40)]
    drawing, _ = depict(partial(draw_sites, sites, {"mean": 0.8, "interval": None}, "ALT"), ("png",))
    assert len(list(drawing.rows)) == 40


def test_what_is_not_known_is_left_out(view):
    curve = {"slope": None, "intercept": None, "curve": {"predicted": [], "observed": [], "low": [], "high": []},
             "bins": view["calibration"]["wide"]["bins"]}
    drawing, _ = depict(partial(draw_calibration, curve, [], "wide", "ALT"), ("svg",))
    assert drawing.caption.startswith("The slope cannot be told; the intercept cannot be told.")
    depict(partial(draw_audit, {"honest": view["audit"]["honest"], "naive": None, "permuted": None}), ("svg",))
    lone = {"wide": {**view["roc"]["wide"], "folds": []}}
    drawing, _ = depict(partial(draw_roc, lone, {}, "wide", "ALT"), ("svg",))
    assert "resampled cases" in drawing.caption


def test_more_models_than_styles(view):
    many = {f"m{number}": view["roc"]["wide"] for number in range(12)}
    drawing, _ = depict(partial(draw_roc, many, {}, "m0", "ALT"), ("svg",))
    assert len(drawing.figure.axes[0].lines) > 6
    assert np.isfinite(drawing.figure.axes[0].get_xlim()).all()

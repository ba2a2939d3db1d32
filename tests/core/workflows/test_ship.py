"""The shipped models are made by one command from committed settings, alike each time, and say what they are."""

import csv
import json
from pathlib import Path

import pytest

from app.core.bundle import Bundle
from app.core.errors import InputError
from app.core.recipe import Recipe
from app.core.workflows import ship
from tests.core.small_cohorts import quiet, write_ball

MODELS, SETTINGS = (Path(__file__).resolve().parents[3] / part for part in ("models", "resources/shipped"))
PHANTOMS = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(SETTINGS.glob("*.json"))}
CROP = {"size": 24, "margin_mm": 4, "mask_channel": True}
NETWORK = {"kind": "cnn-small", "crop": CROP, "augment": None, "copies": 2, "views": 0,
           "fit": {"epochs": 3, "batch": 8, "watched": 0.5}}  # fmt: skip


@pytest.fixture
def sources(tmp_path, monkeypatch):
    """Settings of two models on one small cohort, which counts how often it is drawn."""
    folder, drawn = tmp_path / "shipped", []
    folder.mkdir()
    model = {"folds": 2, "repeats": 1, "resamples": 0, "search": {"folds": 2}}
    recipes = {"looks": {"features": None, "model": model, "network": NETWORK},
               "measures": {"features": {"classes": ["firstorder"]}, "model": model}}  # fmt: skip
    for name, recipe in recipes.items():
        told = {"name": f"small-{name}", "positive": "ALT", "purpose": "A test.", "cohort": {"cases": 12, "sites": 3},
                "recipe": {"name": name, **recipe}}  # fmt: skip
        (folder / f"{name}.json").write_text(json.dumps(told), encoding="utf-8")

    def draw(request, _report):
        drawn.append(request)
        out = Path(request["out"])
        out.mkdir(parents=True)
        with (out / "cohort.csv").open("w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file)
            rows.writerow(["patient", "image", "mask", "label", "site"])
            for place in range(request["cases"]):
                image, mask = write_ball(out / f"{place}", 9.0 + place % 5, level=150 + 100 * (place % 2), seed=place)
                site = f"S{place // 2 % request['sites']}"
                rows.writerow([f"P{place:02d}", image, mask, ["lipoma", "ALT"][place % 2], site])

    monkeypatch.setattr(ship, "make_demo", draw)
    monkeypatch.setattr(ship, "_sources", lambda: folder)
    return drawn


def test_a_second_build_gives_the_same_weights(sources, tmp_path):
    once = ship.ship_models({"out": str(tmp_path / "once"), "jobs": 1}, quiet)["written"]
    assert [Path(each).name for each in once] == ["small-looks", "small-measures"]
    assert len(sources) == 1, "both models learn from one cohort, which is drawn once"
    again = ship.ship_models({"out": str(tmp_path / "again"), "model": "small-looks"}, quiet)["written"]
    first, second = (Bundle.load(Path(folder)).specification for folder in (once[0], *again))
    assert first.estimator.kind == "network"
    assert first.files["weights.safetensors"] == second.files["weights.safetensors"]
    assert first.demonstration
    assert first.purpose == "A test."
    assert sources[0]["signal"] == 1.0
    assert sources[0]["seed"] == ship.SEED


def test_a_model_that_does_not_ship_is_not_built(sources, tmp_path):
    with pytest.raises(InputError, match="'other'; there are small-looks, small-measures"):
        ship.ship_models({"out": str(tmp_path / "none"), "model": "other"}, quiet)
    assert not sources


def test_coefficients_are_written_as_they_ship(tmp_path):
    (written,) = ship.ship_models({"out": str(tmp_path), "model": "lipoma-size"}, quiet)["written"]
    built, shipped = (Bundle.load(Path(folder)).specification for folder in (written, MODELS / "lipoma-size"))
    assert built.estimator == shipped.estimator
    assert built.thresholds == shipped.thresholds


@pytest.mark.parametrize("source", PHANTOMS)
def test_what_ships_is_what_the_settings_make(source):
    settings = PHANTOMS[source]
    found = Bundle.load(MODELS / settings["name"]).specification
    assert found.recipe == Recipe.parse(settings["recipe"])
    assert found.demonstration
    assert found.purpose == settings["purpose"]
    assert "never seen a patient" in found.purpose
    assert sum(found.training.counts.values()) == settings["cohort"]["cases"]
    assert sum(path.stat().st_size for path in (MODELS / settings["name"]).iterdir()) < 3e6

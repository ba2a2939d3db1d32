"""What a feature table says of itself: which columns are features, and how they were measured."""

import json

from app.core.bundle import Bundle
from app.core.recipe import Recipe
from app.core.requests import TrainRequest
from app.core.workflows import extract, train
from app.core.workflows.roles import describe_measurement, learn_as_measured, read_roles, write_roles
from app.core.workflows.training_table import find_table
from tests.core.small_cohorts import quiet, write_ball

MEASURED = {"name": "measured", "prep": {"normalise": {"method": "zscore"}}, "features": {"classes": []}}
LEARNED = {"name": "learned", "prep": {}, "features": {"classes": ["glcm"], "names": ["volume_ml"]},
           "model": {"folds": 2, "repeats": 1, "resamples": 0}}


def asking(table, out="model"):
    return {"table": str(table), "label": "label", "patient": "patient", "recipe": LEARNED, "out": str(out)}


def cohort(folder):
    rows = ["patient,image,mask,label"]
    for number in range(8):
        write_ball(folder / f"P{number}", 8 + number // 2 + number % 3, (3, 3, 3), seed=number)
        rows.append(f"{number:03d},P{number}/t1.nii.gz,P{number}/mask.nii.gz,{'ALT' if number % 2 else 'lipoma'}")
    (folder / "cohort.csv").write_text("\n".join(rows) + "\n")
    return folder / "cohort.csv"


def test_a_model_measures_images_as_its_table_was_measured(tmp_path):
    extract({"source": str(cohort(tmp_path)), "recipe": MEASURED, "out": str(tmp_path / "f.csv")}, quiet)
    result = train(asking(tmp_path / "f.csv", tmp_path / "model"), quiet)
    kept, measured = Bundle.load(tmp_path / "model").specification.recipe, Recipe.parse(MEASURED)
    assert kept.name == "learned"
    assert kept.prep == measured.prep
    assert kept.features == measured.features.model_copy(update={"names": ("volume_ml",)})
    assert result["features"] == ["volume_ml"]
    assert "measurement_unknown" not in [each["code"] for each in result["cautions"]]


def test_a_table_from_elsewhere_does_not_say_how_it_was_measured(tmp_path):
    write_roles(tmp_path / "f.csv", ["patient", "label", "volume_ml"], ["volume_ml"])
    ask = TrainRequest.parse(asking(tmp_path / "f.csv"))
    assert learn_as_measured(ask) == (ask, False)
    path = tmp_path / "f.roles.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"measured_with": "by hand"}))
    assert learn_as_measured(ask) == (ask, False)


def test_labels_from_another_table_do_not_part_features_from_their_measurement(tmp_path):
    (tmp_path / "f.csv").write_text("patient,volume_ml\nA1,3.5\nA2,4.5\n")
    (tmp_path / "labels.csv").write_text("patient,label\nA1,ALT\nA2,lipoma\n")
    measured = describe_measurement(Recipe.parse(MEASURED))
    write_roles(tmp_path / "f.csv", ["patient", "volume_ml"], ["volume_ml"], measured)
    joined = find_table(tmp_path / "f.csv", tmp_path / "labels.csv")
    assert read_roles(joined)["measured_with"] == measured

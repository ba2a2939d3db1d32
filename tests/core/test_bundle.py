"""Bundles: they read back bit by bit, and anything that was changed, added or smuggled in is refused."""

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from app.core.bundle import Bundle, find_bundles, sigmoid, write_bundle
from app.core.classify.tuned import TunedClassifier
from app.core.errors import BundleError
from app.core.recipe import ModelRecipe
from app.core.workflows import train
from tests.core.classify.small_tables import make_table
from tests.core.small_cohorts import FEATURES, quiet, training, write_features

SHIPPED = Path(__file__).resolve().parents[2] / "models"


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("bundle")
    train(training(write_features(folder / "features.csv", 60, 1.5), folder / "small-model"), quiet)
    return folder / "small-model"


@pytest.fixture
def copied(trained, tmp_path) -> Path:
    return Path(shutil.copytree(trained, tmp_path / "small-model"))


def rewrite(folder: Path, change) -> Path:
    """Change a specification as someone would who also mends its digest."""
    from app.core.bundle.reading import canonical, sha256

    values = json.loads((folder / "bundle.json").read_text())
    change(values)
    values["digest"] = sha256(canonical({**values, "digest": ""}))
    (folder / "bundle.json").write_bytes(canonical(values))
    return folder


def test_predicts_bit_for_bit_what_the_fitted_classifier_does(trained, tmp_path):
    first = Bundle.load(trained)
    features = dict(zip(FEATURES, (123.4, 77.7, 1.9), strict=True))
    names = list(first.specification.features)
    row = pd.DataFrame([[features[name] for name in names]], columns=names)
    expected = first.pipeline.decision_function(row)
    again = write_bundle(tmp_path / "again", first.specification, first.card(), first.evaluation(), first.pipeline,
                         first.resamples)
    for bundle in (first, again, Bundle.load(tmp_path / "again")):
        prediction = bundle.predict(features)
        assert prediction.log_odds == expected[0]
        assert prediction.probability == pytest.approx(1 / (1 + np.exp(-expected[0])), rel=1e-14)
        assert prediction == first.predict(features)
        assert prediction.harmonisation is None
        assert bundle.distance(features) == first.distance(features)


def test_contributions_add_up_and_refits_make_the_variance(trained):
    bundle = Bundle.load(trained)
    cases = [dict(zip(FEATURES, values, strict=True)) for values in ((50.0, 60.0, 0.3), (400.0, 90.0, 2.0))]
    found = [bundle.predict(case) for case in cases]
    rest = [each.log_odds - sum(part.effect for part in each.contributions) for each in found]
    assert rest[0] == pytest.approx(rest[1], abs=1e-9), "what is left is the average case's log odds"
    slope, intercept = bundle.pipeline.calibrator_["slope"], bundle.pipeline.calibrator_["intercept"]
    refits = [slope * fit.decision_function(bundle.row(cases[0])[None])[0] + intercept for fit in bundle.resamples]
    assert len(refits) == 8
    assert found[0].variance == pytest.approx(np.var(refits))
    assert found[0].variance > 0


def test_holds_no_identifier(trained):
    text = "".join(path.read_text() for path in trained.glob("*.json")) + (trained / "card.md").read_text()
    assert not [patient for patient in (f"P{index:03d}" for index in range(60)) if patient in text]
    rows = Bundle.load(trained).evaluation()["cases"]["row"]
    assert sorted(rows) == list(range(60))
    assert rows != sorted(rows), "the row numbers are shuffled"


@pytest.mark.parametrize("file", ["card.md", "pipeline.skops", "resamples.skops", "evaluation.json"])
def test_one_byte_changed_in_any_file_is_refused(copied, file):
    data = bytearray((copied / file).read_bytes())
    data[len(data) // 2] ^= 1
    (copied / file).write_bytes(data)
    with pytest.raises(BundleError, match=f"The model 'small-model' is damaged: {file} was changed after"):
        Bundle.load(copied)


@pytest.mark.parametrize("change", [lambda text: text.replace("A small model", "A small modem"),
                                    lambda text: text.replace("\n", "\n ", 1), lambda text: text + " ",
                                    lambda text: text.replace('"demonstration": false', '"demonstration": true')])
def test_specification_changed_even_in_white_space_is_refused(copied, change):
    path = copied / "bundle.json"
    text = path.read_text()
    assert change(text) != text
    path.write_text(change(text))
    with pytest.raises(BundleError, match=r"damaged: its bundle\.json was changed after it was written"):
        Bundle.load(copied)


@pytest.mark.parametrize("junk", ["", "[]", "{", "null", '{"digest": 1}', "\x00"])
def test_specification_that_is_none_is_refused(copied, junk):
    (copied / "bundle.json").write_text(junk)
    with pytest.raises(BundleError, match=r"damaged: its bundle\.json is not what was written"):
        Bundle.load(copied)


@pytest.mark.parametrize("name", ["weights.pkl", "notes/readme.txt", ".hidden"])
def test_added_file_is_refused(copied, name):
    (copied / name).parent.mkdir(exist_ok=True)
    (copied / name).write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(BundleError, match=f"holds a file that does not belong to it: {name}"):
        Bundle.load(copied)


def test_missing_file_folder_and_schema(copied, tmp_path):
    (copied / "resamples.skops").unlink()
    with pytest.raises(BundleError, match=r"lacks its file resamples\.skops"):
        Bundle.load(copied)
    with pytest.raises(BundleError, match=r"'nowhere' is not a model: it holds no readable bundle\.json"):
        Bundle.load(tmp_path / "nowhere")
    rewrite(copied, lambda values: values.update(schema_version=2))
    with pytest.raises(BundleError, match="has schema 2, this program reads schema 1"):
        Bundle.load(copied)


def test_consistent_specification_that_does_not_validate_is_refused(copied):
    rewrite(copied, lambda values: values["training"].update(prevalence=1.5))
    with pytest.raises(BundleError, match=r"cannot be used\. The setting 'training\.prevalence' has the value 1\.5"):
        Bundle.load(copied)


def test_file_outside_the_folder_is_not_read(copied):
    (copied.parent / "secret").write_text("x")
    rewrite(copied, lambda values: values["files"].update({"../secret": "0" * 64}))
    with pytest.raises(BundleError, match=r"lacks its file \.\./secret"):
        Bundle.load(copied)


def test_foreign_object_in_the_pipeline_is_not_loaded(trained, tmp_path):
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import FunctionTransformer

    good = Bundle.load(trained)
    evil = Pipeline([("run", FunctionTransformer(shutil.rmtree)), ("classify", good.pipeline.fitted_[-1])])
    bundle = write_bundle(tmp_path / "evil", good.specification, "card", {}, evil)
    with pytest.raises(BundleError, match=r"holds an object that no model of this program has \(shutil\.rmtree"):
        _ = bundle.pipeline


def astray(model):
    """A forest whose third tree leads outside its memory."""
    tree = model.fitted_[-1].estimators_[2].tree_
    state = tree.__getstate__()
    state["nodes"]["left_child"][0] = 10**6
    tree.__setstate__(state)


def no_vectors(model):
    model.fitted_[-1].support_ = model.fitted_[-1].support_[:-1]


def foreign_step(model):
    from sklearn.ensemble import RandomTreesEmbedding

    model.fitted_.steps.insert(1, ("embed", RandomTreesEmbedding()))


@pytest.mark.parametrize(("kind", "spoil"), [("rf", astray), ("svm", no_vectors), ("logistic", foreign_step)])
def test_model_that_could_not_be_run_safely_is_refused(trained, tmp_path, kind, spoil):
    rows, labels = make_table(60, 3, 1, signal=2.0)
    model = TunedClassifier(ModelRecipe.parse({"kind": kind, "scale": "none"}), tuple(rows.columns)).fit(rows, labels)
    good = Bundle.load(trained).specification
    whole = write_bundle(tmp_path / "good", good, "card", {}, model, [model.fitted_])
    assert (whole.pipeline.predict(rows) == model.predict(rows)).all()
    spoil(model)
    bundle = write_bundle(tmp_path / "spoilt", good, "card", {}, model, [model.fitted_])
    with pytest.raises(BundleError, match=r"pipeline\.skops of the model 'spoilt' holds no classifier"):
        _ = bundle.pipeline
    with pytest.raises(BundleError, match=r"resamples\.skops of the model 'spoilt' holds no classifier that this"):
        _ = bundle.resamples


@pytest.mark.parametrize("entries", [{}, {"schema.json": b"{"}, {"schema.json": b"{}"}, {"schema.json": b"[1]"},
                                     {"data.pkl": b"cos\nsystem\n(S'true'\ntR."},
                                     {"schema.json": b'{"__class__": "TunedClassifier", "__module__": "builtins"}'}])
def test_archive_that_holds_no_classifier_is_refused(trained, tmp_path, entries):
    """A pickle inside is never opened: nothing but the schema's own objects is."""
    bundle = write_bundle(tmp_path / "other", Bundle.load(trained).specification, "card", {}, {"a": 1})
    with zipfile.ZipFile(bundle.folder / "pipeline.skops", "w") as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    with pytest.raises(BundleError, match=r"pipeline\.skops|holds an object that no model"):
        _ = bundle.pipeline


@pytest.mark.parametrize("other", [{"a": 1}, [1, 2], "text", None])
def test_a_file_that_holds_something_else_is_refused(trained, tmp_path, other):
    from app.core.bundle.writing import pack

    bundle = write_bundle(tmp_path / "other", Bundle.load(trained).specification, "card", {}, {"a": 1}, [1])
    (bundle.folder / "pipeline.skops").write_bytes(pack(other))
    with pytest.raises(BundleError, match="holds no classifier that this program has made"):
        _ = bundle.pipeline
    with pytest.raises(BundleError, match="holds no classifier that this program has made"):
        _ = bundle.resamples


def test_pipeline_that_is_no_archive_or_absent_is_said(trained, tmp_path):
    from app.core.bundle.reading import canonical, sha256

    good = Bundle.load(trained).specification
    bundle = write_bundle(tmp_path / "empty", good, "card", {})
    with pytest.raises(BundleError, match=r"has no readable pipeline\.skops"):
        _ = bundle.pipeline
    (tmp_path / "empty" / "pipeline.skops").write_bytes(b"\x80\x04junk")
    rewrite(tmp_path / "empty", lambda values: values["files"].update({"pipeline.skops": sha256(b"\x80\x04junk")}))
    with pytest.raises(BundleError, match=r"has no readable pipeline\.skops"):
        _ = Bundle.load(tmp_path / "empty").pipeline
    assert canonical({}) == b"{}\n"


def test_features_that_are_missing(trained):
    with pytest.raises(BundleError, match="None of the 3 features of the model 'small-model' could be measured"):
        Bundle.load(trained).predict({})
    with pytest.raises(BundleError, match="needs the feature volume_ml, which this case lacks"):
        Bundle.load(SHIPPED / "lipoma-size").predict({"longest_diameter_mm": 3.0})


def test_size_model_has_the_published_figures():
    specification = Bundle.load(SHIPPED / "lipoma-size").specification
    estimator = specification.estimator
    assert (estimator.intercept, estimator.terms[0].coefficient) == (-7.23519, 3.02612)
    assert (estimator.terms[0].feature, estimator.terms[0].transform) == ("volume_ml", "log10")
    assert estimator.covariance == ((2.2955, -0.92688), (-0.92688, 0.38262))
    assert {(point.threshold, point.sensitivity, point.specificity) for point in specification.thresholds} == {
        (0.61, 0.69, 0.89), (0.256, 0.93, 0.40), (0.174, 0.98, 0.32)}
    assert specification.default_threshold.threshold == 0.174
    assert [(each.error_rate, each.negative, each.positive) for each in specification.conformal] == [
        (0.05, 0.8459, 0.8258), (0.1, 0.7858, 0.7442), (0.2, 0.5833, 0.5565)]
    assert specification.training.prevalence == 58 / 115
    assert specification.training.ranges == {"volume_ml": (2.0, 2106.0)}
    assert specification.deployment_prevalence == 0.01
    assert specification.classes == ("lipoma", "ALT/WDL")
    assert not specification.demonstration


@pytest.mark.parametrize("volume", [2.0, 80.12, 249.264, 2106.0])
def test_size_model_is_its_formula(volume):
    prediction = Bundle.load(SHIPPED / "lipoma-size").predict({"volume_ml": volume})
    x = np.log10(volume)
    assert prediction.log_odds == pytest.approx(-7.23519 + 3.02612 * x, abs=1e-12)
    assert prediction.variance == pytest.approx(2.2955 - 2 * 0.92688 * x + 0.38262 * x * x, abs=1e-12)
    assert prediction.contributions[0].effect == pytest.approx(3.02612 * (x - np.log10(249.264)), abs=1e-12)


def test_find_prefers_earlier_folders(copied, tmp_path):
    (tmp_path / "later" / "small-model").mkdir(parents=True)
    (tmp_path / "later" / "small-model" / "bundle.json").touch()
    assert find_bundles([tmp_path, tmp_path / "later", tmp_path / "absent"]) == {"small-model": copied}


def test_sigmoid_at_the_ends():
    assert sigmoid(-800.0) == 0.0
    assert sigmoid(800.0) == 1.0
    assert sigmoid(-40.0) == pytest.approx(np.exp(-40.0), rel=1e-12)


def test_reading_a_model_never_loads_torch():
    program = (
        "import sys; from pathlib import Path; from app.core.bundle import Bundle;"
        f"bundle = Bundle.load(Path({str(SHIPPED / 'lipoma-phantom-demo')!r}));"
        "bundle.predict({name: sum(span) / 2 for name, span in bundle.specification.training.ranges.items()});"
        "assert bundle.resamples; assert 'torch' not in sys.modules; import torch; torch.zeros(1)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=SHIPPED.parent, capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stderr

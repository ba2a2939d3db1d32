"""Scoring: the size model on real sarcomas against its formula, and every caution provoked by a case."""

import json
import math

import nibabel as nib
import numpy as np
import pytest

from app.core.errors import BundleError, EmptyMask, GeometryMismatch, InputError
from app.core.workflows import score_case, train
from tests.core.small_cohorts import quiet, training, write_ball, write_features


def formula(volume_ml):
    return 1 / (1 + math.exp(7.23519 - 3.02612 * math.log10(volume_ml)))


def ask(image, mask, model="lipoma-size", case=None, **settings):
    files = {"id": "case", "images": {"image": str(image)}, "mask": str(mask), **(case or {})}
    return score_case({"case": files, "model": str(model), **settings}, quiet)


def codes(score):
    return [caution["code"] for caution in score["cautions"]]


@pytest.fixture
def sarcoma(shared_data):
    return shared_data / "sts" / "STS_003" / "t1.nii.gz", shared_data / "sts" / "STS_003" / "gtv.nii.gz"


@pytest.fixture
def ball(tmp_path):
    return write_ball(tmp_path / "ball")


@pytest.fixture(scope="module")
def demonstration(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demonstration")
    train(training(write_features(folder / "f.csv", 60, 1.5), folder / "small-demo", demonstration=True), quiet)
    return folder / "small-demo"


def test_sarcoma_scores_as_the_formula_says(sarcoma):
    score = ask(*sarcoma)
    voxels = int(np.asarray(nib.load(sarcoma[1]).dataobj).astype(bool).sum())
    volume = voxels * float(np.prod(nib.load(sarcoma[1]).header.get_zooms()[:3], dtype=float)) / 1000
    assert score["features"]["volume_ml"] == pytest.approx(80.12, abs=0.005)
    assert score["features"]["volume_ml"] == pytest.approx(volume, rel=1e-6)
    assert score["probability"] == pytest.approx(formula(score["features"]["volume_ml"]), abs=1e-12)
    assert score["threshold"] == score["operating_point"]["threshold"] == 0.174
    assert score["comparator"]["probability"] == pytest.approx(58 / 115)
    assert score["notice"] == "Research use only, not a medical device."
    assert "intended_use" in codes(score)
    assert json.loads(json.dumps(score, allow_nan=False)) == score


def test_interval_holds_the_model_and_the_outline(sarcoma):
    from scipy.ndimage import binary_dilation, binary_erosion, generate_binary_structure

    score = ask(*sarcoma)
    low, high = score["interval"]
    mask = np.asarray(nib.load(sarcoma[1]).dataobj).astype(bool)
    cross = np.zeros((3, 3, 3), dtype=bool)
    cross[:, :, 1] = generate_binary_structure(2, 1)
    counts = [binary_erosion(mask, cross, border_value=1).sum(), binary_dilation(mask, cross).sum(), *[mask.sum()] * 6]
    changes = [3.02612 * math.log10(count / mask.sum()) for count in counts]
    x = math.log10(score["features"]["volume_ml"])
    model = 2.2955 - 2 * 0.92688 * x + 0.38262 * x * x
    outline = sum(change**2 for change in changes) / len(changes)
    half = 1.959964 * math.sqrt(model + outline)
    centre = math.log(score["probability"] / (1 - score["probability"]))
    assert [math.log(p / (1 - p)) for p in (low, high)] == pytest.approx([centre - half, centre + half], abs=1e-9)
    assert low < score["probability"] < high
    assert half > 1.959964 * math.sqrt(outline)
    assert half > 1.959964 * math.sqrt(model)


def test_prevalence_by_bayes(sarcoma):
    score = ask(*sarcoma)
    assert score["prevalence"]["training"] == pytest.approx(58 / 115)
    assert score["prevalence"]["used"] == 0.01
    ratio = score["probability"] / (1 - score["probability"]) * 57 / 58
    odds = ratio * 0.01 / 0.99
    assert score["prevalence"]["probability_at_used"] == pytest.approx(odds / (1 + odds), rel=1e-9)
    half = ask(*sarcoma, prevalence=58 / 115)
    assert half["prevalence"]["probability_at_used"] == pytest.approx(half["probability"], rel=1e-9)


@pytest.mark.parametrize(("error_rate", "negative", "positive"), [(0.05, 0.8459, 0.8258), (0.1, 0.7858, 0.7442),
                                                                  (0.2, 0.5833, 0.5565)])
def test_verdict_is_the_conformal_set(tmp_path, error_rate, negative, positive):
    found = {}
    for radius in (12, 27, 36, 47, 62):
        score = ask(*write_ball(tmp_path / str(radius), radius, (4, 4, 4)), error_rate=error_rate)
        p = formula(score["features"]["volume_ml"])
        possible = ["lipoma"] * (p <= negative) + ["ALT/WDL"] * (1 - p <= positive)
        found[radius] = score["verdict"]
        assert score["verdict"] == (possible[0] if len(possible) == 1 else "uncertain")
        assert score["error_rate"] == error_rate
    assert found[12] == "lipoma"
    assert found[62] == "ALT/WDL"
    assert "uncertain" in found.values() or error_rate == 0.2


def test_settings_the_model_has_no_figures_for(sarcoma):
    with pytest.raises(InputError, match=r"no verdict at the error rate 0\.07; it has 0\.05, 0\.1, 0\.2"):
        ask(*sarcoma, error_rate=0.07)
    with pytest.raises(InputError, match=r"no figures for the threshold 0\.5; it has 0\.610, 0\.256, 0\.174"):
        ask(*sarcoma, threshold=0.5)
    assert ask(*sarcoma, threshold=0.61)["operating_point"]["sensitivity"] == 0.69
    with pytest.raises(BundleError, match=r"There is no model 'other'; the library has .*lipoma-size"):
        ask(*sarcoma, model="other")


@pytest.mark.parametrize(("radius", "side"), [(5, "smaller"), (90, "larger")])
def test_outside_the_training_range(tmp_path, radius, side):
    score = ask(*write_ball(tmp_path, radius, (2.5,) * 3))
    message = next(each["message"] for each in score["cautions"] if each["code"] == "outside_training_range")
    assert f"is {side} than in any of the 115 training cases" in message
    assert ("2 ml" if side == "smaller" else "2,106 ml") in message


def test_tiny_outline(tmp_path):
    score = ask(*write_ball(tmp_path, 4, (2, 2, 2)))
    assert "tiny_mask" in codes(score)
    assert 0 < score["interval"][0] < score["probability"] < score["interval"][1]


def test_thick_slices(tmp_path, ball):
    assert "anisotropy" in codes(ask(*write_ball(tmp_path, 25, (1, 1, 8))))
    assert "anisotropy" not in codes(ask(*ball))


def test_site(ball, demonstration):
    assert "site_unknown" in codes(ask(*ball))
    assert "site_unknown" in codes(ask(*ball, case={"site": "Elsewhere"})), "the size model keeps no list of sites"
    for site, code in (("S2", set()), ("Elsewhere", {"site_unseen"}), (None, {"site_unknown"})):
        found = codes(ask(*ball, model=demonstration, case={"site": site}))
        assert set(found) & {"site_unknown", "site_unseen"} == code


def test_demonstration_and_unlike_training(ball, demonstration):
    score = ask(*ball, model=demonstration)
    assert score["demonstration"]
    assert {"demonstration", "unlike_training", "outside_training_range"} <= set(codes(score))
    assert score["verdict"] == "unlike_training"
    assert math.isfinite(score["prevalence"]["probability_at_used"])


def test_alike_is_not_called_unlike(tmp_path, demonstration):
    score = ask(*write_ball(tmp_path, 29, level=0.5), model=demonstration)
    assert "unlike_training" not in codes(score)
    assert score["verdict"] in ("lipoma", "ALT", "uncertain")


def test_other_preprocessing_is_an_experiment(ball, demonstration):
    own = ask(*ball, model=demonstration)
    other = ask(*ball, model=demonstration, prep={"normalise": {"method": "zscore"}})
    assert "other_preprocessing" in codes(other)
    assert "other_preprocessing" not in codes(own)
    assert other["features"]["original_firstorder_Mean"] != own["features"]["original_firstorder_Mean"]
    assert any(step["step"].startswith("normalise") for step in other["trace"])


@pytest.mark.parametrize(("names", "chosen"), [(("t2", "t1_gd", "t1"), "t1_gd"), (("t2", "t1"), "t1"),
                                               (("t2_fs", "pd"), "t2_fs")])
def test_several_sequences(tmp_path, demonstration, names, chosen):
    images = {}
    for level, name in enumerate(names):
        images[name], mask = write_ball(tmp_path, level=10.0 * (level + 1), name=name, seed=level)
    files = {"images": {name: str(path) for name, path in images.items()}}
    several = ask("", mask, demonstration, files)
    alone = ask(images[chosen], mask, demonstration)
    assert "sequence_chosen" in codes(several)
    assert f"{chosen} was measured" in next(each["message"] for each in several["cautions"]
                                            if each["code"] == "sequence_chosen")
    assert several["features"] == alone["features"]
    size = ask("", mask, "lipoma-size", files)
    assert "sequence_chosen" not in codes(size), "size is the same on every sequence"
    assert size["probability"] == pytest.approx(formula(size["features"]["volume_ml"]), abs=1e-12)


def test_outline_that_cannot_be_used(tmp_path, ball):
    image, mask = ball
    empty, far = tmp_path / "empty_mask.nii.gz", tmp_path / "far_mask.nii.gz"
    loaded = nib.load(mask)
    nib.save(nib.Nifti1Image(np.zeros(loaded.shape, dtype=np.uint8), loaded.affine), empty)
    moved = loaded.affine.copy()
    moved[:3, 3] += 500
    nib.save(nib.Nifti1Image(np.asarray(loaded.dataobj), moved), far)
    with pytest.raises(EmptyMask):
        ask(image, empty)
    with pytest.raises(GeometryMismatch):
        ask(image, far)
    with pytest.raises(EmptyMask, match="no tumour outline"):
        score_case({"case": {"id": "x", "images": {"image": str(image)}}, "model": "lipoma-size"}, quiet)


def test_results_are_written(tmp_path, ball):
    score = ask(*ball, out=str(tmp_path / "out"))
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "score.json", "score.html", "score.pdf", "image_prepared.nii.gz", "image_mask.nii.gz"}
    assert json.loads((tmp_path / "out" / "score.json").read_text(encoding="utf-8")) == score
    np.testing.assert_array_equal(nib.load(tmp_path / "out" / "image_prepared.nii.gz").get_fdata(),
                                  nib.load(ball[0]).get_fdata())


def test_progress_rises_to_one(ball):
    told = []
    score_case({"case": {"id": "x", "images": {"image": str(ball[0])}, "mask": str(ball[1])}, "model": "lipoma-size"},
               lambda fraction, message: told.append((fraction, message)))
    fractions = [fraction for fraction, _ in told]
    assert fractions == sorted(fractions)
    assert (fractions[0], fractions[-1]) == (0.0, 1.0)
    assert all(message for _, message in told)


@pytest.fixture(scope="module", params=["leave", "refuse"])
def harmonised(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("harmonised")
    table = write_features(folder / "f.csv", 60, 1.5, site=["ABC"[place // 2 % 3] for place in range(60)])
    train(training(table, folder / "model", harmonise={"method": "combat", "unseen": request.param}), quiet)
    return folder / "model", request.param


def test_harmonised_model_tells_its_policy_with_the_score(harmonised, tmp_path):
    ball = write_ball(tmp_path / "faint", level=1.0)
    model, unseen = harmonised
    known = ask(*ball, model, {"site": "A"})
    assert known["harmonisation"] == {"site": "A", "policy": "harmonised", "caution": ""}
    assert "harmonisation" not in codes(known)
    assert ask(*ball, model, {"site": "B"})["probability"] != known["probability"]
    if unseen == "refuse":
        with pytest.raises(InputError, match="The site Elsewhere was not among the 3 sites of training"):
            ask(*ball, model, {"site": "Elsewhere"})
        return
    new = ask(*ball, model, {"site": "Elsewhere"})
    assert new["harmonisation"]["policy"] == "left_unseen"
    caution = next(each for each in new["cautions"] if each["code"] == "harmonisation")
    assert caution["message"] == new["harmonisation"]["caution"]
    assert ask(*ball, model)["harmonisation"]["site"] is None


def test_model_without_harmonisation_does_not_speak_of_it(demonstration, ball):
    assert "harmonisation" not in ask(*ball, demonstration)


def test_scanner_is_described_by_the_user_first_then_by_the_header(ball):
    from app.core.io.case import load_case
    from app.core.requests import CaseFiles
    from app.core.workflows.scored_case import describe_case

    files = {"id": "c", "images": {"image": str(ball[0])}, "mask": str(ball[1]), "site": "A"}
    case = load_case(CaseFiles.parse({**files, "reading": {"field_strength": 3.0, "age": 61, "sex": ""}}))
    assert describe_case(case) == {"site": "A", "vendor": None, "field_strength": 3.0, "age": 61}

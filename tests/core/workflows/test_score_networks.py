"""A case scored by networks, from its files to everything that is told of it, and the maps of where they looked."""

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from app.cli import run_command_line
from app.core.bundle import Bundle
from app.core.data import Case, Volume
from app.core.deep.device import find_device
from app.core.deep.explain import attainable_share, count_cells
from app.core.errors import InputError
from app.core.io.case import load_case
from app.core.paths import data_folder
from app.core.preprocess.chain import prepare
from app.core.requests import CaseFiles
from app.core.segment.jitter import jitter_masks
from app.core.workflows import evaluate, explain_case, looking, score_case, score_cohort
from app.core.workflows.looking import cut_case, score_outlines
from app.core.workflows.scored_case import choose_sequences
from tests.core.small_cohorts import quiet, write_ball
from tests.core.small_networks import write_networks

KEYS = {"kind", "networks", "parameters", "device", "spread_networks", "spread_views"}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_networks(tmp_path_factory.mktemp("models") / "two-nets", copies=2)


@pytest.fixture(scope="module")
def ball(tmp_path_factory):
    return write_ball(tmp_path_factory.mktemp("ball"), 14, (2, 2, 4))


def files(image, mask, **more):
    return {"id": "Case one", "images": {"image": str(image)}, "mask": str(mask), **more}


def score(model, ball, **settings):
    return score_case({"case": files(*ball), "model": str(model.folder), **settings}, quiet)


def codes(told):
    return [caution["code"] for caution in told["cautions"]]


def log_odds(probability):
    return np.log(probability / (1 - probability))


def prepared_case(model, ball):
    case = load_case(CaseFiles.parse(files(*ball)))
    return prepare(case, model.specification.recipe.prep)


def test_probability_interval_and_facts(model, ball):
    found = score(model, ball)
    prepared = prepared_case(model, ball)
    pictures = cut_case(model, prepared).values
    expected = model.predict({}, pictures=pictures)
    assert found["probability"] == expected.probability
    assert found["network"] == {
        "kind": "cnn-small", "networks": 2, "parameters": model.specification.estimator.parameters,
        "device": find_device("cpu", threads=1).describe(), "spread_networks": expected.seen.spread_networks,
        "spread_views": expected.seen.spread_views}  # fmt: skip
    outlines = [{"image": mask} for _, mask in jitter_masks(prepared.masks["image"])]
    changes = [model.log_odds({}, pictures=cut_case(model, _with(prepared, each)).values) for each in outlines]
    assert score_outlines(model, prepared, outlines) == pytest.approx(changes, abs=1e-5)
    redrawn = np.mean((np.array(changes) - expected.log_odds) ** 2)
    half = 1.959964 * np.sqrt(redrawn + expected.seen.spread_networks**2 + expected.seen.spread_views**2)
    low, high = found["interval"]
    assert [log_odds(low), log_odds(high)] == pytest.approx([expected.log_odds - half, expected.log_odds + half],
                                                            abs=1e-5)
    assert low < found["probability"] < high
    assert found["contributions"] == []
    assert set(found["features"]) == {"volume_ml", "longest_diameter_mm"}
    assert found["comparator"]["name"] == "volume"
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def _with(prepared, masks):
    from dataclasses import replace

    return replace(prepared, masks=masks)


def test_attention_is_told_with_its_slices_and_a_caution_when_it_is_elsewhere(model, ball):
    found = score(model, ball)
    attention = found["attention"]
    assert set(attention) == {"label", "class", "sequence", "share", "expected", "slices"}
    assert attention["label"] == int(found["probability"] >= 0.5)
    assert attention["class"] == found["classes"][attention["label"]]
    assert attention["sequence"] == "image"
    mask = np.asarray(nib.load(ball[1]).dataobj) > 0
    areas = mask.sum(axis=(0, 1))
    assert attention["slices"] == [np.flatnonzero(areas == areas.max())[(areas == areas.max()).sum() // 2]]
    assert 0 < attention["expected"] < 1
    crops = cut_case(model, prepared_case(model, ball))
    cells = count_cells(model.pictures.networks.modules[0], crops.values[0])
    most = attainable_share(crops.outlines, cells)
    assert cells == (1, 1) or most < 1
    share, even = attention["share"], attention["expected"]
    elsewhere = share is None or share < most / 2 or share <= even * (1 + 1e-4)  # no better than even
    assert ("looks_elsewhere" in codes(found)) == elsewhere


def test_other_models_have_neither(ball):
    found = score_case({"case": files(*ball), "model": "lipoma-size"}, quiet)
    assert (found["network"], found["attention"]) == (None, None)
    with pytest.raises(InputError, match="looks at no picture"):
        explain_case({"case": files(*ball), "model": "lipoma-size"}, quiet)


def test_the_same_alone_in_a_cohort_and_from_another_voxel_order(model, ball, tmp_path):
    alone = score(model, ball)
    table = tmp_path / "cohort.csv"
    other = write_ball(tmp_path / "other", 12, (2, 2, 4), seed=4)
    table.write_text(f"patient,image,mask\na,{other[0]},{other[1]}\nb,{ball[0]},{ball[1]}\n")
    together = score_cohort({"table": str(table), "model": str(model.folder)}, quiet)["results"][1]
    for name in ("probability", "interval", "verdict", "network", "attention"):
        assert together[name] == alone[name], name
    turned = []
    for path in ball:
        image = nib.as_closest_canonical(nib.load(path))
        turned.append(tmp_path / f"turned-{path.name}")
        nib.save(image.as_reoriented(nib.orientations.axcodes2ornt("PSR", (("L", "R"), ("P", "A"), ("I", "S")))),
                 turned[-1])
    found = score(model, turned)
    assert nib.aff2axcodes(nib.load(turned[0]).affine) != nib.aff2axcodes(nib.load(ball[0]).affine)
    assert found["probability"] == pytest.approx(alone["probability"], abs=1e-6)
    assert found["attention"]["share"] == pytest.approx(alone["attention"]["share"], abs=1e-4)


def test_written_maps_lie_on_the_image(model, ball, tmp_path):
    found = score(model, ball, out=str(tmp_path / "out"))
    image = nib.load(ball[0])
    for name in ("gradcam", "occlusion"):
        written = nib.load(tmp_path / "out" / f"{name}.nii.gz")
        assert written.shape == image.shape
        assert np.allclose(written.affine, image.affine)
        finite = np.isfinite(np.asarray(written.dataobj))
        assert np.flatnonzero(finite.any(axis=(0, 1))).tolist() == found["attention"]["slices"]
    assert json.loads((tmp_path / "out" / "score.json").read_text())["attention"] == found["attention"]


def test_several_sequences(model, ball, tmp_path):
    image, mask = ball
    second = write_ball(tmp_path, 14, (2, 2, 4), level=100, name="t2", seed=9)[0]
    images = {"t2": str(second), "t1": str(image)}
    found = score_case({"case": files(image, mask, images=images), "model": str(model.folder)}, quiet)
    assert found["attention"]["sequence"] == "t1"
    assert found["probability"] == score(model, ball)["probability"]
    assert "sequence_chosen" in codes(found)
    named = write_networks(tmp_path / "t2-net", crop={"set": "largest_slice", "size": 16, "sequence": "t2"})
    found = score_case({"case": files(image, mask, images=images), "model": str(named.folder)}, quiet)
    assert found["attention"]["sequence"] == "t2"
    assert score(named, ball)["attention"]["sequence"] == "image", "a single image is taken whatever it is called"
    case = Case("c", {name: Volume(np.zeros((2, 2, 2)), np.eye(4)) for name in ("t1", "pd")}, None,
                dict.fromkeys(("t1", "pd"), load_case(CaseFiles.parse(files(*ball))).acquisition["image"]))
    kept, [caution] = choose_sequences(case, named)
    assert list(kept.images) == ["t1"]
    assert "It was trained on t2, which is not among them." in caution.message


@pytest.mark.parametrize("method", ["gradcam", "occlusion"])
def test_a_map_is_drawn_once(model, ball, method, monkeypatch, tmp_path):
    ask = {"case": files(*ball), "model": str(model.folder), "method": method}
    told = []
    first = explain_case(ask, lambda fraction, _message: told.append(fraction))
    assert told == sorted(told)
    assert first.pop("cached") is False
    drawn = np.load(first["map"])
    image = nib.load(ball[0])
    assert (drawn.shape, drawn.dtype) == (image.shape, np.float32)
    assert np.flatnonzero(np.isfinite(drawn).any(axis=(0, 1))).tolist() == first["slices"]
    assert first["axis"] == 2
    assert set(first) == {"method", "sequence", "label", "class", "share", "expected", "map", "slices", "axis",
                          "caution"}
    if method == "gradcam":
        assert np.nanmin(drawn) >= 0
        assert np.nanmax(drawn) <= 1
        told_by_score = score(model, ball)["attention"]
        assert {name: first[name] for name in told_by_score} == told_by_score
    monkeypatch.setattr(looking, "look_at", lambda *_args, **_more: pytest.fail("drawn again"))
    copies = [tmp_path / path.name for path in ball]
    for path, copy in zip(ball, copies, strict=True):
        copy.write_bytes(path.read_bytes())
    again = explain_case({**ask, "case": {**files(*copies), "id": "Another name"}}, quiet)
    assert again.pop("cached") is True
    assert again == first
    kept = [path for path in (data_folder() / "cache").rglob("*") if path.is_file()]
    told = "".join(str(path.relative_to(data_folder())) for path in kept)
    told += "".join(path.read_text() for path in kept if path.suffix == ".json")
    assert not any(word in told for word in ("Case one", "t1.nii", str(ball[0].parent)))


def test_a_damaged_map_is_drawn_again_and_another_case_or_model_has_its_own(model, ball, tmp_path):
    ask = {"case": files(*ball), "model": str(model.folder)}
    first = explain_case(ask, quiet)
    path = Path(first["map"])
    path.write_bytes(path.read_bytes()[:100])
    again = explain_case(ask, quiet)
    assert again["cached"] is False
    assert np.load(again["map"]).shape == nib.load(ball[0]).shape
    other = write_networks(tmp_path / "other-net", seed=7)
    assert explain_case({**ask, "model": str(other.folder)}, quiet)["cached"] is False
    dilated = tmp_path / "mask.nii.gz"
    mask = nib.load(ball[1])
    nib.save(nib.Nifti1Image(np.roll(np.asarray(mask.dataobj), 1, axis=0), mask.affine), dilated)
    assert explain_case({**ask, "case": files(ball[0], dilated)}, quiet)["cached"] is False


def test_a_table_of_images_is_tested_and_one_of_features_refused(model, ball, tmp_path):
    rows = ["patient,image,mask,label"]
    for place in range(4):
        image, mask = write_ball(tmp_path / str(place), 11 + place, (3, 3, 4), seed=place)
        rows.append(f"p{place},{image},{mask},{('lipoma', 'ALT')[place % 2]}")
    table = tmp_path / "cohort.csv"
    table.write_text("\n".join(rows) + "\n")
    found = evaluate({"bundle": str(model.folder), "table": str(table), "out": str(tmp_path / "out")}, quiet)
    assert found["cases"] == 4
    assert found["failed"] == []
    assert found["unlike_training"]["value"] == 0.0
    alone = score(model, [tmp_path / "2" / name for name in ("t1.nii.gz", "mask.nii.gz")])["probability"]
    written = pd.read_csv(tmp_path / "out" / "predictions.csv")
    assert written["probability"][2] == pytest.approx(alone, abs=1e-12)
    assert (written["distance_over_limit"] < 1).all()
    features = tmp_path / "features.csv"
    features.write_text("patient,label,volume_ml\na,lipoma,3\nb,ALT,5\nc,ALT,7\nd,lipoma,4\n")
    with pytest.raises(InputError, match="looks at pictures, and the table has no columns 'image' and 'mask'"):
        evaluate({"bundle": str(model.folder), "table": str(features), "out": str(tmp_path / "o")}, quiet)


def test_a_size_unlike_the_training_is_told(model, tmp_path):
    found = score(model, write_ball(tmp_path, 55, (5, 5, 5)))
    assert "outside_training_range" in codes(found)
    message = next(each["message"] for each in found["cautions"] if each["code"] == "outside_training_range")
    assert "than in any of the 10 training cases" in message


def test_the_terminal_says_where_it_looked(model, ball, capsys):
    assert run_command_line(["score", *map(str, ball), "--model", str(model.folder)]) == 0
    said = capsys.readouterr().out
    assert f"Answered by 2 networks (cnn-small), {model.specification.estimator.parameters:,} parameters." in said
    assert "A map shows where the network's answer came from" in said


def test_facts_are_those_of_the_contract(model, ball):
    assert set(score(model, ball)["network"]) == KEYS
    assert Bundle.load(model.folder).takes_pictures

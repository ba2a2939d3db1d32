"""Reports: HTML, PDF and JSON say the same, say all of it, and let nothing through that a case's name smuggles in."""

import html
import json
import re

import pytest

from app.core.errors import InputError
from app.core.report.looked import describe_look
from app.core.report.score import draw_scale, headline, sentences, write_report
from app.core.workflows import export_report, score_case
from tests.core.pdf_text import read_pdf
from tests.core.small_cohorts import quiet, write_ball


@pytest.fixture(scope="module")
def score(tmp_path_factory):
    image, mask = write_ball(tmp_path_factory.mktemp("report"), 5, (1, 1, 6))
    return score_case({"case": {"id": "case 7", "images": {"image": str(image)}, "mask": str(mask)},
                       "model": "lipoma-size"}, quiet)


def write(score, path, pictures=()):
    write_report(score, path, pictures)
    if path.suffix == ".pdf":
        return read_pdf(path.read_bytes())
    text = re.sub(r"<(style|svg).*?</\1>", " ", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", " ", text)))


@pytest.mark.parametrize("suffix", [".html", ".pdf"])
def test_report_says_everything(score, tmp_path, suffix):
    text = write(score, tmp_path / f"report{suffix}")
    assert "Research use only, not a medical device." in text
    assert "case 7" in text
    low, high = score["interval"]
    assert f"Probability of ALT/WDL {figure(score['probability'])} ({low:.2f} to {high:.2f})" in text
    assert f"Cautions ({len(score['cautions'])})" in text
    assert {"tiny_mask", "outside_training_range", "anisotropy"} <= {each["code"] for each in score["cautions"]}
    for caution in score["cautions"]:
        assert caution["message"] in text
    for sentence in sentences(score):
        assert sentence in text
    assert "Tumour volume" in text or "Volume" in text
    assert f"{score['contributions'][0]['effect']:+.2f}" in text
    assert score["model_purpose"] in text
    assert "place outline image" in text
    assert score["versions"]["model_digest"][:16] in text.replace(" ", "")
    assert "Demonstration, synthetic data" not in text
    assert "Demonstration, synthetic data." in write({**score, "demonstration": True}, tmp_path / f"d{suffix}")


def figure(probability):
    if probability < 0.001:
        return "<0.001"
    return f"{probability:.3f}" if probability < 0.0995 else f"{probability:.2f}"


def test_sentences_hold_the_figures(score):
    text = " ".join(sentences(score))
    assert "half of them ALT/WDL" in text
    assert "Where 1 in 100 is ALT/WDL" in text
    assert "below the threshold 0.174, at which the model found 98 % of ALT/WDL and cleared 32 % of lipoma" in text
    assert "at or above the threshold" in " ".join(sentences({**score, "probability": 0.174}))
    low, high = score["interval"]
    assert (f"({low:.2f} to {high:.2f} if the outline were drawn slightly differently and the model fitted on other "
            "patients)") in text
    for share, words in ((0.0004, "fewer than 1 of 100"), (0.047, "about 5 of 100"), (0.998, "more than 99 of 100")):
        prevalence = {"training": 0.5, "used": 0.3, "probability_at_used": share}
        assert f"Where 30 in 100 are ALT/WDL, {words} such" in " ".join(sentences({**score, "prevalence": prevalence}))


def test_headline_of_every_verdict(score):
    assert headline(score).startswith("Looks like lipoma." if score["verdict"] == "lipoma" else "Uncertain")
    assert headline({**score, "verdict": "ALT/WDL"}).startswith("Looks like ALT/WDL. Probability")
    assert "cannot tell at the error rate chosen (5 %)" in headline({**score, "verdict": "uncertain"})
    assert headline({**score, "verdict": "unlike_training"}).startswith("No verdict: this tumour is unlike those")
    assert headline({**score, "demonstration": True}).startswith("Demonstration, synthetic data. ")


def test_scale_puts_marks_where_the_numbers_are(score):
    drawn = draw_scale(score)
    assert f'<circle cx="{10 + 480 * score["probability"]:.1f}"' in drawn
    assert f'x1="{10 + 480 * 0.174:.1f}" y1="14"' in drawn
    assert f'width="{480 * (score["interval"][1] - score["interval"][0]):.1f}"' in drawn
    assert "polygon" not in drawn, "the share in training has not looked at the case"
    volume = {"name": "volume", "probability": 0.25, "title": "Tumour volume alone"}
    assert f'points="{10 + 480 * 0.25 - 6:.1f},8' in draw_scale({**score, "comparator": volume})
    assert "polygon" not in draw_scale({**score, "comparator": None})


def test_html_in_a_name_stays_text(score, tmp_path):
    evil = "<script>alert('x')</script>"
    spoilt = {**score, "case": evil, "cautions": [{"code": "x", "message": evil}], "model_purpose": evil,
              "trace": [{"step": evil, "settings": {"a": evil}, "seconds": 1.0}], "versions": {evil: evil}}
    write_report(spoilt, tmp_path / "r.html", [])
    raw = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "<script" not in raw
    assert raw.count("&lt;script&gt;") >= 6
    assert evil in write(spoilt, tmp_path / "r.pdf")


@pytest.mark.parametrize("name", ["Жданова 12", "Ελένη", "Łódź-ß", "患者一", "مريض", "a\nb\tc", "x" * 300])
def test_names_in_any_script(score, tmp_path, name):
    named = {**score, "case": name}
    assert write(named, tmp_path / "r.html").count(re.sub(r"\s+", " ", name)) >= 2
    text = write(named, tmp_path / "r.pdf")
    assert f"Probability of ALT/WDL {figure(score['probability'])}" in text
    if name in ("Жданова 12", "Ελένη", "Łódź-ß"):
        assert f"LipoScope - case {name}" in text
    write_report(named, tmp_path / "r.json", [])
    assert json.loads((tmp_path / "r.json").read_text(encoding="utf-8")) == named


def test_picture_is_inside(score, tmp_path):
    from PIL import Image

    Image.new("RGB", (40, 30), (200, 10, 10)).save(tmp_path / "view.png")
    for suffix, mark in ((".html", b"data:image/png;base64,"), (".pdf", b"/Width 40")):
        write_report(score, tmp_path / f"with{suffix}", [tmp_path / "view.png"])
        write_report(score, tmp_path / f"without{suffix}", [])
        assert mark in (tmp_path / f"with{suffix}").read_bytes()
        assert mark not in (tmp_path / f"without{suffix}").read_bytes()


def test_html_stands_alone(score, tmp_path):
    write_report(score, tmp_path / "r.html", [])
    raw = (tmp_path / "r.html").read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
    assert "http" not in raw
    assert "src=" not in raw


def test_missing_feature_value_and_no_comparator(score, tmp_path):
    changed = {**score, "comparator": None, "trace": [],
               "contributions": [{"feature": "volume_ml", "value": None, "effect": 0.0}]}
    for suffix in (".html", ".pdf"):
        text = write(changed, tmp_path / f"r{suffix}")
        assert "missing" in text
        assert "As they are stored." in text


def test_other_endings_are_refused(score, tmp_path):
    with pytest.raises(InputError, match=r"cannot be written as '\.docx'"):
        write_report(score, tmp_path / "r.docx", [])
    assert list(tmp_path.iterdir()) == []


def test_workflow_writes_where_it_is_told(score, tmp_path):
    out = tmp_path / "new" / "r.PDF"
    assert export_report({"score": score, "out": str(out)}, quiet) == {"written": [str(out)]}
    assert out.read_bytes().startswith(b"%PDF-")


IDENTITY = {"patient_name": "Doe, Jane", "patient_id": "4711-X", "birth_date": "1950-02-03", "sex": "F",
            "study_date": "2024-05-06", "institution": "St Elsewhere", "ward": "secret"}


@pytest.mark.parametrize("suffix", [".html", ".pdf", ".json"])
def test_identity_stays_out_unless_it_is_given_and_out_of_json_always(score, tmp_path, suffix):
    plain, named = tmp_path / f"plain{suffix}", tmp_path / f"named{suffix}"
    export_report({"score": score, "out": str(plain)}, quiet)
    export_report({"score": score, "out": str(named), "identity": IDENTITY}, quiet)
    if suffix == ".json":
        assert named.read_bytes() == plain.read_bytes()
        assert b"Doe" not in named.read_bytes()
        return
    texts = [read_pdf(path.read_bytes()) if suffix == ".pdf" else path.read_text(encoding="utf-8")
             for path in (plain, named)]
    assert "Doe, Jane, 4711-X, 1950-02-03, F, 2024-05-06, St Elsewhere" in texts[1]
    assert not any(value in texts[0] for value in ("Doe", "4711", "Elsewhere", "1950-02-03"))
    assert "secret" not in texts[1]


NETWORK = {"kind": "cnn-small", "networks": 3, "parameters": 1173507, "device": "CPU", "spread_networks": 0.4,
           "spread_views": 0.2}
LOOKED = {"label": 1, "class": "ALT/WDL", "sequence": "t1", "share": 0.37, "expected": 0.36, "slices": [4, 8]}


@pytest.mark.parametrize("suffix", [".html", ".pdf"])
def test_a_networks_report_says_where_it_looked_and_names_no_features(score, tmp_path, suffix):
    plain = write({**score, "network": None, "attention": None}, tmp_path / f"plain{suffix}")
    assert "network looked" not in plain
    assert "What moved the score" in plain
    text = write({**score, "contributions": [], "network": NETWORK, "attention": LOOKED},
                      tmp_path / f"network{suffix}")
    assert "3 networks (cnn-small), 1,173,507 parameters." in text
    assert "37 % of what the network looked at (Grad-CAM, for ALT/WDL) lies in the tumour" in text
    assert "not where the disease is." in text
    assert "and the network fitted on other patients" in text
    assert "of the networks 0.40, of varied pictures 0.20." in text
    alone = write({**score, "network": {**NETWORK, "networks": 1, "spread_networks": 0.0}, "attention": LOOKED},
                  tmp_path / f"alone{suffix}")
    assert "one network cannot tell what other patients would have taught" in " ".join(alone.split())
    assert "of the networks" not in alone
    assert "What moved the score" not in text


def test_a_map_of_nothing_is_told_without_a_figure(score):
    assert describe_look({**score, "network": NETWORK, "attention": {**LOOKED, "share": None}})[2] == (
        "No place in the pictures spoke for ALT/WDL.")

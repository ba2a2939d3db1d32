"""Reports: HTML, PDF and JSON say the same, say all of it, and let nothing through that a case's name smuggles in."""

import html
import json
import re

import pytest

from app.core.errors import InputError
from app.core.report import draw_scale, headline, sentences, write_report
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
    assert f"Probability of ALT/WDL {score['probability']:.2f} ({low:.2f} to {high:.2f})" in text
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


def test_sentences_hold_the_figures(score):
    text = " ".join(sentences(score))
    assert "50% of them ALT/WDL" in text
    assert "Where 1 in 100 is ALT/WDL" in text
    assert "below the threshold 0.174, at which the model found 98% of ALT/WDL and cleared 32% of lipoma" in text
    assert "at or above the threshold" in " ".join(sentences({**score, "probability": 0.174}))
    share = 100 * score["prevalence"]["probability_at_used"]
    assert f"about {share:.2g} of 100" in text


def test_headline_of_every_verdict(score):
    assert headline(score).startswith("Looks like lipoma." if score["verdict"] == "lipoma" else "Uncertain")
    assert headline({**score, "verdict": "ALT/WDL"}).startswith("Looks like ALT/WDL. Probability")
    assert "cannot tell at the error rate chosen (5%)" in headline({**score, "verdict": "uncertain"})
    assert headline({**score, "verdict": "unlike_training"}).startswith("Unlike the training cases: no verdict.")


def test_scale_puts_marks_where_the_numbers_are(score):
    drawn = draw_scale(score)
    assert f'<circle cx="{10 + 480 * score["probability"]:.1f}"' in drawn
    assert f'x1="{10 + 480 * 0.174:.1f}" y1="14"' in drawn
    assert f'width="{480 * (score["interval"][1] - score["interval"][0]):.1f}"' in drawn
    assert "polygon" in drawn
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
    assert f"Probability of ALT/WDL {score['probability']:.2f}" in text
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

"""The report of a run: HTML and PDF say the same, say all of it, stand alone, and claim nothing that was not done."""

import html
import json
import re
import xml.etree.ElementTree as ET

import pytest

from app.core.bundle import write_bundle
from app.core.errors import BundleError, InputError, RecipeError
from app.core.paths import program_folder
from app.core.report.checklist import EVIDENCE, declarable, mark_checklist
from app.core.report.content import compose, list_settings
from app.core.workflows import evaluate, export_results
from app.core.workflows.results import as_json
from app.core.workflows.results_training import describe_training
from tests.core.pdf_text import read_pdf
from tests.core.small_cohorts import quiet, write_features
from tests.core.trained_run import make_run


@pytest.fixture(scope="module")
def run():
    specification, evaluation, _ = make_run()
    return specification, as_json(evaluation)


@pytest.fixture(scope="module")
def view(run):
    return as_json(describe_training(*run, {}))


@pytest.fixture(scope="module")
def folder(run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundle") / "small"
    write_bundle(folder, run[0], "# A small model\n", run[1])
    return folder


@pytest.fixture(scope="module")
def texts(folder):
    """The words of both, written with something declared."""
    found = {}
    for suffix in (".html", ".pdf"):
        path = folder.parent / f"report{suffix}"
        asked = {"model": str(folder), "out": str(path), "declared": {"ethics": "Approved by <board> 7 & co."}}
        assert export_results(asked, quiet) == {"written": [str(path)]}
        found[suffix] = read_pdf(path.read_bytes()) if suffix == ".pdf" else words(path.read_text(encoding="utf-8"))
    return found


def words(raw):
    text = re.sub(r"<(style|svg).*?</\1>", " ", raw, flags=re.DOTALL)
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", " ", text)))


@pytest.mark.parametrize("suffix", [".html", ".pdf"])
def test_report_says_everything(texts, view, run, suffix):
    text = texts[suffix]
    assert "Research use only, not a medical device." in text
    assert "A small model" in text
    low, high = view["roc"]["wide"]["auc"]["interval"]
    assert f"'wide': AUC {view['roc']['wide']['auc']['mean']:.3f} ({low:.3f} to {high:.3f})" in text
    assert view["headline"]["sentence"] in text
    assert view["selection"]["sentence"] in text
    assert view["methods"] in text
    for each in [*view["cautions"], *(row for name in view["models"] for row in view["metrics"][name])]:
        assert each.get("message", each.get("name")) in text
    for row in view["metrics"]["wide"]:
        assert row["explained"] in text
        assert f"{row['mean']:.3f}" in text
    assert "Could not be measured" in text
    assert run[1]["folds"]["digest"] in text.replace(" ", "")
    assert "liposcope 0.1.0, scikit-learn 1.9" in text
    assert "Approved by <board> 7 & co." in text
    assert "10.1186/s13244-023-01415-8" in text
    assert "10.1186/s13244-023-01572-w" in text
    assert text.count("○ missing") > 20
    assert "harmonise.unseen" in text
    assert "prep.n4.iterations" in text
    assert "None" not in text.replace("None was done.", "")
    assert "nan" not in text.split()


def test_html_stands_alone_and_draws_every_figure(folder, texts):
    assert texts
    raw = (folder.parent / "report.html").read_text(encoding="utf-8")
    drawings = re.findall(r"<svg.*?</svg>", raw, flags=re.DOTALL)
    assert len(drawings) == 7
    ids = []
    for drawn in drawings:
        tree = ET.fromstring(drawn)  # noqa: S314 - our own
        own = [each.get("id") for each in tree.iter() if each.get("id")]
        ids += own
        assert tree.get("role") == "img"
        assert tree.get("aria-label")
        assert "width" not in tree.attrib
        used = re.findall(r'(?:url\(#|href="#)([^")]+)', drawn)
        assert set(used) <= set(own)
    assert len(ids) == len(set(ids)), "ids of one drawing are not those of another"
    rest = re.sub(r"http://www\.w3\.org/(2000/svg|1999/xlink)", "", raw)
    assert "http" not in rest
    assert " src=" not in rest
    assert "<script" not in rest


def test_nothing_in_a_name_becomes_markup(run, tmp_path):
    specification, evaluation = run
    evil = "<script>alert('x')</script>"
    spoilt = json.loads(json.dumps(evaluation))
    spoilt["cautions"] = [{"code": "x", "message": evil}]
    spoilt["models"]["wide"]["by_site"][0]["level"] = evil
    write_bundle(tmp_path / "m", specification.model_copy(update={"title": evil}), "", spoilt)
    export_results({"model": str(tmp_path / "m"), "out": str(tmp_path / "r.html")}, quiet)
    raw = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "<script" not in raw
    assert raw.count("&lt;script&gt;") >= 3


def test_a_run_without_audit_or_answers_or_rivals_still_has_a_report(run, tmp_path):
    specification, evaluation = run
    bare = json.loads(json.dumps(evaluation))
    for name in ("audit", "learning_curve", "recipes", "seed", "selection"):
        bare.pop(name)
    bare["folds"].pop("tests")
    bare["comparators"] = {}
    bare["models"] = {"wide": {**bare["models"]["wide"], "headline": None, "by_site": [], "subgroups": []}}
    write_bundle(tmp_path / "m", specification, "", bare)
    for suffix in (".html", ".pdf"):
        export_results({"model": str(tmp_path / "m"), "out": str(tmp_path / f"r{suffix}")}, quiet)
    text = words((tmp_path / "r.html").read_text(encoding="utf-8"))
    assert "the only model" in text
    assert "Audit" not in text
    assert "tumour volume alone" not in text


def test_figures_of_the_whole_view(view, run):
    specification = run[0].model_dump(mode="json")
    content = compose(view, specification, run[1]["recipes"], {}, "png")
    titles = [each.title for each in content.pictures]
    assert titles == ["ROC curves", "Calibration", "Decision curve", "By site", "Features and their stability", "Audit",
                      "Learning curve"]
    assert all(each.drawn.startswith(b"\x89PNG") for each in content.pictures)


@pytest.mark.parametrize(("name", "count"), [("clear", 58), ("metrics", 30)])
def test_checklists_are_whole(view, run, name, count):
    path = program_folder() / "resources" / "report" / f"{name}.json"
    items = json.loads(path.read_text(encoding="utf-8"))["items"]
    assert [item["number"] for item in items] == list(range(1, count + 1))
    assert all(item["evidence"] is None or item["evidence"] in {*EVIDENCE, "networks"} for item in items)
    assert all(item["evidence"] or item["declare"] for item in items)
    marked = mark_checklist(name, view, run[0].model_dump(mode="json"), {})
    assert len(marked.items) == count
    assert {item.state for item in marked.items} >= {"computed", "missing"}
    everything = dict.fromkeys(declarable(), "said")
    full = mark_checklist(name, view, run[0].model_dump(mode="json"), everything)
    assert {item.number for item in full.items if item.state == "missing"} <= {
        item["number"] for item in items if item["declare"] is None}


def test_what_is_computed_depends_on_what_was_done(view, run):
    def states(seen, **changes):
        specification = run[0].model_dump(mode="json") | changes
        return {item.number: item.state for item in mark_checklist("clear", seen, specification, {"ethics": " "}).items}

    told = states(view)
    assert (told[42], told[43], told[36], told[21], told[8]) == ("computed",) * 4 + ("missing",)
    assert told[6] == "declared", "the model's purpose"
    alone = {**view, "comparators": [], "advice": None, "headline": None, "importance": {}, "measured": False}
    told = states(alone)
    assert (told[42], told[43], told[36], told[21], told[25], told[28]) == ("missing",) * 6


def test_settings_common_to_all_models_stand_once():
    seen = {"measured": True, "folds": {"k": 7}, "seed": 3}
    told = [row for row in list_settings({"a": {"k": 1, "deep": {"x": [1, 2]}}, "b": {"k": 2, "deep": {"x": [1, 2]}}},
                                         seen).rows if row[0] != "run"]
    assert told == [("all", "deep.x", "1, 2"), ("a", "k", "1"), ("b", "k", "2")]
    rows = list_settings({"a": {"k": None, "m": [{"z": True}]}}, seen).rows
    assert rows[-2:] == (("a", "k", "none"), ("a", "m[1].z", "true"))
    assert {("run", "folds", "7"), ("run", "seed", "3")} <= set(rows)


def test_settings_that_were_not_used_are_not_told(view, run):
    keys = {key for _, key, _ in list_settings(run[1]["recipes"], {**view, "measured": False}).rows}
    assert "model.kind" in keys
    assert not any(key.startswith(("prep.", "features.")) for key in keys)
    whole = {key for _, key, _ in list_settings(run[1]["recipes"], view).rows}
    assert {"prep.n4.levels", "features.bin_count", "folds", "seed"} <= whole
    assert "model.folds" not in whole, "the run's own folds stand in its place"


def test_external_test_has_a_report(tmp_path):
    table = write_features(tmp_path / "t.csv", 60, 1.2, seed=7)
    evaluate({"bundle": "lipoma-size", "table": str(table), "out": str(tmp_path / "out"), "label": "label",
              "positive": "ALT", "patient": "patient", "site": "site"}, quiet)
    for suffix in (".html", ".pdf"):
        path = tmp_path / f"r{suffix}"
        export_results({"external": str(tmp_path / "out" / "evaluation.json"), "out": str(path)}, quiet)
        text = read_pdf(path.read_bytes()) if suffix == ".pdf" else words(path.read_text(encoding="utf-8"))
        assert "External test" in text
        assert "In its own training run: AUC 0.827 (0.745 to 0.896)." in text
        assert "DeLong" in text
        assert "CLEAR" not in text
        assert "P000" not in text, "no patient is named"


def test_what_cannot_be_written_is_refused_before_the_work(folder, tmp_path):
    for asked, message in (
        ({"out": str(tmp_path / "r.docx")}, r"cannot be written as '\.docx'"),
        ({}, "needs a place"),
        ({"out": str(tmp_path / "r.html"), "declared": {"ethic": "x"}}, "Nothing is declared as 'ethic'"),
    ):
        with pytest.raises(InputError, match=message):
            export_results({"model": str(folder), **asked}, quiet)
    with pytest.raises(RecipeError, match="either a model or an external test"):
        export_results({"out": str(tmp_path / "r.html")}, quiet)
    with pytest.raises(BundleError):
        export_results({"model": "nobody", "out": str(tmp_path / "r.html")}, quiet)
    assert list(tmp_path.iterdir()) == []

"""Anonymised: nobody is recognised by a score, a report, a table or a file's name; nothing else is lost."""

import csv
import gzip
import json
import re
import shutil

import pandas as pd
import pytest

from app.cli import run_command_line
from app.core.report.anonymous import (
    anonymise_result,
    anonymise_score,
    anonymise_table,
    name_sequences,
    number_each,
    veil,
)
from app.core.requests import CaseFiles
from app.core.workflows import export_report
from tests.core.pdf_text import read_pdf
from tests.core.small_cohorts import quiet, write_ball, write_features

NAME, SITE = "Holunderbeck_Irmgard", "Klinikum Quittenbach"


def contents(folder):
    """Everything that a folder's files say, by name."""
    told = {}
    for path in (each for each in folder.rglob("*") if each.is_file()):
        data = path.read_bytes()
        unpacked = gzip.decompress(data)[:400] if data[:2] == b"\x1f\x8b" else b""
        words = read_pdf(data).encode() if data[:4] == b"%PDF" else b""
        told[path.relative_to(folder).as_posix()] = data + unpacked + words
    return told


def telling(folder, *words):
    pattern = re.compile("|".join(map(re.escape, words)).encode(), re.IGNORECASE)
    return [name for name, data in contents(folder).items() if pattern.search(name.encode()) or pattern.search(data)]


def say(capsys, *words):
    capsys.readouterr()
    status = run_command_line([*map(str, words), "--json"])
    spoken = capsys.readouterr()
    assert status == 0, spoken.err
    return json.loads(spoken.out), spoken.out


def test_a_score_and_all_that_is_written_of_it(tmp_path, capsys):
    folder = tmp_path / f"{NAME} 2019-04-02"
    image, mask = write_ball(folder, 5, (1, 1, 6), name=f"{NAME}_t1_native")
    words = ("score", image, mask, "--site", SITE, "--out")
    plain, _ = say(capsys, *words, tmp_path / "plain")
    hidden, said = say(capsys, *words, tmp_path / "hidden", "--anonymise")
    assert hidden["case"] == "case"
    assert hidden["anonymised"] is True
    for same in ("probability", "interval", "verdict", "features", "prevalence", "threshold", "versions"):
        assert hidden[same] == plain[same]
    assert [each["code"] for each in hidden["cautions"]] == [each["code"] for each in plain["cautions"]]
    told = (NAME, "Quittenbach", "2019-04-02", str(tmp_path))
    assert not re.search("|".join(map(re.escape, told)), said)
    assert telling(tmp_path / "hidden", *told) == []
    assert {"score.html", "score.pdf", "score.json"} <= set(telling(tmp_path / "plain", *told))
    assert {path.name for path in (tmp_path / "hidden").iterdir()} == {
        "score.html", "score.pdf", "score.json", "image_prepared.nii.gz", "image_mask.nii.gz"}
    assert b"/CreationDate (D:20000101" in (tmp_path / "hidden" / "score.pdf").read_bytes()


def test_a_table_of_cases_is_numbered_faults_included(tmp_path, capsys):
    for place in range(3):
        write_ball(tmp_path / f"{NAME}{place}", 5 + place, (1, 1, 3), name=f"{NAME}_t1")
    rows = [(f"{NAME}{place}", f"{NAME}{place}/{NAME}_t1.nii.gz", f"{NAME}{place}/mask.nii.gz") for place in range(3)]
    (tmp_path / f"{NAME}1" / "mask.nii.gz").write_bytes(b"broken")
    table = tmp_path / "cases.csv"
    with table.open("w", newline="") as file:
        csv.writer(file).writerows([("patient", "image", "mask"), *rows, (f"{NAME}9", "absent.nii", "absent.nii")])
    hidden, said = say(capsys, "score", table, "--out", tmp_path / "out", "--anonymise", "--jobs", "2")
    assert [each["case"] for each in hidden["results"]] == ["case-0001", "case-0002", "case-0003", "case-0004"]
    assert ["error" in each for each in hidden["results"]] == [False, True, False, True]
    assert NAME not in said
    assert str(tmp_path) not in said
    assert telling(tmp_path / "out", NAME) == []
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"case-0001", "case-0003"}


def test_features_of_a_cohort(tmp_path, capsys):
    for place in range(2):
        write_ball(tmp_path / "in" / f"{NAME}{place}", 9, (3, 3, 3), name="t1", seed=place)
    (tmp_path / "in" / f"{NAME}0" / "mask.nii.gz").write_bytes(b"broken")
    shutil.copy(tmp_path / "in" / f"{NAME}1" / "t1.nii.gz", tmp_path / "in" / f"{NAME}1" / "t2.nii.gz")
    hidden, said = say(capsys, "extract", tmp_path / "in", "--recipe", "lgg-shape", "--anonymise", "--out",
                       tmp_path / "out" / "features.csv")
    assert NAME not in said.replace(str(tmp_path), "")
    assert telling(tmp_path / "out", NAME) == []
    table, roles = pd.read_csv(tmp_path / "out" / "features.csv"), json.loads(
        (tmp_path / "out" / "features.roles.json").read_text())
    assert set(table["patient"]) <= {"case-0001", "case-0002"}
    assert not [name for name in table.columns if "manufacturer" in name or "model" in name]
    assert set(roles["feature"]) <= set(table.columns)
    assert hidden["measured"] == len(table)


def test_an_external_test(tmp_path, capsys):
    table = write_features(tmp_path / "cases.csv", 40, 1.0, patient=[f"{NAME}{place}" for place in range(40)],
                           site=[f"{SITE} {place % 3}" for place in range(40)])
    hidden, said = say(capsys, "evaluate", "lipoma-size", table, "--positive", "ALT", "--out", tmp_path / "out",
                       "--anonymise")
    assert NAME not in said
    assert SITE not in said
    assert telling(tmp_path / "out", NAME, SITE) == []
    assert set(hidden["sites"]) == {"site-01", "site-02", "site-03"}
    rows = pd.read_csv(tmp_path / "out" / "predictions.csv")
    assert rows["patient"].tolist() == [f"case-{place + 1:04d}" for place in range(40)]
    say(capsys, "report", tmp_path / "out", "--out", tmp_path / "report.html", "--anonymise")
    assert telling(tmp_path, SITE) == ["cases.csv"]


@pytest.mark.parametrize("suffix", [".html", ".pdf", ".json"])
def test_the_windows_report_hides_what_its_files_are_called(tmp_path, suffix):
    image, mask = write_ball(tmp_path / NAME, 5, (1, 1, 6), name=f"{NAME}_scan")
    files = {"id": NAME, "images": {f"{NAME}_scan": str(image)}, "mask": str(mask), "site": SITE}
    from app.core.workflows import score_case

    score = score_case({"case": files, "model": "lipoma-size"}, quiet)
    score["cautions"].append({"code": "soft_mask", "message": f"The outline {NAME}_scan.nii.gz of {mask} was drawn on "
                                                              "2019-04-02 at 'A'."})
    out = tmp_path / "out" / f"report{suffix}"
    out.parent.mkdir()
    asked = {"score": score, "out": str(out), "anonymise": True, "case": files, "identity": {"patient_name": NAME}}
    export_report(asked, quiet)
    assert telling(out.parent, NAME, SITE, "2019-04-02", str(tmp_path)) == []
    export_report({**asked, "anonymise": False}, quiet)
    assert telling(out.parent, NAME) == [out.name], "what is looked for would be found"


def test_words_of_the_field_stay():
    files = CaseFiles.parse({"id": "A", "images": {"t1_fs_gd": "/data/cases/image/t1.nii.gz"},
                             "mask": "/data/mask.nii"})
    told = "A large tumour of the image (3,100 ml) lies outside the mask's range; see 'A'. ALT/WDL in 12 of 85 cases."
    hidden = anonymise_score({"case": "A", "cautions": [{"code": "x", "message": told}]}, files)
    assert hidden["cautions"][0]["message"] == told.replace("'A'", "'case'")
    assert name_sequences(files) == {}
    assert veil({"SHA": "19990101abc", "n": 7, "x": None}, {}) == {"SHA": "19990101abc", "n": 7, "x": None}
    numbered = anonymise_score({"case": "12", "cautions": [{"code": "x", "message": "12 of 85 slices."}]})
    assert numbered["case"] == "case"
    assert numbered["cautions"][0]["message"] == "12 of 85 slices."


def test_own_names_of_sequences_are_replaced_everywhere():
    files = CaseFiles.parse({"id": "x1", "images": {"t1": "/d/a.nii", "doe_jane_late": "/d/b.nii"},
                             "mask": "/d/m.nii"})
    own = "doe_jane_late_original_firstorder_Mean"
    hidden = anonymise_score({"case": "x1", "features": {own: 1.5, "volume_ml": 2.0},
                              "contributions": [{"feature": own, "value": 1.5, "effect": 0.1}],
                              "cautions": [{"code": "x", "message": "doe_jane_late: slices are thick."}]}, files)
    assert "doe" not in json.dumps(hidden)
    assert hidden["features"] == {"image1_original_firstorder_Mean": 1.5, "volume_ml": 2.0}


def test_a_table_keeps_physics_and_labels():
    table = pd.DataFrame({"patient": ["b", "a", "b"], "site": ["X", None, "X"], "label": ["ALT", "lipoma", "ALT"],
                          "scan_date": ["x"] * 3, "acquisition_manufacturer": ["GE"] * 3,
                          "acquisition_echo_time": [9.0] * 3,
                          "seen": ["2019-04-02", "", ""], "where": ["/data/x/y.nii", "", ""], "age": [50, 60, 70]})
    told = anonymise_table(table)
    assert list(told.columns) == ["patient", "site", "label", "acquisition_echo_time", "age"]
    assert told["patient"].tolist() == ["case-0001", "case-0002", "case-0001"]
    assert told["site"].tolist() == ["site-01", "", "site-01"]
    assert list(table["patient"]) == ["b", "a", "b"]


def test_a_result_names_no_site():
    view = {"cases": {"case": ["anna", "berta"], "site": ["Ulm", "Bonn"], "label": [0, 1]},
            "sites": [{"site": "Bonn", "auc": 0.7}, {"site": "Ulm", "auc": 0.8}], "title": "Ulm's own words",
            "cautions": [{"message": "anna of Ulm was scanned at 'Bonn'."}], "advice": {"sentence": "Ulm differs."}}
    view["comparisons"], view["roc"] = [{"a": "logistic", "b": "rf"}], {"auc": 0.5}
    assert anonymise_result({**view, "sites": [{"site": "a"}, {"site": "auc"}]})["roc"] == {"auc": 0.5}
    told = anonymise_result(view)
    assert told["comparisons"] == view["comparisons"]
    assert told["cases"]["case"] == ["case-0001", "case-0002"]
    assert [row["site"] for row in told["sites"]] == ["site-01", "site-02"]
    assert told["cases"]["site"] == ["site-02", "site-01"]
    assert told["cautions"][0]["message"] == "case-0001 of site-02 was scanned at 'site-01'."
    assert number_each("site", ["x", None, "x", "y"]) == {"x": "site-01", "y": "site-02"}

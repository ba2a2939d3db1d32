"""Which cases a model was trained on stays with the user, whole or not at all."""

import json

import pytest

from app.core.paths import cases_folder, data_folder
from app.core.store.cases import find_cases, keep_cases

DIGEST = "ab" * 32
FILES = {"id": "Łódź 1", "images": {"image": "/data/1.nii.gz"}, "mask": "/data/1-mask.nii.gz"}


@pytest.fixture(autouse=True)
def own_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("LIPOSCOPE_DATA", str(tmp_path / "data"))


def test_cases_are_found_by_their_row():
    keep_cases(DIGEST, [7, 3], ["Łódź 1", "0042"], [FILES, None])
    assert find_cases(DIGEST) == {7: ("Łódź 1", FILES), 3: ("0042", None)}
    assert find_cases("cd" * 32) == {}
    assert find_cases("") == {}


def test_a_table_of_features_has_no_files():
    keep_cases(DIGEST, [0, 1], ["a", "b"])
    assert find_cases(DIGEST) == {0: ("a", None), 1: ("b", None)}


def test_keeping_again_replaces_and_leaves_one_file():
    keep_cases(DIGEST, [0], ["old"])
    keep_cases(DIGEST, [1], ["new"])
    assert find_cases(DIGEST) == {1: ("new", None)}
    assert [path.name for path in cases_folder().iterdir()] == [f"{DIGEST}.json"]
    assert cases_folder().parent == data_folder()


def test_a_damaged_file_knows_nothing():
    for text in ("", "[]", "{}", '{"row": [1], "case": [], "files": []}', json.dumps({"row": 1, "case": 2})):
        (cases_folder() / f"{DIGEST}.json").write_text(text, encoding="utf-8")
        assert find_cases(DIGEST) == {}


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="2 rows, 1 cases"):
        keep_cases(DIGEST, [0, 1], ["a"])
    with pytest.raises(ValueError, match="64 hexadecimal"):
        keep_cases("../evil", [0], ["a"])
    assert list(cases_folder().iterdir()) == []

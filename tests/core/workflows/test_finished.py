"""Finished cases are found by content: what makes a case another one, what does not, and what is never written."""

import json
import os
import shutil
import time

import nibabel as nib
import numpy as np
import pytest

from app.core.recipe import Recipe
from app.core.requests import CaseFiles
from app.core.workflows.finished import FinishedCases, program_digest
from app.core.workflows.measuring import measure_case, measure_cases
from tests.core.small_cohorts import quiet, write_ball

RECIPE = Recipe.parse({"name": "small", "features": {"classes": ["firstorder"]}})


@pytest.fixture
def files(tmp_path):
    image, mask = write_ball(tmp_path / "Doe_Jane_19700101", 12, (3, 3, 3), name="Doe_Jane_t1")
    return CaseFiles(id="Doe", images={"image": str(image)}, mask=str(mask))


@pytest.fixture
def finished(tmp_path):
    return FinishedCases(tmp_path / "cache", "program")


def test_what_plays_no_part(files, finished, tmp_path):
    key = finished.key(files, RECIPE)
    shutil.copytree(tmp_path / "Doe_Jane_19700101", tmp_path / "other")
    moved = {"image": str(tmp_path / "other" / "Doe_Jane_t1.nii.gz")}
    same = CaseFiles(id="x", images=moved, mask=files.mask, site="S", reading={"age": 3})
    assert finished.key(same, RECIPE) == key
    assert finished.key(files, RECIPE.model_copy(update={"name": "n", "description": "d", "comparator": "c"})) == key


def test_what_makes_another_case(files, finished, tmp_path):
    recipes = [RECIPE, Recipe.parse({"name": "small", "features": {"classes": ["firstorder"], "bin_width": 3}}),
               Recipe.parse({"name": "small", "features": {"classes": ["firstorder"]}, "prep": {"resample": {}}})]
    keys = [finished.key(files, recipe) for recipe in recipes]
    changes = ({"label": 2}, {"roi": "GTV"}, {"orientation": "las"}, {"images": {"t1": files.images["image"]}},
               {"mask": files.images["image"]}, {"mask": None})
    keys += [finished.key(files.model_copy(update=change), RECIPE) for change in changes]
    keys.append(FinishedCases(tmp_path / "cache", "other program").key(files, RECIPE))
    image = nib.load(files.images["image"])
    voxels = image.get_fdata(dtype=np.float32)
    voxels[0, 0, 0] += 1
    nib.save(nib.Nifti1Image(voxels, image.affine), files.images["image"])
    keys.append(finished.key(files, RECIPE))
    assert len(set(keys)) == len(keys)


def test_a_digest_is_recalled_but_never_for_other_bytes(tmp_path, finished, monkeypatch):
    path = tmp_path / "image.nii"
    path.write_bytes(b"one")
    files = CaseFiles(id="x", images={"image": str(path)})
    key = finished.key(files, RECIPE)
    notes = tmp_path / "cache" / "files"
    assert not notes.exists(), "what was written a moment ago may change within a tick of the clock"
    path.write_bytes(b"two")
    assert finished.key(files, RECIPE) != key
    path.write_bytes(b"one")
    old = time.time_ns() - 10**10
    os.utime(path, ns=(old, old))
    assert finished.key(files, RECIPE) == key
    assert not notes.exists(), "a time that was set tells nothing of when the file changed"
    monkeypatch.setattr("app.core.workflows.finished._SETTLED_NS", 0)
    assert finished.key(files, RECIPE) == key
    assert len([each for each in notes.rglob("*") if each.is_file()]) == 1
    monkeypatch.setattr("app.core.workflows.finished._digest_bytes", None)
    assert finished.key(files, RECIPE) == key
    os.utime(path, ns=(old + 1, old + 1))
    with pytest.raises(TypeError):
        finished.key(files, RECIPE)


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps no time of a file's last change of any kind")
def test_other_bytes_under_the_same_size_and_time_are_another_case(tmp_path, finished, monkeypatch):
    monkeypatch.setattr("app.core.workflows.finished._SETTLED_NS", 0)
    path = tmp_path / "mask.nii"
    files = CaseFiles(id="x", images={"image": str(path)})
    keys = set()
    for content in (b"one", b"two"):
        path.write_bytes(content)
        os.utime(path, ns=(10**18, 10**18))
        time.sleep(0.02)
        keys.add(finished.key(files, RECIPE))
    assert len(keys) == 2


@pytest.mark.parametrize(("image", "companion"), [("a.hdr", "a.img"), ("a.img", "a.hdr"), ("slice", "other_slice")])
def test_companions_count(tmp_path, finished, image, companion):
    for name in (image, companion):
        (tmp_path / name).write_bytes(name.encode())
    files = CaseFiles(id="x", images={"image": str(tmp_path / image)})
    key = finished.key(files, RECIPE)
    (tmp_path / companion).write_bytes(b"changed")
    assert finished.key(files, RECIPE) != key


def request(files, tmp_path):
    return {"case": files.model_dump(mode="json"), "recipe": RECIPE.model_dump(mode="json"),
            "cache": str(tmp_path / "cache"), "program": "program"}


def test_recalled_equals_measured_and_tells_its_cautions_again(files, tmp_path):
    image = nib.load(files.images["image"])
    nib.save(nib.Nifti1Image(image.get_fdata(dtype=np.float32)[:, :, 10:11], image.affine), files.images["image"])
    mask = nib.load(files.mask)
    nib.save(nib.Nifti1Image(np.asarray(mask.dataobj)[:, :, 10:11], mask.affine), files.mask)
    first, second = (measure_case(request(files, tmp_path)) for _ in range(2))
    assert (first["reused"], second["reused"]) == (False, True)
    assert first["names"] == second["names"]
    np.testing.assert_array_equal(first["values"], second["values"])
    assert first["acquisition"] == second["acquisition"]
    assert first["cautions"] == second["cautions"]
    assert any("Doe_Jane_t1.nii.gz is a single slice" in message for _, message in second["cautions"])
    renamed = tmp_path / "renamed.nii.gz"
    shutil.copy(files.images["image"], renamed)
    other = measure_case(request(files.model_copy(update={"images": {"image": str(renamed)}}), tmp_path))
    assert other["reused"]
    assert any("renamed.nii.gz is a single slice" in message for _, message in other["cautions"])


def test_nothing_kept_tells_a_patient(files, tmp_path, monkeypatch):
    test_recalled_equals_measured_and_tells_its_cautions_again(files, tmp_path)
    monkeypatch.setattr("app.core.workflows.finished._SETTLED_NS", 0)
    measure_case(request(files, tmp_path))
    kept = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert len(kept) >= 3
    for path in kept:
        told = str(path.relative_to(tmp_path)) + path.read_text()
        assert not any(word in told for word in ("Doe", "Jane", "1970", str(tmp_path)))


def test_a_damaged_record_is_measured_anew(files, tmp_path):
    measure_case(request(files, tmp_path))
    [kept] = (tmp_path / "cache" / "cases").rglob("*.json")
    whole = kept.read_bytes()
    for damaged in (b"", whole[:100], b"[]", b'{"features": {}}'):
        kept.write_bytes(damaged)
        assert not measure_case(request(files, tmp_path))["reused"]
        assert {**json.loads(kept.read_bytes()), "seconds": 0} == {**json.loads(whole), "seconds": 0}
    assert measure_case(request(files, tmp_path))["reused"]


def test_a_failure_is_not_kept(files, tmp_path):
    broken = files.model_copy(update={"mask": None})
    assert "outline" in measure_case(request(broken, tmp_path))["error"]
    gone = files.model_copy(update={"mask": str(tmp_path / "gone.nii")})
    assert "gone.nii" in measure_case(request(gone, tmp_path))["error"]
    assert not (tmp_path / "cache" / "cases").exists()


def test_a_cache_that_cannot_be_written_loses_no_answer(files, tmp_path):
    (tmp_path / "cache").write_text("in the way")
    answer = measure_case(request(files, tmp_path))
    assert answer["values"][0] > 0
    assert not answer["reused"]


def test_an_unforeseen_fault_is_told_and_logged_without_names(files, tmp_path, monkeypatch, own_data_folder):
    def crash(*_arguments):
        raise ZeroDivisionError(files.id)

    monkeypatch.setattr("app.core.radiomics.extract.extract", crash)
    answer = measure_cases([files], RECIPE, quiet)[0]
    assert "unforeseen happened (ZeroDivisionError)" in answer["error"]
    log = (own_data_folder / "logs" / "cohort.log").read_text()
    assert "ZeroDivisionError" in log
    assert "Doe" not in log


def test_the_program_digest_is_steady():
    assert program_digest() == program_digest()
    assert len(program_digest()) == 64

"""Which images make a case: one series or several ticked and named, several files with one outline, and again later."""

import shutil

import pytest
from PySide6.QtCore import Qt
from window_fixtures import case_files

from app.core.errors import Failure
from app.core.requests import CaseFiles
from app.core.workflows.sequences import list_images
from app.ui.sequences import places_of, with_images
from app.ui.widgets.sequence_picker import SequencePicker, guess_sequence, key_of_sequence, title_of_sequence

SERIES = [{"value": f"1.2.{n}", "title": title, "details": {"sequence": guess, "slices": "30"}, "thumbnail": [[0, 255]]}
          for n, (title, guess) in enumerate((("AX T1", "t1"), ("AX T1 FS GD", "t1_fs_gd"), ("AX T1 again", "t1")))]


def ask_series(driver):
    driver.open({"id": "P", "images": {"image": "/dicom/P"}, "mask": "/dicom/P/rs.dcm", "series": {"mask": "9.9"}})
    driver.jobs.failed.emit(driver.jobs.last("view_case"), Failure(
        "choice", "The folder holds 3 series, and the image is one of them.", "",
        extra={"field": "series", "about": "image", "options": SERIES}))
    return driver.page.notices.card()


def click(driver, button):
    driver.qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def test_several_series_are_named_and_read(driver):
    card = ask_series(driver)
    assert [row.box.isChecked() for row in card.picker.rows] == [True, True, False]
    assert [row.name.currentText() for row in card.picker.rows] == ["T1", "T1 fs Gd", "T1"]
    click(driver, card.use)
    case = driver.jobs.request("view_case")["case"]
    assert case["images"] == {"t1": "/dicom/P", "t1_fs_gd": "/dicom/P"}
    assert case["series"] == {"t1": "1.2.0", "t1_fs_gd": "1.2.1", "mask": "9.9"}
    assert driver.jobs.request("score_case")["case"] == case
    stored = driver.window.state.store
    driver.qtbot.waitUntil(lambda: stored.worklist()[0].case == CaseFiles.model_validate(case))


def test_one_series_needs_no_name(driver):
    card = ask_series(driver)
    card.picker.rows[1].box.setChecked(False)
    assert not card.picker.rows[0].name.isEnabled()
    click(driver, card.use)
    assert driver.jobs.request("view_case")["case"]["series"] == {"image": "1.2.0", "mask": "9.9"}


def test_two_of_one_name_are_refused_in_words(driver):
    card = ask_series(driver)
    card.picker.rows[2].box.setChecked(True)
    assert not card.use.isEnabled()
    assert card.problem.text() == "Two images are called T1. Give each its own name."
    card.picker.rows[2].name.setCurrentText("T1 repeat")
    assert card.use.isEnabled()
    for row in card.picker.rows:
        row.box.setChecked(False)
    assert card.problem.text() == "Tick at least one image."


def test_images_dropped_with_one_outline_become_one_case(driver):
    driver.window.open(["/x"])
    bare = [{"id": name, "images": {"image": f"/x/{name}.nii"}, "mask": None} for name in ("scan_t1", "scan_t2fs")]
    driver.jobs.answer("identify_drop", {"cases": bare, "tables": [], "notes": [], "unpaired": [
        {"path": "/x/roi.nii", "title": "roi.nii", "role_hint": "mask", "details": {}, "series": ""}]})
    driver.qtbot.waitUntil(lambda: driver.reading.worklist.rowCount() == 2)
    card = driver.page.notices.card("pairing")
    assert [row.name.currentText() for row in card.picker.rows] == ["T1", "T2 fs"]
    assert card.masks.currentText() == "roi.nii"
    card.picker.rows[1].box.setChecked(True)
    click(driver, card.add)
    assert driver.reading.worklist.rowCount() == 1
    case = driver.jobs.request("score_case")["case"]
    assert case["images"] == {"t1": "/x/scan_t1.nii", "t2_fs": "/x/scan_t2fs.nii"}
    assert case["mask"] == "/x/roi.nii"


def test_the_sequences_of_a_case_can_be_chosen_again(driver):
    driver.open(case_files("A", images={"t1": "/d/A", "t2": "/d/A"}, series={"t1": "1.2.0", "t2": "1.2.1"}))
    driver.show("A")
    driver.reading.ask_sequences()
    assert driver.jobs.request("list_images") == {"paths": ["/d/A"]}
    driver.jobs.answer("list_images", {"images": [{**one, "series": one["value"], "path": "/d/A"} for one in SERIES]})
    card = driver.page.notices.card("sequences")
    assert [(row.box.isChecked(), row.name.currentText()) for row in card.picker.rows] == [
        (True, "T1"), (True, "T2"), (False, "T1")]
    card.picker.rows[1].name.setCurrentText("My own name")
    click(driver, card.use)
    assert driver.entry.files["series"] == {"t1": "1.2.0", "my_own_name": "1.2.1"}
    assert driver.page.notices.card("sequences") is None


@pytest.mark.parametrize(("title", "guess"), [
    ("STS_T1.nii", "t1"), ("knee t2 fatsat", "t2_fs"), ("T1 fs post Gd", "t1_fs_gd"), ("scan7", ""), ("t10", "")])
def test_names_are_guessed(title, guess):
    assert guess_sequence({"title": title}) == guess


def test_titles_and_keys_agree():
    assert key_of_sequence(title_of_sequence("t1_fs_gd")) == "t1_fs_gd"
    assert key_of_sequence(" Dixon / water ") == "dixon_water"


def test_an_answer_about_one_image_leaves_the_others():
    files = {"images": {"t1": "/a", "t2": "/b.nii"}, "series": {"mask": "9"}}
    chosen = [{"name": "t2", "path": "", "series": "1"}, {"name": "pd", "path": "", "series": "2"}]
    done = with_images(files, chosen, "t1")
    assert done["images"] == {"t2": "/b.nii", "t2_2": "/a", "pd": "/a"}
    assert done["series"] == {"mask": "9", "t2_2": "1", "pd": "2"}


def test_series_in_neighbouring_folders_are_looked_for_together():
    assert places_of({"images": {"t1": "/h/p/1", "t2": "/h/p/2"}, "series": {"t1": "1", "t2": "2"}}) == ["/h/p"]
    assert places_of({"images": {"t1": "/h/1.nii", "t2": "/h/2.nii"}}) == ["/h/1.nii", "/h/2.nii"]


def test_a_real_folder_of_two_series_is_listed(shared_data, tmp_path):
    import pydicom

    files = sorted((shared_data / "sts_dicom/STS_002/MR_T1/image").glob("*.dcm"))[:4]
    for number, file in enumerate(files):
        shutil.copy(file, tmp_path / f"a{number}.dcm")
        slice_ = pydicom.dcmread(file)
        slice_.SeriesInstanceUID, slice_.SeriesDescription = "1.2.826.0.1.99", "AX T1 FS GD"
        slice_.SOPInstanceUID = slice_.file_meta.MediaStorageSOPInstanceUID = f"1.2.826.0.1.99.{number}"
        slice_.save_as(tmp_path / f"b{number}.dcm")
    images = list_images({"paths": [str(tmp_path)]}, lambda *_: None)["images"]
    assert sorted(image["sequence"] for image in images) == ["t1", "t1_fs_gd"]
    assert {image["path"] for image in images} == {str(tmp_path)}
    assert all(max(map(max, image["thumbnail"])) == 255 for image in images)


def test_rows_without_a_guess_begin_with_the_first(qtbot):
    picker = SequencePicker([{"title": "a"}, {"title": "b"}])
    qtbot.addWidget(picker)
    assert [row.box.isChecked() for row in picker.rows] == [True, False]
    picker.rows[1].box.setChecked(True)
    assert picker.problem() == "Say which sequence each of the ticked images is."

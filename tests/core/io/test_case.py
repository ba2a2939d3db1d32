import nibabel as nib
import numpy as np
import pytest

from app.core.data import Identity
from app.core.errors import Cancelled, ChoiceNeeded, EmptyMask, InputError
from app.core.io.case import load_case
from app.core.io.identify import identify
from app.core.io.pairing import pair
from app.core.io.volume import load_volume
from app.core.requests import CaseFiles

GRID, COARSE = np.diag([1.0, 1.0, 3.0, 1.0]), np.diag([2.0, 2.0, 6.0, 1.0])
GREY = np.random.default_rng(0).normal(100, 9, (6, 6, 4)).astype(np.float32)


def put(path, voxels=GREY, affine=GRID, kind=nib.Nifti1Image):
    nib.save(kind(voxels, affine), path)
    return str(path)


def test_each_sequence_keeps_its_grid_and_progress_names_it(tmp_path):
    mask = np.zeros(GREY.shape, np.uint8)
    mask[2:4, 2:4, 1:3] = 1
    images = {"t1": put(tmp_path / "t1.nii"), "t2": put(tmp_path / "t2.nii", GREY[::2], COARSE)}
    files = CaseFiles(id="P", images=images,
                      mask=put(tmp_path / "m.nii", mask), site="Lyon", reading={"age": 61.0})
    told = []
    case = load_case(files, lambda fraction, message: told.append((round(fraction, 2), message)))
    assert case.images["t1"].geometry.shape == (6, 6, 4)
    assert case.images["t2"].geometry.shape == (3, 6, 4)
    assert case.images["t2"].geometry.spacing == (2, 2, 6)
    assert case.mask.volume_ml == pytest.approx(8 * 3 / 1000)
    assert (case.id, case.site, case.reading) == ("P", "Lyon", {"age": 61.0})
    assert told == [(0, "Reading the image t1"), (0.33, "Reading the image t2"), (0.67, "Reading the outline")]


def test_cancelling_stops_the_reading(tmp_path):
    def cancel(fraction, message):
        raise Cancelled

    with pytest.raises(Cancelled):
        load_case(CaseFiles(id="P", images={"image": put(tmp_path / "t1.nii")}), cancel)


def test_a_case_may_have_no_outline_but_must_have_an_image(tmp_path):
    assert load_case(CaseFiles(id="P", images={"image": put(tmp_path / "t1.nii")})).mask is None
    with pytest.raises(InputError, match="The case 'P' has no image"):
        load_case(CaseFiles(id="P", images={}))


def test_questions_say_what_they_are_about(tmp_path):
    labels = np.zeros(GREY.shape, np.uint8)
    labels[1], labels[3] = 1, 2
    files = CaseFiles(id="P", images={"image": put(tmp_path / "t1.nii")}, mask=put(tmp_path / "m.nii", labels))
    with pytest.raises(ChoiceNeeded) as raised:
        load_case(files)
    assert raised.value.about == files.mask
    assert load_case(files.model_copy(update={"label": 2})).mask.voxels[3].all()
    with pytest.raises(EmptyMask):
        load_case(files.model_copy(update={"mask": put(tmp_path / "e.nii", np.zeros_like(labels))}))


def test_the_chosen_side_reaches_image_and_mask(tmp_path):
    mask = np.zeros(GREY.shape, np.uint8)
    mask[1, 2, 3] = 1
    put(tmp_path / "t1.img", affine=np.diag([-1.0, 1, 1, 1]), kind=nib.AnalyzeImage)
    put(tmp_path / "m.img", mask, np.diag([-1.0, 1, 1, 1]), kind=nib.AnalyzeImage)
    files = CaseFiles(id="P", images={"image": str(tmp_path / "t1.hdr")}, mask=str(tmp_path / "m.hdr"))
    assumed = load_case(files)
    assert assumed.images["image"].geometry.axis_codes == "LAS"
    assert [caution.code for caution in assumed.images["image"].cautions] == ["orientation_assumed"]
    confirmed = load_case(files.model_copy(update={"orientation": "ras"}))
    assert confirmed.images["image"].geometry.axis_codes == confirmed.mask.geometry.axis_codes == "RAS"
    assert not confirmed.images["image"].cautions
    assert "RAS" in confirmed.acquisition["image"].convention


def test_a_folder_with_one_image_is_read_and_with_two_asks(tmp_path):
    put(tmp_path / "knee.nii.gz")
    assert load_volume(tmp_path).volume.geometry.shape == (6, 6, 4)
    put(tmp_path / "hip.nii.gz")
    with pytest.raises(InputError, match="holds 2 images"):
        load_volume(tmp_path)


def test_odd_images_carry_cautions(tmp_path):
    loaded = load_volume(put(tmp_path / "flat.nii", np.ones((4, 4, 1), np.float32)))
    assert [caution.code for caution in loaded.volume.cautions] == ["single_slice", "constant_image"]


@pytest.mark.shared
@pytest.mark.parametrize("patient", ["STS_002", "STS_008"])
def test_a_dicom_case_equals_its_nifti_twin(shared_data, patient):
    (files,) = pair(identify([shared_data / "sts_dicom" / patient])).cases
    case = load_case(files)
    image = nib.load(shared_data / "sts" / patient / "t1.nii.gz")
    twin = nib.load(shared_data / "sts" / patient / "gtv.nii.gz")
    ours = nib.Nifti1Image(case.mask.voxels.astype(np.uint8), case.mask.affine)
    ras = nib.as_closest_canonical(ours).get_fdata()
    np.testing.assert_array_equal(ras, nib.as_closest_canonical(twin).get_fdata())
    volume = case.images["image"]
    ours, theirs = (nib.as_closest_canonical(one) for one in (nib.Nifti1Image(volume.voxels, volume.affine), image))
    np.testing.assert_allclose(ours.get_fdata(), theirs.get_fdata())
    np.testing.assert_allclose(ours.affine, theirs.affine, atol=0.01)
    assert case.identity != Identity()


@pytest.mark.shared
def test_a_tree_of_series_asks_and_one_slice_brings_its_series(shared_data):
    with pytest.raises(ChoiceNeeded) as raised:
        load_volume(shared_data / "sts_dicom")
    assert raised.value.field == "series"
    assert len(raised.value.options) == 2
    chosen = load_volume(shared_data / "sts_dicom", series=raised.value.options[0].value)
    folder = shared_data / "sts_dicom" / "STS_002" / "MR_T1" / "image"
    slice_ = sorted(folder.iterdir())[3]
    assert load_volume(slice_).volume.geometry.shape == load_volume(folder).volume.geometry.shape
    assert chosen.volume.geometry.shape[2] in (35, 28)

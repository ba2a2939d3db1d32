import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

from app.core.errors import ChoiceNeeded, EmptyMask, InputError, UnreadableImage
from app.core.io.mask import load_mask

AFFINE = np.diag([1.0, 1.0, 3.0, 1.0])
AFFINE[:3, 3] = [5, 6, 7]
BALL = ((np.indices((20, 20, 10)) - np.array([10, 9, 5])[:, None, None, None]) ** 2).sum(axis=0) < 16
RNG = np.random.default_rng(3)


def save(path, voxels, affine=AFFINE):
    nib.save(nib.Nifti1Image(voxels, affine), path)
    return path


def codes(mask):
    return [caution.code for caution in mask.cautions]


@pytest.mark.parametrize("value", [1, 255, 7])
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32])
def test_a_binary_mask_is_taken_whatever_its_one_value(tmp_path, value, dtype):
    mask = load_mask(save(tmp_path / "gtv.nii.gz", (BALL * value).astype(dtype)))
    np.testing.assert_array_equal(mask.voxels, BALL)
    assert mask.name == "gtv"
    assert mask.volume_ml == pytest.approx(BALL.sum() * 3 / 1000)
    assert not mask.cautions


def test_several_labels_ask_and_label_answers(tmp_path):
    labels = BALL.astype(np.int16) * 4
    labels[2, 2, 2:5] = 9
    path = save(tmp_path / "labels.nii.gz", labels)
    with pytest.raises(ChoiceNeeded) as raised:
        load_mask(path)
    assert raised.value.field == "label"
    assert [option.value for option in raised.value.options] == ["4", "9"]
    assert raised.value.options[1].details == {"voxels": "3", "volume_ml": "0.01"}
    mask = load_mask(path, label=9)
    assert np.argwhere(mask.voxels).tolist() == [[2, 2, 2], [2, 2, 3], [2, 2, 4]]
    assert mask.name == "9"
    with pytest.raises(InputError, match="no label 5; it has 4, 9"):
        load_mask(path, label=5)
    with pytest.raises(InputError, match="no label 0"):
        load_mask(path, label=0)


def test_an_atlas_of_many_labels_is_still_a_label_map(tmp_path):
    atlas = np.repeat(np.arange(1, 101, dtype=np.int16), 40)[:, None, None] * np.ones((1, 4, 4), np.int16)
    atlas[0, 0] = 0
    with pytest.raises(ChoiceNeeded) as raised:
        load_mask(save(tmp_path / "atlas.nii.gz", atlas))
    assert len(raised.value.options) == 100


def test_labels_carry_the_names_a_slicer_file_gives(tmp_path):
    image = sitk.GetImageFromArray((BALL.astype(np.uint8) + (np.arange(20) < 2)[:, None, None]).T)
    for number, name in enumerate(["Tumour", "Oedema"]):
        image.SetMetaData(f"Segment{number}_LabelValue", str(number + 1))
        image.SetMetaData(f"Segment{number}_Name", name)
    image.SetPixel(0, 0, 0, 2)
    sitk.WriteImage(image, str(tmp_path / "a.seg.nrrd"))
    with pytest.raises(ChoiceNeeded) as raised:
        load_mask(tmp_path / "a.seg.nrrd")
    assert [option.title for option in raised.value.options] == ["Tumour", "Oedema"]
    assert load_mask(tmp_path / "a.seg.nrrd", label=1).name == "Tumour"


def test_a_tumour_image_that_is_zero_outside_is_a_mask_and_says_so(tmp_path):
    grey = np.where(BALL, RNG.normal(300, 40, BALL.shape), 0).astype(np.float32)
    mask = load_mask(save(tmp_path / "tumour.nii.gz", grey))
    np.testing.assert_array_equal(mask.voxels, BALL)
    assert codes(mask) == ["tumour_image"]
    whole = load_mask(save(tmp_path / "whole.nii.gz", np.round(grey).astype(np.int16)))
    np.testing.assert_array_equal(whole.voxels, BALL)
    assert codes(whole) == ["tumour_image"]


def test_a_resampled_mask_is_cut_at_one_half(tmp_path):
    soft = BALL.astype(np.float32)
    soft[BALL & ~np.roll(BALL, 1, axis=0)] = 0.3
    mask = load_mask(save(tmp_path / "soft.nii.gz", soft))
    np.testing.assert_array_equal(mask.voxels, soft >= 0.5)
    assert codes(mask) == ["soft_mask"]


@pytest.mark.parametrize("zero_share", [0.0, 0.05, 0.7])
def test_an_ordinary_image_is_not_taken_for_a_mask(tmp_path, zero_share):
    image = RNG.normal(300, 40, BALL.shape).astype(np.float32)
    image[RNG.random(BALL.shape) < zero_share] = 0
    with pytest.raises(InputError, match="looks like an ordinary image"):
        load_mask(save(tmp_path / "t1.nii.gz", image))


def test_empty_full_and_broken_masks(tmp_path):
    with pytest.raises(EmptyMask, match="all of its 4000 voxels are zero"):
        load_mask(save(tmp_path / "empty.nii.gz", np.zeros(BALL.shape, np.uint8)))
    full = np.ones(BALL.shape, np.uint8)
    full[0, 0, 0] = 0
    assert codes(load_mask(save(tmp_path / "full.nii.gz", full))) == ["mask_covers_image"]
    nan = BALL.astype(np.float32)
    nan[0, 0, 0] = np.nan
    with pytest.raises(UnreadableImage, match="not finite"):
        load_mask(save(tmp_path / "nan.nii.gz", nan))
    with pytest.raises(UnreadableImage, match=r"no file or folder 'gone\.nii'"):
        load_mask(tmp_path / "gone.nii")


def test_a_folder_with_one_outline_will_do(tmp_path):
    save(tmp_path / "t1.nii.gz", RNG.normal(300, 40, BALL.shape).astype(np.float32))
    save(tmp_path / "mask.nii.gz", BALL.astype(np.uint8))
    assert load_mask(tmp_path).name == "mask"
    save(tmp_path / "roi.nii.gz", BALL.astype(np.uint8))
    with pytest.raises(InputError, match=r"holds 2 outlines \(mask.nii.gz, roi.nii.gz\)"):
        load_mask(tmp_path)


@pytest.mark.shared
def test_real_images_are_refused_as_masks_and_real_masks_are_not(shared_data):
    for patient in ("STS_002", "STS_030"):
        with pytest.raises(InputError, match="ordinary image"):
            load_mask(shared_data / "sts" / patient / "t1.nii.gz")
    twin = shared_data / "dicom_seg" / "liver_seg.nrrd"
    mask = load_mask(twin)
    assert mask.voxels.sum() == np.count_nonzero(sitk.GetArrayFromImage(sitk.ReadImage(str(twin))))


@pytest.mark.shared
def test_a_dicom_segmentation_equals_its_nrrd_twin(shared_data):
    folder = shared_data / "dicom_seg"
    seg, twin = load_mask(folder / "liver.dcm"), load_mask(folder / "liver_seg.nrrd")
    assert seg.volume_ml == pytest.approx(twin.volume_ml)

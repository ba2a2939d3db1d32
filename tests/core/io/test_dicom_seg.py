"""Segmentations: their voxels and place, their segments, their image."""

import warnings

import numpy as np
import pytest
import SimpleITK as sitk
from dicom_phantoms import SAGITTAL, stack, write

from app.core.data import Volume
from app.core.errors import ChoiceNeeded, EmptyMask, GeometryMismatch, UnreadableImage
from app.core.io import dicom
from app.core.io.itk import from_sitk


@pytest.mark.shared
@pytest.mark.parametrize(("seg", "twin"), [("liver.dcm", "liver_seg.nrrd"),
                                           ("24x38x3/seg/label.seg", "24x38x3/nrrd/label.nrrd")])
def test_segmentation_equals_its_nrrd(shared_data, seg, twin):
    path = shared_data / "dicom_seg" / seg
    mask = dicom.load_seg(path, None, {})
    voxels, affine = from_sitk(sitk.ReadImage(str(shared_data / "dicom_seg" / twin)))
    np.testing.assert_array_equal(mask.voxels, voxels > 0)
    np.testing.assert_allclose(mask.affine, affine, atol=1e-5)
    assert mask.voxels.any()
    assert mask.name == "Liver"
    (source,) = dicom.find_sources([path])
    assert (source.kind, source.role_hint, len(source.refers_to)) == ("seg", "mask", 1)
    assert source.geometry.matches(mask.geometry)


@pytest.mark.shared
def test_segmentation_lies_on_the_series_it_refers_to(shared_data):
    (source,) = dicom.find_sources(sorted((shared_data / "dicom_seg" / "ct-3slice").iterdir()))
    image = dicom.load_series(source).volume
    path = shared_data / "dicom_seg" / "liver.dcm"
    mask = dicom.load_seg(path, "LIVER", {"ct": image}, {"ct": source})
    assert mask.geometry.matches(image.geometry)
    assert mask.frame == image.frame
    other = Volume(image.voxels, image.affine, "1.2.3.99")
    with pytest.raises(GeometryMismatch, match="belong to different scans"):
        dicom.load_seg(path, None, {"ct": other})
    with pytest.raises(ChoiceNeeded, match="Did you mean 'Liver'"):
        dicom.load_seg(path, "livre", {})


def write_seg(tmp_path, pixels, labels, kind="BINARY"):
    """A segmentation of a sagittal series, from an array of shape (slices, rows, columns, segments)."""
    import highdicom as hd
    from pydicom.sr.codedict import codes
    from pydicom.uid import generate_uid

    images = stack([0, 4, 8], SAGITTAL, AccessionNumber="", PatientBirthDate="", PatientSex="", StudyID="",
                   StudyTime="", ReferringPhysicianName="")
    write(tmp_path / "image", images)
    descriptions = [hd.seg.SegmentDescription(
        n + 1, label, codes.SCT.Tissue, codes.SCT.Tissue, hd.seg.SegmentAlgorithmTypeValues.MANUAL)
        for n, label in enumerate(labels)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = hd.seg.Segmentation(
            images, pixels, kind, descriptions, generate_uid(), 5, generate_uid(), 1, "Maker", "Model", "1", "77",
            omit_empty_frames=False)
        found.save_as(tmp_path / "seg.dcm")
    return tmp_path / "seg.dcm"


def test_segments_are_asked_for_and_lie_on_the_image(tmp_path):
    pixels = np.zeros((3, 6, 5, 2), np.uint8)
    pixels[0, 1, 2, 0] = 1
    pixels[1:, 4, :2, 1] = 1
    path = write_seg(tmp_path, pixels, ["Fat", "Tumour"])
    with pytest.raises(ChoiceNeeded, match="2 regions: Fat, Tumour") as raised:
        dicom.load_seg(path, None, {})
    assert raised.value.field == "roi"
    (source,) = dicom.find_sources(sorted((tmp_path / "image").iterdir()))
    image = dicom.load_series(source).volume
    mask = dicom.load_seg(path, "tumour", {"t1": image})
    assert mask.geometry.matches(image.geometry)
    expected = np.zeros((5, 6, 3), bool)
    expected[:2, 4, 1:] = True
    np.testing.assert_array_equal(mask.voxels, expected)


def test_fractions_from_one_half_on_are_inside(tmp_path):
    pixels = np.zeros((3, 6, 5, 1), np.float32)
    pixels[1, 2, :4, 0] = (0.2, 0.49, 0.51, 1.0)
    mask = dicom.load_seg(write_seg(tmp_path, pixels, ["Tumour"], "FRACTIONAL"), None, {})
    assert mask.voxels[:4, 2, 1].tolist() == [False, False, True, True]
    assert mask.voxels.sum() == 2


def test_empty_segment_is_told(tmp_path):
    pixels = np.zeros((3, 6, 5, 2), np.uint8)
    pixels[0, 1, 2, 0] = 1
    path = write_seg(tmp_path, pixels, ["Fat", "Tumour"])
    with pytest.raises(EmptyMask, match="'Tumour' holds no voxel"):
        dicom.load_seg(path, "Tumour", {})


def test_what_is_no_segmentation_is_refused(tmp_path):
    (path, _) = write(tmp_path, stack([0, 3]))
    with pytest.raises(UnreadableImage, match=r"'000.dcm' is not a readable segmentation"):
        dicom.load_seg(path, None, {})
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(UnreadableImage, match="not a readable segmentation"):
        dicom.load_seg(path, None, {})

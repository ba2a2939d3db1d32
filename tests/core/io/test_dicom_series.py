"""Series with chosen flaws: each is either read right or refused with its own sentence."""

import dataclasses
import json
import warnings
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from dicom_phantoms import AXIAL, SAGITTAL, enhanced, header, image, item, picture, save, set_pixels, stack, write

from app.core.errors import ChoiceNeeded, GeometryMismatch, UnreadableImage
from app.core.io import dicom
from app.core.io.itk import from_sitk
from app.core.io.source import Source

OBLIQUE = (0.9541666, -0.2080757, 0.2151061, 0.2785886, 0.880128, -0.3843997)


def sources_of(folder: Path) -> list[Source]:
    return dicom.find_sources(sorted(path for path in folder.rglob("*") if path.is_file()))


def load_only(folder: Path):
    (source,) = sources_of(folder)
    return dicom.load_series(source)


def codes(volume) -> set[str]:
    return {caution.code for caution in volume.cautions}


@pytest.mark.parametrize("orientation", [AXIAL, SAGITTAL, OBLIQUE])
def test_slices_are_sorted_by_position_and_agree_with_simpleitk(tmp_path, orientation):
    images = stack([9, 0, 3, 6], orientation)
    for n, one in enumerate(images):
        one.InstanceNumber = 7 - n
    files = write(tmp_path, images)
    volume = load_only(tmp_path).volume
    ascending = [str(files[n]) for n in (1, 2, 3, 0)]
    voxels, affine = from_sitk(sitk.ReadImage(ascending))
    np.testing.assert_allclose(volume.affine, affine, atol=1e-5)
    np.testing.assert_array_equal(volume.voxels, voxels)
    np.testing.assert_array_equal(volume.voxels[:, :, 3], picture(1).T)
    assert volume.geometry.spacing == pytest.approx((1.5, 2.0, 3.0))
    assert volume.frame == "1.2.3.4"
    assert volume.cautions == ()


def test_rescale_of_each_slice_is_applied(tmp_path):
    images = stack([0, 3])
    images[1].RescaleSlope, images[1].RescaleIntercept = 0.5, -7
    write(tmp_path, images)
    voxels = load_only(tmp_path).volume.voxels
    np.testing.assert_array_equal(voxels[:, :, 0], picture(1).T)
    np.testing.assert_array_equal(voxels[:, :, 1], picture(2).T * 0.5 - 7)


@pytest.mark.parametrize(("tag", "values", "names"), [
    ("EchoTime", (12.0, 84.0), ["echo time 12 ms", "echo time 84 ms"]),
    ("DiffusionBValue", (0.0, 50.0, 800.0), ["b 0 s/mm2", "b 50 s/mm2", "b 800 s/mm2"]),
    ("TemporalPositionIdentifier", (2, 10), ["time point 1", "time point 2"]),
    ("ImageType", (["ORIGINAL", "PRIMARY", "W"], ["ORIGINAL", "PRIMARY", "F"]), ["fat", "water"])])
def test_volumes_of_one_series_are_told_apart_and_named(tmp_path, tag, values, names):
    for n, value in enumerate(values):
        write(tmp_path, stack([0, 3, 6], first=1 + 3 * n, **{tag: value}))
    sources = sources_of(tmp_path)
    assert [source.details["stack"] for source in sources] == names
    assert len({source.series for source in sources}) == len(values)
    assert all(source.series.startswith("1.2.3#") and len(source.files) == 3 for source in sources)
    firsts = {source.details["stack"]: dicom.load_series(source).volume.voxels[0, 0, 0] for source in sources}
    assert sorted(firsts.values()) == [100 + 300 * n for n in range(len(values))]
    whole = Source("dicom", str(tmp_path), tuple(str(path) for path in sorted(tmp_path.iterdir())), "1.2.3")
    with pytest.raises(ChoiceNeeded) as raised:
        dicom.load_series(whole)
    assert [option.value for option in raised.value.options] == [source.series for source in sources]
    chosen = dataclasses.replace(whole, series=raised.value.options[-1].value)
    assert dicom.load_series(chosen).volume.voxels[0, 0, 0] == firsts[names[-1]]


def test_tags_that_vary_from_slice_to_slice_do_not_split_a_volume(tmp_path):
    images = stack([0, 3, 6, 9])
    for n, one in enumerate(images):
        one.AcquisitionNumber, one.EchoTime, one.TriggerTime = 1 + n % 2, 10.0 + n, 100.0 * n
    write(tmp_path, images)
    assert load_only(tmp_path).volume.geometry.shape == (5, 6, 4)


def test_a_tag_that_differs_in_every_image_does_not_name_the_time_points(tmp_path):
    images = [*stack([0, 3, 6], TemporalPositionIdentifier=1), *stack([0, 3, 6], TemporalPositionIdentifier=2)]
    for n, one in enumerate(images):
        one.InversionTime = 100.0 + n
    write(tmp_path, images)
    assert [source.details["stack"] for source in sources_of(tmp_path)] == ["time point 1", "time point 2"]


def test_series_of_many_volumes_is_refused_as_such(tmp_path):
    for time in range(13):
        write(tmp_path, stack([0, 3], first=1 + 2 * time, TemporalPositionIdentifier=time + 1))
    (source,) = sources_of(tmp_path)
    assert source.geometry is None
    with pytest.raises(UnreadableImage, match="26 images at 2 slice positions: 13 volumes"):
        dicom.load_series(source)


def test_localiser_in_three_planes_is_recognised(tmp_path):
    coronal = (1, 0, 0, 0, 0, -1)
    for n, orientation in enumerate((AXIAL, SAGITTAL, coronal)):
        write(tmp_path, stack([0, 40], orientation, first=1 + 2 * n, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"]))
    sources = sources_of(tmp_path)
    assert [source.details["plane"] for source in sources] == ["axial", "sagittal", "coronal"]
    assert all("localiser" in {caution.code for caution in source.cautions} for source in sources)


def test_every_slice_turned_its_own_way_is_refused(tmp_path):
    turned = [(1, 0, 0, 0, np.cos(a), np.sin(a)) for a in (0, 0.2, 0.4, 0.6)]
    write(tmp_path, [image((0, 0, 0), n + 1, orientation) for n, orientation in enumerate(turned)])
    with pytest.raises(GeometryMismatch, match="mixed orientations"):
        load_only(tmp_path)


def test_mixed_sizes_become_two_stacks(tmp_path):
    write(tmp_path, stack([0, 3]) + stack([6, 9], rows=8))
    assert [source.details["stack"] for source in sources_of(tmp_path)] == ["5 x 6", "5 x 8"]


def test_copied_files_are_left_out_with_a_caution(tmp_path):
    images = stack([0, 3, 6])
    write(tmp_path, [*images, images[1]])
    volume = load_only(tmp_path).volume
    assert volume.geometry.shape == (5, 6, 3)
    assert codes(volume) == {"duplicate_files"}


def test_two_images_at_one_place_that_nothing_tells_apart_are_refused(tmp_path):
    write(tmp_path, [*stack([0, 3, 6]), *stack([3], first=9)])
    with pytest.raises(UnreadableImage, match="1 of 3 slice positions hold more than one image"):
        load_only(tmp_path)


@pytest.mark.parametrize("named", [True, False])
def test_mosaic_is_recognised(tmp_path, named):
    images = stack([0, 3], ImageType=["ORIGINAL", "PRIMARY", "M", *(["MOSAIC"] * named)])
    for one in images[:0 if named else 2]:
        one.add_new(0x00190010, "LO", "SIEMENS MR HEADER")
        one.add_new(0x0019100A, "US", 25)
    write(tmp_path, images)
    (source,) = sources_of(tmp_path)
    assert source.geometry is None
    assert "mosaic" in {caution.code for caution in source.cautions}
    with pytest.raises(UnreadableImage, match="Siemens mosaic"):
        dicom.load_series(source)


@pytest.mark.parametrize(("heights", "words"), [
    ([0, 3, 7, 11.5], "uneven: from 3.00 to 4.50 mm"),
    ([0, 3, 6, 18], "uneven: from 3.00 to 12.00 mm")])  # more missing than may be filled in
def test_uneven_slices_are_refused(tmp_path, heights, words):
    write(tmp_path, stack(heights))
    with pytest.raises(GeometryMismatch, match=words):
        load_only(tmp_path)


def test_rounded_positions_are_even(tmp_path):
    write(tmp_path, stack([0, 3.01, 5.99, 9.02, 12]))
    volume = load_only(tmp_path).volume
    assert volume.geometry.spacing[2] == pytest.approx(3.0)
    assert volume.cautions == ()


def test_sideways_shift_is_refused(tmp_path):
    images = stack([0, 3, 6])
    images[1].ImagePositionPatient[0] += 5
    write(tmp_path, images)
    with pytest.raises(GeometryMismatch, match=r"shifted sideways against each other by up to 5.0 mm"):
        load_only(tmp_path)


def test_single_slice_takes_its_thickness(tmp_path):
    write(tmp_path, stack([0]))
    volume = load_only(tmp_path).volume
    assert volume.geometry.spacing[2] == 3.0
    assert codes(volume) == {"single_slice"}


@pytest.mark.parametrize(("tag", "what"), [("ImagePositionPatient", "position"), ("PixelSpacing", "pixel spacing"),
                                           ("ImageOrientationPatient", "orientation")])
def test_images_without_a_place_are_refused(tmp_path, tag, what):
    images = stack([0, 3])
    for one in images:
        delattr(one, tag)
    write(tmp_path, images)
    with pytest.raises(UnreadableImage, match=f"2 of 2 images carry no {what}"):
        load_only(tmp_path)


def test_colour_pictures_are_refused(tmp_path):
    images = stack([0, 3])
    for one in images:
        one.SamplesPerPixel, one.PhotometricInterpretation, one.PlanarConfiguration = 3, "RGB", 0
    write(tmp_path, images)
    with pytest.raises(UnreadableImage, match="colour"):
        load_only(tmp_path)


@pytest.mark.parametrize("damage", ["missing", "short"])
def test_damaged_pixels_are_counted_and_nobody_is_named(tmp_path, damage):
    images = stack([0, 3, 6])
    if damage == "missing":
        del images[1].PixelData
    else:
        images[1].PixelData = images[1].PixelData[:20]
    write(tmp_path, images)
    with pytest.raises(UnreadableImage, match="1 of 3 files of the series hold no readable pixels") as raised:
        load_only(tmp_path)
    assert "Roe" not in str(raised.value)


def test_truncated_file_is_told(tmp_path):
    files = write(tmp_path, stack([0, 3, 6]))
    whole = files[2].read_bytes()
    files[2].write_bytes(whole[:160])
    (source,) = sources_of(tmp_path)
    assert len(source.files) == 2
    assert "unreadable_files" in codes(dicom.load_series(source).volume)


def test_lossy_compression_is_told(tmp_path):
    write(tmp_path, stack([0, 3], LossyImageCompression="01"))
    assert codes(load_only(tmp_path).volume) == {"lossy"}


def test_multiframe_of_two_echoes(tmp_path):
    save(tmp_path / "mf.dcm", enhanced([0, 3, 6], echoes=(10.0, 80.0)))
    first, second = sources_of(tmp_path)
    assert (first.details["stack"], second.details["stack"]) == ("echo time 10 ms", "echo time 80 ms")
    assert first.path == str(tmp_path / "mf.dcm")
    loaded = dicom.load_series(second)
    assert loaded.acquisition.echo_time == 80.0
    assert loaded.acquisition.repetition_time == 500.0
    np.testing.assert_array_equal(loaded.volume.voxels[:, :, 0], picture(6).T * 2 + 5)  # the lowest slice came last
    np.testing.assert_allclose(loaded.volume.affine @ [0, 0, 2, 1], [-10, -20, 36, 1])


def test_what_is_no_scan_is_passed_over(tmp_path):
    write(tmp_path / "scan", stack([0, 3]))
    save(tmp_path / "report.dcm", header("1.2.840.10008.5.1.4.1.1.88.11", "SR"))
    save(tmp_path / "screen.dcm", set_pixels(header("1.2.840.10008.5.1.4.1.1.7", "OT"), picture(1)))
    save(tmp_path / "DICOMDIR", header("1.2.840.10008.1.3.10", "OT"))
    (tmp_path / "notes.txt").write_text("not an image")
    (source,) = sources_of(tmp_path)
    assert source.path == str(tmp_path / "scan")


def test_file_without_preamble_is_dicom(tmp_path):
    with_preamble = write(tmp_path / "a", stack([0, 3]))
    bare = tmp_path / "b" / "bare"
    bare.parent.mkdir()
    whole = with_preamble[0].read_bytes()
    meta_length = int.from_bytes(whole[140:144], "little")
    bare.write_bytes(whole[144 + meta_length:])  # the data set alone, in explicit little endian
    assert dicom.is_dicom(bare)
    source, = dicom.find_sources([bare])
    np.testing.assert_array_equal(dicom.load_series(source).volume.voxels[:, :, 0], picture(1).T)
    text = tmp_path / "text"
    text.write_bytes(b"\x08\x00 is how this text begins")
    assert not dicom.is_dicom(text)
    assert not dicom.is_dicom(tmp_path)


def test_identity_goes_nowhere_else(tmp_path):
    write(tmp_path, stack([0, 3]))
    (source,) = sources_of(tmp_path)
    loaded = dicom.load_series(source)
    assert (loaded.identity.patient_name, loaded.identity.patient_id) == ("Roe, Jane", "P-77")
    assert loaded.identity.study_date == "2019-04-02"
    elsewhere = repr([source, loaded.acquisition, loaded.volume.cautions, dicom.series_choice([source]).options])
    assert "Roe" not in elsewhere
    assert "P-77" not in elsewhere


def test_choice_shows_each_series_in_its_proportions(tmp_path):
    write(tmp_path / "a", stack([0, 3, 6], RepetitionTime=500.0, EchoTime=12.0))
    other = stack([0, 5], SAGITTAL, first=40, rows=12, SeriesDescription="T2 TSE FS sag")
    for one in other:
        one.SeriesInstanceUID = "1.2.4"
    write(tmp_path / "b", other)
    choice = dicom.series_choice(sources_of(tmp_path))
    assert (choice.field, [option.value for option in choice.options]) == ("series", ["1.2.3", "1.2.4"])
    assert "--series SEQ=UID" in choice.remedy
    assert choice.options[0].details == {
        "description": "T1 TSE cor", "sequence": "t1", "modality": "MR", "TR": "500 ms", "TE": "12 ms", "slices": "3",
        "matrix": "5 x 6", "spacing": "1.5 x 2 x 3 mm", "thickness": "3 mm", "plane": "axial"}
    assert choice.options[1].details["sequence"] == "t2_fs"
    shapes = [np.shape(option.thumbnail) for option in choice.options]
    assert shapes == [(64, 40), (64, 20)]  # 12 x 7.5 mm and 24 x 7.5 mm
    thumbnail = np.array(choice.options[0].thumbnail)
    assert thumbnail.min() == 0
    assert thumbnail.max() == 255
    assert (np.diff(thumbnail[:, 0]) >= 0).all()  # the picture brightens downwards, as stored
    json.dumps([dataclasses.asdict(option) for option in choice.options])


def test_unmakeable_stacks_are_not_offered(tmp_path):
    write(tmp_path / "good", stack([0, 3]))
    bad = stack([0, 3, 9.7])
    for one in bad:
        one.SeriesInstanceUID = "1.2.5"
    write(tmp_path / "bad", bad)
    good_only = dicom.series_choice(sources_of(tmp_path))
    assert [option.value for option in good_only.options] == ["1.2.3"]


def test_odd_values_do_not_warn(tmp_path):
    images = stack([0, 3])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for one in images:
            one.AccessionNumber, one.BodyPartExamined, one.EchoTime = "x" * 40, "thigh, left*" * 3, None
            one.ContrastBolusAgentSequence = [item(CodeMeaning="Gadobutrol")]
        write(tmp_path, images)
    acquisition = load_only(tmp_path).acquisition
    assert acquisition.body_part == "thigh, left*" * 3
    assert acquisition.contrast_agent == "Gadobutrol"
    assert acquisition.contrast_enhanced is True

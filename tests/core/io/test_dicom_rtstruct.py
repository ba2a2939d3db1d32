"""Structure sets: exact rasterisation, the right image, and a sentence for everything that is wrong."""

import nibabel
import numpy as np
import pytest
from dicom_phantoms import save, structure_set

from app.core.data import Volume
from app.core.errors import ChoiceNeeded, EmptyMask, GeometryMismatch, UnreadableImage
from app.core.io import dicom
from app.core.io.dicom.contours import fill_polygons

FRAME = "1.2.3.4"


def load_only(folder):
    (source,) = [found for found in dicom.find_sources(sorted(folder.iterdir())) if found.kind == "dicom"]
    return source, dicom.load_series(source).volume


def volume(shape=(20, 16, 6), gap=3.0, frame=FRAME, origin=(0.0, 0.0, 0.0)) -> Volume:
    affine = np.diag([-1.5, -2.0, gap, 1.0])
    affine[:3, 3] = origin
    return Volume(np.zeros(shape, np.float32), affine, frame)


def box(z, low=(3.0, 4.0), high=(12.0, 16.0)):
    """A rectangle in LPS mm."""
    return np.array([[low[0], low[1], z], [high[0], low[1], z], [high[0], high[1], z], [low[0], high[1], z]])


def load(tmp_path, found, images, roi=None, sources=None):
    return dicom.load_rtstruct(save(tmp_path / "rs.dcm", found), roi, images, sources)


def codes(mask) -> set[str]:
    return {caution.code for caution in mask.cautions}


def cast_rays(polygons, shape):
    """Even-odd along j instead of i, one pixel at a time: slow, and independent of the code under test."""
    inside = np.zeros(shape, bool)
    for i in range(shape[0]):
        for j in range(shape[1]):
            for polygon in polygons:
                for (x0, y0), (x1, y1) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
                    if (x0 > i) != (x1 > i) and y0 + (i - x0) * (y1 - y0) / (x1 - x0) > j:
                        inside[i, j] = not inside[i, j]
    return inside


@pytest.mark.shared
@pytest.mark.parametrize("patient", ["STS_002", "STS_008"])
def test_sarcoma_outline_equals_its_nifti(shared_data, patient):
    folder = shared_data / "sts_dicom" / patient / "MR_T1"
    source, image = load_only(folder / "image")
    mask = dicom.load_rtstruct(folder / "mask" / "RS.dcm", None, {"t1": image}, {"t1": source})
    expected = nibabel.load(shared_data / "sts" / patient / "gtv.nii.gz")
    np.testing.assert_array_equal(mask.voxels, np.asarray(expected.dataobj) > 0)
    np.testing.assert_allclose(mask.affine, expected.affine, atol=1e-4)
    assert (mask.name, mask.frame, mask.cautions) == ("GTV_Mass_MR_T1", image.frame, ())
    (outline,) = dicom.find_sources([folder / "mask" / "RS.dcm"])
    assert (outline.kind, outline.role_hint, outline.refers_to) == ("rtstruct", "mask", (source.series,))
    assert outline.frame == image.frame
    assert outline.details == {"regions": "GTV_Mass_MR_T1"}


def test_polygons_agree_with_ray_casting():
    rng = np.random.default_rng(4)
    for _ in range(20):
        polygons = [rng.uniform(-4, 24, (rng.integers(3, 12), 2)) for _ in range(rng.integers(1, 4))]
        np.testing.assert_array_equal(fill_polygons(polygons, (20, 17)), cast_rays(polygons, (20, 17)))


def test_regions_that_share_a_border_share_no_pixel():
    left = np.array([[2, 2], [6, 2], [6, 9], [2, 9]], dtype=float)
    right = left + np.array([4, 0])
    both = fill_polygons([left], (12, 12)).astype(int) + fill_polygons([right], (12, 12))
    assert both.max() == 1
    assert both.sum() == 8 * 7


def test_hole_stays_a_hole(tmp_path):
    mask = load(tmp_path, structure_set([[box(3), box(3, (6, 8), (9, 12)), box(6)]]), {"t1": volume()})
    outer = np.zeros((20, 16, 6), bool)
    outer[2:8, 2:8, 1:3] = True  # 3 to 12 mm by 1.5, 4 to 16 mm by 2, at 3 and 6 mm
    outer[4:6, 4:6, 1] = False
    np.testing.assert_array_equal(mask.voxels, outer)
    assert codes(mask) == set()


@pytest.mark.shared
def test_oblique_image(shared_data, tmp_path):
    source, image = load_only(shared_data / "dicom_rt" / "oriented_data")
    corners = np.array([[9.6, 4.4], [40.3, 8.2], [33.7, 41.5], [12.2, 30.8]])
    points = [np.column_stack([corners, np.full(4, k), np.ones(4)]) @ image.affine.T for k in (0, 1)]
    found = structure_set([[p[:, :3] * (-1, -1, 1) for p in points]], frame="", series=source.series)
    mask = load(tmp_path, found, {"ct": image}, sources={"ct": source})
    expected = cast_rays([corners], image.geometry.shape[:2])
    np.testing.assert_array_equal(mask.voxels[:, :, 0], expected)
    np.testing.assert_array_equal(mask.voxels[:, :, 1], expected)
    assert not mask.voxels[:, :, 2].any()


def test_a_contour_with_half_a_corner_is_never_left_out_unsaid(tmp_path):
    found = structure_set([[box(3), box(6)]])
    damaged = found.ROIContourSequence[0].ContourSequence[0]
    damaged.ContourData = list(damaged.ContourData)[:-1]
    with pytest.raises(UnreadableImage, match="11 numbers, three for each corner"):
        load(tmp_path, found, {"t1": volume()})


def test_several_regions_are_asked_for(tmp_path):
    found = structure_set([[box(3)], [box(3), box(6)], []], names=("Femur", "GTV tumour", "Marker"))
    with pytest.raises(ChoiceNeeded, match="2 regions: Femur, GTV tumour") as raised:
        load(tmp_path, found, {"t1": volume()})
    assert raised.value.field == "roi"
    assert "--roi" in raised.value.remedy
    assert raised.value.about.endswith("rs.dcm")
    assert [(o.value, o.details) for o in raised.value.options] == [("Femur", {"contours": "1"}),
                                                                    ("GTV tumour", {"contours": "2"})]
    assert load(tmp_path, found, {"t1": volume()}, "gtv TUMOUR").name == "GTV tumour"
    with pytest.raises(ChoiceNeeded, match=r"no region 'GTV tumor'.*Did you mean 'GTV tumour'"):
        load(tmp_path, found, {"t1": volume()}, "GTV tumor")
    with pytest.raises(EmptyMask, match="'Marker' holds no contours"):
        load(tmp_path, found, {"t1": volume()}, "marker")


def test_regions_of_one_name_are_told_apart(tmp_path):
    found = structure_set([[box(3)], [box(3), box(6)]], names=("GTV", "GTV"))
    with pytest.raises(ChoiceNeeded) as raised:
        load(tmp_path, found, {"t1": volume()}, "GTV")
    assert [option.value for option in raised.value.options] == ["GTV (1)", "GTV (2)"]
    assert load(tmp_path, found, {"t1": volume()}, "GTV (2)").voxels.any(axis=(0, 1)).sum() == 2


@pytest.mark.parametrize("kind", ["POINT", "OPEN_PLANAR"])
def test_points_and_lines_are_no_outline(tmp_path, kind):
    with pytest.raises(EmptyMask, match="names 1 region and holds no contours"):
        load(tmp_path, structure_set([[box(3)]], kind=kind), {"t1": volume()})


def test_outline_between_pixel_centres_is_empty(tmp_path):
    with pytest.raises(EmptyMask, match="encloses no pixel's centre"):
        load(tmp_path, structure_set([[box(3, (3.1, 4.1), (4.0, 5.0))]]), {"t1": volume()})


def test_contours_between_slices_move_to_the_nearest_with_a_caution(tmp_path):
    mask = load(tmp_path, structure_set([[box(3.9), box(6.9), box(9.9)]]), {"t1": volume()})
    assert np.flatnonzero(mask.voxels.any(axis=(0, 1))).tolist() == [1, 2, 3]
    assert codes(mask) == {"contours_between_slices"}
    assert "3 of 3 contours lie between slices, up to 0.9 mm off" in mask.cautions[0].message


def test_denser_contours_do_not_cancel_each_other(tmp_path):
    mask = load(tmp_path, structure_set([[box(z) for z in (2, 3, 4, 5, 6)]]), {"t1": volume()})
    assert np.flatnonzero(mask.voxels.any(axis=(0, 1))).tolist() == [1, 2]
    assert mask.voxels.sum() == 2 * 6 * 6
    assert codes(mask) == {"contours_between_slices", "planes_merged"}


def test_skipped_slices_are_told(tmp_path):
    mask = load(tmp_path, structure_set([[box(3), box(12)]]), {"t1": volume()})
    assert "The outline skips 2 slices" in mask.cautions[0].message
    assert codes(mask) == {"slices_skipped"}


def test_contours_beyond_the_image_are_refused_when_many_and_told_when_few(tmp_path):
    with pytest.raises(GeometryMismatch, match="1 of 3 contours lie beyond the image"):
        load(tmp_path, structure_set([[box(3), box(6), box(30)]]), {"t1": volume()})
    with pytest.raises(GeometryMismatch, match="1 of 1 contours lie beyond the image"):
        load(tmp_path, structure_set([[box(3, (-90, 4), (-70, 16))]]), {"t1": volume()})
    many = [box(z) for z in range(0, 60, 3)]
    mask = load(tmp_path, structure_set([many]), {"t1": volume((20, 16, 19))})
    assert codes(mask) == {"contours_outside"}
    assert mask.voxels.any(axis=(0, 1)).all()


def test_contours_across_the_slices_are_refused(tmp_path):
    upright = box(0)[:, [0, 2, 1]]
    with pytest.raises(GeometryMismatch, match="1 of 1 contours run across the slices"):
        load(tmp_path, structure_set([[upright]]), {"t1": volume()})


def test_outline_lies_on_the_image_whose_slices_it_follows(tmp_path):
    images = {"t2": volume((20, 16, 4), gap=4.4), "t1": volume()}
    mask = load(tmp_path, structure_set([[box(3), box(6)]]), images)
    assert mask.geometry.matches(images["t1"].geometry)
    images = {"1.2.7": images["t2"], "1.2.8": images["t1"]}
    named = load(tmp_path, structure_set([[box(3), box(6)]], series="1.2.7"), images)
    assert named.geometry.matches(images["1.2.7"].geometry)


def test_outline_of_another_scan_is_refused_with_both_sides(tmp_path):
    found = structure_set([[box(3)]], frame="9.9.9.12345678")
    with pytest.raises(GeometryMismatch) as raised:
        load(tmp_path, found, {"t1": volume(frame="8.8.8.87654321")})
    for words in ("R -12 to -3, A -16 to -4, S 3 to 3 mm", "...12345678", "'t1'", "20 x 16 x 6", "...87654321"):
        assert words in raised.value.message
    with pytest.raises(GeometryMismatch, match="without the image it was drawn on"):
        load(tmp_path, found, {})


def test_image_without_a_frame_is_trusted_by_its_coordinates(tmp_path):
    mask = load(tmp_path, structure_set([[box(3)]]), {"t1": volume(frame="")})
    assert codes(mask) == {"frame_unknown"}
    assert mask.frame == FRAME


@pytest.mark.shared
def test_series_reference_outweighs_the_frame(shared_data):
    source, image = load_only(shared_data / "dicom_rt" / "mock_data")
    path = shared_data / "dicom_rt" / "mock_data" / "rt.dcm"
    mask = dicom.load_rtstruct(path, "ROI-1", {"ct": image}, {"ct": source})
    assert codes(mask) == {"frame_differs"}
    assert mask.frame == image.frame
    with pytest.raises(GeometryMismatch, match="belong to different scans"):
        dicom.load_rtstruct(path, None, {"ct": image})


@pytest.mark.shared
@pytest.mark.parametrize("name", ["invalid_reference_rt.dcm", "non_existent_reference_rt.dcm", "../empty/dummy_rt.dcm"])
def test_outline_of_a_longer_series_is_refused(shared_data, name):
    source, image = load_only(shared_data / "dicom_rt" / "mock_data")
    path = shared_data / "dicom_rt" / "mock_data" / name
    with pytest.raises(ChoiceNeeded, match="4 regions"):
        dicom.load_rtstruct(path, None, {"ct": image}, {"ct": source})
    with pytest.raises(GeometryMismatch, match=r"1 of 3 contours lie beyond the image.*complete series"):
        dicom.load_rtstruct(path, "roi-2", {"ct": image}, {"ct": source})
    with pytest.raises(GeometryMismatch, match="without the image"):
        dicom.load_rtstruct(path, "roi-2", {})


def test_what_is_no_structure_set_is_refused(tmp_path):
    text = tmp_path / "notes.dcm"
    text.write_text("not DICOM")
    with pytest.raises(UnreadableImage, match=r"'notes.dcm' is not a readable structure set"):
        dicom.load_rtstruct(text, None, {})

import numpy as np
import pytest

from app.core.data import Caution, Mask, Volume
from app.core.errors import EmptyMask, GeometryMismatch
from app.core.preprocess.follow import place_mask

SHAPE, SPACING = (40, 40, 20), (1.0, 1.0, 2.0)


def affine_of(spacing=SPACING, origin=(0.0, 0.0, 0.0)):
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = origin
    return affine


def image(frame="", affine=None, shape=SHAPE):
    return Volume(np.ones(shape, np.float32), affine_of() if affine is None else affine, frame=frame)


def outline(frame="", affine=None, shape=SHAPE, box=((10, 30), (10, 25), (5, 15)), cautions=()):
    voxels = np.zeros(shape, bool)
    voxels[tuple(slice(*span) for span in box)] = True
    return Mask(voxels, affine_of() if affine is None else affine, name="gtv", frame=frame, cautions=cautions)


def codes(mask):
    return [caution.code for caution in mask.cautions]


def test_on_the_same_grid_nothing_changes():
    known = Caution("roi_guessed", "The first outline was taken.")
    mask = outline(affine=affine_of(origin=(0.004, 0, 0)), cautions=(known,))
    placed = place_mask(mask, image(frame="1.2"))
    np.testing.assert_array_equal(placed.voxels, mask.voxels)
    np.testing.assert_array_equal(placed.affine, image().affine)
    assert placed.cautions == (known,)
    assert placed.frame == "1.2"


def test_on_the_same_grid_differing_frames_are_said():
    assert codes(place_mask(outline("1.2"), image("3.4"))) == ["frame_differs"]


@pytest.mark.parametrize("frame", ["", "1.2.3"])
def test_another_grid_within_the_image_is_resampled_with_a_caution(frame):
    mask = outline(frame, affine_of((2.0, 2.0, 3.0), (3.0, 2.0, 2.0)), (16, 16, 10), ((3, 14), (2, 12), (2, 8)))
    placed = place_mask(mask, image(frame))
    assert placed.voxels.shape == SHAPE
    assert codes(placed) == ["mask_resampled"]
    assert placed.volume_ml == pytest.approx(mask.volume_ml, rel=0.06)
    centre = np.argwhere(placed.voxels).mean(axis=0) * SPACING
    expected = np.argwhere(mask.voxels).mean(axis=0) * (2.0, 2.0, 3.0) + (3.0, 2.0, 2.0)
    np.testing.assert_allclose(centre, expected, atol=0.6)


def test_differing_frames_are_refused_with_both_geometries():
    mask = outline("1.2", affine_of((2.0, 2.0, 2.0)), (10, 10, 10), ((2, 8),) * 3)
    with pytest.raises(GeometryMismatch, match="different frames of reference") as caught:
        place_mask(mask, image("3.4"))
    assert mask.geometry.describe() in caught.value.message
    assert image().geometry.describe() in caught.value.message


@pytest.mark.parametrize("frame", ["", "1.2"])
def test_an_outline_outside_the_image_is_refused_even_in_its_frame(frame):
    with pytest.raises(GeometryMismatch, match="lies outside the image") as caught:
        place_mask(outline(frame, affine_of(origin=(500, 0, 0))), image(frame))
    assert "its header lost the position" in caught.value.remedy
    assert image().geometry.describe() in caught.value.message


def test_an_outline_partly_outside_is_refused_without_a_common_frame():
    with pytest.raises(GeometryMismatch, match=r"cut by the image's field of view: 50% "):
        place_mask(outline(affine=affine_of(origin=(20, 0, 0))), image("1.2"))


def test_an_outline_partly_outside_is_cut_with_a_caution_in_a_common_frame():
    mask = outline("1.2", affine_of(origin=(20, 0, 0)))
    placed = place_mask(mask, image("1.2"))
    assert codes(placed) == ["mask_cut", "mask_resampled", "mask_touches_edge"]
    assert placed.volume_ml == pytest.approx(mask.volume_ml / 2)


def test_an_outline_reaching_the_image_border_is_still_inside():
    mask = outline("", affine_of((0.5, 0.5, 1.0), (-0.25, -0.25, -0.5)), (80, 80, 40), ((0, 40), (0, 80), (0, 40)))
    placed = place_mask(mask, image())
    assert codes(placed) == ["mask_resampled", "mask_touches_edge"]
    assert placed.volume_ml == pytest.approx(mask.volume_ml)


def test_a_flipped_grid_over_the_same_place_is_turned_without_loss():
    upright = outline()
    affine = affine_of(origin=(39, 0, 0))
    affine[0, 0] = -1
    placed = place_mask(Mask(upright.voxels[::-1], affine), image())
    np.testing.assert_array_equal(placed.voxels, upright.voxels)
    assert codes(placed) == ["mask_turned"]


def test_a_mirrored_header_that_leaves_the_image_is_refused():
    affine = affine_of()
    affine[0, 0] = -1
    with pytest.raises(GeometryMismatch, match="outside the image") as caught:
        place_mask(outline(affine=affine), image())
    assert "axes LAS" in caught.value.message
    assert "axes RAS" in caught.value.message


def test_the_same_size_at_another_position_says_where_both_lie():
    placed = place_mask(outline(affine=affine_of(origin=(3.3, 0, 0))), image())
    assert codes(placed) == ["mask_resampled"]
    assert "not the same position" in placed.cautions[0].message
    assert "first voxel at (3.3, 0.0, 0.0) mm" in placed.cautions[0].message


def test_an_empty_outline_is_named():
    with pytest.raises(EmptyMask, match="'gtv' holds no voxel"):
        place_mask(outline(box=((0, 0),) * 3), image())


def test_an_outline_that_falls_between_voxels_is_named():
    mask = outline(affine=affine_of((0.1, 0.1, 0.1), (10.4, 10.4, 3)), shape=(3, 3, 3), box=((1, 2),) * 3)
    with pytest.raises(EmptyMask, match="too small to reach any voxel"):
        place_mask(mask, image())


def test_a_tiny_outline_is_said():
    placed = place_mask(outline(box=((10, 12), (10, 11), (5, 6))), image())
    assert codes(placed) == ["tiny_mask"]
    assert "0.004 ml (2 voxels)" in placed.cautions[0].message
    thick = image(affine=affine_of((20.0, 20.0, 20.0)))
    assert codes(place_mask(outline(affine=thick.affine, box=((3, 5), (3, 5), (3, 5))), thick)) == ["tiny_mask"]


def test_touching_the_edge_is_said_but_not_for_a_single_slice():
    assert codes(place_mask(outline(box=((0, 20), (10, 25), (5, 15))), image())) == ["mask_touches_edge"]
    flat = image(shape=(40, 40, 1))
    assert codes(place_mask(outline(shape=(40, 40, 1), box=((10, 38), (10, 30), (0, 1))), flat)) == []


def test_outline_and_image_of_a_real_case_match(shared_data):
    import SimpleITK as sitk

    from app.core.io.itk import from_sitk
    folder = shared_data / "pyradiomics"
    volume = Volume(*from_sitk(sitk.ReadImage(str(folder / "brain1_image.nrrd"))))
    voxels, affine = from_sitk(sitk.ReadImage(str(folder / "brain1_label.nrrd")))
    placed = place_mask(Mask(voxels == 1, affine), volume)
    assert placed.volume_ml == pytest.approx(16.412658691, rel=1e-6)  # pyradiomics' baseline VoxelVolume


def test_files_that_keep_no_position_are_laid_voxel_by_voxel_and_it_is_said():
    away = affine_of(origin=(18.0, -9.0, 4.0))
    unplaced = (Caution("orientation_assumed", "Analyze"),)
    placed = place_mask(outline(affine=away, cautions=unplaced), image())
    assert "position_taken" in codes(placed)
    assert np.array_equal(placed.voxels, outline().voxels)
    with pytest.raises(GeometryMismatch):
        place_mask(outline(affine=away), image())

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.data import Box, Geometry, Mask, Volume
from app.core.errors import EmptyMask, GeometryMismatch, InputError
from app.core.io.itk import from_sitk, to_sitk
from app.core.preprocess.boxes import bounding_boxes, largest_slice
from app.core.preprocess.crop import crop
from app.core.preprocess.reorient import reorient
from app.core.preprocess.resample import resample, resample_mask, target_geometry
from app.core.recipe import ResampleRecipe

CODES = [a + b + c for a in "LRAPIS" for b in "LRAPIS" for c in "LRAPIS"
         if {next(p for p in ("LR", "PA", "IS") if x in p) for x in (a, b, c)} == {"LR", "PA", "IS"}]


def rotation(angles):
    a, b, c = angles
    x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    y = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    z = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return x @ y @ z


def affine_of(spacing=(1.0, 1.0, 1.0), origin=(0.0, 0.0, 0.0), angles=(0.0, 0.0, 0.0)):
    affine = np.eye(4)
    affine[:3, :3] = rotation(angles) * np.asarray(spacing)
    affine[:3, 3] = origin
    return affine


def ball(shape, spacing, radius, affine=None):
    affine = affine_of(spacing) if affine is None else affine
    grid = np.stack(np.meshgrid(*[np.arange(n) for n in shape], indexing="ij"), axis=-1)
    centre = (np.asarray(shape) - 1) / 2
    distance = np.linalg.norm((grid - centre) * np.asarray(spacing), axis=-1)
    return Mask(distance <= radius, affine)


def numbered(shape, affine):
    return Volume(np.arange(np.prod(shape), dtype=np.float32).reshape(shape), affine)


@settings(max_examples=60, deadline=None)
@given(shape=st.tuples(*[st.integers(1, 4)] * 3), codes=st.sampled_from(CODES),
       angles=st.tuples(*[st.floats(-3.1, 3.1)] * 3), spacing=st.tuples(*[st.floats(0.2, 9)] * 3),
       origin=st.tuples(*[st.floats(-200, 200)] * 3))
def test_reorienting_moves_no_voxel_in_the_world_and_is_undone(shape, codes, angles, spacing, origin):
    volume = numbered(shape, affine_of(spacing, origin, angles))
    turned = reorient(volume, codes)
    for value in volume.voxels.ravel():
        old = np.append(np.argwhere(volume.voxels == value)[0], 1)
        new = np.append(np.argwhere(turned.voxels == value)[0], 1)
        np.testing.assert_allclose(turned.affine @ new, volume.affine @ old, atol=1e-6)
    back = reorient(turned, volume.geometry.axis_codes)
    np.testing.assert_array_equal(back.voxels, volume.voxels)
    np.testing.assert_allclose(back.affine, volume.affine, atol=1e-6)


@pytest.mark.parametrize("codes", CODES)
def test_reorienting_reaches_every_orientation(codes):
    mask = Mask(np.ones((2, 3, 4), bool), affine_of((1, 2, 3), angles=(0.2, -0.1, 0.3)), name="gtv")
    turned = reorient(mask, codes)
    assert turned.geometry.axis_codes == codes
    assert turned.name == "gtv"


@pytest.mark.parametrize("codes", ["RAX", "RRS", "RA", "", "RASL", "ras"])
def test_impossible_orientations_are_refused(codes):
    with pytest.raises(InputError, match="not one letter each"):
        reorient(numbered((2, 2, 2), np.eye(4)), codes)


def test_the_new_grid_shares_the_centre_and_covers_the_field_of_view():
    old = Geometry((10, 11, 4), affine_of((0.5, 0.7, 6.0), (5, -3, 20), (0.1, 0.2, 0.3)))
    new = target_geometry(old, (1.0, 0.0, 2.0))
    assert new.shape == (5, 11, 12)
    np.testing.assert_allclose(new.spacing, (1.0, 0.7, 2.0))
    for geometry in (old, new):
        centre = geometry.affine @ np.append((np.asarray(geometry.shape) - 1) / 2, 1)
        np.testing.assert_allclose(centre, old.affine @ [4.5, 5, 1.5, 1])


def test_a_linear_ramp_survives_resampling():
    affine = affine_of((1.0, 2.0, 3.0))
    i, j, k = np.indices((12, 10, 8))
    volume = Volume((i + 2.0 * j + 3.0 * k).astype(np.float32), affine)
    new = resample(volume, ResampleRecipe(spacing=(0.5, 1.0, 2.0), interpolation="linear"))
    at = np.indices(new.voxels.shape).reshape(3, -1)
    world = new.affine[:3, :3] @ at + new.affine[:3, 3:]
    inside = ((world >= 0) & (world <= [[11], [18], [21]])).all(axis=0)
    np.testing.assert_allclose(new.voxels.ravel()[inside], world.sum(axis=0)[inside], rtol=1e-4, atol=1e-3)


def test_bspline_resampling_equals_simpleitk():
    rng = np.random.default_rng(4)
    volume = Volume(rng.normal(size=(12, 13, 9)).astype(np.float32), affine_of((1, 1.5, 4), (3, 2, 1), (0.1, 0.3, 0.2)))
    new = resample(volume, ResampleRecipe(spacing=(0.8, 1.0, 2.0), interpolation="bspline"))
    grid = to_sitk(new)
    expected, _ = from_sitk(sitk.Resample(to_sitk(volume), grid, sitk.Transform(), sitk.sitkBSpline, 0.0))
    inner = (slice(2, -2),) * 3
    np.testing.assert_allclose(new.voxels[inner], expected[inner], atol=2e-3)


def test_one_slice_stays_one_slice_and_the_same_spacing_changes_nothing():
    volume = numbered((6, 6, 1), affine_of((1, 1, 5)))
    assert resample(volume, ResampleRecipe(spacing=(2, 2, 2))).voxels.shape == (3, 3, 1)
    assert resample(volume, ResampleRecipe(spacing=(1, 0, 5))) is volume


@pytest.mark.parametrize(("spacing", "words"), [((-1.0, 1, 1), "negative"), ((1e-4, 1e-4, 1e-4), "would need")])
def test_unusable_spacings_are_refused(spacing, words):
    with pytest.raises(InputError, match=words):
        resample(numbered((20, 20, 20), np.eye(4)), ResampleRecipe(spacing=spacing))


@pytest.mark.parametrize("spacing", [(0.5, 0.5, 0.5), (2.0, 2.0, 2.0), (1.3, 1.3, 1.3), (1.0, 1.0, 0.7)])
def test_a_ball_keeps_its_volume_when_resampled(spacing):
    mask = ball((30, 30, 16), (1.0, 1.0, 2.0), 11.0)
    new = resample_mask(mask, target_geometry(mask.geometry, spacing))
    assert new.volume_ml == pytest.approx(mask.volume_ml, rel=0.04)


def test_a_mask_on_a_turned_and_shifted_grid_keeps_volume_and_place():
    mask = ball((24, 24, 12), (1.0, 1.0, 2.0), 9.0)
    other = Geometry((60, 60, 50), affine_of((0.8, 0.9, 1.1), (-15, -18, -14), (0.0, 0.2, 0.1)))
    new = resample_mask(mask, other)
    assert new.volume_ml == pytest.approx(mask.volume_ml, rel=0.04)

    def centroid(m):
        return (m.affine @ np.append(np.argwhere(m.voxels).mean(axis=0), 1))[:3]
    np.testing.assert_allclose(centroid(new), centroid(mask), atol=0.1)


def test_a_mask_reaching_the_edge_fills_the_edge_voxels():
    mask = Mask(np.ones((4, 4, 4), bool), affine_of((2, 2, 2)))
    new = resample_mask(mask, target_geometry(mask.geometry, (1, 1, 1)))
    assert new.voxels.all()


def test_a_mask_elsewhere_becomes_empty():
    mask = Mask(np.ones((4, 4, 4), bool), np.eye(4))
    assert not resample_mask(mask, Geometry((4, 4, 4), affine_of(origin=(100, 0, 0)))).voxels.any()


def test_cropping_keeps_values_where_they_were():
    voxels = np.zeros((10, 12, 6), bool)
    voxels[4:6, 5:9, 2] = True
    mask = Mask(voxels, affine_of((1, 2, 5), (7, 8, 9)))
    volume = numbered((10, 12, 6), mask.affine)
    small, outline = crop(volume, mask, 3.0)
    assert small.voxels.shape == outline.voxels.shape == (8, 8, 3)
    at = np.argwhere(outline.voxels)[0]
    np.testing.assert_allclose(small.affine @ np.append(at, 1), volume.affine @ [4, 5, 2, 1])
    assert small.voxels[tuple(at)] == volume.voxels[4, 5, 2]
    assert outline.voxels.sum() == mask.voxels.sum()


def test_cropping_needs_a_tumour_on_the_same_grid():
    volume = numbered((4, 4, 4), np.eye(4))
    with pytest.raises(EmptyMask):
        crop(volume, Mask(np.zeros((4, 4, 4), bool), np.eye(4)), 1.0)
    with pytest.raises(GeometryMismatch):
        crop(volume, Mask(np.ones((4, 4, 4), bool), affine_of(origin=(3, 0, 0))), 1.0)


def test_boxes_are_half_open_per_slice_and_the_largest_slice_is_found():
    voxels = np.zeros((10, 12, 6), bool)
    voxels[2:5, 3:4, 1] = True
    voxels[1, 7, 3] = voxels[8, 2, 3] = True
    mask = Mask(voxels, np.eye(4))
    assert bounding_boxes(mask) == [Box(1, 2, 5, 3, 4), Box(3, 1, 9, 2, 8)]
    assert largest_slice(mask) == 1


def test_an_empty_mask_has_no_boxes_and_no_largest_slice():
    empty = Mask(np.zeros((3, 3, 3), bool), np.eye(4))
    assert bounding_boxes(empty) == []
    with pytest.raises(EmptyMask):
        largest_slice(empty)


def test_resampling_keeps_centres_on_the_surface_as_the_ibsi_says():
    inside = np.zeros((4, 1, 1), bool)
    inside[2] = True
    halved = Geometry((3, 1, 1), affine_of(origin=(0.5, 0, 0)))
    mask = Mask(inside, np.eye(4))
    assert resample_mask(mask, halved, keep_ties=True).voxels.ravel().tolist() == [False, True, True]
    assert resample_mask(mask, halved).voxels.ravel().sum() == 1
    # Spacings that have no exact binary form must not turn a half into 0.49999.
    third = affine_of((1 / 3, 1, 1))
    moved = affine_of((1 / 3, 1, 1), origin=(1 / 6, 0, 0))
    assert resample_mask(Mask(inside, third), Geometry((3, 1, 1), moved), keep_ties=True).voxels.sum() == 2

"""Maps laid onto images: where the tumour is on the pictures is where it is on the image, however that is stored."""

import numpy as np
import pytest

from app.core.data import Geometry, Mask, Volume
from app.core.deep.crops import make_crops
from app.core.deep.placing import find_slices, place_maps
from app.core.network_recipe import CropRecipe
from app.core.preprocess.reorient import reorient
from app.core.radiomics.planes import through_plane_axis
from tests.core.deep.prepared_cases import make_prepared

SLICES = CropRecipe(set="slices", size=64)


def turned(prepared, degrees):
    """The same voxels on an oblique grid."""
    from dataclasses import replace

    from scipy.spatial.transform import Rotation

    turn = np.eye(4)
    turn[:3, :3] = Rotation.from_euler("xyz", [degrees, degrees / 2, -degrees], degrees=True).as_matrix()
    image, mask = prepared.images["t1"], prepared.masks["t1"]
    return replace(prepared, images={"t1": Volume(image.voxels, turn @ image.affine)},
                   masks={"t1": Mask(mask.voxels, turn @ mask.affine)})


def place(prepared, recipe, values=None):
    crops = make_crops(prepared, recipe)
    maps = crops.outlines.astype(np.float32) if values is None else values(crops)
    return place_maps(maps, crops.affines, prepared.images["t1"].geometry), crops


def overlap(placed, inside):
    """Of the two, shared voxels twice over all."""
    found = np.nan_to_num(placed) >= 0.5
    return 2 * (found & inside).sum() / (found.sum() + inside.sum())


@pytest.mark.parametrize("codes", ["RAS", "LPI", "ASR", "SRA", "IPL", "PIR"])
@pytest.mark.parametrize("degrees", [0, 12])
def test_a_map_of_the_tumour_lies_on_the_tumour(codes, degrees):
    prepared = turned(make_prepared(codes=codes, centre=(15, 20, 4)), degrees)
    image, mask = prepared.images["t1"], prepared.masks["t1"]
    placed, crops = place(prepared, SLICES)
    assert placed.shape == image.voxels.shape
    assert placed.dtype == np.float32
    assert overlap(placed, mask.voxels) > 0.93
    axis = through_plane_axis(image.geometry)
    assert find_slices(placed, image.geometry) == tuple(sorted(crops.positions))
    held = np.flatnonzero(mask.voxels.any(axis=tuple(other for other in range(3) if other != axis)))
    assert sorted(crops.positions) == held.tolist()


@pytest.mark.parametrize("codes", ["RAS", "ASR", "SRA"])
def test_slices_across_another_axis_than_k_and_the_largest_alone(codes):
    prepared = make_prepared(codes=codes)
    image, mask = prepared.images["t1"], prepared.masks["t1"]
    placed, crops = place(prepared, CropRecipe(set="largest_slice", size=32))
    axis = through_plane_axis(image.geometry)
    assert axis == codes.index("S")
    [slice_number] = crops.positions
    areas = mask.voxels.sum(axis=tuple(other for other in range(3) if other != axis))
    assert areas[slice_number] == areas.max()
    assert np.isfinite(np.take(placed, slice_number, axis)).any()
    rest = np.delete(placed, slice_number, axis)
    assert np.isnan(rest).all()


@pytest.mark.parametrize("codes", ["RAS", "ASR", "PIR"])
def test_a_volume_covers_every_voxel_of_its_crop(codes):
    prepared = turned(make_prepared(codes=codes), 7)
    mask = prepared.masks["t1"]
    placed, _ = place(prepared, CropRecipe(set="volume", size=48, depth=16))
    assert overlap(placed, mask.voxels) > 0.85
    assert np.isfinite(placed[mask.voxels]).all()


def test_a_single_place_is_found_in_voxels():
    """One bright pixel of one picture; the voxel is where the pictures' affine says, computed here by hand."""
    prepared = turned(make_prepared(codes="ASR", centre=(12, 18, 5)), 20)
    image = prepared.images["t1"]
    crops = make_crops(prepared, SLICES)
    maps = np.zeros(crops.outlines.shape, dtype=np.float32)
    maps[2, 40:44, 20:24] = 1.0
    placed = place_maps(maps, crops.affines, image.geometry)
    world = crops.affines[2] @ [21.5, 41.5, 0.0, 1.0]
    expected = np.linalg.inv(image.affine) @ world
    strongest = np.array(np.unravel_index(np.nanargmax(placed), placed.shape))
    assert np.abs(strongest - expected[:3]).max() <= 1.0
    axis = through_plane_axis(image.geometry)
    assert strongest[axis] == crops.positions[2]


def test_an_image_with_thicker_or_finer_slices_than_the_pictures():
    prepared = make_prepared(spacing=(1.0, 1.0, 2.0), shape=(40, 40, 20), radii=(9.0, 9.0, 12.0))
    crops = make_crops(prepared, CropRecipe(set="largest_slice", size=32))
    maps = np.ones(crops.outlines.shape, dtype=np.float32)
    image = prepared.images["t1"]
    thick = np.array(image.affine)
    thick[:, 2] *= 3
    placed = place_maps(maps, crops.affines, Geometry((40, 40, 7), thick))
    assert len(find_slices(placed, Geometry((40, 40, 7), thick))) == 1, "the picture's slice is not lost between two"
    fine = np.array(image.affine)
    fine[:, 2] /= 4
    assert len(find_slices(place_maps(maps, crops.affines, Geometry((40, 40, 80), fine)),
                           Geometry((40, 40, 80), image.affine))) == 4  # fmt: skip


def test_another_orientation_of_the_same_image_gets_the_same_map():
    prepared = make_prepared(codes="RAS")
    crops = make_crops(prepared, SLICES)
    maps = np.random.default_rng(0).random(crops.outlines.shape, dtype=np.float32)
    placed = place_maps(maps, crops.affines, prepared.images["t1"].geometry)
    other = reorient(prepared.images["t1"], "PIR")
    again = place_maps(maps, crops.affines, other.geometry)
    back = reorient(Volume(again, other.affine), "RAS")
    assert np.allclose(back.voxels, placed, atol=1e-5, equal_nan=True)


def test_outside_the_image_nothing_is_placed():
    affine = np.diag([1.0, 1.0, 1.0, 1.0])
    affine[:3, 3] = 500.0
    placed = place_maps(np.ones((1, 8, 8), np.float32), affine[None], Geometry((10, 11, 12), np.eye(4)))
    assert placed.shape == (10, 11, 12)
    assert np.isnan(placed).all()

import math

import numpy as np
import pytest
import SimpleITK as sitk

from app.core.data import Mask, Prepared, Volume
from app.core.radiomics.catalogue import describe, feature_names
from app.core.radiomics.extract import extract
from app.core.radiomics.largest_slice import measure, names
from app.core.recipe import GaborRecipe, QuantisedRecipe, RadiomicsRecipe, Recipe

CLASSES = ("shape", "firstorder", "glcm", "glszm", "diameters")
SLICE = RadiomicsRecipe(classes=CLASSES, bin_count=16, largest_slice=True)


def case() -> tuple[Volume, Mask]:
    rng = np.random.default_rng(5)
    i, j, k = np.meshgrid(*[np.arange(n) for n in (24, 22, 9)], indexing="ij")
    inside = ((i - 11) / 8) ** 2 + ((j - 10) / 6) ** 2 + ((k - 5) / 3) ** 2 <= 1
    affine = np.diag([0.8, 0.8, 4.0, 1.0])
    return Volume(rng.normal(200, 40, inside.shape).astype(np.float32), affine), Mask(inside, affine)


def by_pyradiomics(volume, mask, k, count=16) -> dict[str, float]:
    """The slice cut out by hand and given to pyradiomics' extractor as a picture of two dimensions."""
    from radiomics import featureextractor

    image = sitk.GetImageFromArray(volume.voxels[:, :, k].T)
    label = sitk.GetImageFromArray(mask.voxels[:, :, k].T.astype(np.uint8))
    for each in (image, label):
        each.SetSpacing(mask.geometry.spacing[:2])
    extractor = featureextractor.RadiomicsFeatureExtractor(additionalInfo=False, binCount=count)
    extractor.disableAllFeatures()
    for name in ("shape2D", "firstorder", "glcm", "glszm"):
        extractor.enableFeatureClassByName(name)
    return {name: float(value) for name, value in extractor.execute(image, label).items()}


def test_slice_equals_pyradiomics_on_a_picture_of_it() -> None:
    volume, mask = case()
    found, expected = measure(volume, mask, SLICE), by_pyradiomics(volume, mask, 5)
    assert set(found) == {f"slice-{name}" for name in expected}
    for name, value in expected.items():
        # Pyradiomics weighs total energy by the voxel's size, which of a picture is an area.
        scale = 4.0 if name.endswith("TotalEnergy") else 1.0
        assert found[f"slice-{name}"] == pytest.approx(value * scale, rel=1e-6), name


def test_names_are_those_measured_and_the_catalogue_knows_them() -> None:
    volume, mask = case()
    recipe = SLICE.model_copy(update={"quantised": QuantisedRecipe(), "gabor": GaborRecipe(scales=2)})
    assert set(names(recipe)) == set(measure(volume, mask, recipe))
    assert [name for name in feature_names(recipe) if name.startswith("slice-")] == names(recipe)
    assert {name.split("_")[0] for name in names(recipe)} == {"slice-original", "slice-equal", "slice-gabor-1",
                                                              "slice-gabor-2"}
    assert all("largest slice" in describe(name).title for name in names(recipe))
    assert not any("_shape_" in name or "diameters" in name for name in names(recipe))
    assert names(RadiomicsRecipe()) == []


def test_slice_is_the_same_wherever_it_is_stored() -> None:
    volume, mask = case()
    recipe = SLICE.model_copy(update={"quantised": QuantisedRecipe(levels=(8,))})
    turned = [each.with_voxels(np.moveaxis(each.voxels, 2, 0), np.diag([4.0, 0.8, 0.8, 1.0]))
              for each in (volume, mask)]
    assert measure(*turned, recipe) == pytest.approx(measure(volume, mask, recipe), rel=1e-9)


def test_other_slices_do_not_matter() -> None:
    volume, mask = case()
    changed = np.array(volume.voxels)
    changed[:, :, :5] = changed[:, :, 6:] = 0
    assert measure(volume.with_voxels(changed), mask, SLICE) == measure(volume, mask, SLICE)


def test_filters_leave_the_slice_alone() -> None:
    volume, mask = case()
    filtered = SLICE.model_copy(update={"filters": {"Original": {}, "LoG": {"sigma": [1.0]}}})
    assert measure(volume, mask, filtered) == measure(volume, mask, SLICE)


def test_a_slice_of_one_pixel_gives_nothing() -> None:
    volume, mask = case()
    inside = np.zeros(mask.voxels.shape, dtype=bool)
    inside[3, 3, 1:4] = True
    assert measure(volume, mask.with_voxels(inside), SLICE) == {}
    inside[4, 3, 2] = True
    found = measure(volume, mask.with_voxels(inside), SLICE)
    assert found["slice-original_shape2D_PixelSurface"] == pytest.approx(2 * 0.8 * 0.8)


@pytest.mark.parametrize(("name", "count"), [("creatis-2019", 300), ("creatis-2019-levels", 1032), ("lgg-shape", 5)])
def test_shipped_recipes_of_studies_measure_every_column(name, count) -> None:
    from app.core.paths import program_folder

    recipe = Recipe.parse(program_folder() / "resources" / "recipes" / f"{name}.json")
    volume, mask = case()
    row = extract(Prepared("a", {"t1": volume}, {"t1": mask}), recipe.features)
    assert len(row.names) == len(set(row.names)) == count
    assert [column for column, value in row.as_dict().items() if math.isnan(value)] == []
    assert "reading" in recipe.description

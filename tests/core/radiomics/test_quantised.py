import math

import numpy as np
import pytest

from app.core.data import Mask, Prepared, Volume
from app.core.errors import RecipeError
from app.core.radiomics.catalogue import describe, feature_names
from app.core.radiomics.extract import extract
from app.core.radiomics.quantised import measure, names
from app.core.recipe import QuantisedRecipe, RadiomicsRecipe

LEVELS = (8, 16, 24, 32, 40, 48, 64)
KEPT = RadiomicsRecipe(classes=(), quantised=QuantisedRecipe(keep_levels=True))
MEAN = RadiomicsRecipe(classes=(), quantised=QuantisedRecipe())
FEATURES = {"glcm": 24, "glrlm": 16, "glszm": 16, "ngtdm": 5}


def case(shape=(17, 15, 7), spacing=(0.9, 0.9, 3.0), seed=1) -> tuple[Volume, Mask]:
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(seed)
    voxels = gaussian_filter(rng.normal(size=shape), 1.0) * 100
    inside = gaussian_filter(rng.normal(size=shape), 2.0)
    affine = np.diag([*spacing, 1.0])
    return Volume(voxels.astype(np.float32), affine), Mask(inside > np.median(inside), affine)


def quantise(volume, mask, count) -> np.ndarray:
    """Deal the voxels out in order of intensity, level by level, with no thresholds at all."""
    levels = np.zeros(mask.voxels.shape, dtype=np.int32)
    places = np.argwhere(mask.voxels)[np.argsort(volume.voxels[mask.voxels], kind="stable")]
    for rank, place in enumerate(places):
        levels[tuple(place)] = 1 + rank * count // len(places)
    return levels


def seven_calls(volume, mask, levels_of=quantise) -> dict[str, float]:
    """The same by pyradiomics' own extractor, called for each number of levels and each way of counting."""
    import SimpleITK as sitk
    from radiomics import featureextractor

    label = sitk.GetImageFromArray(mask.voxels.T.astype(np.uint8))
    found = {}
    for count in LEVELS:
        image = sitk.GetImageFromArray(levels_of(volume, mask, count).T)
        for each in (image, label):
            each.SetSpacing(mask.geometry.spacing)
        for classes, flat in ((("glcm", "glrlm"), True), (("glszm", "ngtdm"), False)):
            extractor = featureextractor.RadiomicsFeatureExtractor(additionalInfo=False, binWidth=1, force2D=flat)
            extractor.disableAllFeatures()
            for name in classes:
                extractor.enableFeatureClassByName(name)
            found |= {f"equal{count}{name.removeprefix('original')}": float(value)
                      for name, value in extractor.execute(image, label).items()}
    return found


@pytest.mark.parametrize("seed", [1, 2])
def test_every_level_equals_a_call_of_pyradiomics(seed) -> None:
    volume, mask = case(seed=seed)
    ours, theirs = measure(volume, mask, KEPT), seven_calls(volume, mask)
    assert set(ours) == set(theirs)
    assert len(ours) == 7 * 61
    for name, value in theirs.items():
        assert ours[name] == pytest.approx(value, rel=1e-9, abs=1e-12), name


@pytest.mark.shared
def test_levels_of_a_real_image_equal_pyradiomics(shared_data) -> None:
    import SimpleITK as sitk

    from app.core.io.itk import from_sitk
    from app.core.radiomics.discretise import equal_levels

    image, label = (sitk.ReadImage(str(shared_data / "pyradiomics" / f"breast1_{what}.nrrd"))
                    for what in ("image", "label"))
    voxels, affine = from_sitk(image)
    volume, mask = Volume(voxels.astype(np.float32), affine), Mask(from_sitk(label)[0] == 1, affine)
    # Whole numbers tie: which voxels share a level is then the quantisation's own choice.
    ours, theirs = measure(volume, mask, KEPT), seven_calls(volume, mask, equal_levels)
    assert set(ours) == set(theirs)
    for name, value in theirs.items():
        assert ours[name] == pytest.approx(value, rel=1e-6, abs=1e-9), name


def test_mean_is_that_of_the_levels() -> None:
    volume, mask = case()
    kept, mean = measure(volume, mask, KEPT), measure(volume, mask, MEAN)
    assert len(mean) == 61
    for name, value in mean.items():
        feature = name.removeprefix("equal")
        assert value == pytest.approx(np.mean([kept[f"equal{count}{feature}"] for count in LEVELS]), rel=1e-12)


def test_names_are_those_measured_and_the_catalogue_knows_them() -> None:
    volume, mask = case()
    for recipe in (KEPT, MEAN):
        assert set(names(recipe)) == set(measure(volume, mask, recipe))
        assert tuple(names(recipe)) == feature_names(recipe)
        assert all(describe(name).title != name for name in names(recipe))
    counts = {kind: sum(name.startswith(f"equal_{kind}_") for name in names(MEAN)) for kind in FEATURES}
    assert counts == FEATURES
    assert names(RadiomicsRecipe()) == []


def test_extractor_gives_the_columns() -> None:
    volume, mask = case()
    row = extract(Prepared("a", {"t1": volume}, {"t1": mask}), MEAN)
    assert row.names == ("volume_ml", "longest_diameter_mm", *names(MEAN))
    assert row.as_dict()["equal_glcm_Contrast"] == measure(volume, mask, MEAN)["equal_glcm_Contrast"]


@pytest.mark.parametrize("axis", [0, 1])
def test_slices_follow_the_thick_axis(axis) -> None:
    volume, mask = case()
    turned = [each.with_voxels(np.moveaxis(each.voxels, 2, axis), np.diag([*np.insert([0.9, 0.9], axis, 3.0), 1.0]))
              for each in (volume, mask)]
    assert measure(*turned, MEAN) == pytest.approx(measure(volume, mask, MEAN), rel=1e-9)


def test_only_ranks_matter() -> None:
    volume, mask = case()
    other = volume.with_voxels(np.exp(volume.voxels / 50.0) + 7)
    assert measure(other, mask, MEAN) == pytest.approx(measure(volume, mask, MEAN), rel=1e-9)


def test_2d_keeps_every_class_within_slices() -> None:
    volume, mask = case()
    flat = measure(volume, mask, MEAN.model_copy(update={"force_2d": True}))
    deep = measure(volume, mask, MEAN)
    assert flat["equal_glcm_Contrast"] == deep["equal_glcm_Contrast"]
    assert flat["equal_glszm_ZoneVariance"] != deep["equal_glszm_ZoneVariance"]


def test_small_outlines_give_what_they_allow() -> None:
    volume, mask = case()
    inside = np.zeros(mask.voxels.shape, dtype=bool)
    inside[3, 3, 1:4] = True
    found = measure(volume, mask.with_voxels(inside), MEAN)
    assert {name.split("_")[1] for name in found} == {"glszm", "ngtdm"}
    row = extract(Prepared("a", {"t1": volume}, {"t1": mask.with_voxels(inside)}), MEAN).as_dict()
    assert math.isnan(row["equal_glcm_Contrast"])
    assert measure(volume, mask.with_voxels(np.zeros_like(inside)), MEAN) == {}


@pytest.mark.parametrize(("settings", "message"), [
    ({"classes": ("shape",)}, "'shape'"), ({"levels": ()}, "no grey levels"), ({"levels": (8, 8)}, "8, 8 grey levels"),
    ({"levels": (1, 8)}, "1, 8 grey levels")])
def test_settings_that_make_no_sense_are_refused(settings, message) -> None:
    with pytest.raises(RecipeError, match=message):
        names(RadiomicsRecipe(quantised=QuantisedRecipe(**settings)))

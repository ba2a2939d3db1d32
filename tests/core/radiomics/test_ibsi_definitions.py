"""Where the IBSI's definitions and pyradiomics' differ: each against a calculation of its own."""

import numpy as np
import pytest
from scipy import stats

from app.core.data import Mask, Prepared, Volume
from app.core.errors import EmptyMask, InputError, RecipeError
from app.core.paths import program_folder
from app.core.radiomics.catalogue import feature_names
from app.core.radiomics.extract import extract
from app.core.recipe import RadiomicsRecipe, Recipe

SHAPE = (10, 9, 8)
AFFINE = np.diag([0.9, 1.1, 2.0, 1.0])


@pytest.fixture
def case() -> Prepared:
    i, j, k = np.ogrid[:10, :9, :8]
    inside = (i - 4.5) ** 2 + (j - 4) ** 2 + 1.5 * (k - 3.5) ** 2 < 15
    voxels = np.random.default_rng(11).normal(170.0, 22.0, SHAPE).astype(np.float32)
    return Prepared("case", {"t1": Volume(voxels, AFFINE)}, {"t1": Mask(inside, AFFINE)})


def measure(case: Prepared, *classes: str, **settings) -> dict[str, float]:
    recipe = RadiomicsRecipe(**({"standard": "ibsi", "bin_width": 10.0, "bin_origin": 0.0} | settings), classes=classes)
    return {name.removeprefix("original_"): value for name, value in extract(case, recipe).as_dict().items()}


def intensities(case: Prepared) -> np.ndarray:
    return case.images["t1"].voxels[case.masks["t1"].voxels].astype(np.float64)


def test_kurtosis_is_zero_for_a_normal_distribution(case) -> None:
    found = measure(case, "firstorder")["firstorder_Kurtosis"]
    assert found == pytest.approx(stats.kurtosis(intensities(case)))
    plain = measure(case, "firstorder", standard="pyradiomics", bin_origin=None)["firstorder_Kurtosis"]
    assert plain == pytest.approx(found + 3.0)


def test_one_intensity_throughout_has_no_kurtosis(case) -> None:
    even = Prepared("even", {"t1": case.images["t1"].with_voxels(np.full(SHAPE, 40.0))}, case.masks)
    found = measure(even, "firstorder", "statistics")
    assert found["firstorder_Kurtosis"] == found["statistics_ExcessKurtosis"] == 0.0


def test_axis_lengths_come_from_the_unbiased_covariance(case) -> None:
    points = np.argwhere(case.masks["t1"].voxels) * np.diag(AFFINE)[:3]
    lengths = 4 * np.sqrt(np.linalg.eigvalsh(np.cov(points.T)))
    found = measure(case, "shape")
    assert [found[f"shape_{axis}AxisLength"] for axis in ("Least", "Minor", "Major")] == pytest.approx(lengths)
    assert found["shape_Flatness"] == pytest.approx(lengths[0] / lengths[2])


@pytest.mark.parametrize("origin", [0.0, -50.0, None])
def test_grey_levels_are_counted_from_the_origin(case, origin) -> None:
    values = intensities(case)
    start = values.min() if origin is None else origin
    levels = np.floor((values[values >= start] - start) / 10.0) + 1
    found = measure(case, "gldm", "firstorder", bin_origin=origin)
    assert found["gldm_HighGrayLevelEmphasis"] == pytest.approx((levels**2).mean())
    shares = np.unique(levels, return_counts=True)[1] / levels.size
    assert found["firstorder_Entropy"] == pytest.approx(-(shares * np.log2(shares)).sum())
    anchored = measure(case, "gldm", standard="pyradiomics", bin_origin=None)["gldm_HighGrayLevelEmphasis"]
    assert found["gldm_HighGrayLevelEmphasis"] != pytest.approx(anchored, rel=1e-3)


def test_intensities_below_the_origin_do_not_count_but_the_shape_keeps_them(case) -> None:
    values = intensities(case)
    found = measure(case, "shape", "firstorder", "gldm", bin_origin=170.0)
    assert found["firstorder_Minimum"] >= 170.0
    assert found["firstorder_Mean"] == pytest.approx(values[values >= 170.0].mean())
    assert found["shape_VoxelVolume"] == pytest.approx(values.size * np.prod(np.diag(AFFINE)[:3]))
    levels = np.floor((values[values >= 170.0] - 170.0) / 10.0) + 1
    assert found["gldm_HighGrayLevelEmphasis"] == pytest.approx((levels**2).mean())
    with pytest.raises(EmptyMask, match="below 5000"):
        measure(case, "firstorder", bin_origin=5000.0)


def test_intensities_are_not_rounded(case) -> None:
    levels = np.floor(intensities(case) / 0.25) + 1
    assert measure(case, "gldm", bin_width=0.25)["gldm_HighGrayLevelEmphasis"] == pytest.approx((levels**2).mean())


def test_a_number_of_bins_ignores_the_origin(case) -> None:
    values = intensities(case)
    levels = np.minimum(np.floor(16 * (values - values.min()) / np.ptp(values)) + 1, 16)
    found = measure(case, "gldm", bin_count=16, bin_origin=None)
    assert found["gldm_HighGrayLevelEmphasis"] == pytest.approx((levels**2).mean())


def test_pyradiomics_has_no_origin_of_bins(case) -> None:
    with pytest.raises(RecipeError, match="begin at 0"):
        measure(case, "gldm", standard="pyradiomics")


@pytest.mark.parametrize("class_name", ["glcm", "glrlm"])
def test_directions_are_merged_on_demand(case, class_name) -> None:
    averaged, merged = (measure(case, class_name, aggregation=how) for how in ("average", "merge"))
    direct = measure(case, class_name, filters={"Original": {"weightingNorm": "no_weighting"}})
    assert merged == direct
    entropy = {"glcm": "glcm_JointEntropy", "glrlm": "glrlm_RunEntropy"}[class_name]
    assert merged[entropy] > averaged[entropy]


def test_slices_are_merged_or_averaged(case) -> None:
    volume, mask = case.images["t1"], case.masks["t1"]
    expected = []
    for k in np.flatnonzero(mask.voxels.any(axis=(0, 1))):
        alone = mask.voxels & (np.arange(SHAPE[2]) == k)
        one = Prepared("slice", {"t1": volume}, {"t1": mask.with_voxels(alone)})
        expected.append(measure(one, "glszm", force_2d=True)["glszm_ZonePercentage"])
    found = {how: measure(case, "glszm", force_2d=True, slices=how)["glszm_ZonePercentage"]
             for how in ("average", "merge")}
    assert found["average"] == pytest.approx(np.mean(expected))
    assert found["merge"] != pytest.approx(found["average"], rel=1e-6)


def test_filtered_images_are_binned_from_their_own_minimum(case) -> None:
    recipe = RadiomicsRecipe(standard="ibsi", classes=("gldm",), bin_width=2.0, bin_origin=-500.0,
                             filters={"Original": {}, "LoG": {"sigma": [1.5]}})
    row = extract(case, recipe).as_dict()
    assert row["original_gldm_LowGrayLevelEmphasis"] < 1e-4
    assert row["log-sigma-1-5-mm-3D_gldm_LowGrayLevelEmphasis"] > 1e-2


def test_bins_that_need_too_much_memory_are_refused(case) -> None:
    with pytest.raises(InputError, match="at most 1024"):
        measure(case, "glcm", bin_width=0.1)
    assert measure(case, "gldm", bin_width=0.1, bin_origin=None)
    with pytest.raises(InputError, match="at most 4096"):
        measure(case, "gldm", bin_width=0.01)


def test_shipped_recipe_is_the_validation_on_sarcoma_mri() -> None:
    recipe = Recipe.parse(program_folder() / "resources" / "recipes" / "ibsi.json")
    assert recipe.prep.resample is not None
    assert (recipe.prep.resample.spacing, recipe.prep.resample.interpolation) == ((1.0, 1.0, 1.0), "bspline")
    features = recipe.features
    assert features is not None
    assert (features.standard, features.bin_width, features.bin_origin, features.aggregation, features.force_2d) == (
        "ibsi", 10.0, 0.0, "merge", False)
    assert {"original_ngldm_DependenceCountEnergy", "original_gldzm_ZonePercentage", "original_glcm_Contrast",
            "original_ivh_V10", "original_local_LocalPeak", "original_morphology_MoranI"} <= set(
        feature_names(features))


def test_a_stated_range_makes_the_volume_histogram_definite(case) -> None:
    values = intensities(case)
    levels = np.floor(values / 1.0) + 1
    reached = {level: (levels >= level).mean() for level in range(1, int(levels.max()) + 2)}
    found = measure(case, "ivh")
    for percent in (10, 90):
        first = next(level for level in reached if (level - 1) / (levels.max() - 1) >= percent / 100)
        assert found[f"ivh_V{percent}"] == pytest.approx(reached[first])
        rare = next(level for level in reached if reached[level] <= percent / 100)
        assert found[f"ivh_I{percent}"] == pytest.approx(rare - 0.5)
    assert measure(case, "ivh", bin_origin=None)["ivh_I10"] > 500

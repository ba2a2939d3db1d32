import json
import logging
import subprocess
import sys

import numpy as np
import pytest

from app.core.data import Mask, Prepared, Volume
from app.core.errors import EmptyMask, GeometryMismatch, InputError, RecipeError
from app.core.paths import program_folder
from app.core.radiomics.catalogue import feature_names
from app.core.radiomics.extract import extract
from app.core.recipe import RadiomicsRecipe, Recipe

SIZE = ("volume_ml", "longest_diameter_mm")
SHAPE = (9, 8, 7)
BALL = (slice(2, 7), slice(2, 6), slice(1, 5))


def prepared_with(inside=BALL, voxels=None, spacing=(1.0, 1.0, 3.0), names=("t1",)) -> Prepared:
    affine = np.diag([*spacing, 1.0])
    if voxels is None:
        voxels = np.random.default_rng(7).normal(300.0, 90.0, SHAPE).astype(np.float32)
    mask = np.zeros(SHAPE, dtype=bool)
    mask[inside] = True
    images = {name: Volume(voxels, affine) for name in names}
    return Prepared("case", images, {name: Mask(mask, affine) for name in names})


def test_first_order_features_equal_numpy() -> None:
    case = prepared_with()
    values = case.images["t1"].voxels[case.masks["t1"].voxels].astype(np.float64)
    row = extract(case, RadiomicsRecipe(classes=("firstorder",))).as_dict()
    assert row["original_firstorder_Mean"] == pytest.approx(values.mean(), rel=1e-12)
    assert row["original_firstorder_Variance"] == pytest.approx(values.var(), rel=1e-12)
    assert row["original_firstorder_90Percentile"] == pytest.approx(np.percentile(values, 90), rel=1e-12)
    assert row["volume_ml"] == pytest.approx(80 * 3.0 / 1000)


def test_contrast_equals_a_count_of_neighbours_by_hand() -> None:
    levels = np.random.default_rng(3).integers(1, 5, SHAPE)
    case = prepared_with(voxels=levels.astype(np.float32))
    inside = levels[BALL].astype(float)
    directions = [(a, b, c) for a in (-1, 0, 1) for b in (-1, 0, 1) for c in (-1, 0, 1) if (a, b, c) > (0, 0, 0)]
    contrasts = []
    for step in directions:
        near = tuple(slice(max(0, -s), n - max(0, s)) for s, n in zip(step, inside.shape, strict=True))
        far = tuple(slice(max(0, s), n - max(0, -s)) for s, n in zip(step, inside.shape, strict=True))
        contrasts.append(((inside[near] - inside[far]) ** 2).mean())
    row = extract(case, RadiomicsRecipe(classes=("glcm",), bin_width=1.0)).as_dict()
    assert row["original_glcm_Contrast"] == pytest.approx(np.mean(contrasts), rel=1e-12)


def test_row_holds_size_first_and_the_recipe_alone_decides_the_names() -> None:
    recipe = RadiomicsRecipe(filters={"Original": {}, "LoG": {"sigma": [1.0]}, "Wavelet": {}})
    tiny, large = extract(prepared_with((3, 3, 3)), recipe), extract(prepared_with(), recipe)
    assert large.names == tiny.names == (*SIZE, *feature_names(recipe))
    assert np.isfinite(large.values).all()
    assert large.id == "case"
    assert set(large.versions) == {"numpy", "scipy", "SimpleITK", "pyradiomics"}
    assert large.versions["pyradiomics"] == "3.0.1"


def test_sequences_are_prefixed_only_when_there_are_several() -> None:
    recipe = RadiomicsRecipe(classes=("firstorder",))
    one = extract(prepared_with(), recipe)
    two = extract(prepared_with(names=("t2_fs", "t1")), recipe)
    assert two.names == (*SIZE, *(f"{s}_{n}" for s in ("t1", "t2_fs") for n in one.names[2:]))
    assert two.values == pytest.approx((*one.values, *one.values[2:]))


def test_size_comes_from_the_sequence_with_the_finest_voxels() -> None:
    coarse, fine = prepared_with(spacing=(2.0, 2.0, 6.0)), prepared_with(names=("t2",))
    both = Prepared("case", {**coarse.images, **fine.images}, {**coarse.masks, **fine.masks})
    size_only = RadiomicsRecipe(classes=())
    assert extract(both, size_only).values == extract(fine, size_only).values


def test_chosen_names_are_measured_alone_and_alike() -> None:
    every = extract(prepared_with(), RadiomicsRecipe()).as_dict()
    kept = ("original_glszm_ZoneEntropy", "original_shape_Sphericity")
    row = extract(prepared_with(), RadiomicsRecipe(names=kept))
    assert row.names == (*SIZE, "original_shape_Sphericity", "original_glszm_ZoneEntropy")
    assert row.as_dict() == {name: every[name] for name in row.names}
    several = extract(prepared_with(names=("t1", "t2")), RadiomicsRecipe(names=("t2_original_shape_Flatness",)))
    assert several.names == (*SIZE, "t2_original_shape_Flatness")
    with pytest.raises(RecipeError, match="original_glcm_Contrast"):
        extract(prepared_with(), RadiomicsRecipe(classes=("shape",), names=("original_glcm_Contrast",)))


@pytest.mark.parametrize(("inside", "force_2d", "missing"), [
    ((3, 3, 3), False, lambda _: True),
    (([2, 6], [2, 6], [1, 4]), False, lambda name: "glcm" in name or "glrlm" in name or "RobustMean" in name),
    ((3, 3, slice(1, 5)), True, lambda name: name.split("_")[1] not in ("shape", "firstorder")),
    ((slice(2, 7), slice(2, 6), 3), False, lambda _: False),
    ((slice(2, 7), 3, 3), False, lambda _: False),
], ids=["one voxel", "two far voxels", "a column in 2D", "one slice", "a line"])
def test_small_outlines_give_what_they_allow(inside, force_2d, missing) -> None:
    row = extract(prepared_with(inside), RadiomicsRecipe(force_2d=force_2d)).as_dict()
    assert np.isfinite([row[name] for name in SIZE]).all()
    for name in list(row)[2:]:
        assert np.isnan(row[name]) == missing(name), name


def test_one_grey_level_is_measured() -> None:
    row = extract(prepared_with(voxels=np.full(SHAPE, 50.0, dtype=np.float32)), RadiomicsRecipe()).as_dict()
    assert np.isfinite(list(row.values())).all()
    assert row["original_firstorder_Entropy"] == pytest.approx(0.0, abs=1e-12)


def test_image_smaller_than_the_kernel_leaves_the_filter_out() -> None:
    row = extract(prepared_with(), RadiomicsRecipe(classes=("firstorder",), filters={"LoG": {"sigma": [40.0]}}))
    assert len(row.names) == 20
    assert np.isnan(row.values[2:]).all()


def test_settings_inside_a_filter_reach_pyradiomics() -> None:
    plain = extract(prepared_with(), RadiomicsRecipe(classes=("glcm",)))
    merged = extract(prepared_with(), RadiomicsRecipe(classes=("glcm",),
                                                      filters={"Original": {"weightingNorm": "no_weighting"}}))
    assert plain.names == merged.names
    assert plain.as_dict()["original_glcm_JointEntropy"] < merged.as_dict()["original_glcm_JointEntropy"]


def test_bin_count_replaces_bin_width() -> None:
    few = extract(prepared_with(), RadiomicsRecipe(classes=("firstorder",), bin_count=2)).as_dict()
    assert few["original_firstorder_Entropy"] <= 1.0


def test_wrong_input_is_said_in_one_sentence() -> None:
    case = prepared_with()
    holed = np.array(case.images["t1"].voxels)
    holed[3, 3, 3] = np.nan
    with pytest.raises(InputError, match="no value in 1 voxels"):
        extract(prepared_with(voxels=holed), RadiomicsRecipe())
    with pytest.raises(InputError, match="grey levels, at most 1024"):
        extract(prepared_with(), RadiomicsRecipe(bin_width=0.01))
    with pytest.raises(EmptyMask):
        extract(prepared_with((0, 0, slice(0, 0))), RadiomicsRecipe())
    moved = Mask(case.masks["t1"].voxels, np.diag([1.0, 1.0, 4.0, 1.0]))
    with pytest.raises(GeometryMismatch, match="does not lie on the grid"):
        extract(Prepared("case", case.images, {"t1": moved}), RadiomicsRecipe())


def test_size_only_never_loads_pyradiomics() -> None:
    script = """
import sys, numpy as np
from app.core.data import Mask, Prepared, Volume
from app.core.radiomics.extract import extract
from app.core.recipe import RadiomicsRecipe
ones = np.ones((3, 3, 3))
case = Prepared("case", {"t1": Volume(ones, np.eye(4))}, {"t1": Mask(ones, np.eye(4))})
row = extract(case, RadiomicsRecipe(classes=()))
raise SystemExit(bool({"radiomics", "SimpleITK", "torch"} & set(sys.modules)) or len(row.names) != 2)
"""
    subprocess.run([sys.executable, "-c", script], check=True, cwd=program_folder())


def test_logging_stays_as_it_was(capfd, caplog) -> None:
    root = logging.getLogger()
    before = root.level, list(root.handlers)
    extract(prepared_with(([2, 6], [2, 6], [1, 4])), RadiomicsRecipe(bin_count=8))
    assert (root.level, list(root.handlers)) == before
    assert capfd.readouterr() == ("", "")
    assert not caplog.records


def test_shipped_recipe_is_pyradiomics_defaults() -> None:
    recipe = Recipe.parse(program_folder() / "resources" / "recipes" / "pyradiomics.json")
    assert recipe.features is not None
    assert recipe.features.bin_width == 25
    assert recipe.features.names is None
    assert len(feature_names(recipe.features)) == 107
    assert json.loads(recipe.model_dump_json())["prep"] == {"n4": None, "normalise": None, "resample": None,
                                                            "crop_margin_mm": None}

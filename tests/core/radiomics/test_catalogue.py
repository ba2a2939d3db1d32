import re

import pytest

from app.core.errors import RecipeError
from app.core.paths import program_folder
from app.core.radiomics import catalogue
from app.core.radiomics.catalogue import CATALOGUE, CLASSES, describe, feature_names
from app.core.radiomics.families import ORIGINAL_ONLY, OWN_CLASSES
from app.core.radiomics.filters import image_names
from app.core.radiomics.size import SIZE_NAMES
from app.core.recipe import RadiomicsRecipe


def test_catalogue_holds_everything_that_pyradiomics_can_measure() -> None:
    import radiomics

    offered = {f"original_{name}_{feature}" for name, kind in radiomics.getFeatureClasses().items() if name != "shape2D"
               for feature, deprecated in kind.getFeatureNames().items() if not deprecated}
    kept = {name for name in CATALOGUE if name.count("_") == 2 and name.split("_")[1] in radiomics.getFeatureClasses()}
    assert {name for name in kept if "_shape2D_" not in name} == offered
    assert set(CLASSES) - set(radiomics.getFeatureClasses()) <= set(OWN_CLASSES)
    assert set(feature_names(RadiomicsRecipe())) == offered


def test_names_have_three_parts_and_come_once() -> None:
    assert all(name in SIZE_NAMES or name.count("_") == 2 for name in CATALOGUE)
    every = RadiomicsRecipe(classes=tuple(name for name in CLASSES if name != "shape2D"),
                            filters={"Original": {}, "Square": {}})
    names = feature_names(every)
    assert len(names) == len(set(names))
    assert not [name for name in names if name.startswith("square_") and name.split("_")[1] in ORIGINAL_ONLY]
    assert {name for name in names if not name.startswith("square_")} == {
        name for name in CATALOGUE if name not in SIZE_NAMES and "_shape2D_" not in name}


@pytest.mark.parametrize("definition", CATALOGUE.values(), ids=CATALOGUE)
def test_every_entry_is_complete(definition) -> None:
    assert definition.title
    assert re.fullmatch(r"[A-Z].*[^.]\.", definition.definition)
    assert re.fullmatch(r"([A-Z0-9]{4})?", definition.ibsi)
    assert not definition.tags or definition.ibsi


def test_codes_belong_to_one_feature_each() -> None:
    codes: dict[str, list[str]] = {}
    for name, entry in CATALOGUE.items():
        if entry.ibsi and name.startswith("original_"):
            codes.setdefault(entry.ibsi, []).append(name.removeprefix("original_"))
    # pyradiomics counts with the first order what the manual counts with the histogram or defines otherwise.
    twice = {"IPH6": {"firstorder_Kurtosis", "statistics_ExcessKurtosis"},
             "TLU2": {"firstorder_Entropy", "histogram_Entropy"},
             "BJ5W": {"firstorder_Uniformity", "histogram_Uniformity"}}
    for code, names in codes.items():
        assert len(names) == 1 or set(names) == twice.get(code), code
    # IBSI reference manual, one of each family.
    expected = {"shape_MeshVolume": "RNU0", "firstorder_Kurtosis": "IPH6", "firstorder_Entropy": "TLU2",
                "glcm_Contrast": "ACUI", "glrlm_RunPercentage": "9ZK5", "glszm_LargeAreaEmphasis": "48P8",
                "gldm_SmallDependenceEmphasis": "SODN", "ngtdm_Coarseness": "QCDE"}
    assert {name: CATALOGUE[f"original_{name}"].ibsi for name in expected} == expected


def test_tags_are_those_of_the_consensus_table() -> None:
    lines = (program_folder() / "resources" / "ibsi" / "consensus.csv").read_text(encoding="utf-8").splitlines()[1:]
    stems = {re.sub(r"(_2D|_2_5D|_3D)?(_avg|_comb)?$", "", line.split(";")[2]) for line in lines}
    assert {tag for entry in CATALOGUE.values() for tag in entry.tags} <= stems


def test_filtered_names_keep_the_definition_and_name_the_filter() -> None:
    base = CATALOGUE["original_glcm_Contrast"]
    titles = {name: describe(name).title for name in (
        "original_glcm_Contrast", "t1_original_glcm_Contrast", "log-sigma-2-5-mm-3D_glcm_Contrast",
        "t1_fs_gd_wavelet-LLH_glcm_Contrast", "wavelet2-HH_glcm_Contrast", "squareroot_glcm_Contrast")}
    assert list(titles.values()) == ["Contrast", "Contrast, t1", "Contrast, Laplacian of Gaussian 2.5 mm",
                                     "Contrast, wavelet LLH, t1_fs_gd", "Contrast, wavelet HH level 2",
                                     "Contrast, square root"]
    assert {describe(name).definition for name in titles} == {base.definition}
    assert {describe(name).name for name in titles} == set(titles)


def test_foreign_columns_are_their_own_title() -> None:
    assert (describe("age").title, describe("age").unit) == ("age", "")
    assert describe("original_glcm_Nonsense").title == "original_glcm_Nonsense"


@pytest.mark.parametrize("force_2d", [False, True])
def test_image_names_are_those_of_pyradiomics(force_2d: bool) -> None:
    import numpy as np
    import SimpleITK as sitk
    from radiomics import imageoperations

    filters = {"Original": {}, "LoG": {"sigma": [1.5, 3]}, "Wavelet": {"level": 2}, "Square": {}, "SquareRoot": {},
               "Logarithm": {}, "Exponential": {}, "Gradient": {}}
    image = sitk.GetImageFromArray(np.random.default_rng(1).normal(size=(12, 12, 12)).astype(np.float32))
    for name, ours in image_names(RadiomicsRecipe(filters=filters, force_2d=force_2d)).items():
        make = getattr(imageoperations, f"get{name}Image")
        theirs = [made[1] for made in make(image, image, force2D=force_2d, **filters[name])]
        assert sorted(ours) == sorted(theirs)


@pytest.mark.parametrize(("recipe", "message"), [
    (RadiomicsRecipe(classes=("fractal",)), "'fractal'"), (RadiomicsRecipe(filters={"Sobel": {}}), "'Sobel'"),
    (RadiomicsRecipe(filters={"LoG": {}}), "sigmas"), (RadiomicsRecipe(filters={"LoG": {"sigma": [0]}}), "sigmas")])
def test_unknown_settings_are_refused(recipe: RadiomicsRecipe, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        feature_names(recipe)


def test_images_of_the_parts_are_named_in_words() -> None:
    titles = [describe(name).title for name in (
        "equal_glcm_Contrast", "equal32_glcm_Contrast", "gabor-2_firstorder_Mean", "gabor-1-22-5_firstorder_Mean",
        "t1_fs_slice-original_glcm_Contrast", "slice-equal_glcm_Contrast", "lbp-3D-m1_firstorder_Mean")]
    assert titles == ["Contrast, mean over equal-probability levels", "Contrast, 32 equal-probability levels",
                      "Mean, Gabor scale 2", "Mean, Gabor scale 1 at 22.5 degrees", "Contrast, largest slice, t1_fs",
                      "Contrast, largest slice, mean over equal-probability levels", "Mean, local binary pattern 1"]


def test_stable_features_are_those_whose_lower_bound_is_high(monkeypatch) -> None:
    kept = RadiomicsRecipe(classes=("glcm", "firstorder"), stable_only=True)
    monkeypatch.setattr(catalogue, "STABILITY", {})
    with pytest.raises(RecipeError, match="no measurement of stability"):
        feature_names(kept)
    measured = {"original_glcm_Contrast": (0.9, True), "original_glcm_Idm": (0.8, False)}
    monkeypatch.setattr(catalogue, "STABILITY", measured)
    assert feature_names(kept) == ("original_glcm_Contrast",)
    assert (describe("t1_original_glcm_Contrast").icc, describe("t1_original_glcm_Contrast").stable) == (0.9, True)
    assert describe("t1_original_glcm_Idm").stable is False
    assert describe("t1_original_glcm_Id").icc is None


def test_stability_is_read_from_its_table(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(catalogue, "_TABLES", tmp_path)
    assert not catalogue._read_stability()
    (tmp_path / "stability.csv").write_text("name,icc,low\na,0.8,0.7\nb,0.8,0.76\nc,0.75,\nd,,\n", encoding="utf-8")
    assert catalogue._read_stability() == {"a": (0.8, False), "b": (0.8, True), "c": (0.75, True)}

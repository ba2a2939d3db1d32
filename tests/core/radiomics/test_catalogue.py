import re

import pytest

from app.core.errors import RecipeError
from app.core.paths import program_folder
from app.core.radiomics.catalogue import CATALOGUE, CLASSES, describe, feature_names
from app.core.radiomics.filters import image_names
from app.core.recipe import RadiomicsRecipe


def test_catalogue_holds_exactly_what_pyradiomics_can_measure() -> None:
    import radiomics

    offered = {f"original_{name}_{feature}" for name, kind in radiomics.getFeatureClasses().items() if name != "shape2D"
               for feature, deprecated in kind.getFeatureNames().items() if not deprecated}
    assert set(CATALOGUE) == offered | {"volume_ml", "longest_diameter_mm"}
    assert set(CLASSES) == set(radiomics.getFeatureClasses()) - {"shape2D"}
    assert set(feature_names(RadiomicsRecipe())) == offered


@pytest.mark.parametrize("definition", CATALOGUE.values(), ids=CATALOGUE)
def test_every_entry_is_complete(definition) -> None:
    assert definition.title
    assert re.fullmatch(r"[A-Z].*[^.]\.", definition.definition)
    assert re.fullmatch(r"([A-Z0-9]{4})?", definition.ibsi)
    assert not definition.tags or definition.ibsi


def test_codes_belong_to_one_feature_each() -> None:
    codes = [entry.ibsi for name, entry in CATALOGUE.items() if entry.ibsi and name.startswith("original_")]
    assert len(codes) == len(set(codes))
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

"""Our extractor against pyradiomics' own published baselines: brain1 and breast1, every class and setting."""

import ast
import csv
from collections.abc import Iterator

import numpy as np
import pytest
import SimpleITK as sitk

from app.core.data import Mask, Prepared, Volume
from app.core.io.itk import from_sitk
from app.core.radiomics.extract import extract
from app.core.radiomics.size import measure_size
from app.core.recipe import RadiomicsRecipe

pytestmark = pytest.mark.shared
CLASSES = ("shape", "firstorder", "glcm", "glrlm", "glszm", "gldm", "ngtdm")
SETTINGS = {"": 18 + 24 + 16 + 16 + 14 + 5 + 14, "_FBN": 75, "_2d": 75, "_combined": 40, "_flatRegion": 75,
            "_normalization": 93, "_resampling": 107, "_resegmentation": 93}
UPSTREAM_TOLERANCE = 0.03
TOLERANCE = 1e-9
# The baseline normalised in float64; our volumes are float32.
NORMALISED = 1e-6
# Release 3.0.1 triangulates brain1's surface otherwise than the release that wrote the baseline.
TRIANGULATED = dict.fromkeys(("MeshVolume", "SurfaceArea", "SurfaceVolumeRatio", "Sphericity"), 1e-3)


def read_baseline(folder, column: str) -> tuple[dict[str, dict], dict[str, float]]:
    """Settings by class, and expected values by feature."""
    settings, expected = {}, {}
    for name in CLASSES:
        with (folder / f"baseline_{name}.csv").open(newline="") as file:
            for row in csv.DictReader(file):
                if column not in row:
                    continue
                if row["featureName"] == "diagnostics_Configuration_Settings":
                    settings[name] = ast.literal_eval(row[column])
                elif row["featureName"].startswith("original_") and row[column]:
                    expected[row["featureName"]] = float(row[column])
    return settings, expected


def prepare(image: sitk.Image, label: sitk.Image, settings: dict) -> tuple[sitk.Image, sitk.Image]:
    """What the baseline did before measuring: preprocessing, which is not the extractor's."""
    from radiomics import imageoperations

    if settings["normalize"]:
        image = imageoperations.normalizeImage(image, **settings)
    if settings["resampledPixelSpacing"]:
        image, label = imageoperations.resampleImage(image, label, **settings)
    if settings.get("resegmentRange") and settings.get("resegmentMode") == "sigma":
        label = imageoperations.resegmentMask(image, label, **settings)
    return image, label


def recipe_of(name: str, settings: dict) -> RadiomicsRecipe:
    special = {key: settings[key] for key in ("weightingNorm", "voxelArrayShift", "gldm_a") if settings.get(key)}
    return RadiomicsRecipe(classes=(name,), bin_width=settings.get("binWidth", 25), bin_count=settings.get("binCount"),
                           force_2d=settings["force2D"], filters={"Original": special})


def as_prepared(image: sitk.Image, label: sitk.Image) -> Prepared:
    voxels, affine = from_sitk(image)
    inside, mask_affine = from_sitk(label)
    return Prepared("case", {"image": Volume(voxels.astype(np.float32), affine)},
                    {"image": Mask(inside == 1, mask_affine)})


def measured_values(folder, case: str, setting: str) -> Iterator[tuple[str, float, float]]:
    settings, expected = read_baseline(folder, case + setting)
    image, label = (sitk.ReadImage(str(folder / f"{case}_{what}.nrrd")) for what in ("image", "label"))
    label = sitk.Cast(label, sitk.sitkUInt32)
    for name, class_settings in settings.items():
        prepared = as_prepared(*prepare(image, label, class_settings))
        values = extract(prepared, recipe_of(name, class_settings)).as_dict()
        for feature, value in expected.items():
            if feature.startswith(f"original_{name}_"):
                yield feature, values[feature], value


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("case", ["brain1", "breast1"])
def test_extractor_meets_the_baseline(shared_data, case: str, setting: str) -> None:
    rows = list(measured_values(shared_data / "pyradiomics", case, setting))
    assert len(rows) == SETTINGS[setting]
    for name, ours, expected in rows:
        tolerance = NORMALISED if setting == "_normalization" else TOLERANCE
        if case == "brain1" and not setting:
            tolerance = TRIANGULATED.get(name.rsplit("_", 1)[1], TOLERANCE)
        assert tolerance < UPSTREAM_TOLERANCE
        assert ours == pytest.approx(expected, rel=tolerance, abs=1e-12), name


FILTERS = {"Original": {}, "LoG": {"sigma": [2.0]}, "Wavelet": {}, "Square": {}, "SquareRoot": {}, "Logarithm": {},
           "Exponential": {}, "Gradient": {}}


@pytest.mark.parametrize("filters", [{"Original": {}}, FILTERS], ids=["original", "filtered"])
def test_extractor_equals_pyradiomics_on_the_same_files(shared_data, filters: dict) -> None:
    from radiomics import featureextractor

    paths = [str(shared_data / "pyradiomics" / f"breast1_{what}.nrrd") for what in ("image", "label")]
    image = sitk.Cast(sitk.ReadImage(paths[0]), sitk.sitkFloat32)
    direct = featureextractor.RadiomicsFeatureExtractor(additionalInfo=False, minimumROIDimensions=1)
    direct.disableAllImageTypes()
    direct.enableImageTypes(**filters)
    expected = {name: float(value) for name, value in direct.execute(image, paths[1]).items()}
    ours = extract(as_prepared(image, sitk.ReadImage(paths[1])), RadiomicsRecipe(bin_width=25, filters=filters))
    values = ours.as_dict()
    assert set(values) - set(expected) == {"volume_ml", "longest_diameter_mm"}
    for name, value in expected.items():
        assert values[name] == pytest.approx(value, rel=1e-12, abs=1e-15), name


@pytest.mark.parametrize("case", ["brain1", "breast1"])
def test_size_equals_pyradiomics_without_it(shared_data, case: str) -> None:
    _, expected = read_baseline(shared_data / "pyradiomics", case)
    voxels, affine = from_sitk(sitk.ReadImage(str(shared_data / "pyradiomics" / f"{case}_label.nrrd")))
    size = measure_size(Mask(voxels == 1, affine))
    assert size["longest_diameter_mm"] == pytest.approx(expected["original_shape_Maximum3DDiameter"], rel=1e-9)
    assert size["volume_ml"] * 1000 == pytest.approx(expected["original_shape_VoxelVolume"], rel=1e-9)

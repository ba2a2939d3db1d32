"""How the settings of a recipe are shown: titles, units, words, ends of sliders."""

from __future__ import annotations

from app.ui.bias_settings import LOOKS as N4_LOOKS
from app.ui.widgets.recipe_form import Look

CLASSES = {"shape": "shape", "firstorder": "first order", "glcm": "co-occurrence", "glrlm": "run length",
           "glszm": "size zone", "gldm": "grey-level dependence (pyradiomics)", "ngtdm": "grey-tone difference",
           "morphology": "morphology (IBSI)", "local": "local intensity", "statistics": "statistics (IBSI)",
           "histogram": "histogram (IBSI)", "ivh": "intensity-volume histogram", "gldzm": "distance zone",
           "ngldm": "neighbouring dependence (IBSI)", "diameters": "diameters",
           "slices": "slices one by one", "margin": "margin", "fat": "fat", "shape2D": "shape in the slice"}
_TEXTURE = {name: CLASSES[name] for name in ("glcm", "glrlm", "glszm", "ngtdm", "gldm", "gldzm", "ngldm")}

N4 = {**N4_LOOKS, "engine": Look("Engine", words={"fast": "Fast", "itk": "ITK", "ants": "ANTs"},
                                 tip=N4_LOOKS["engine"].tip)}
NORMALISE = {
    "method": Look("Method", words={"zscore": "z-score: mean 0, deviation 1", "percentile": "Between two percentiles",
                                    "nyul": "Standard histogram (Nyul)"}),
    "region": Look("Statistics from", words={"image": "Whole image", "body": "Body without air",
                                             "around_tumour": "Around the tumour"}),
    "low": Look("Lower percentile", low=0, high=10, unit="%"),
    "high": Look("Upper percentile", low=90, high=100, unit="%"),
    "margin_mm": Look("Ring around the tumour", low=1, high=100, unit="mm"),
    "landmarks": Look("Landmarks", tip="Standard histogram's landmarks, learned from a cohort (Nyul)"),
}
RESAMPLE = {
    "spacing": Look("New spacing, mm", tip="Voxel size along rows, columns and slices; 0 keeps an axis as it is"),
    "interpolation": Look("Interpolation", words={"linear": "Linear", "bspline": "B-spline"}),
}
PREP = {"crop_margin_mm": Look("Crop to the tumour plus", low=0, high=100, unit="mm")}
FEATURES = {
    "standard": Look("Definitions of", words={"pyradiomics": "pyradiomics", "ibsi": "IBSI"}),
    "classes": Look("Classes", words=CLASSES, tip="Which features are measured"),
    "bin_width": Look("Width of a grey level", low=0.1, high=100, log=True,
                      tip="In the image's unit; or give a number of levels below"),
    "bin_count": Look("Number of grey levels", low=8, high=256, tip="In place of a width"),
    "bin_origin": Look("First level begins at", low=-1000, high=1000,
                       tip="IBSI: where the first grey level begins; else the tumour's lowest intensity"),
    "aggregation": Look("Directions of texture", words={"average": "Measured one by one, averaged",
                                                        "merge": "Merged, then measured (IBSI)"}),
    "force_2d": Look("Texture within slices only"),
    "slices": Look("Slices of texture", tip="Where texture is measured within slices only",
                   words={"merge": "Merged, then measured", "average": "Measured one by one, averaged"}),
    "largest_slice": Look("Also measure the largest slice, in 2D"),
    "stable_only": Look("Keep only features that a second outline would reproduce"),
    "names": Look("Keep only these features", tip="Names with commas between"),
}
QUANTISED = {
    "levels": Look("Numbers of levels", tip="Grey levels that each hold as many voxels as the others"),
    "classes": Look("Texture at each", words=_TEXTURE),
    "keep_levels": Look("Keep every number of levels, not their mean"),
}
GABOR = {
    "scales": Look("Scales", low=1, high=12), "orientations": Look("Directions", low=1, high=36),
    "wavelength": Look("Shortest wavelength", low=1, high=32, log=True, unit="voxels"),
    "keep_orientations": Look("Keep every direction, not their mean"),
}

"""What a user would write instead, with the same libraries and nothing else loaded: a volume, and radiomic features."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np

FEATURES = {"firstorder": ["Mean", "Median", "90Percentile", "InterquartileRange", "Skewness", "Kurtosis", "Entropy",
                           "Uniformity"],
            "shape": ["Sphericity", "VoxelVolume", "Maximum3DDiameter"],
            "glcm": ["Contrast", "Correlation", "Idm", "JointEntropy"]}


def volume_by_hand(files: list[Path]) -> None:
    import SimpleITK as sitk

    sitk.GetArrayFromImage(sitk.ReadImage(str(files[0])))
    mask = sitk.ReadImage(str(files[1]))
    _volume = np.count_nonzero(sitk.GetArrayViewFromImage(mask)) * np.prod(mask.GetSpacing()) / 1000


def features_by_hand(files: list[Path], *, n4: bool, outlines: int = 1) -> None:
    """What a script does: read, correct, z-score, one extraction; no interval, no comparison, no report."""
    import SimpleITK as sitk
    from radiomics import featureextractor

    logging.getLogger("radiomics").setLevel(logging.CRITICAL)
    image, mask = sitk.ReadImage(str(files[0]), sitk.sitkFloat32), sitk.ReadImage(str(files[1]), sitk.sitkUInt8)
    if n4:
        image = _correct(sitk, image)
    body = sitk.GetArrayViewFromImage(image)[sitk.GetArrayViewFromImage(sitk.OtsuThreshold(image, 0, 1)) > 0]
    image = (image - float(body.mean())) / float(body.std())
    extractor = featureextractor.RadiomicsFeatureExtractor(binCount=32)
    extractor.disableAllFeatures()
    extractor.enableFeaturesByName(**FEATURES)
    for _ in range(outlines):
        extractor.execute(image, mask)


def _correct(sitk: Any, image: Any) -> Any:
    """SimpleITK's own example of N4: Otsu's mask, shrunk by 4 in the plane, four levels of 50 iterations."""
    factors = [1 if spacing == max(image.GetSpacing()) else 4 for spacing in image.GetSpacing()]
    otsu = sitk.OtsuThreshold(image, 0, 1)
    corrector = sitk.N4BiasFieldCorrectionImageFilter()
    corrector.SetMaximumNumberOfIterations([50] * 4)
    corrector.SetConvergenceThreshold(0.001)
    corrector.Execute(sitk.Shrink(image, factors), sitk.Shrink(otsu, factors))
    return image / sitk.Cast(sitk.Exp(corrector.GetLogBiasFieldAsImage(image)), sitk.sitkFloat32)

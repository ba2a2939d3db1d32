"""Conversion to NIfTI beside plain scripts: DICOM and NRRD beside SimpleITK, NIfTI and Analyze beside nibabel.

Both write compressed NIfTI of the same voxels; `furthest_apart` is the greatest difference between the two results,
anywhere in the image. The program also looks for damage and contradictions, and writes to a file that takes its place
only when it is whole.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from app.core.jobs import run_workflow
from tests.benchmarks.room import SHARED, own_data_folder
from tests.benchmarks.timing import Row, alternate, row, skipped

RUNS = 5
SHAPE = (320, 320, 40)
"""Of the made-up DICOM series, (i, j, k)."""
REAL = SHARED / "sts_dicom" / "STS_008" / "MR_T1" / "image"
Convert = Callable[[Path, Path], None]


def main(runs: int = RUNS, shape: tuple[int, int, int] = SHAPE) -> list[Row]:
    """Convert a made-up series of many slices, and real images of each format where they are there."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="liposcope-") as scratch, own_data_folder():
        folder = Path(scratch)
        series = write_series(folder / "series", shape)
        sources: list[tuple[str, Path, str, Convert]] = [
            (f"DICOM, {shape[2]} slices", series, "SimpleITK", convert_series),
            ("DICOM, a real series", REAL, "SimpleITK", convert_series),
            ("NRRD, brain1", SHARED / "pyradiomics" / "brain1_image.nrrd", "SimpleITK", convert_image),
            ("NIfTI, STS_003", SHARED / "sts" / "STS_003" / "t1.nii.gz", "nibabel", convert_by_nibabel),
            ("Analyze, avg152T1", SHARED / "analyze" / "anlz" / "avg152T1.hdr.gz", "nibabel", convert_by_nibabel),
        ]
        for what, source, reader, plain in sources:
            if not source.exists():
                rows.append(skipped(f"convert {what}", "the shared data are not there"))
                continue
            rows += _compare(what, source, reader, plain, folder, runs)
    return rows


def _compare(what: str, source: Path, reader: str, plain: Convert, folder: Path, runs: int) -> list[Row]:
    ours, theirs = folder / "ours.nii.gz", folder / "theirs.nii.gz"
    mine, other = alternate([partial(convert_ours, source, ours), partial(plain, source, theirs)], runs, warm=1)
    return [row(f"convert {what}", mine, other, peer=reader, furthest_apart=_apart(ours, theirs),
                kb=ours.stat().st_size / 1000),
            row(f"{reader} converts {what}", other, kb=theirs.stat().st_size / 1000)]


def convert_ours(source: Path, target: Path) -> None:
    """Convert as the command line does; an Analyze file has to be told its side."""
    ask = {"source": str(source), "target": str(target)}
    if ".hdr" in source.name:
        ask["orientation"] = "las"
    run_workflow("app.core.workflows:convert", ask, lambda _fraction, _message: None)


def convert_series(source: Path, target: Path) -> None:
    """What a user of SimpleITK writes: the series of a folder, read and written."""
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(source)))
    sitk.WriteImage(reader.Execute(), str(target), useCompression=True)


def convert_image(source: Path, target: Path) -> None:
    """What a user of SimpleITK writes: one file, read and written."""
    sitk.WriteImage(sitk.ReadImage(str(source)), str(target), useCompression=True)


def convert_by_nibabel(source: Path, target: Path) -> None:
    """What a user of nibabel writes: one file, read, its numbers worked out, and written."""
    import nibabel

    image = nibabel.load(source)
    nibabel.save(nibabel.Nifti1Image(np.asarray(image.dataobj, dtype=np.float32), image.affine), target)


def _apart(ours: Path, theirs: Path) -> float:
    """Greatest difference of the voxels, in the same orientation."""
    first, second = (sitk.GetArrayFromImage(sitk.DICOMOrient(sitk.ReadImage(str(path), sitk.sitkFloat32), "LPS"))
                     for path in (ours, theirs))
    return float(np.abs(first - second).max()) if first.shape == second.shape else float("nan")


def write_series(folder: Path, shape: tuple[int, int, int]) -> Path:
    """Write a noisy MR series, a file for each slice."""
    folder.mkdir(parents=True)
    texture = np.random.default_rng(3).normal(300, 40, shape[::-1]).clip(0).astype(np.int16)
    writer = sitk.ImageFileWriter()
    writer.KeepOriginalImageUIDOn()
    uid = "1.2.826.0.1.3680043.2.1125.7"
    for k, plane in enumerate(texture):
        image = sitk.GetImageFromArray(plane)
        image.SetSpacing((0.7, 0.7))
        for tag, value in {"0008|0060": "MR", "0008|0016": "1.2.840.10008.5.1.4.1.1.4", "0008|0018": f"{uid}.{k + 1}",
                           "0010|0010": "BENCHMARK", "0010|0020": "BENCHMARK", "0020|000d": f"{uid}.1000",
                           "0020|000e": f"{uid}.1001", "0020|0052": f"{uid}.1002", "0020|0013": str(k + 1),
                           "0020|0032": f"0\\0\\{4 * k}", "0020|0037": "1\\0\\0\\0\\1\\0", "0018|0050": "4",
                           "0018|0088": "4"}.items():
            image.SetMetaData(tag, value)
        writer.SetFileName(str(folder / f"{k:04d}.dcm"))
        writer.Execute(image)
    return folder

"""Reading one image of any format as a `Volume`."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from app.core.data import Acquisition, Caution, FloatArray, Volume
from app.core.errors import InputError, UnreadableImage
from app.core.io import damage
from app.core.io.formats import IMAGE_KINDS, read_voxels
from app.core.io.locate import locate
from app.core.io.ordering import reorder
from app.core.io.source import SUFFIXES, LoadedImage, Orientation, Source, suffix_of


def load_volume(path: str | Path, *, series: str | None = None, orientation: Orientation | None = None) -> LoadedImage:
    """Read an image.

    Parameters
    ----------
    path : str or Path
        A NIfTI, Analyze, NRRD, MetaImage or DICOM file, or a folder that holds one image.
    series : str, optional
        SeriesInstanceUID, where a folder holds several DICOM series.
    orientation : {'las', 'ras'}, optional
        Which side an Analyze 7.5 file stores first.

    Returns
    -------
    LoadedImage
        Volume of float32, shape (i, j, k) in the file's own voxel order, affine to RAS+ mm.

    Raises
    ------
    UnreadableImage
        The file is absent, damaged, flat, holds several volumes, or has voxels that are not finite numbers.
    ChoiceNeeded
        The folder holds several DICOM series (field 'series').
    """
    path = locate(path)
    if path.is_dir() or SUFFIXES.get(suffix_of(path)) not in IMAGE_KINDS:
        found = find_image(path, series)
        if found.kind == "dicom":
            from app.core.io import dicom

            return dicom.load_series(found)
        path = Path(found.path)
    raw = read_voxels(path, orientation)
    with np.errstate(over="ignore"):
        voxels = reorder(raw.voxels, np.float32)
    damage.check_finite(path.name, voxels)
    cautions = raw.header.cautions + _value_cautions(path.name, voxels)
    return LoadedImage(Volume(voxels, raw.affine, cautions=cautions), Acquisition(convention=raw.header.convention))


def find_image(path: Path, series: str | None = None) -> Source:
    """Find the one image that a folder, or a DICOM file's series, holds.

    Parameters
    ----------
    path : Path
        A folder, or a DICOM file.
    series : str, optional
        SeriesInstanceUID to pick.

    Returns
    -------
    Source

    Raises
    ------
    UnreadableImage
        There is none.
    ChoiceNeeded, InputError
        There are several DICOM series, or several image files.
    """
    from app.core.io import dicom
    from app.core.io.identify import identify

    if not path.exists():
        raise damage.missing_file(path.name)
    sources = [source for source in identify([path]) if source.role_hint != "mask" and source.kind != "table"]
    if path.is_file() and len(sources) == 1 and (sources[0].geometry is None or sources[0].geometry.shape[2] == 1):
        # One slice was named: its series lies around it.
        uid = sources[0].series
        around = [Path(entry.path) for entry in os.scandir(path.parent) if entry.is_file()]
        sources = [source for source in dicom.find_sources(around) if _is_series(source, uid)]
    scans = [source for source in sources if source.kind == "dicom"]
    if scans:
        chosen = [source for source in scans if series is None or source.series == series]
        chosen = chosen or [source for source in scans if series is not None and _is_series(source, series)]
        if not chosen:
            raise InputError(f"'{path.name}' does not hold the chosen series.", "Choose the series again.")
        if len(chosen) > 1:
            raise dicom.series_choice(chosen)
        return chosen[0]
    if not sources:
        raise UnreadableImage(f"'{path.name}' holds no image, only outlines or tables.", "Choose the image.")
    if len(sources) > 1:
        raise InputError(f"The folder '{path.name}' holds {len(sources)} images; one is needed.", "Choose one file.")
    return sources[0]


def _is_series(source: Source, series: str) -> bool:
    return source.series.partition("#")[0] == series.partition("#")[0]


def _value_cautions(name: str, voxels: FloatArray) -> tuple[Caution, ...]:
    found: tuple[Caution, ...] = ()
    if voxels.shape[2] == 1:
        found += (Caution("single_slice", f"{name} is a single slice; three-dimensional features mean little."),)
    if voxels.min() == voxels.max():
        found += (Caution("constant_image", f"Every voxel of {name} has the value {voxels.flat[0]:g}."),)
    return found

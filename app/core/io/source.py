"""What a dropped file turned out to be, and what reading it gives: the values that pass between the readers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from numpy.typing import NDArray

from app.core.data import Acquisition, Affine, Caution, Geometry, Identity, Volume

Kind = Literal["nifti", "analyze", "nrrd", "metaimage", "dicom", "rtstruct", "seg", "table"]
Role = Literal["image", "mask", "either"]
Orientation = Literal["las", "ras"]
SUFFIXES: dict[str, Kind] = {
    ".nii.gz": "nifti", ".nii": "nifti",
    ".hdr.gz": "analyze", ".img.gz": "analyze", ".hdr": "analyze", ".img": "analyze",
    ".nrrd": "nrrd", ".nhdr": "nrrd", ".mha": "metaimage", ".mhd": "metaimage",
    ".csv": "table", ".tsv": "table", ".xlsx": "table", ".parquet": "table",
}


def suffix_of(path: str | Path) -> str:
    """Find the ending that tells the format, lower case, '.gz' included; empty when none is known."""
    name = Path(path).name.lower()
    return next((suffix for suffix in SUFFIXES if name.endswith(suffix) and name != suffix), "")


def stem_of(path: str | Path) -> str:
    """Cut from a file's name the ending that tells its format."""
    name = Path(path).name
    return name[: len(name) - len(suffix_of(path))]


@dataclass(frozen=True, eq=False)
class Source:
    """Something readable that was found on disk, known from its header alone.

    Parameters
    ----------
    kind : str
        The format.
    path : str
        The file (an Analyze or NIfTI pair's header); the folder that holds a DICOM series.
    files : tuple of str
        Every file that belongs to it.
    series : str
        DICOM SeriesInstanceUID; empty for other formats.
    title : str
        What the user reads in a list; never a patient's name.
    role_hint : {'image', 'mask', 'either'}
        What the header and the name suggest.
    geometry : Geometry, optional
        Where the grid lies (RAS+, mm), where the header tells.
    frame : str
        DICOM FrameOfReferenceUID; empty when unknown.
    refers_to : tuple of str
        SeriesInstanceUIDs that an RTSTRUCT or a SEG was drawn on.
    details : mapping of str to str
        The tags that tell one series from another; nothing that identifies a patient.
    cautions : tuple of Caution
        What the header alone brought to light.
    acquisition : Acquisition
        How it was made, as far as the header tells.
    """

    kind: Kind
    path: str
    files: tuple[str, ...]
    series: str = ""
    title: str = ""
    role_hint: Role = "either"
    geometry: Geometry | None = None
    frame: str = ""
    refers_to: tuple[str, ...] = ()
    details: Mapping[str, str] = field(default_factory=dict)
    cautions: tuple[Caution, ...] = ()
    acquisition: Acquisition = field(default_factory=Acquisition)


@dataclass(frozen=True, eq=False)
class LoadedImage:
    """An image with what its header says about the scan and, kept apart, about the patient."""

    volume: Volume
    acquisition: Acquisition = field(default_factory=Acquisition)
    identity: Identity = field(default_factory=Identity)


@dataclass(frozen=True, eq=False)
class Header:
    """What an image file says before its voxels are read.

    Parameters
    ----------
    geometry : Geometry
        RAS+, mm.
    dtype : str
        The stored number type, numpy's name.
    cautions : tuple of Caution
        Doubts about position or orientation.
    convention : str
        How an ambiguous left/right was read; empty when the file says it.
    is_labels : bool
        Whether the header declares the voxels to be labels.
    label_names : mapping of int to str
        Names of labels, where the header gives them.
    intercept : float
        What the header adds to every stored value.
    """

    geometry: Geometry
    dtype: str
    cautions: tuple[Caution, ...] = ()
    convention: str = ""
    is_labels: bool = False
    label_names: Mapping[int, str] = field(default_factory=dict)
    intercept: float = 0.0


@dataclass(frozen=True, eq=False)
class RawVoxels:
    """Voxels in the file's own number type and order (i, j, k), with its header."""

    voxels: NDArray[Any]
    header: Header

    @property
    def affine(self) -> Affine:
        """Voxel index to world RAS+, mm, shape (4, 4)."""
        return self.header.geometry.affine

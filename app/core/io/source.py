"""What a dropped file turned out to be, and what reading it gives: the values that pass between the readers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from app.core.data import Acquisition, Caution, Geometry, Identity, Volume

Kind = Literal["nifti", "analyze", "nrrd", "metaimage", "dicom", "rtstruct", "seg", "table"]
Role = Literal["image", "mask", "either"]


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

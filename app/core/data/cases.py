"""A tumour: images, outline, how they were made, whose they are, and what was measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.core.data.grids import Mask, Volume
from app.core.data.remarks import Caution, TraceEntry


@dataclass(frozen=True)
class Acquisition:
    """How an image was made, as far as its header tells; nothing that identifies a patient.

    Units: repetition, echo and inversion times in ms, thickness and gap between slice centres in mm, flip
    angle in degrees, field in tesla; `kernel` is the reconstruction filter.
    """

    modality: str = ""
    manufacturer: str = ""
    model: str = ""
    field_strength: float | None = None
    description: str = ""
    body_part: str = ""
    repetition_time: float | None = None
    echo_time: float | None = None
    inversion_time: float | None = None
    thickness: float | None = None
    slice_gap: float | None = None
    flip_angle: float | None = None
    kernel: str = ""
    contrast_agent: str = ""
    weighting: str = ""
    fat_suppressed: bool | None = None
    contrast_enhanced: bool | None = None
    window: tuple[float, float] | None = None
    convention: str = ""

    @property
    def sequence(self) -> str:
        """The guessed sequence as a key: 't1', 't2', 'pd', with '_fs' and '_gd' added; 'image' when unknown."""
        if not self.weighting:
            return "image"
        return self.weighting + ("_fs" if self.fat_suppressed else "") + ("_gd" if self.contrast_enhanced else "")


@dataclass(frozen=True)
class Identity:
    """The patient and study line shown on the picture; never logged, cached or exported unless the user says so."""

    patient_name: str = ""
    patient_id: str = ""
    birth_date: str = ""
    sex: str = ""
    study_date: str = ""
    institution: str = ""


@dataclass(frozen=True, eq=False)
class Case:
    """One tumour: its images, each on its own grid, its outline, and what is known about both.

    Parameters
    ----------
    id : str
        The user's name for the case.
    images : mapping of str to Volume
        By sequence name.
    mask : Mask
        On its own grid.
    acquisition : mapping of str to Acquisition
        By sequence name.
    identity : Identity
        Kept apart from everything that is stored.
    site : str
        Hospital or scanner; empty when unknown.
    reading : mapping
        Clinical and reader's variables.
    """

    id: str
    images: Mapping[str, Volume]
    mask: Mask | None
    acquisition: Mapping[str, Acquisition]
    identity: Identity = Identity()
    site: str = ""
    reading: Mapping[str, str | float] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Prepared:
    """A case after preprocessing: each sequence on its own grid, the mask on each of them."""

    id: str
    images: Mapping[str, Volume]
    masks: Mapping[str, Mask]
    trace: tuple[TraceEntry, ...] = ()
    cautions: tuple[Caution, ...] = ()


@dataclass(frozen=True)
class FeatureRow:
    """The measured features of a case, in order, with the versions of what measured them."""

    id: str
    names: tuple[str, ...]
    values: tuple[float, ...]
    versions: Mapping[str, str]

    def as_dict(self) -> dict[str, float]:
        """Feature name to value."""
        return dict(zip(self.names, self.values, strict=True))

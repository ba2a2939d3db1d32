"""What the header says about the scan and, kept apart, about the patient."""

from __future__ import annotations

import math
from typing import Any

from pydicom.valuerep import PersonName

from app.core.data import Acquisition, Identity
from app.core.io.dicom.multiframe import Tags
from app.core.io.dicom.weighting import guess_contrast, guess_fat_suppression, guess_weighting

ACQUISITION_KEYWORDS = [
    "Modality", "Manufacturer", "ManufacturerModelName", "MagneticFieldStrength", "SeriesDescription", "ProtocolName",
    "BodyPartExamined", "RepetitionTime", "EchoTime", "EffectiveEchoTime", "InversionTime", "InversionTimes",
    "SliceThickness", "SpacingBetweenSlices", "ContrastBolusAgent", "ContrastBolusAgentSequence", "ScanningSequence",
    "SequenceVariant", "SequenceName", "PulseSequenceName", "ScanOptions", "ImageType", "WindowCenter", "WindowWidth",
    "FlipAngle", "ConvolutionKernel", "EchoPulseSequence", "AcquisitionContrast", "SpectrallySelectedSuppression"]


def as_number(tags: Tags, *keywords: str) -> float | None:
    """Give the first of the named elements that holds a finite number; of several values, the first."""
    for keyword in keywords:
        value: Any = tags.get(keyword)
        for part in [value] if isinstance(value, str) or not hasattr(value, "__iter__") else value:
            try:
                number = float(part)
            except (TypeError, ValueError):
                continue
            if number == number and abs(number) != float("inf"):
                return number
    return None


def as_numbers(tags: Tags, keyword: str, count: int) -> tuple[float, ...] | None:
    """Give exactly `count` finite numbers, or None."""
    value: Any = tags.get(keyword)
    try:
        numbers = tuple(float(part) for part in value)
    except (TypeError, ValueError):
        return None
    return numbers if len(numbers) == count and all(map(math.isfinite, numbers)) else None


def as_text(tags: Tags, keyword: str) -> str:
    """Give an element as text, several values joined by a backslash."""
    value = tags.get(keyword)
    if value is None:
        return ""
    if isinstance(value, str) or not hasattr(value, "__iter__"):
        return str(value).strip()
    return "\\".join(str(part).strip() for part in value)


def read_acquisition(tags: Tags, slice_gap: float | None = None) -> Acquisition:
    """Describe how an image was made.

    Parameters
    ----------
    tags : mapping of str to object
        One image's header values.
    slice_gap : float, optional
        Distance between slice centres as measured from the positions, mm; the header's is used without it.

    Returns
    -------
    Acquisition
        Times in ms, lengths in mm, field in tesla; the sequence is guessed from the description and the physics.
    """
    centre, width = as_number(tags, "WindowCenter"), as_number(tags, "WindowWidth")
    field = as_number(tags, "MagneticFieldStrength")
    if field is not None and field > 100:  # some scanners write gauss
        field /= 10000
    agent = as_text(tags, "ContrastBolusAgent")
    agents = tags.get("ContrastBolusAgentSequence")
    if not agent and agents:
        agent = str(agents[0].get("CodeMeaning", "")).strip()
    return Acquisition(
        modality=as_text(tags, "Modality"), manufacturer=as_text(tags, "Manufacturer"),
        model=as_text(tags, "ManufacturerModelName"), field_strength=field,
        description=as_text(tags, "SeriesDescription") or as_text(tags, "ProtocolName"),
        body_part=as_text(tags, "BodyPartExamined"), repetition_time=as_number(tags, "RepetitionTime"),
        echo_time=as_number(tags, "EchoTime", "EffectiveEchoTime"),
        inversion_time=as_number(tags, "InversionTime", "InversionTimes"),
        thickness=as_number(tags, "SliceThickness"),
        slice_gap=slice_gap if slice_gap is not None else as_number(tags, "SpacingBetweenSlices"),
        flip_angle=as_number(tags, "FlipAngle"), kernel=as_text(tags, "ConvolutionKernel"),
        contrast_agent=agent, weighting=guess_weighting(tags), fat_suppressed=guess_fat_suppression(tags),
        contrast_enhanced=guess_contrast(tags, agent),
        window=None if centre is None or not width or width <= 0 else (centre - width / 2, centre + width / 2))


def read_identity(tags: Tags) -> Identity:
    """Give the patient and study line; it goes nowhere but onto the picture."""
    name = tags.get("PatientName", "")
    shown = name.family_comma_given() if isinstance(name, PersonName) else str(name or "")
    return Identity(
        patient_name=shown.strip(" ,"), patient_id=as_text(tags, "PatientID"),
        birth_date=_as_date(as_text(tags, "PatientBirthDate")), sex=as_text(tags, "PatientSex"),
        study_date=_as_date(as_text(tags, "StudyDate")), institution=as_text(tags, "InstitutionName"))


def _as_date(text: str) -> str:
    return f"{text[:4]}-{text[4:6]}-{text[6:]}" if len(text) == 8 and text.isdigit() else text

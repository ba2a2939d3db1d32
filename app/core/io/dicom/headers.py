"""One file's header as plain values: what it is, and where each of its images lies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydicom.dataset import Dataset
from pydicom.uid import UID

from app.core.io.dicom.multiframe import Tags, list_frames
from app.core.io.dicom.reading import UNREADABLE, read_dataset, tolerate_odd_values
from app.core.io.dicom.tags import ACQUISITION_KEYWORDS, as_number, as_numbers, as_text

_RTSTRUCT = "1.2.840.10008.5.1.4.1.1.481.3"
_SEGMENTATIONS = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")
_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
_NOT_PICTURES = {"1.2.840.10008.1.3.10", "1.2.840.10008.5.1.4.1.1.4.2", "1.2.840.10008.5.1.4.1.1.66"}
_NOT_SCANS = {"SR", "PR", "KO", "DOC", "RTDOSE", "RTPLAN", "RTRECORD", "REG", "FID", "AU", "ECG", "PLAN"}
_LOSSY = {"1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.81"}
_SIEMENS_CREATOR, _MOSAIC_COUNT = 0x00190010, 0x0019100A
_KEYWORDS = [
    *ACQUISITION_KEYWORDS, "SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID", "SeriesNumber",
    "Rows", "Columns", "NumberOfFrames", "SamplesPerPixel", "PixelSpacing", "ImagePositionPatient",
    "ImageOrientationPatient", "RescaleSlope", "RescaleIntercept", "LossyImageCompression", "FrameType",
    "ComplexImageComponent", "DiffusionBValue", "DiffusionGradientOrientation", "TemporalPositionIdentifier",
    "TemporalPositionIndex", "TriggerTime", "AcquisitionNumber", "AcquisitionTime", "FlipAngle",
    "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence", "ReferencedFrameOfReferenceSequence",
    "ReferencedSeriesSequence", "StructureSetROISequence", _SIEMENS_CREATOR, _MOSAIC_COUNT]


@dataclass(frozen=True, eq=False)
class Plane:
    """One image in space, from its header.

    Parameters
    ----------
    file : str
        Where it is stored.
    index : int
        Frame number within the file, from 0.
    instance : str
        SOPInstanceUID and frame number.
    rows, columns : int
        Pixels along the columns' and the rows' direction.
    position : tuple of float, optional
        Centre of the first pixel, LPS+ mm.
    orientation : tuple of float, optional
        Direction of a row, then of a column, LPS+ cosines.
    spacing : tuple of float, optional
        Between rows, between columns, mm.
    thickness, gap : float, optional
        Slice thickness and the header's distance between slice centres, mm.
    slope, intercept : float
        Stored value to real value.
    stack : mapping of str to str
        What may tell stacks of one series apart: 'component', 'echo', 'b', 'inversion' ...
    tags : mapping of str to object
        All header values that were read, for `read_acquisition`.
    """

    file: str
    index: int
    instance: str
    rows: int
    columns: int
    position: tuple[float, ...] | None
    orientation: tuple[float, ...] | None
    spacing: tuple[float, ...] | None
    thickness: float | None
    gap: float | None
    slope: float
    intercept: float
    stack: Mapping[str, str]
    tags: Tags


@dataclass(frozen=True, eq=False)
class Header:
    """One file's header.

    Parameters
    ----------
    kind : {'dicom', 'rtstruct', 'seg'}
        Image, structure set or segmentation.
    file, series, frame : str
        Path, SeriesInstanceUID and FrameOfReferenceUID.
    tags : mapping of str to object
        The middle frame's values, for `read_acquisition`.
    planes : tuple of Plane
        In stored order; none for a structure set.
    refers_to : tuple of str
        Series that a structure set or a segmentation was drawn on.
    regions : tuple of str
        A structure set's region names.
    lossy, mosaic, colour : bool
        Pixels lost in compression; a sheet of small slices; several samples per pixel.
    """

    kind: Literal["dicom", "rtstruct", "seg"]
    file: str
    series: str
    frame: str
    tags: Tags
    planes: tuple[Plane, ...] = ()
    refers_to: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    lossy: bool = False
    mosaic: bool = False
    colour: bool = False
    description: str = field(default="")


def read_header(path: str | Path) -> Header | None:
    """Read what a file is and where its images lie; never its pixels.

    Parameters
    ----------
    path : str or pathlib.Path
        A DICOM file.

    Returns
    -------
    Header or None
        None for what holds no scan: a directory, a report, a presentation state, a screenshot.

    Raises
    ------
    OSError
        The file looks like DICOM and cannot be read.
    """
    with tolerate_odd_values():
        try:
            found = read_dataset(path, keywords=_KEYWORDS)
            frames = list_frames(found)
            sop_class = as_text(frames[0], "SOPClassUID") or str(found.file_meta.get("MediaStorageSOPClassUID", ""))
            if sop_class == _RTSTRUCT:
                return _structure_set(str(path), frames[0])
            if sop_class in _NOT_PICTURES or as_text(frames[0], "Modality") in _NOT_SCANS:
                return None
            if not frames[0].get("Rows"):
                if not sop_class or "Image Storage" in UID(sop_class).name:
                    raise OSError("the header is cut off before the image size")
                return None
            if sop_class.startswith(_SECONDARY_CAPTURE) and not frames[0].get("ImagePositionPatient"):
                return None
            syntax, mosaic = str(found.file_meta.TransferSyntaxUID), _is_mosaic(found, frames[0])
        except UNREADABLE as error:
            raise OSError(f"not a readable DICOM file: {error}") from error
        middle = frames[len(frames) // 2]
        return Header(
            kind="seg" if sop_class in _SEGMENTATIONS else "dicom", file=str(path),
            series=as_text(middle, "SeriesInstanceUID"), frame=as_text(middle, "FrameOfReferenceUID"), tags=middle,
            planes=tuple(_plane(str(path), n, tags) for n, tags in enumerate(frames)),
            refers_to=_series_of(frames[0].get("ReferencedSeriesSequence")) if sop_class in _SEGMENTATIONS else (),
            lossy=as_text(middle, "LossyImageCompression") == "01" or syntax in _LOSSY,
            mosaic=mosaic,
            colour=(as_number(middle, "SamplesPerPixel") or 1) > 1, description=as_text(middle, "SeriesDescription"))


def _is_mosaic(found: Dataset, tags: Tags) -> bool:
    if "MOSAIC" in as_text(tags, "ImageType").upper().split("\\"):
        return True
    if _SIEMENS_CREATOR not in found or _MOSAIC_COUNT not in found:
        return False
    return str(found[_SIEMENS_CREATOR].value).strip() == "SIEMENS MR HEADER"


def _plane(file: str, index: int, tags: Tags) -> Plane:
    slope, intercept = as_number(tags, "RescaleSlope"), as_number(tags, "RescaleIntercept")
    return Plane(
        file=file, index=index, instance=f"{as_text(tags, 'SOPInstanceUID') or file}:{index}",
        rows=int(as_number(tags, "Rows") or 0), columns=int(as_number(tags, "Columns") or 0),
        position=as_numbers(tags, "ImagePositionPatient", 3),
        orientation=as_numbers(tags, "ImageOrientationPatient", 6),
        spacing=as_numbers(tags, "PixelSpacing", 2), thickness=as_number(tags, "SliceThickness"),
        gap=as_number(tags, "SpacingBetweenSlices"), slope=slope or 1.0, intercept=intercept or 0.0,
        stack={
            "component": " ".join(filter(None, (as_text(tags, "FrameType") or as_text(tags, "ImageType"),
                                                as_text(tags, "ComplexImageComponent")))),
            "echo": _rounded(as_number(tags, "EchoTime", "EffectiveEchoTime")),
            "b": _rounded(as_number(tags, "DiffusionBValue")),
            "inversion": _rounded(as_number(tags, "InversionTime", "InversionTimes")),
            "flip": _rounded(as_number(tags, "FlipAngle")),
            "direction": as_text(tags, "DiffusionGradientOrientation"),
            "time": as_text(tags, "TemporalPositionIdentifier") or as_text(tags, "TemporalPositionIndex"),
            "trigger": _rounded(as_number(tags, "TriggerTime")),
            "acquisition": as_text(tags, "AcquisitionNumber"), "clock": as_text(tags, "AcquisitionTime"),
            "folder": str(Path(file).parent)},
        tags=tags)


def _structure_set(file: str, tags: Tags) -> Header:
    series: list[str] = []
    frames = [as_text(tags, "FrameOfReferenceUID")]
    for reference in tags.get("ReferencedFrameOfReferenceSequence") or ():
        frames.append(str(reference.get("FrameOfReferenceUID") or ""))
        for study in reference.get("RTReferencedStudySequence") or ():
            series.extend(_series_of(study.get("RTReferencedSeriesSequence")))
    rois = list(tags.get("StructureSetROISequence") or ())
    frames.extend(str(roi.get("ReferencedFrameOfReferenceUID") or "") for roi in rois)
    return Header("rtstruct", file, as_text(tags, "SeriesInstanceUID"), next(filter(None, frames), ""), tags,
                  refers_to=tuple(dict.fromkeys(series)), regions=tuple(str(roi.get("ROIName") or "") for roi in rois),
                  description=as_text(tags, "SeriesDescription"))


def _series_of(sequence: object) -> tuple[str, ...]:
    items = sequence if hasattr(sequence, "__iter__") else ()
    return tuple(dict.fromkeys(str(item.SeriesInstanceUID) for item in items if item.get("SeriesInstanceUID")))


def _rounded(number: float | None) -> str:
    return "" if number is None else f"{round(number, 1):g}"

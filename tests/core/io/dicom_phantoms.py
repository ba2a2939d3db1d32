"""DICOM files with chosen flaws, written for the tests."""

from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

MR = "1.2.840.10008.5.1.4.1.1.4"
ENHANCED_MR = "1.2.840.10008.5.1.4.1.1.4.1"
FRAME = "1.2.3.4"
AXIAL = (1, 0, 0, 0, 1, 0)
SAGITTAL = (0, 1, 0, 0, 0, -1)


def header(sop_class: str = MR, modality: str = "MR", **tags) -> Dataset:
    found = Dataset()
    found.file_meta = FileMetaDataset()
    found.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    found.SOPClassUID, found.SOPInstanceUID = sop_class, generate_uid()
    found.file_meta.MediaStorageSOPClassUID = sop_class
    found.file_meta.MediaStorageSOPInstanceUID = found.SOPInstanceUID
    found.Modality, found.SeriesInstanceUID, found.FrameOfReferenceUID = modality, "1.2.3", FRAME
    found.StudyInstanceUID, found.StudyDate = "1.2", "20190402"
    found.PatientName, found.PatientID, found.SeriesDescription = "Roe^Jane", "P-77", "T1 TSE cor"
    for key, value in tags.items():
        setattr(found, key, value)
    return found


def set_pixels(found: Dataset, pixels: np.ndarray) -> Dataset:
    found.Rows, found.Columns = pixels.shape[-2:]
    found.BitsAllocated = found.BitsStored = 16
    found.HighBit, found.PixelRepresentation, found.SamplesPerPixel = 15, 0, 1
    found.PhotometricInterpretation = "MONOCHROME2"
    found.PixelData = pixels.astype("<u2").tobytes()
    return found


def save(path: Path, found: Dataset) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pydicom.dcmwrite(path, found, enforce_file_format=True)
    return path


def picture(value: int, rows: int = 6, columns: int = 5) -> np.ndarray:
    """No two pixels alike, and no two pictures."""
    return value * 100 + np.arange(rows * columns).reshape(rows, columns)


def image(position, value: int, orientation=AXIAL, rows: int = 6, columns: int = 5, **tags) -> Dataset:
    found = set_pixels(header(), picture(value, rows, columns))
    found.ImagePositionPatient = [float(x) for x in position]
    found.ImageOrientationPatient, found.PixelSpacing, found.SliceThickness = list(orientation), [2.0, 1.5], 3.0
    found.ImageType = ["ORIGINAL", "PRIMARY", "M"]
    for key, value_ in tags.items():
        setattr(found, key, value_)
    return found


def stack(heights, orientation=AXIAL, first: int = 1, **tags) -> list[Dataset]:
    normal = np.cross(orientation[:3], orientation[3:])
    return [image(np.array([10.0, 20.0, 30.0]) + h * normal, first + n, orientation, **tags)
            for n, h in enumerate(heights)]


def write(folder: Path, images: list[Dataset]) -> list[Path]:
    start = len(list(folder.glob("*"))) if folder.is_dir() else 0
    return [save(folder / f"{start + n:03d}.dcm", found) for n, found in enumerate(images)]


def item(**tags) -> Dataset:
    found = Dataset()
    for key, value in tags.items():
        setattr(found, key, value)
    return found


def enhanced(heights, echoes=(10.0,)) -> Dataset:
    """A multi-frame file of every slice at every echo, frames stored from the top down."""
    frames = [(h, e) for e in echoes for h in sorted(heights, reverse=True)]
    found = set_pixels(header(ENHANCED_MR), np.stack([picture(n + 1) for n in range(len(frames))]))
    found.NumberOfFrames, found.ImageType = len(frames), ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    found.SharedFunctionalGroupsSequence = [item(
        PlaneOrientationSequence=[item(ImageOrientationPatient=list(AXIAL))],
        PixelMeasuresSequence=[item(PixelSpacing=[2.0, 1.5], SliceThickness=3.0)],
        MRTimingAndRelatedParametersSequence=[item(RepetitionTime=500.0)])]
    found.PerFrameFunctionalGroupsSequence = [item(
        PlanePositionSequence=[item(ImagePositionPatient=[10.0, 20.0, 30.0 + h])],
        MREchoSequence=[item(EffectiveEchoTime=e)],
        PixelValueTransformationSequence=[item(RescaleSlope=2.0, RescaleIntercept=n, RescaleType="US")])
        for n, (h, e) in enumerate(frames)]
    return found


def structure_set(contours, names=("GTV",), frame: str = FRAME, series: str = "1.2.3", kind="CLOSED_PLANAR") -> Dataset:
    """Contours per region, each an array of corners in LPS mm, shape (points, 3)."""
    found = header("1.2.840.10008.5.1.4.1.1.481.3", "RTSTRUCT", SeriesInstanceUID="1.2.9", SeriesDescription="")
    del found.FrameOfReferenceUID
    found.StructureSetLabel = "outline"
    found.ReferencedFrameOfReferenceSequence = [item(FrameOfReferenceUID=frame, RTReferencedStudySequence=[item(
        RTReferencedSeriesSequence=[item(SeriesInstanceUID=series)])])]
    found.StructureSetROISequence = [item(ROINumber=n + 1, ROIName=name, ReferencedFrameOfReferenceUID=frame)
                                     for n, name in enumerate(names)]
    found.ROIContourSequence = [item(ReferencedROINumber=n + 1, ContourSequence=[
        item(ContourGeometricType=kind, NumberOfContourPoints=len(c),
             ContourData=[round(float(x), 4) for x in np.ravel(c)]) for c in part])
        for n, part in enumerate(contours)]
    return found

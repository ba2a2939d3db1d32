"""Samples of DICOM: image series of several kinds, structure sets and segmentations."""

from __future__ import annotations

import io
import re
import struct
import tempfile
import warnings
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pydicom
from PIL import Image
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.uid import (
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

from tests.core.io import dicom_phantoms as made
from tests.fuzz.sample import SHAPE, Layout, Sample, phantom

GAP, ROW, COLUMN = 6.0, 3.9, 3.8
_DRAWN = ("1.2.826.0.1.3680043", "2.25.")
ORIGIN = np.array([-31.0, -22.0, 17.0])


def dicom_samples() -> list[Sample]:
    """Image series with an outline in a NIfTI file."""
    mask = {"outline_mask.nii": _outline()}
    plain = _series()
    return [
        _sample("dicom", "explicit", {**_written(plain, ExplicitVRLittleEndian), **mask}),
        _sample("dicom", "implicit", {**_written(plain, ImplicitVRLittleEndian), **mask}),
        _sample("dicom", "big endian", {**_written(plain, ExplicitVRBigEndian), **mask}),
        _sample("dicom", "run length", {**_written(plain, RLELossless), **mask}),
        _sample("dicom", "JPEG-LS", {**_written(plain, JPEGLSLossless), **mask}),
        _sample("dicom", "JPEG 2000", {**_written(plain, JPEG2000Lossless), **mask}),
        _sample("dicom", "enhanced", {"scan/mr.dcm": _bytes(_enhanced(), ExplicitVRLittleEndian), **mask}),
        _sample("dicom", "no preamble", {**{name: content[132:] for name, content in
                                            _written(plain, ExplicitVRLittleEndian).items()}, **mask}),
    ]


def rtstruct_samples() -> list[Sample]:
    """Structure sets of one region and of two, and one on an enhanced file."""
    series = _written(_series(), ExplicitVRLittleEndian)
    one = _settle(made.structure_set([_contours(1.0)]), "1.2.3.9")
    two = _settle(made.structure_set([_contours(1.0), _contours(0.5)], names=("GTV", "Oedema")), "1.2.3.9")
    enhanced = {"scan/mr.dcm": _bytes(_enhanced(), ExplicitVRLittleEndian)}
    return [
        _sample("rtstruct", "one region", {**series, "rs.dcm": _bytes(one, ExplicitVRLittleEndian)}, "rs.dcm"),
        _sample("rtstruct", "implicit", {**series, "rs.dcm": _bytes(one, ImplicitVRLittleEndian)}, "rs.dcm"),
        _sample("rtstruct", "two regions", {**series, "rs.dcm": _bytes(two, ExplicitVRLittleEndian)}, "rs.dcm",
                {"roi": "GTV"}),
        _sample("rtstruct", "enhanced", {**enhanced, "rs.dcm": _bytes(one, ExplicitVRLittleEndian)}, "rs.dcm"),
    ]


def seg_samples() -> list[Sample]:
    """Segmentations: binary, with and without empty frames, fractional, of two segments, a label map."""
    images = _series()
    series = _written(images, ExplicitVRLittleEndian)
    inside = phantom()[1].transpose(2, 1, 0)
    shrunk = inside * (np.arange(SHAPE[2]) % 2 == 0)[:, None, None]
    both = np.stack([inside, shrunk.astype(np.uint8)], axis=-1)
    made_by = {
        "binary": _segmentation(images, inside[..., None], ["Tumour"], "BINARY", omit=False),
        "without empty frames": _segmentation(images, inside[..., None], ["Tumour"], "BINARY", omit=True),
        "fractional": _segmentation(images, inside[..., None].astype(np.float32), ["Tumour"], "FRACTIONAL", omit=False),
        "two segments": _segmentation(images, both, ["Tumour", "Core"], "BINARY", omit=False),
        "label map": _segmentation(images, inside[..., None], ["Tumour"], "LABELMAP", omit=False),
    }
    return [_sample("seg", name, {**series, "seg.dcm": content}, "seg.dcm",
                    {"roi": "Tumour"} if name == "two segments" else None) for name, content in made_by.items()]


def _sample(reader: str, name: str, files: dict[str, bytes], mask: str = "outline_mask.nii",
            given: dict[str, object] | None = None) -> Sample:
    scans = tuple(file for file in files if file.startswith("scan/"))
    layouts = {file: Layout("dicom", _pixels(content)) for file, content in files.items() if file.endswith(".dcm")}
    if reader != "dicom" and name != "enhanced":  # the series is fuzzed by the reader of its own
        layouts = {file: layout for file, layout in layouts.items() if file not in scans[2:]}
    image = "scan" if len(scans) > 1 else scans[0]
    return Sample(reader, name, files, layouts, image, mask, scans if reader == "dicom" else (), given or {})


def _pixels(content: bytes) -> tuple[tuple[int, int], ...]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = pydicom.dcmread(io.BytesIO(content), force=True)
    if "PixelData" not in found:
        return _coordinates(content)
    return ((len(content) - len(found.PixelData), len(content)),)


def _coordinates(content: bytes) -> tuple[tuple[int, int], ...]:
    """The spans of contours' coordinates, written with a stated or an implied type."""
    spans = []
    for at in re.finditer(rb"\x06\x30\x50\x00", content):
        stated = content[at.end():at.end() + 2] == b"DS"
        length = struct.unpack_from("<H" if stated else "<I", content, at.end() + 2 * stated)[0]
        spans.append((at.end() + 4, at.end() + 4 + length))
    return tuple(spans)


def _series() -> list[Dataset]:
    grey, _ = phantom("uint16")
    images = []
    for k in range(SHAPE[2]):
        found = made.image((*ORIGIN[:2], ORIGIN[2] + GAP * k), 0, AccessionNumber="", PatientBirthDate="",
                           PatientSex="", StudyID="", StudyTime="", ReferringPhysicianName="", SeriesNumber=3,
                           InstanceNumber=k + 1)
        made.set_pixels(found, grey[:, :, k].T)
        found.PixelSpacing, found.SliceThickness = [COLUMN, ROW], GAP
        found.RescaleSlope, found.RescaleIntercept = 1, 0
        images.append(_settle(found, f"1.2.3.6.{k + 1}"))
    return images


def _enhanced() -> Dataset:
    grey, _ = phantom("uint16")
    found = made.enhanced([GAP * k for k in range(SHAPE[2])])
    made.set_pixels(found, grey.transpose(2, 1, 0)[::-1])
    shared = found.SharedFunctionalGroupsSequence[0]
    shared.PixelMeasuresSequence[0].PixelSpacing = [COLUMN, ROW]
    shared.PixelMeasuresSequence[0].SliceThickness = GAP
    for frame in found.PerFrameFunctionalGroupsSequence:
        height = frame.PlanePositionSequence[0].ImagePositionPatient[2] - 30.0
        frame.PlanePositionSequence[0].ImagePositionPatient = [*ORIGIN[:2], ORIGIN[2] + height]
    return _settle(found, "1.2.3.7")


def _outline() -> bytes:
    affine = np.diag([-ROW, -COLUMN, GAP, 1.0])
    affine[:3, 3] = ORIGIN * (-1, -1, 1)
    image = nib.Nifti1Image(phantom()[1], affine)
    image.set_qform(affine, code=1)
    image.header.set_xyzt_units("mm")
    return image.to_bytes()


def _contours(scale: float) -> list[np.ndarray[Any, Any]]:
    angles = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    found = []
    for k in range(2, 6):
        radius = scale * np.sqrt(1 - ((k - 3.6) / 2.4) ** 2)
        x = ORIGIN[0] + ROW * (7.2 + 4.1 * radius * np.cos(angles))
        y = ORIGIN[1] + COLUMN * (6.4 + 3.3 * radius * np.sin(angles))
        found.append(np.column_stack([x, y, np.full(40, ORIGIN[2] + GAP * k)]))
    return found


def _segmentation(images: list[Dataset], pixels: np.ndarray[Any, Any], labels: list[str], kind: str, *,
                  omit: bool) -> bytes:
    import highdicom as hd
    from pydicom.sr.codedict import codes

    described = [hd.seg.SegmentDescription(n + 1, label, codes.SCT.Tissue, codes.SCT.Tissue,
                                           hd.seg.SegmentAlgorithmTypeValues.MANUAL)
                 for n, label in enumerate(labels)]
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as scratch:
        warnings.simplefilter("ignore")
        for n, image in enumerate(images):
            made.save(Path(scratch, f"{n}.dcm"), image)
        found = hd.seg.Segmentation(images, pixels, kind, described, "1.2.3.4.8", 5, "1.2.3.8", 1, "Maker",
                                    "Model", "1", "77", omit_empty_frames=omit)
        return _bytes(_settle(found, "1.2.3.8"), ExplicitVRLittleEndian)


def _written(images: list[Dataset], syntax: str) -> dict[str, bytes]:
    return {f"scan/{n:02d}.dcm": _bytes(image, syntax) for n, image in enumerate(images)}


def _bytes(found: Dataset, syntax: str) -> bytes:
    """A data set as a file in the transfer syntax."""
    copy = pydicom.dcmread(io.BytesIO(_plain(found)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if syntax == JPEG2000Lossless:
            picture = io.BytesIO()
            Image.fromarray(copy.pixel_array).save(picture, "JPEG2000", no_jp2=True)
            copy.PixelData = pydicom.encaps.encapsulate([picture.getvalue()])
            copy["PixelData"].is_undefined_length = True
            copy.file_meta.TransferSyntaxUID = syntax
        elif syntax in (RLELossless, JPEGLSLossless):
            copy.compress(syntax, generate_instance_uid=False)
        elif syntax == ExplicitVRBigEndian:
            copy.PixelData = np.frombuffer(copy.PixelData, "<u2").astype(">u2").tobytes()
            copy.file_meta.TransferSyntaxUID = syntax
            stream = io.BytesIO()
            pydicom.dcmwrite(stream, copy, implicit_vr=False, little_endian=False, enforce_file_format=True)
            return stream.getvalue()
        else:
            copy.file_meta.TransferSyntaxUID = syntax
        stream = io.BytesIO()
        pydicom.dcmwrite(stream, copy, enforce_file_format=True)
        return stream.getvalue()


def _settle(found: Dataset, instance: str) -> Dataset:
    """Give a data set an instance UID, and others in place of drawn ones: inputs are known by their numbers."""
    known: dict[str, str] = {}

    def settle(_parent: Dataset, element: DataElement) -> None:
        if element.VR == "UI" and isinstance(element.value, str) and element.value.startswith(_DRAWN):
            element.value = known.setdefault(str(element.value), f"{instance}.{len(known) + 1}")
        elif element.VR in ("DA", "TM", "DT") and element.value:
            element.value = "101500" if element.VR == "TM" else "20190402"

    found.SOPInstanceUID = found.file_meta.MediaStorageSOPInstanceUID = instance
    found.walk(settle)
    return found


def _plain(found: Dataset) -> bytes:
    stream = io.BytesIO()
    pydicom.dcmwrite(stream, found, enforce_file_format=True)
    return stream.getvalue()

"""Samples of the formats that hold one volume in a file or two: NIfTI, Analyze, NRRD, MetaImage."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

import nibabel as nib
import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from tests.fuzz.sample import AFFINE, Layout, Sample, phantom

Voxels = NDArray[np.generic]


def nifti_samples() -> list[Sample]:
    """Single files of both versions and byte orders, packed or not, with and without a scale, and a pair."""
    grey, inside = phantom()
    real = phantom("float32")[0]
    swapped = {"image": _nifti(grey, endian=">"), "mask": _nifti(inside.astype(np.int16), endian=">")}
    return [
        _nifti_sample("int16", _nifti(grey), _nifti(inside)),
        _nifti_sample("float32 packed", _nifti(real), _nifti(inside), packed=True),
        _nifti_sample("scaled", _nifti(grey, slope=0.5, inter=-3.0), _nifti(inside.astype(np.float32))),
        _nifti_sample("big endian", swapped["image"], swapped["mask"]),
        _nifti_sample("version 2", _nifti(real, kind=nib.Nifti2Image), _nifti(inside, kind=nib.Nifti2Image)),
        _nifti_sample("qform only", _nifti(grey, sform=False), _nifti(inside, sform=False)),
        _nifti_pair("pair", grey, inside, nib.Nifti1Pair),
    ]


def analyze_samples() -> list[Sample]:
    """Pairs of both kinds, packed or not."""
    grey, inside = phantom()
    return [
        _nifti_pair("plain", grey, inside, nib.AnalyzeImage, reader="analyze"),
        _nifti_pair("packed", grey, inside, nib.AnalyzeImage, reader="analyze", packed=True),
        _nifti_pair("spm", grey, inside, nib.Spm99AnalyzeImage, reader="analyze"),
    ]


def nrrd_samples() -> list[Sample]:
    """Raw and packed, in one file or with a detached header."""
    grey, inside = phantom("float32")
    return [
        _itk_sample("nrrd", "raw", grey, inside, ".nrrd", packed=False),
        _itk_sample("nrrd", "gzip", grey, inside, ".nrrd", packed=True),
        _itk_sample("nrrd", "detached", phantom("uint16")[0], inside, ".nhdr", packed=False),
        _itk_sample("nrrd", "int16", phantom("int16")[0], inside.astype(np.int16), ".nrrd", packed=False),
    ]


def metaimage_samples() -> list[Sample]:
    """Raw and packed, in one file or with a detached header."""
    grey, inside = phantom("float32")
    return [
        _itk_sample("metaimage", "raw", grey, inside, ".mha", packed=False),
        _itk_sample("metaimage", "packed", grey, inside, ".mha", packed=True),
        _itk_sample("metaimage", "detached", phantom("uint16")[0], inside, ".mhd", packed=False),
        _itk_sample("metaimage", "detached packed", phantom("int16")[0], inside, ".mhd", packed=True),
    ]


def _nifti(voxels: Voxels, *, endian: str = "<", kind: type = nib.Nifti1Image, sform: bool = True,
           slope: float | None = None, inter: float = 0.0) -> bytes:
    header = kind.header_class(endianness=endian)
    header.set_data_dtype(voxels.dtype.newbyteorder(endian))
    image = kind(voxels, AFFINE, header)
    image.set_qform(AFFINE, code=1)
    image.set_sform(AFFINE if sform else None, code=1 if sform else 0)
    image.header.set_xyzt_units("mm")
    if slope is not None:
        image = kind(voxels.astype(np.float64) * slope + inter, AFFINE, image.header)
        image.header.set_slope_inter(slope, inter)
    return image.to_bytes()


def _nifti_sample(name: str, image: bytes, mask: bytes, *, packed: bool = False) -> Sample:
    ending = ".nii.gz" if packed else ".nii"
    files = {f"t1{ending}": image, f"mask{ending}": mask}
    layouts = {file: Layout("nifti", ((544 if "version 2" in name else 352, len(content)),), packed)
               for file, content in files.items()}
    return Sample("nifti", name, files, layouts, f"t1{ending}", f"mask{ending}")


def _nifti_pair(name: str, grey: Voxels, inside: Voxels, kind: type, *, reader: str = "nifti",
                packed: bool = False) -> Sample:
    files, layouts = {}, {}
    for stem, voxels in (("t1", grey), ("mask", inside)):
        image = kind(voxels, np.diag([-4.0, 4.0, 6.0, 1.0]) if reader == "analyze" else AFFINE)
        maps = kind.make_file_map()
        for holder in maps.values():
            holder.fileobj = io.BytesIO()
        image.to_file_map(maps)
        for half, ending in (("header", ".hdr"), ("image", ".img")):
            content = maps[half].fileobj.getvalue()
            file = f"{stem}{ending}{'.gz' if packed else ''}"
            files[file] = content
            layouts[file] = Layout("nifti" if half == "header" else "", () if half == "header" else
                                   ((0, len(content)),), packed)
    ending = ".hdr.gz" if packed else ".hdr"
    return Sample(reader, name, files, layouts, f"t1{ending}", f"mask{ending}")


def _itk_sample(reader: str, name: str, grey: Voxels, inside: Voxels, ending: str, *, packed: bool) -> Sample:
    files: dict[str, bytes] = {}
    layouts: dict[str, Layout] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for stem, voxels in (("t1", grey), ("mask", inside)):
            image = sitk.GetImageFromArray(np.ascontiguousarray(voxels.transpose(2, 1, 0)))
            image.SetSpacing((3.9, 3.9, 6.0))
            image.SetOrigin((30.0, -25.0, 40.0))
            turn = 0.1
            image.SetDirection((np.cos(turn), -np.sin(turn), 0, np.sin(turn), np.cos(turn), 0, 0, 0, 1))
            sitk.WriteImage(image, str(Path(scratch, stem + ending)), useCompression=packed)
        for path in sorted(Path(scratch).iterdir()):
            content = path.read_bytes()
            files[path.name] = content
            stem = path.name.partition(".")[0]
            size = (grey if stem == "t1" else inside).nbytes
            is_text = path.name.endswith(ending)
            inline = ending in (".nrrd", ".mha")
            start = len(content) - size if inline else 0
            voxels_span = ((start, len(content)),) if not packed and (inline or not is_text) else ()
            layouts[path.name] = Layout("text" if is_text else "", voxels_span)
    return Sample(reader, name, files, layouts, f"t1{ending}", f"mask{ending}")

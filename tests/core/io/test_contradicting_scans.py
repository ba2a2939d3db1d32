"""DICOM files that contradict themselves or announce too much: each was once read in silence, or never ended."""

import tracemalloc
import zlib

import numpy as np
import pydicom
import pytest
from dicom_phantoms import enhanced, image, save, set_pixels, stack, structure_set, write
from pydicom.uid import DeflatedExplicitVRLittleEndian, JPEGLSLossless

from app.core.data import Volume
from app.core.errors import InputError, UnreadableImage
from app.core.io import dicom
from app.core.io.identify import identify
from app.core.io.volume import load_volume


def load(folder) -> Volume:
    return load_volume(folder).volume


def codes(found) -> list[str]:
    return [caution.code for caution in found.cautions]


def test_what_follows_the_pixels_is_told(tmp_path):
    paths = write(tmp_path, stack([0, 3, 6]))
    assert codes(load(tmp_path)) == []
    paths[1].write_bytes(paths[1].read_bytes() + bytes(10))
    assert codes(load(tmp_path)) == ["longer_than_stated"]


def test_a_place_that_is_no_number_is_no_place(tmp_path):
    images = stack([0, 3, 6])
    content = save(tmp_path / "x.dcm", images[0]).read_bytes()
    (tmp_path / "x.dcm").write_bytes(content.replace(b"10.0\\20.0\\30.0", b"10.0\\1e999\\30."))
    write(tmp_path, images[1:])
    identify([tmp_path])
    with pytest.raises(UnreadableImage, match="1 of 3 images carry no position"):
        load(tmp_path)


def test_a_deflated_file_is_not_unpacked_without_end(tmp_path):
    (path,) = write(tmp_path, stack([0])[:1])
    content = path.read_bytes()
    found = pydicom.dcmread(path)
    length = len(content) - 144 - int(found.file_meta.FileMetaInformationGroupLength)
    found.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    save(path, found)
    assert load(tmp_path).voxels.shape == (5, 6, 1)
    deflated = path.read_bytes()
    start = 144 + int(pydicom.dcmread(path).file_meta.FileMetaInformationGroupLength)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    body = packer.compress(content[-length:]) + b"".join(packer.compress(bytes(2**24)) for _ in range(40))
    path.write_bytes(deflated[:start] + body + packer.flush())
    with pytest.raises(UnreadableImage):
        load(tmp_path)


def test_images_of_impossible_size_are_refused_before_memory_is_taken(tmp_path, monkeypatch):
    images = [image((0, 0, 3.0 * k), 1, Rows=65535, Columns=65535) for k in range(3)]
    for found in images:
        found.Rows = found.Columns = 65535
    write(tmp_path, images)
    monkeypatch.setattr(np, "empty", None)
    with pytest.raises(UnreadableImage, match="announces 65535 x 65535 x 3 voxels"):
        load(tmp_path)


def test_an_element_longer_than_its_file_takes_no_memory(tmp_path):
    (path,) = write(tmp_path, stack([0])[:1])
    content = bytearray(path.read_bytes())
    at = content.find(b"\xe0\x7f\x10\x00OW")
    content[at + 8:at + 12] = b"\xf0\xff\xff\xff"
    path.write_bytes(content)
    tracemalloc.start()
    try:
        volume = load(tmp_path)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < 2**28
    assert "longer_than_stated" in codes(volume)


def test_frames_that_are_described_must_be_as_many_as_are_stated(tmp_path):
    found = enhanced([0, 3, 6])
    del found.PerFrameFunctionalGroupsSequence[0]
    save(tmp_path / "mr.dcm", found)
    with pytest.raises(InputError):
        load(tmp_path)


def test_compressed_pixels_of_another_size_than_the_header_s_are_refused(tmp_path):
    (found,) = stack([0])
    set_pixels(found, np.arange(24 * 20).reshape(24, 20))
    found = pydicom.dcmread(save(tmp_path / "a.dcm", found))
    found.compress(JPEGLSLossless, generate_instance_uid=False)
    save(tmp_path / "a.dcm", found)
    assert load(tmp_path / "a.dcm").voxels.shape == (20, 24, 1)
    found.Columns = 40
    save(tmp_path / "a.dcm", found)
    with pytest.raises(UnreadableImage, match="no readable pixels"):
        load(tmp_path / "a.dcm")


def circle(z: float) -> np.ndarray:
    angles = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    return np.column_stack([14 + 9 * np.cos(angles), 15 + 9 * np.sin(angles), np.full(40, z)])


@pytest.mark.parametrize(("change", "expected"), [
    (len, []),
    (lambda found: setattr(found[0], "ContourGeometricType", "OPEN_PLANAR"), ["contours_left_out"]),
    (lambda found: setattr(found[0], "NumberOfContourPoints", 44), ["contours_doubtful"]),
    (lambda found: found[0].ContourData.__setitem__(30, 99.0), ["contour_spike"])])
def test_contours_that_are_left_out_or_doubtful_are_told(tmp_path, change, expected):
    affine = np.diag([-1.0, -1.0, 3.0, 1.0])
    volume = Volume(np.zeros((40, 40, 6), np.float32), affine, "1.2.3.4")
    found = structure_set([[circle(3.0), circle(6.0)]])
    change(found.ROIContourSequence[0].ContourSequence)
    mask = dicom.load_rtstruct(save(tmp_path / "rs.dcm", found), None, {"t1": volume})
    assert [code for code in codes(mask) if code.startswith("contour")] == expected

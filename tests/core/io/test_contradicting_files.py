"""Files that contradict themselves or announce too much: each was once read in silence, or took the program down."""

import gzip
import os
import struct

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

from app.core.errors import UnreadableImage
from app.core.io import stored
from app.core.io.identify import identify
from app.core.io.mask import load_mask
from app.core.io.volume import load_volume

AFFINE = np.array([[-2.0, 0.1, 0, 40], [0.1, 2.0, 0, -30], [0, 0, 4.0, 12], [0, 0, 0, 1]])
ROW, COLUMN, SLICE = np.indices((24, 20, 6))
NOISE = np.random.default_rng(3).normal(0, 2, ROW.shape)
GREY = (200 + 90 * np.sin(ROW / 5) + 60 * np.cos(COLUMN / 4) + SLICE + NOISE) * 8
MASK = ((ROW - 12) ** 2 + (COLUMN - 10) ** 2 < 30).astype(np.uint8)


def nifti(voxels=GREY, dtype=np.int16, **fields) -> bytearray:
    image = nib.Nifti1Image(voxels.astype(dtype), AFFINE)
    image.set_sform(AFFINE, code=1)
    image.set_qform(AFFINE, code=1)
    for name, value in fields.items():
        image.header[name] = value
    return bytearray(image.to_bytes())


def meta(path, head: str, voxels: bytes = GREY.astype(np.int16).tobytes()):
    path.write_bytes((head.strip() + "\nElementDataFile = LOCAL\n").encode("latin-1") + voxels)
    return path


META = "ObjectType = Image\nNDims = 3\nBinaryData = True\nDimSize = 24 20 6\nElementType = MET_SHORT"


def codes(path) -> list[str]:
    return [caution.code for caution in load_volume(path).volume.cautions]


def put(path, content):
    path.write_bytes(bytes(content))
    return path


def test_more_voxels_than_are_read_are_refused_before_memory_is_taken(tmp_path, monkeypatch):
    content = nifti()
    content[42:48] = struct.pack("<3h", 32767, 32767, 32767)
    monkeypatch.setattr(np, "memmap", None)
    for path in (put(tmp_path / "a.nii", content), put(tmp_path / "b.nii.gz", gzip.compress(bytes(content)))):
        with pytest.raises(UnreadableImage, match="announces 32767 x 32767 x 32767 voxels, which would take"):
            load_volume(path)
    huge = meta(tmp_path / "c.mha", META.replace("24 20 6", "60000 60000 60000"))
    nrrd = put(tmp_path / "d.nrrd", b"NRRD0004\ntype: short\ndimension: 3\nsizes: 60000 60000 60000\nencoding: raw\n"
                                    b"endian: little\n\n" + bytes(99))
    for path in (huge, nrrd):
        with pytest.raises(UnreadableImage, match="announces 60000 x 60000 x 60000 voxels"):
            load_volume(path)


def test_a_large_volume_of_any_common_type_is_still_read():
    for dtype in ("uint8", "int16", "float32"):
        assert stored.check_announced("a.nii", (1024, 1024, 400), dtype) == 1024 * 1024 * 400 * np.dtype(dtype).itemsize


def test_what_follows_the_voxels_is_told_and_not_unpacked_without_end(tmp_path):
    content, beyond = nifti(), gzip.compress(bytes(2**26)) * 40
    packed = put(tmp_path / "a.nii.gz", gzip.compress(bytes(content)) + beyond)
    assert codes(packed) == ["longer_than_stated"]
    assert codes(put(tmp_path / "b.nii", content + b"x")) == ["longer_than_stated"]
    assert codes(meta(tmp_path / "c.mha", META + "\nOffset = 1 2 3",
                      GREY.astype(np.int16).transpose(2, 1, 0).tobytes() + b"x")) == ["longer_than_stated"]
    assert codes(put(tmp_path / "d.nii", content)) == []


@pytest.mark.parametrize(("at", "change", "sentence"), [
    (108, struct.pack("<f", np.inf), "begin at byte inf"), (108, struct.pack("<f", 3e9), "begin at byte 3e"),
    (108, struct.pack("<f", np.nan), "begin at byte nan"), (123, b"\x86", "header cannot be understood")])
def test_impossible_fields_are_refused(tmp_path, at, change, sentence):
    content = nifti()
    content[at:at + len(change)] = change
    for path in (put(tmp_path / "a.nii", content), put(tmp_path / "b.nii.gz", gzip.compress(bytes(content)))):
        with pytest.raises(UnreadableImage, match=sentence):
            load_volume(path)


def test_a_quaternion_that_is_none_is_a_doubt_about_the_position(tmp_path):
    content = nifti()
    content[256:268] = struct.pack("<3f", 0.9, 0.9, 0.9)
    assert codes(put(tmp_path / "a.nii", content)) == ["position_ambiguous"]


def test_two_statements_of_the_type_that_differ_are_told(tmp_path):
    content = nifti(dtype=np.uint16)
    content[72:74] = struct.pack("<h", 32)
    assert codes(put(tmp_path / "a.nii", content)) == ["type_ambiguous"]


@pytest.mark.parametrize("dtype", [np.int16, np.uint16, np.int32, np.float32])
def test_voxels_in_the_other_byte_order_are_told(tmp_path, dtype):
    right, wrong = GREY.astype(dtype), GREY.astype(dtype).byteswap()
    assert codes(put(tmp_path / "a.nii", nifti(right, dtype))) == []
    content = nifti(right, dtype)
    content[352:] = wrong.tobytes(order="F")
    if np.isfinite(wrong).all():
        assert codes(put(tmp_path / "b.nii", content)) == ["byte_order"]
    noise = np.random.default_rng(0).integers(0, 4000, GREY.shape).astype(dtype)
    assert codes(put(tmp_path / "c.nii", nifti(noise, dtype))) == []


def test_an_outline_whose_header_shifts_its_zero_is_told(tmp_path):
    content = nifti(MASK, np.uint8)
    content[112:120] = struct.pack("<2f", 1.0, -1.0)
    mask = load_mask(put(tmp_path / "m.nii", content))
    assert "outline_offset" in [caution.code for caution in mask.cautions]
    assert "outline_offset" not in [c.code for c in load_mask(put(tmp_path / "n.nii", nifti(MASK, np.uint8))).cautions]


def test_scaled_voxels_are_the_library_s(tmp_path):
    path = put(tmp_path / "a.nii", nifti(scl_slope=0.37, scl_inter=-12.5))
    np.testing.assert_array_equal(load_volume(path).volume.voxels, nib.load(path).get_fdata().astype(np.float32))


@pytest.mark.parametrize("head", [
    META.replace("NDims = 3", "NDims = 99"), META.replace("NDims = 3", "NDims = -1"),
    META.replace("24 20 6", "24 20"), META.replace("24 20 6", "24 20 6 7"), META.replace("24 20 6", "a b c"),
    f"{META}\nElementNumberOfChannels = 4000000000", f"{META}\nElementSpacing = 1 nan 1",
    f"{META}\nTransformMatrix = 1 0 0", f"{'x' * 300} = 1\n{META}", f"Comment = {'9' * 70000}\n{META}",
    META.replace("MET_SHORT", "MET_SHIRT"), META + "\nDimSize = 48 20 3", f"\x03key = 1\n{META}",
    META.replace("24 20 6", "24 -20 6"), META.replace("24 20 6", "0 20 6")])
def test_a_metaimage_header_is_read_before_the_library_trusts_it(tmp_path, head):
    path = meta(tmp_path / "a.mha", head)
    with pytest.raises(UnreadableImage) as raised:
        load_volume(path)
    assert str(raised.value).isprintable()
    assert len(str(raised.value)) < 300


def test_a_field_that_is_no_text_is_passed_over(tmp_path, capfd):
    assert load_volume(meta(tmp_path / "a.mha", "Comment = \xff\xfe\n" + META)).volume.voxels.shape == (24, 20, 6)
    capfd.readouterr()


def test_packed_voxels_of_another_size_than_stated_are_refused(tmp_path):
    path = tmp_path / "a.mha"
    sitk.WriteImage(sitk.GetImageFromArray(GREY), str(path), True)
    content = path.read_bytes()
    stated = content.partition(b"CompressedDataSize = ")[2].partition(b"\n")[0]
    put(path, content.replace(stated, str(int(stated) - 50).encode()))
    with pytest.raises(UnreadableImage, match="damaged"):
        load_volume(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes")
@pytest.mark.parametrize("data", ["pipe", "/dev/zero", "LIST\npipe", "%d.raw 1 99999 1", "LO\x03AL", "a.mhd\0", ""])
def test_voxels_in_anything_but_a_file_are_refused(tmp_path, data):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "a.mhd").write_text(f"{META}\nElementDataFile = {data}\n", encoding="latin-1")
    (tmp_path / "b.nhdr").write_text("NRRD0004\ntype: short\ndimension: 3\nsizes: 24 20 6\nencoding: raw\n"
                                     f"endian: little\ndata file: {data}\n", encoding="latin-1")
    for name in ("a.mhd", "b.nhdr"):
        with pytest.raises(UnreadableImage) as raised:
            load_volume(tmp_path / name)
        assert str(raised.value).isprintable()
    assert {source.kind for source in identify([tmp_path])} == {"metaimage", "nrrd"}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes")
def test_only_files_that_are_there_are_looked_into(tmp_path):
    put(tmp_path / "t1.nii", nifti())
    for name in ("pipe", "pipe.dcm", "pipe.hdr", "pipe.csv"):
        os.mkfifo(tmp_path / name)
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "gone.nii").symlink_to(tmp_path / "nowhere")
    (tmp_path / "zero").symlink_to("/dev/zero")
    assert [source.title for source in identify([tmp_path])] == ["t1.nii"]


@pytest.mark.parametrize("name", ["x" * 300, "a\0b", "z" * 5000, "~nobody-of-that-name/x"])
def test_a_path_that_no_disk_takes_is_refused_with_a_sentence(tmp_path, name):
    with pytest.raises(UnreadableImage) as raised:
        identify([tmp_path / name if not name.startswith("~") else name])
    assert len(raised.value.message) < 200

import gzip
import shutil

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

from app.core.data import Mask, Volume
from app.core.errors import InputError, UnreadableImage
from app.core.io.nifti import pair_of, read_header, read_nifti, write_nifti
from app.core.io.volume import load_volume

AFFINE = np.array([[-0.9, 0.1, 0, 40], [0.1, 0.9, 0, -30], [0, 0, 4.0, 12], [0, 0, 0, 1]])
VOXELS = np.random.default_rng(7).normal(100, 20, (6, 7, 5)).astype(np.float32)


def save(path, voxels=VOXELS, affine=AFFINE, kind=nib.Nifti1Image, **fields):
    image = kind(voxels, affine)
    for name, value in fields.items():
        image.header[name] = value
    nib.save(image, path)
    return path


def codes(cautions):
    return [caution.code for caution in cautions]


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "A.NII.GZ"])
def test_reading_agrees_with_two_independent_readers(tmp_path, name):
    path = save(tmp_path / name)
    loaded = load_volume(path)
    np.testing.assert_array_equal(loaded.volume.voxels, VOXELS)
    np.testing.assert_allclose(loaded.volume.affine, AFFINE, atol=1e-6)
    image = sitk.ReadImage(str(path), imageIO="NiftiImageIO")
    np.testing.assert_allclose(image.TransformIndexToPhysicalPoint((1, 2, 3)),
                               (loaded.volume.affine @ [1, 2, 3, 1])[:3] * [-1, -1, 1], atol=1e-4)
    assert not loaded.volume.cautions
    assert not loaded.volume.voxels.flags.writeable


@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
def test_writing_is_read_the_same_by_nibabel_and_simpleitk(tmp_path, ending):
    path = write_nifti(tmp_path / "new" / f"out{ending}", Volume(VOXELS, AFFINE))
    image, other = nib.load(path), sitk.ReadImage(str(path))
    np.testing.assert_array_equal(image.get_fdata(dtype=np.float32), VOXELS)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(other).transpose(2, 1, 0), VOXELS)
    np.testing.assert_allclose(image.affine, AFFINE, atol=1e-6)
    np.testing.assert_allclose(image.header.get_qform(), AFFINE, atol=1e-3)
    np.testing.assert_allclose(np.array(other.GetOrigin()) * [-1, -1, 1], AFFINE[:3, 3], atol=1e-4)
    assert (image.header["sform_code"], image.header["qform_code"]) == (1, 1)
    assert image.header.get_xyzt_units()[0] == "mm"
    assert image.get_data_dtype() == np.float32
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_mask_is_written_as_bytes_and_a_sheared_grid_without_qform(tmp_path):
    sheared = AFFINE.copy()
    sheared[0, 2] = 1.0
    image = nib.load(write_nifti(tmp_path / "m.nii.gz", Mask(VOXELS > 100, sheared)))
    assert image.get_data_dtype() == np.uint8
    assert int(image.header["qform_code"]) == 0
    np.testing.assert_allclose(image.affine, sheared, atol=1e-6)
    np.testing.assert_array_equal(np.asanyarray(image.dataobj) == 1, VOXELS > 100)


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = write_nifti(tmp_path / "a.nii", Volume(VOXELS, AFFINE))
    before = path.read_bytes()

    def fail(image, target):
        target.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(nib, "save", fail)
    with pytest.raises(OSError, match="disk full"):
        write_nifti(path, Volume(VOXELS + 1, AFFINE))
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["a.nii"]


def test_writing_another_format_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"does not end in \.nii"):
        write_nifti(tmp_path / "a.nrrd", Volume(VOXELS, AFFINE))


def damaged(folder):
    """Sentence -> file, one for each way to be unusable."""
    cut = save(folder / "cut.nii.gz")
    cut.write_bytes(cut.read_bytes()[:-200])
    plain = save(folder / "plain.nii")
    plain.write_bytes(plain.read_bytes()[:-200])
    crc = save(folder / "crc.nii.gz", np.random.default_rng(0).normal(size=(40, 40, 40)).astype(np.float32))
    content = bytearray(crc.read_bytes())
    content[len(content) // 2] ^= 0xFF
    crc.write_bytes(content)
    (folder / "empty.nii").touch()
    (folder / "junk.nii").write_bytes(b"junk" * 500)
    (folder / "notgz.nii.gz").write_bytes(b"junk" * 500)
    (folder / "header.nii.gz").write_bytes(gzip.compress(bytes(100)))
    nan = VOXELS.copy()
    nan[1, 2, 3] = np.nan
    nan[2, 2, 3] = np.inf
    singular = AFFINE.copy()
    singular[:, 2] = singular[:, 1]
    singular[3] = [0, 0, 0, 1]
    colour = np.zeros((4, 4, 4), dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
    lonely = save(folder / "lonely.hdr", kind=nib.Nifti1Pair)
    lonely.with_suffix(".img").unlink()
    orphan = save(folder / "orphan.img", kind=nib.AnalyzeImage, affine=np.diag([-1, 1, 1, 1]))
    orphan.with_suffix(".hdr").unlink()
    return {
        "cut.nii.gz is cut short": cut,
        "plain.nii is cut short": plain,
        "crc.nii.gz is damaged": crc,
        "empty.nii is an empty file": folder / "empty.nii",
        "junk.nii is not a NIfTI": folder / "junk.nii",
        "notgz.nii.gz is not a NIfTI": folder / "notgz.nii.gz",
        "header.nii.gz is not a NIfTI": folder / "header.nii.gz",
        "There is no file or folder 'gone.nii'": folder / "gone.nii",
        "flat picture of 6 x 7": save(folder / "flat.nii", VOXELS[..., 0]),
        "holds 3 volumes of 6 x 7 x 5": save(folder / "film.nii", np.stack([VOXELS] * 3, axis=3)),
        "holds no voxels": save(folder / "none.nii", np.zeros((0, 4, 4), np.float32)),
        r"2 of 210 voxels that are not finite numbers, first at \(1, 2, 3\)": save(folder / "nan.nii", nan),
        "flattens space": save(folder / "flattened.nii", affine=singular),
        "is a colour image": save(folder / "colour.nii", colour),
        "complex numbers": save(folder / "complex.nii", VOXELS.astype(np.complex64)),
        r"lonely.hdr needs lonely.img beside it": lonely,
        r"orphan.img needs orphan.hdr beside it": orphan,
    }


def test_each_kind_of_damage_has_its_sentence(tmp_path):
    sentences = set()
    for sentence, path in damaged(tmp_path).items():
        with pytest.raises(UnreadableImage, match=sentence) as raised:
            load_volume(path)
        assert raised.value.remedy
        sentences.add(raised.value.message.replace(path.name, ""))
    assert len(sentences) >= 13


def test_a_trailing_axis_of_one_is_dropped(tmp_path):
    assert load_volume(save(tmp_path / "a.nii", VOXELS[..., None])).volume.voxels.shape == VOXELS.shape


def test_an_unknown_position_is_said(tmp_path):
    assert codes(read_header(save(tmp_path / "a.nii", affine=np.eye(4))).cautions) == ["position_unknown"]
    image = nib.Nifti1Image(VOXELS, None)
    nib.save(image, tmp_path / "b.nii")
    assert codes(read_header(tmp_path / "b.nii").cautions) == ["position_unknown"]


def test_positions_that_contradict_each_other_are_said(tmp_path):
    image = nib.Nifti1Image(VOXELS, AFFINE)
    image.set_sform(AFFINE, code=1)
    image.set_qform(np.diag([1.0, 1, 4, 1]), code=1)
    nib.save(image, tmp_path / "a.nii")
    header = read_header(tmp_path / "a.nii")
    assert codes(header.cautions) == ["position_ambiguous"]
    np.testing.assert_allclose(header.geometry.affine, AFFINE, atol=1e-6)


def test_metres_become_millimetres_unless_that_is_absurd(tmp_path):
    image = nib.Nifti1Image(VOXELS, np.diag([0.001, 0.001, 0.004, 1]))
    image.header.set_xyzt_units("meter")
    nib.save(image, tmp_path / "a.nii")
    header = read_header(tmp_path / "a.nii")
    assert header.geometry.spacing == pytest.approx((1, 1, 4))
    assert codes(header.cautions) == ["units_converted"]
    image = nib.Nifti1Image(VOXELS, AFFINE)
    image.header.set_xyzt_units("meter")
    nib.save(image, tmp_path / "b.nii")
    assert read_header(tmp_path / "b.nii").geometry.spacing[2] == pytest.approx(4)


@pytest.mark.parametrize(("name", "half"), [("a.hdr", "a.img"), ("b.img.gz", "b.hdr.gz"), ("C.HDR", "C.IMG")])
def test_halves_of_a_pair_find_each_other(tmp_path, name, half):
    assert {path.name for path in pair_of(tmp_path / name)} == {name, half}
    assert "hdr" in pair_of(tmp_path / name)[0].name.lower()


@pytest.mark.parametrize("orientation", [None, "las", "ras"])
def test_analyze_says_which_side_it_took(tmp_path, orientation):
    save(tmp_path / "a.img", VOXELS, np.diag([-2.0, 2, 2, 1]), kind=nib.AnalyzeImage)
    raw = read_nifti(tmp_path / "a.hdr", orientation)
    towards_right = raw.affine[0, 0]
    assert towards_right == (2 if orientation == "ras" else -2)
    assert (orientation or "las").upper() in raw.header.convention
    assert codes(raw.header.cautions) == ([] if orientation else ["orientation_assumed"])
    assert all("LAS (radiological" in caution.message for caution in raw.header.cautions)
    np.testing.assert_array_equal(raw.voxels, VOXELS)
    assert load_volume(tmp_path / "a.img", orientation=orientation).acquisition.convention == raw.header.convention


def test_a_nifti_pair_is_not_ambiguous(tmp_path):
    save(tmp_path / "a.img", kind=nib.Nifti1Pair)
    loaded = load_volume(tmp_path / "a.hdr", orientation="ras")
    assert not loaded.volume.cautions
    assert not loaded.acquisition.convention
    np.testing.assert_allclose(loaded.volume.affine, AFFINE, atol=1e-6)


@pytest.mark.shared
def test_the_two_mni_files_show_the_same_head_the_same_way_round(shared_data):
    left, right = (load_volume(shared_data / "analyze" / "nifti" / f"mni{side}.nii.gz").volume for side in ("LR", "RL"))
    assert left.affine[0, 0] == -right.affine[0, 0]
    inverse = np.linalg.inv(right.affine)
    for index in [(20, 40, 50), (70, 40, 50), (30, 90, 20)]:
        twin = np.rint((inverse @ left.affine @ [*index, 1])[:3]).astype(int)
        assert left.voxels[index] == right.voxels[tuple(twin)]


@pytest.mark.shared
def test_a_gzipped_analyze_pair_matches_its_nifti_twin(shared_data, tmp_path):
    volume = load_volume(shared_data / "analyze" / "anlz" / "avg152T1.hdr.gz").volume
    twin = load_volume(shared_data / "analyze" / "nifti" / "mniLR.nii.gz").volume
    assert volume.geometry.matches(twin.geometry)
    assert volume.geometry.axis_codes == "LAS"
    for half in ("hdr", "img"):
        with gzip.open(shared_data / "analyze" / "anlz" / f"avg152T1.{half}.gz") as packed, \
                (tmp_path / f"plain.{half}").open("wb") as out:
            shutil.copyfileobj(packed, out)
    np.testing.assert_array_equal(load_volume(tmp_path / "plain.img").volume.voxels, volume.voxels)

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from app.core.data import Mask, Volume
from app.core.errors import UnreadableImage
from app.core.io.itk import from_sitk, read_itk, swap_lps_ras, to_sitk

angles = st.floats(-3.1, 3.1)
sizes = st.floats(0.1, 9.0)


def rotation(a, b, c):
    x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    y = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    z = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return x @ y @ z


@settings(max_examples=50, deadline=None)
@given(st.tuples(angles, angles, angles), st.tuples(sizes, sizes, sizes),
       arrays(float, 3, elements=st.floats(-500, 500)), st.booleans())
def test_a_grid_survives_the_way_to_sitk_and_back(turn, spacing, origin, mirrored):
    affine = np.eye(4)
    affine[:3, :3] = rotation(*turn) * spacing * ([-1, 1, 1] if mirrored else [1, 1, 1])
    affine[:3, 3] = origin
    volume = Volume(np.arange(24, dtype=np.float32).reshape(2, 3, 4), affine)
    image = to_sitk(volume)
    voxels, back = from_sitk(image)
    np.testing.assert_allclose(back, affine, atol=1e-9)
    np.testing.assert_array_equal(voxels, volume.voxels)
    np.testing.assert_allclose(swap_lps_ras(swap_lps_ras(affine)), affine)
    world = affine @ [1, 2, 3, 1]
    np.testing.assert_allclose(image.TransformIndexToPhysicalPoint((1, 2, 3)), world[:3] * [-1, -1, 1], atol=1e-6)
    assert image.GetPixel(1, 2, 3) == volume.voxels[1, 2, 3]


def test_a_mask_becomes_bytes():
    image = to_sitk(Mask(np.ones((2, 2, 2), bool), np.eye(4)))
    assert image.GetPixelID() == sitk.sitkUInt8


@pytest.mark.parametrize("ending", [".nrrd", ".mha", ".mhd"])
@pytest.mark.parametrize("compressed", [False, True])
def test_files_agree_with_nibabels_reading_of_the_same_image(tmp_path, ending, compressed):
    affine = np.eye(4)
    affine[:3, :3] = rotation(0.3, -0.2, 0.5) * [0.9, 1.1, 4.0]
    affine[:3, 3] = [10, -20, 30]
    voxels = np.random.default_rng(1).integers(0, 900, (5, 6, 7)).astype(np.int16)
    nib.save(nib.Nifti1Image(voxels, affine), tmp_path / "a.nii")
    sitk.WriteImage(sitk.ReadImage(str(tmp_path / "a.nii")), str(tmp_path / f"a{ending}"), compressed)
    raw = read_itk(tmp_path / f"a{ending}")
    np.testing.assert_array_equal(raw.voxels, voxels)
    np.testing.assert_allclose(raw.affine, affine, atol=1e-4)
    assert raw.header.dtype == "int16"
    assert not raw.header.cautions


@pytest.mark.parametrize("ending", [".nrrd", ".mha", ".mhd"])
@pytest.mark.parametrize("compressed", [False, True])
def test_a_file_cut_short_says_so(tmp_path, ending, compressed, capfd):
    image = sitk.GetImageFromArray(np.random.default_rng(0).normal(size=(8, 9, 10)))
    path = tmp_path / f"a{ending}"
    sitk.WriteImage(image, str(path), compressed)
    data = max(tmp_path.iterdir(), key=lambda file: file.stat().st_size)
    data.write_bytes(data.read_bytes()[:-500])
    with pytest.raises(UnreadableImage, match="cut short"):
        read_itk(path)
    capfd.readouterr()


@pytest.mark.parametrize("ending", [".mha", ".mhd", ".nrrd"])
def test_a_changed_byte_in_compressed_voxels_is_never_read(tmp_path, ending, capfd):
    path = tmp_path / f"a{ending}"
    sitk.WriteImage(sitk.GetImageFromArray(np.random.default_rng(0).normal(size=(8, 9, 10))), str(path), True)
    data = max(tmp_path.iterdir(), key=lambda file: file.stat().st_size)
    packed = bytearray(data.read_bytes())
    packed[-len(packed) // 3] ^= 0xFF
    data.write_bytes(packed)
    with pytest.raises(UnreadableImage, match="is damaged"):
        read_itk(path)
    capfd.readouterr()


def write(path, array, vector=False, **geometry):
    image = sitk.GetImageFromArray(array, isVector=vector)
    for name, value in geometry.items():
        getattr(image, f"Set{name}")(value)
    sitk.WriteImage(image, str(path))
    return path


def test_each_kind_of_unusable_file_has_its_sentence(tmp_path):
    cases = {
        "flat picture of 4 x 3": write(tmp_path / "flat.nrrd", np.zeros((3, 4), np.uint8)),
        "3 values per voxel": write(tmp_path / "colour.nrrd", np.zeros((3, 4, 5, 3), np.uint8), vector=True),
        "holds 2 volumes of 5 x 4 x 3": write(tmp_path / "film.nrrd", np.zeros((2, 3, 4, 5), np.uint8)),
    }
    (tmp_path / "empty.mha").touch()
    cases["0 bytes"] = tmp_path / "empty.mha"
    (tmp_path / "junk.nrrd").write_bytes(b"junk" * 99)
    cases["not an NRRD or MetaImage"] = tmp_path / "junk.nrrd"
    cases["There is no file or folder 'gone.mha'"] = tmp_path / "gone.mha"
    write(tmp_path / "half.mhd", np.zeros((3, 4, 5), np.uint8))
    (tmp_path / "half.raw").unlink()
    cases["half.mhd needs half.raw beside it"] = tmp_path / "half.mhd"
    for sentence, path in cases.items():
        with pytest.raises(UnreadableImage, match=sentence):
            read_itk(path)


def test_a_trailing_axis_of_one_is_dropped_and_a_bare_position_told(tmp_path):
    raw = read_itk(write(tmp_path / "one.nrrd", np.zeros((1, 3, 4, 5), np.uint8)))
    assert raw.voxels.shape == (5, 4, 3)
    bare = read_itk(write(tmp_path / "bare.mha", np.zeros((3, 4, 5), np.uint8)))
    assert [caution.code for caution in bare.header.cautions] == ["position_unknown"]
    placed = read_itk(write(tmp_path / "placed.mha", np.zeros((3, 4, 5), np.uint8), Spacing=(2, 2, 2)))
    assert not placed.header.cautions


def test_segment_names_of_a_slicer_file_are_kept(tmp_path):
    image = sitk.GetImageFromArray(np.ones((2, 2, 2), np.uint8))
    image.SetMetaData("Segment0_LabelValue", "1")
    image.SetMetaData("Segment0_Name", "Tumour")
    sitk.WriteImage(image, str(tmp_path / "a.seg.nrrd"))
    header = read_itk(tmp_path / "a.seg.nrrd").header
    assert header.label_names == {1: "Tumour"}
    assert header.is_labels


@pytest.mark.shared
def test_real_nrrd_lies_where_simpleitk_says(shared_data):
    path = shared_data / "pyradiomics" / "brain1_image.nrrd"
    image, raw = sitk.ReadImage(str(path)), read_itk(path)
    index = (17, 200, 21)
    assert raw.voxels[index] == image.GetPixel(*index)
    lps = (raw.affine @ [*index, 1])[:3] * [-1, -1, 1]
    np.testing.assert_allclose(lps, image.TransformIndexToPhysicalPoint(index), atol=1e-6)

"""Each fault of an image's intensities is constructed, and told; a sound image gives no flag."""

import numpy as np
import pytest

from app.core.data import Mask, Volume
from app.core.preprocess.check import check_image, check_surroundings

AFFINE = np.diag([1.0, 1.0, 3.0, 1.0])
SHAPE = (64, 60, 20)


def body(seed=0):
    """Air with a little noise around a body of 40 x 40 voxels."""
    rng = np.random.default_rng(seed)
    voxels = np.abs(rng.normal(0, 3, SHAPE))
    voxels[12:52, 10:50] = 100 + rng.normal(0, 10, (40, 40, 20))
    return voxels.astype(np.float32)


def tumour(inside=np.s_[25:35, 25:35, 8:12]):
    voxels = np.zeros(SHAPE, bool)
    voxels[inside] = True
    return Mask(voxels, AFFINE)


def codes(voxels):
    return [flag.code for flag in check_image(Volume(voxels, AFFINE))]


def around(voxels, mask=None):
    return [flag.code for flag in check_surroundings(Volume(voxels, AFFINE), mask or tumour())]


def test_a_sound_image_gives_no_flag():
    assert codes(body()) == []
    assert around(body()) == []
    evenly = np.random.default_rng(1).integers(0, 255, SHAPE).astype(np.float32)
    assert codes(evenly) == [], "each value as often as the next is not clipped"


def test_not_finite_and_constant():
    broken = body()
    broken[1, 2, 3], broken[4, 5, 6] = np.nan, np.inf
    found = check_image(Volume(broken, AFFINE))
    assert [(flag.code, flag.message, flag.severity) for flag in found] == [
        ("not_finite", "2 voxels are not numbers.", "problem")]
    assert codes(np.full(SHAPE, 7, np.float32)) == ["constant_image"]


@pytest.mark.parametrize(("limit", "expected"), [(115, ["clipped"]), (1e9, [])])
def test_clipped(limit, expected):
    assert codes(np.minimum(body(), np.float32(limit))) == expected


def test_few_levels():
    assert codes(np.rint(body() / 5).astype(np.float32)) == ["few_levels"]


def test_a_ct():
    air = body()
    assert codes(np.where(air < 20, -1000 + air, air * 3)) == ["looks_like_ct"]


def test_blank_and_repeated_slices():
    blank = body()
    blank[:, :, 9] = 0
    found = check_image(Volume(blank, AFFINE))
    assert [flag.message for flag in found] == ["Slice 10 within the image holds nothing."]
    ends = body()
    ends[:, :, :2] = ends[:, :, -1:] = 0
    assert codes(ends) == [], "blank slices at the ends are air above and below"
    repeated = body()
    repeated[:, :, 5:7] = repeated[:, :, 4:5]
    assert check_image(Volume(repeated, AFFINE))[0].message == "Slices 6, 7 repeat the slice before."


def test_an_image_already_masked():
    mask = tumour()
    assert around(np.where(mask.voxels, body(), 0).astype(np.float32)) == ["masked_image"]
    other = np.where(mask.voxels, body(), -5).astype(np.float32)
    assert around(other) == ["masked_image"], "whatever value stands for nothing"


def test_an_outline_outside_the_body():
    found = check_surroundings(Volume(body(), AFFINE), tumour(np.s_[1:9, 20:30, 5:9]))
    assert [(flag.code, flag.severity) for flag in found] == [("outside_body", "problem")]
    assert around(body(), tumour(np.s_[10:40, 20:30, 5:9])) == [], "a tenth beyond the skin is a thick pen"


def test_a_tumour_cut_off_at_the_top_and_a_flat_one():
    bright = body()
    bright[tumour().voxels] = np.minimum(bright[tumour().voxels] + 200, 300)
    assert around(bright) == ["tumour_clipped"]
    flat = body()
    flat[tumour().voxels] = 90
    assert around(flat) == ["flat_tumour"]

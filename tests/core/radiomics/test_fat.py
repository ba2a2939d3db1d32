import numpy as np
import pytest

from app.core.data import Mask, Volume
from app.core.phantom import case as drawing
from app.core.phantom import make_case, make_sites, tumour
from app.core.radiomics.fat import fat_peak, keep_thick, measure

SITES = make_sites(43, 5)
CASES = 8


@pytest.fixture(scope="module")
def drawn():
    """Phantom pairs that differ in their label alone, each with the shares of its voxels that are not fat."""
    kept = {}

    def interior(*arguments):
        kept["stroma"], water = interior_before(*arguments)
        return kept["stroma"], water

    def nodules(*arguments):
        kept["nodules"] = nodules_before(*arguments)
        return kept["nodules"]

    interior_before, nodules_before = drawing.draw_interior, tumour._draw_nodules
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drawing, "draw_interior", interior)
        patch.setattr(tumour, "_draw_nodules", nodules)
        rows = []
        for index in range(CASES):
            for label in (0, 1):
                case = make_case(index, seed=5, signal=1.0, sites=SITES, label=label)
                rows.append((case, measure(case.image, case.mask, None), float((kept["stroma"] > 0.5).mean()),
                             float((kept["nodules"] > 0.5).mean())))
    return rows


def test_phantom_fractions_are_near_the_truth(drawn) -> None:
    found = np.array([[row[1]["NonFatFraction"], row[1]["NodularFraction"]] for row in drawn])
    truth = np.array([[row[2], row[3]] for row in drawn])
    away = np.abs(found - truth)
    assert away[:, 0].mean() < 0.035
    assert away[:, 0].max() < 0.10
    assert away[:, 1].mean() < 0.015
    assert np.corrcoef(found[:, 0], truth[:, 0])[0, 1] > 0.9
    assert np.corrcoef(found[:, 1], truth[:, 1])[0, 1] > 0.8


def test_alt_has_more_that_is_not_fat_than_the_lipoma_of_the_same_draw(drawn) -> None:
    fractions = [row[1]["NonFatFraction"] for row in drawn]
    septal = [row[1]["SeptalFraction"] for row in drawn]
    for values in (fractions, septal):
        lipoma, alt = np.array(values[::2]), np.array(values[1::2])
        assert alt.mean() > 1.3 * lipoma.mean()
        assert (alt > lipoma).sum() >= CASES - 1


def test_parts_add_up_and_suppressed_fat_is_dark(drawn) -> None:
    for _, found, _, _ in drawn:
        assert found["SeptalFraction"] + found["NodularFraction"] == pytest.approx(found["NonFatFraction"])
        assert 0 <= found["NodularFraction"] <= found["NonFatFraction"] <= 1
        assert found["Contrast"] > 3


def test_unit_and_bright_fat_do_not_matter(drawn) -> None:
    case, found, _, _ = drawn[1]
    scaled = case.image.with_voxels(case.image.voxels * 0.013 - 4)
    inverted = case.image.with_voxels(case.image.voxels.max() - case.image.voxels)
    assert measure(scaled, case.mask, None) == pytest.approx(found, rel=0.02, abs=0.002)
    turned = measure(inverted, case.mask, None)
    assert turned["Contrast"] == pytest.approx(-found["Contrast"], rel=0.02)
    assert turned["NonFatFraction"] == pytest.approx(found["NonFatFraction"], rel=0.02)


def tissue(thickness_mm, spacing=(1.0, 1.0, 4.0)):
    """Bright fat with a dark slab of this thickness across it and a dark ball of 20 mm beside the slab."""
    rng = np.random.default_rng(2)
    i, j, k = np.meshgrid(*[np.arange(n) for n in (80, 60, 16)], indexing="ij")
    slab = np.abs(i - 15) < thickness_mm / 2
    ball = (i - 50) ** 2 + (j - 30) ** 2 + (4.0 * (k - 8)) ** 2 <= 10.0**2
    voxels = rng.normal(500, 15, i.shape) - 300 * (slab | ball)
    affine = np.diag([*spacing, 1.0])
    return Volume(voxels.astype(np.float32), affine), Mask(np.ones(i.shape, dtype=bool), affine), slab, ball


def test_slab_is_a_septum_until_it_is_thick_and_a_ball_is_a_nodule() -> None:
    volume, mask, slab, ball = tissue(5)
    found = measure(volume, mask, None)
    assert found["SeptalFraction"] == pytest.approx(slab.mean(), rel=0.03, abs=0.002)
    assert found["NodularFraction"] == pytest.approx(ball.mean(), rel=0.15)
    assert found["NonFatFraction"] == pytest.approx((slab | ball).mean(), rel=0.02, abs=0.002)
    assert found["Contrast"] < -10
    volume, mask, slab, ball = tissue(15)
    # The opening rounds the corners where the slab meets the border of the outline.
    assert measure(volume, mask, None)["NodularFraction"] == pytest.approx((slab | ball).mean(), rel=0.1)


def test_pure_fat_has_next_to_nothing_else() -> None:
    voxels = np.random.default_rng(0).normal(300, 20, (30, 30, 10)).astype(np.float32)
    found = measure(Volume(voxels, np.eye(4)), Mask(np.ones(voxels.shape, bool), np.eye(4)), None)
    assert found["NonFatFraction"] < 0.01
    assert found["NodularFraction"] == 0


def test_peak_is_the_commonest_intensity() -> None:
    rng = np.random.default_rng(1)
    intensities = np.concatenate([rng.normal(100, 5, 6000), rng.normal(300, 60, 4000)])
    assert fat_peak(intensities) == pytest.approx(100, abs=3)
    assert fat_peak(np.full(100, 7.0)) == 7.0


def test_what_cannot_be_told_is_left_out() -> None:
    ones = np.ones((6, 6, 6), dtype=np.float32)
    inside = np.zeros(ones.shape, dtype=bool)
    inside[:3, :3, :3] = True
    assert measure(Volume(ones, np.eye(4)), Mask(inside, np.eye(4)), None) == {}
    assert measure(Volume(ones, np.eye(4)), Mask(ones > 0, np.eye(4)), None) == {}


def test_opening_keeps_balls_and_removes_sheets() -> None:
    sheet = np.zeros((40, 40, 40), dtype=bool)
    sheet[:, :, 15:21] = True
    assert not keep_thick(sheet, (1.0, 1.0, 1.0), 7.0).any()
    assert keep_thick(sheet, (1.0, 1.0, 1.0), 5.0).sum() > 0.9 * sheet.sum()
    assert not keep_thick(sheet[:, :, ::2], (1.0, 1.0, 2.0), 7.5).any()

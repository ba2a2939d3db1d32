"""Variants of pictures: the same seed gives the same, nothing is sheared, and each setting does what it says."""

import numpy as np
import pytest

from app.core.deep.augment import apply_variant, draw_variant, make_vary, preview_variants, vary_picture
from app.core.network_recipe import AugmentRecipe, CropRecipe, NetworkRecipe

STILL = {"flip": "none", "zoom": 0, "rotate": 0, "shift": 0, "noise": 0, "gamma": 0, "share": 1}
CROP = CropRecipe(size=32)


def picture(*shape, seed=0):
    return np.random.default_rng(seed).random(shape, dtype=np.float32)


def blob(centre, size=32, spread=3.0):
    y, x = np.mgrid[:size, :size]
    distance = (x - centre[0]) ** 2 + (y - centre[1]) ** 2
    return np.exp(-distance / (2 * spread**2))[None].astype(np.float32)


def centre_of(values):
    y, x = np.mgrid[: values.shape[0], : values.shape[1]]
    return np.array([(values * x).sum(), (values * y).sum()]) / values.sum()


def spread_of(values):
    y, x = np.mgrid[: values.shape[0], : values.shape[1]]
    (across, down), total = centre_of(values), values.sum()
    return np.sqrt([(values * (x - across) ** 2).sum() / total, (values * (y - down) ** 2).sum() / total])


def recipe(**changes):
    return AugmentRecipe.parse({**STILL, **changes})


def test_the_same_picture_and_seed_give_the_same_variant_and_another_seed_another():
    given = picture(1, 32, 32)
    given.flags.writeable = False  # as pictures come
    before = given.copy()
    first, again, other = (vary_picture(given, seed, AugmentRecipe(share=1), CROP) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(given, before)
    assert first.dtype == np.float32
    assert first.shape == given.shape
    assert np.abs(first - other).mean() > 0.05


def test_nothing_asked_for_changes_nothing():
    given = picture(1, 32, 32)
    np.testing.assert_allclose(vary_picture(given, 1, recipe(), CROP), given, atol=2e-6)
    np.testing.assert_array_equal(vary_picture(given, 1, AugmentRecipe(share=0), CROP), given)
    assert make_vary(NetworkRecipe(augment=None)) is None


def test_shapes_are_turned_mirrored_and_zoomed_but_never_sheared():
    for seed in range(50):
        for axes in (2, 3):
            linear = draw_variant(recipe(flip="both", zoom=0.3, rotate=180), axes, np.random.default_rng(seed)).affine
            product = linear[:, :axes] @ linear[:, :axes].T
            assert 1.3**-2 - 1e-9 <= product[0, 0] <= 1.3**2 + 1e-9
            np.testing.assert_allclose(product, product[0, 0] * np.eye(axes), atol=1e-12)


def test_flips_are_exact_and_half_of_the_time_along_each_axis():
    given = picture(1, 16, 16)
    found = {"none": 0, "x": 0, "y": 0, "xy": 0}
    candidates = {"none": given, "x": given[:, :, ::-1], "y": given[:, ::-1], "xy": given[:, ::-1, ::-1]}
    for seed in range(400):
        varied = vary_picture(given, seed, recipe(flip="both"), CROP)
        [name] = [name for name, each in candidates.items() if np.allclose(varied, each, atol=1e-5)]
        found[name] += 1
    assert all(70 < count < 130 for count in found.values())
    sideways = {vary_picture(given, seed, recipe(flip="horizontal"), CROP).tobytes() for seed in range(20)}
    assert len(sideways) == 2


def test_a_shift_moves_a_spot_by_up_to_its_share_of_the_side():
    moves = np.array([centre_of(vary_picture(blob((16, 14)), seed, recipe(shift=0.1), CROP)[0]) - (16, 14)
                      for seed in range(60)])
    assert np.abs(moves).max() < 3.3
    assert np.abs(moves).max(axis=0).min() > 2.5
    assert np.abs(moves.mean(axis=0)).max() < 0.8


def test_a_zoom_changes_the_size_of_a_spot_alike_along_both_axes():
    before = spread_of(blob((15.5, 15.5))[0])
    ratios = np.array([spread_of(vary_picture(blob((15.5, 15.5)), seed, recipe(zoom=0.25), CROP)[0]) / before
                       for seed in range(40)])
    np.testing.assert_allclose(ratios[:, 0], ratios[:, 1], rtol=1e-3)
    assert 0.78 < ratios.min() < 0.86
    assert 1.16 < ratios.max() < 1.27


def test_a_rotation_turns_a_spot_about_the_middle():
    start = np.array([21.0, 15.5]) - 15.5
    for seed in range(20):
        variant = draw_variant(recipe(rotate=90), 2, np.random.default_rng(seed))
        angle = np.arctan2(variant.affine[1, 0], variant.affine[0, 0])
        turned = centre_of(apply_variant(blob((21, 15.5), spread=1.5), variant, CROP)[0]) - 15.5
        expected = np.array([np.cos(angle) * start[0], -np.sin(angle) * start[0]])
        np.testing.assert_allclose(turned, expected, atol=0.05)


def test_noise_and_gamma_keep_their_measure():
    given = picture(1, 64, 64)
    spreads = [(vary_picture(given, seed, recipe(noise=0.2), CROP) - given).std() / given.std() for seed in range(40)]
    assert 0.17 < max(spreads) < 0.21
    assert min(spreads) < 0.03
    for seed in range(20):
        varied = vary_picture(given, seed, recipe(gamma=0.5), CROP)
        exponent = draw_variant(recipe(gamma=0.5), 2, np.random.default_rng(seed)).exponent
        assert np.exp(-0.5) <= exponent <= np.exp(0.5)
        low, high = given.min(), given.max()
        np.testing.assert_allclose((varied - low) / (high - low), ((given - low) / (high - low)) ** exponent, atol=1e-4)


def test_the_outline_moves_with_the_picture_and_stays_an_outline():
    crop = CropRecipe(size=32, channels=3, mask_channel=True)
    spot = blob((20, 12))
    given = np.concatenate([spot, spot, spot, spot > 0.5])
    varied = vary_picture(given, 3, AugmentRecipe(share=1, noise=0), crop)
    assert set(np.unique(varied[3])) == {0.0, 1.0}
    np.testing.assert_array_equal(varied[0], varied[2])
    np.testing.assert_allclose(centre_of(varied[3]), centre_of(varied[0] * (varied[0] > 0.5)), atol=0.7)


def test_a_volume_turns_in_plane_only():
    crop = CropRecipe(set="volume", size=32, depth=8)
    given = np.arange(8, dtype=np.float32)[None, :, None, None] + np.zeros((1, 8, 32, 32), np.float32)
    varied = vary_picture(given, 4, recipe(rotate=90), crop)
    np.testing.assert_allclose(varied, given, atol=1e-4)
    assert vary_picture(given, 4, AugmentRecipe(share=1), crop).shape == given.shape


@pytest.mark.parametrize("crop", [{"size": 32, "mask_channel": True}, {"size": 32, "set": "neighbours", "channels": 3}])
def test_a_preview_shows_the_picture_and_its_variants(crop):
    asked = NetworkRecipe.parse({"crop": crop})
    given = picture(*asked.crop.shape)
    shown = preview_variants(given, asked, seed=2, count=5)
    assert shown.shape == (6, 32, 32)
    np.testing.assert_array_equal(shown[0], given[asked.crop.channels // 2])
    np.testing.assert_array_equal(shown, preview_variants(given, asked, seed=2, count=5))


def test_a_preview_of_a_volume_shows_its_middle():
    asked = NetworkRecipe.parse({"kind": "resnet10-3d", "crop": {"set": "volume", "size": 32, "depth": 8}})
    given = picture(*asked.crop.shape)
    np.testing.assert_array_equal(preview_variants(given, asked, count=2)[0], given[0, 4])

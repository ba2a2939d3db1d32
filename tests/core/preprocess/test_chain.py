import json

import numpy as np
import pytest

from app.core.data import Acquisition, Case, Caution, Mask, Volume
from app.core.errors import Cancelled, EmptyMask
from app.core.preprocess.chain import prepare
from app.core.preprocess.normalise import normalise
from app.core.preprocess.resample import resample
from app.core.recipe import N4Recipe, NormaliseRecipe, PrepRecipe, ResampleRecipe

SHAPE = (32, 28, 8)
ALL = PrepRecipe(n4=N4Recipe(levels=1, iterations=3, shrink=2), normalise=NormaliseRecipe(),
                 resample=ResampleRecipe(spacing=(1.5, 1.5, 3.0)), crop_margin_mm=4.0)


def image(spacing=(1.0, 1.0, 4.0), seed=0, cautions=(), shape=SHAPE):
    rng = np.random.default_rng(seed)
    x, y, _ = np.indices(shape)
    body = (x - shape[0] / 2) ** 2 + (y - shape[1] / 2) ** 2 < 150
    voxels = np.where(body, rng.normal(300, 30, shape) * (1 + x / 60), rng.uniform(0, 5, shape))
    return Volume(voxels.astype(np.float32), np.diag([*spacing, 1.0]), cautions=cautions)


def outline(cautions=(), spacing=(1.0, 1.0, 4.0)):
    voxels = np.zeros(SHAPE, bool)
    voxels[12:20, 10:18, 2:6] = True
    return Mask(voxels, np.diag([*spacing, 1.0]), name="gtv", cautions=cautions)


def case(images, mask):
    return Case("p1", images, mask, {name: Acquisition() for name in images})


def codes(prepared):
    return [caution.code for caution in prepared.cautions]


def test_an_empty_recipe_only_places_the_outline():
    volume, mask = image(), outline()
    prepared = prepare(case({"t1": volume}, mask), PrepRecipe())
    assert prepared.id == "p1"
    assert prepared.images["t1"] is volume
    np.testing.assert_array_equal(prepared.masks["t1"].voxels, mask.voxels)
    assert [entry.step for entry in prepared.trace] == ["place outline t1"]
    assert prepared.trace[0].settings == {"resampled": False}
    assert prepared.cautions == ()


def test_every_step_is_applied_in_order_and_traced():
    prepared = prepare(case({"t1": image()}, outline()), ALL)
    assert [entry.step for entry in prepared.trace] == ["place outline t1", "n4 t1", "normalise t1", "resample t1",
                                                        "crop t1"]
    n4 = prepared.trace[1].settings
    assert n4["iterations"] == 3
    assert n4["shrink_used"] == [2, 2, 1]
    assert n4["cv_after"] < n4["cv_before"]
    assert all(entry.seconds >= 0 for entry in prepared.trace)
    json.dumps([dict(entry.settings) for entry in prepared.trace])
    volume, mask = prepared.images["t1"], prepared.masks["t1"]
    assert volume.geometry.matches(mask.geometry)
    np.testing.assert_allclose(volume.geometry.spacing, (1.5, 1.5, 3.0))
    assert mask.volume_ml == pytest.approx(outline().volume_ml, rel=0.15)
    assert volume.voxels.size < resample(image(), ALL.resample).voxels.size


def test_normalising_comes_before_resampling():
    recipe = PrepRecipe(normalise=NormaliseRecipe(), resample=ResampleRecipe(spacing=(2, 2, 4)))
    found = prepare(case({"t1": image()}, outline()), recipe).images["t1"]
    expected = resample(normalise(image(), recipe.normalise), recipe.resample)
    np.testing.assert_array_equal(found.voxels, expected.voxels)


def test_each_sequence_keeps_its_grid_and_the_outline_follows():
    images = {"t1": image(), "t2": image((0.8, 0.8, 4.0), 1, shape=(44, 40, 8))}
    prepared = prepare(case(images, outline()), PrepRecipe())
    assert prepared.masks["t2"].voxels.shape == (44, 40, 8)
    assert prepared.masks["t2"].volume_ml == pytest.approx(outline().volume_ml, rel=0.1)
    assert [(c.code, c.message.split()[0]) for c in prepared.cautions] == [("mask_resampled", "t2:")]


def test_cautions_of_case_and_steps_are_collected_once():
    known = Caution("roi_guessed", "The first outline was taken.")
    odd = Caution("no_position", "The file gives no position.")
    mask = outline((known,), (0.5, 0.5, 4.0))
    volume = image((0.5, 0.5, 4.0), cautions=(odd, odd))
    prepared = prepare(case({"t1": volume}, mask), PrepRecipe())
    assert codes(prepared) == ["roi_guessed", "no_position", "anisotropy", "tiny_mask"]
    assert prepared.cautions[2].message == ("Slices are 8.0 times thicker than the pixels are wide: volume, shape "
                                            "and texture across slices are coarse.")
    both = prepare(case({"t1": volume, "t2": volume}, mask), PrepRecipe())
    assert codes(both).count("roi_guessed") == 1
    assert [c.message[:3] for c in both.cautions if c.code == "anisotropy"] == ["t1:", "t2:"]


def test_a_case_without_an_outline_says_so():
    with pytest.raises(EmptyMask, match="a tumour outline is needed"):
        prepare(case({"t1": image()}, None), PrepRecipe())


def test_an_outline_lost_in_resampling_says_so():
    voxels = np.zeros(SHAPE, bool)
    voxels[14, 13, 4] = True
    with pytest.raises(EmptyMask, match="nothing is left of the outline"):
        prepare(case({"t1": image()}, outline().with_voxels(voxels)),
                PrepRecipe(resample=ResampleRecipe(spacing=(9, 9, 9))))


def test_progress_rises_to_the_end_and_can_cancel():
    told = []
    images = {"t1": image(), "t2": image(seed=1)}
    prepare(case(images, outline()), ALL, lambda fraction, message: told.append((fraction, message)))
    fractions = [fraction for fraction, _ in told]
    assert fractions == sorted(fractions)
    assert (fractions[0], fractions[-1]) == (0, 1)
    assert any(message.startswith("t2: Correcting the bias field") for _, message in told)

    def stop(fraction, message):
        if "Normalising" in message:
            raise Cancelled
    with pytest.raises(Cancelled):
        prepare(case(images, outline()), ALL, stop)

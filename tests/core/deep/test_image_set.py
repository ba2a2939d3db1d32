"""Pictures on disk: cut once, shared by what they come from, read back as they were cut, and nameless."""

import json
import pickle
from dataclasses import replace

import numpy as np
import pytest

from app.core.deep.crops import make_crops
from app.core.deep.image_set import ImageSet, Source, build_image_set, hash_prepared
from app.core.errors import Cancelled, InputError
from app.core.network_recipe import CropRecipe
from tests.core.deep.prepared_cases import make_prepared

SLICES = CropRecipe(set="slices", size=16, channels=3, mask_channel=True)
CASES = ("Miller, Anna", "Schmidt, Karl", "P3")


def prepared_case(place):
    return make_prepared(place, radii=(6.0, 6.0, 6.0 + 5 * place), name=CASES[place])


class Kitchen:
    """Prepares cases and keeps count of how often."""

    def __init__(self):
        self.prepared = []

    def sources(self, names=CASES):
        return [Source(name, f"files of {CASES.index(name)}", self._prepare(CASES.index(name))) for name in names]

    def _prepare(self, place):
        def prepare():
            self.prepared.append(place)
            return prepared_case(place)
        return prepare


@pytest.fixture
def built(tmp_path):
    return build_image_set(tmp_path, Kitchen().sources(), SLICES)


@pytest.mark.parametrize("recipe", [
    SLICES, CropRecipe(size=16), CropRecipe(set="neighbours", size=16, channels=3, mask_channel=True),
    CropRecipe(set="volume", size=16, depth=8, channels=3),
], ids=lambda recipe: recipe.set)
def test_pictures_come_back_as_they_were_cut(tmp_path, recipe):
    images = build_image_set(tmp_path, Kitchen().sources(), recipe)
    cut = [make_crops(prepared_case(place), recipe) for place in range(3)]
    asked = (CASES[2], CASES[0], CASES[2])
    taken = images.take(asked)
    np.testing.assert_array_equal(taken.values, np.concatenate([cut[place].values for place in (2, 0, 2)]))
    np.testing.assert_array_equal(taken.owners, np.repeat([0, 1, 2], [len(cut[place].values) for place in (2, 0, 2)]))
    np.testing.assert_array_equal(images.owners(asked), taken.owners)
    assert taken.values.shape[1:] == images.shape == recipe.shape
    assert taken.values.dtype == np.float32
    for place, case in enumerate(CASES):
        assert images.count(case) == len(cut[place].values)
        assert images.positions(case) == cut[place].positions
        np.testing.assert_array_equal(images.outlines(case), cut[place].outlines)
        np.testing.assert_array_equal(images.affines(case), cut[place].affines)
        np.testing.assert_array_equal(images.read(case, 0), cut[place].values[0])
    assert images.recipe == recipe


def test_what_is_on_disk_is_not_cut_again(tmp_path):
    kitchen = Kitchen()
    first = build_image_set(tmp_path, kitchen.sources(CASES[:2]), SLICES)
    again = build_image_set(tmp_path, kitchen.sources(), SLICES)
    assert kitchen.prepared == [0, 1, 2]
    assert first.digest != again.digest
    assert build_image_set(tmp_path, kitchen.sources(CASES[::-1]), SLICES).digest == again.digest
    build_image_set(tmp_path, kitchen.sources(), SLICES.model_copy(update={"size": 17}))
    assert kitchen.prepared == [0, 1, 2, 0, 1, 2]
    changed = [replace(source, key=source.key + " changed") for source in kitchen.sources(CASES[:1])]
    build_image_set(tmp_path, changed, SLICES)
    assert kitchen.prepared == [0, 1, 2, 0, 1, 2, 0]
    assert (len(first), len(again)) == (2, 3)


def test_a_run_that_was_stopped_goes_on_where_it_was(tmp_path):
    kitchen = Kitchen()

    def stop(fraction, _message):
        if fraction > 0.5:
            raise Cancelled

    with pytest.raises(Cancelled):
        build_image_set(tmp_path, kitchen.sources(), SLICES, stop)
    assert not list(tmp_path.glob("*.json"))
    assert not list(tmp_path.glob(".partial*"))
    told = []
    images = build_image_set(tmp_path, kitchen.sources(), SLICES, lambda *each: told.append(each))
    assert kitchen.prepared == [0, 1, 2]
    assert told[-1] == (1.0, "Pictures of case 3 of 3")
    assert all(case in images for case in CASES)


def test_no_name_of_a_case_is_stored(built):
    for path in built.path.parent.rglob("*"):
        assert not any(part in path.name for part in ("Miller", "Schmidt", "P3"))
        if path.is_file():
            assert b"Miller" not in path.read_bytes()
            assert b"Schmidt" not in path.read_bytes()


def test_the_grey_channel_is_stored_once_and_pictures_are_mapped(built):
    [folder, *_] = [path for path in built.path.parent.iterdir() if path.is_dir()]
    assert np.load(folder / "values.npy", mmap_mode="r").shape[1:] == (2, 16, 16)
    assert isinstance(built._read(CASES[0], "values"), np.memmap)


def test_it_travels_between_processes_by_its_path(built):
    again = pickle.loads(pickle.dumps(built))  # noqa: S301
    assert (again.path, again.digest, again.recipe) == (built.path, built.digest, built.recipe)
    assert len(pickle.dumps(built)) < 1000
    np.testing.assert_array_equal(again.take(CASES).values, ImageSet(str(built.path)).take(CASES).values)


def test_what_is_not_there_is_told(built, tmp_path):
    with pytest.raises(InputError, match="no pictures of the case P9"):
        built.take(["P9"])
    assert "P9" not in built
    with pytest.raises(InputError, match="does not list any pictures"):
        ImageSet(tmp_path / "nowhere.json")
    (tmp_path / "odd.json").write_text(json.dumps([1]), encoding="utf-8")
    with pytest.raises(InputError, match="does not list any pictures"):
        ImageSet(tmp_path / "odd.json")
    for path in tmp_path.rglob("values.npy"):
        path.unlink()
    with pytest.raises(InputError, match="gone from the disk"):
        built.take(CASES)
    with pytest.raises(InputError, match="P3 is listed twice"):
        build_image_set(tmp_path, Kitchen().sources(("P3", "P3")), SLICES)


def test_the_hash_of_a_prepared_case_is_of_what_it_shows():
    same = hash_prepared(make_prepared(1))
    assert same == hash_prepared(make_prepared(1, name="somebody else"))
    others = [make_prepared(2), make_prepared(1, spacing=(1.0, 1.5, 5.1)), make_prepared(1, radii=(6.0, 9.0, 11.0)),
              make_prepared(1, codes="LPS")]
    assert len({same, *map(hash_prepared, others)}) == 5

"""Small pictures of a cohort's cases."""

import csv

import numpy as np
import pytest
from PIL import Image

from app.core.data import Mask, Volume
from app.core.errors import InputError
from app.core.segment.contact_sheet import draw_thumbnail
from app.core.workflows.thumbnails import draw_thumbnails
from tests.core.small_cohorts import quiet, write_ball


def test_some_cases_are_drawn_and_one_that_cannot_be_says_why(tmp_path):
    rows = [("patient", "image", "mask")]
    for number in range(5):
        image, mask = write_ball(tmp_path / f"P{number}", 10)
        rows.append((f"P{number}", image, mask))
    rows[3][1].write_bytes(b"no image")
    with (tmp_path / "cases.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    found = draw_thumbnails({"source": str(tmp_path / "cases.csv"), "out": str(tmp_path / "out"), "most": 3}, quiet)
    assert [each["case"] for each in found["thumbnails"]] == ["P0", "P2", "P4"]
    assert found["cases"] == 5
    broken = found["thumbnails"][1]
    assert broken["picture"] is None
    assert broken["message"]
    with Image.open(found["thumbnails"][0]["picture"]) as picture:
        assert picture.size == (144, 144)
    with pytest.raises(InputError):
        draw_thumbnails({"source": str(tmp_path / "gone"), "out": str(tmp_path / "out")}, quiet)


def test_the_picture_is_of_the_largest_slice():
    voxels, mask = np.zeros((60, 60, 9), np.float32), np.zeros((60, 60, 9), bool)
    mask[28:32, 28:32, 1], mask[10:50, 10:50, 6] = True, True
    voxels[:, :, 6] = np.random.default_rng(0).uniform(100, 200, (60, 60))
    picture = np.asarray(draw_thumbnail(Volume(voxels, np.eye(4)), Mask(mask, np.eye(4))))
    assert picture.shape == (144, 144, 3)
    assert picture.mean() > 60  # the other slices are black

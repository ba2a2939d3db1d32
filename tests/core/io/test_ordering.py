"""Turning an array in memory changes where its values lie, and nothing else."""

import numpy as np
import pytest

from app.core.io import ordering
from app.core.io.ordering import reorder


@pytest.fixture(autouse=True)
def every_array_is_large(monkeypatch):
    monkeypatch.setattr(ordering, "_SMALL", 0)


@pytest.mark.parametrize("shape", [(5, 7, 3), (64, 8, 64), (130, 9, 65), (1, 1, 1), (70, 1, 2)])
@pytest.mark.parametrize("stored", "CF")
@pytest.mark.parametrize("order", "CF")
def test_the_values_stay(shape, stored, order):
    given = np.asarray(np.random.default_rng(3).integers(-9, 9, shape), np.int16, order=stored)
    found = reorder(given, np.float32, order)
    np.testing.assert_array_equal(found, given)
    assert found.dtype == np.float32
    assert found.flags.c_contiguous if order == "C" else found.flags.f_contiguous


def test_slices_of_a_larger_array_and_views():
    whole = np.arange(200 * 30 * 40).reshape(200, 30, 40)
    for part in (whole[:, :, 5:21], whole[::-1, :, ::2], whole.transpose(2, 0, 1), whole[3]):
        for order in "CF":
            found = reorder(part, order=order)
            np.testing.assert_array_equal(found, part)
            assert found.flags.c_contiguous if order == "C" else found.flags.f_contiguous


def test_what_lies_right_is_not_copied():
    given = np.zeros((70, 9, 70), np.float32)
    assert np.shares_memory(reorder(given, np.float32), given)

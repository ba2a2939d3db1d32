"""Noise stays noise when harmonisation is fitted on training rows, and does not when it has seen the whole table."""

import numpy as np
import pytest

from tests.benchmarks.leak import make_noise, measure


@pytest.fixture(scope="module")
def figures():
    found = [measure(*make_noise(seed), seed) for seed in range(4)]
    return {name: np.mean([each[name] for each in found]) for name in found[0]}


def test_the_whole_table_with_the_diagnosis_separates_noise(figures):
    assert figures["naive, each site its own batch"] > 0.95
    assert figures["naive, single-case sites merged"] > 0.75


@pytest.mark.parametrize("small", ["leave", "merge"])
def test_training_rows_alone_do_not(figures, small):
    assert abs(figures[f"honest, small sites: {small}"] - 0.5) < 0.1

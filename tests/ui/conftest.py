"""Fixtures of the window's tests."""

from cohort_results import cohort
from train_answers import wizard
from window_fixtures import driver

__all__ = ["cohort", "driver", "wizard"]

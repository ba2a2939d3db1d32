"""Fixtures of the window's tests."""

from window_fixtures import driver

__all__ = ["driver"]

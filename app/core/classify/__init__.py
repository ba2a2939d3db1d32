"""Classifiers: what tunes and calibrates itself from its own rows, and the closed formula of a published model."""

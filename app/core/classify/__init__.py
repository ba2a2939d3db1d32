"""Classifiers: unfitted pipelines from a recipe, and the closed formula of a published model."""

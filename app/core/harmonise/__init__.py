"""Harmonisation between sites: fitted on training rows only, off unless a recipe asks for it."""

"""Estimates that hold on new patients: folds, metrics, intervals and conformal sets."""

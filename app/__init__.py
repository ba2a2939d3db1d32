"""LipoScope: reads an MRI and a tumour outline, says how likely the tumour is malignant and how far to trust it."""

__version__ = "0.1.0"

"""DICOM: image series, structure sets and segmentations, found by their headers and read into values."""

from app.core.io.dicom.grouping import find_sources
from app.core.io.dicom.preview import series_choice
from app.core.io.dicom.reading import is_dicom
from app.core.io.dicom.rtstruct import load_rtstruct
from app.core.io.dicom.seg import load_seg
from app.core.io.dicom.series import load_series
from app.core.io.dicom.stacks import series_uid

__all__ = ["find_sources", "is_dicom", "load_rtstruct", "load_seg", "load_series", "series_choice", "series_uid"]

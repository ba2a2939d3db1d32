"""DICOM: image series, structure sets and segmentations, found by their headers and read into values."""

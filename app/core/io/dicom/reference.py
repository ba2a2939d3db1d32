"""The image that an outline was drawn on, by series and by frame of reference."""

from __future__ import annotations

from collections.abc import Mapping

from app.core.data import Caution, Volume
from app.core.errors import GeometryMismatch
from app.core.io.dicom.stacks import series_uid
from app.core.io.source import Source

_REMEDY = "Choose the series the outline was drawn on, or the outline drawn on this series."


def match_images(images: Mapping[str, Volume], frame: str, refers_to: tuple[str, ...],
                 sources: Mapping[str, Source]) -> tuple[list[Volume], tuple[Caution, ...]]:
    """List the images that an outline can lie on.

    Parameters
    ----------
    images : mapping of str to Volume
        By sequence, or by SeriesInstanceUID.
    frame : str
        The outline's FrameOfReferenceUID; may be empty.
    refers_to : tuple of str
        SeriesInstanceUIDs the outline names.
    sources : mapping of str to Source
        Where the images came from, by the same keys; may be empty.

    Returns
    -------
    volumes : list of Volume
        Of the series it names, else of the same frame of reference, else those that have none; may be empty.
    cautions : tuple of Caution
        Where the frame of reference does not vouch for the match.
    """
    def series_of(key: str) -> str:
        return series_uid(sources[key].series if key in sources else key)

    named = [volume for key, volume in images.items() if series_of(key) in refers_to]
    if named:
        differ = [volume for volume in named if frame and volume.frame and volume.frame != frame]
        return named, (Caution("frame_differs", (
            "The outline names this series but another frame of reference; it was placed by the series.")),
        ) * bool(differ)
    if frame:
        same = [volume for volume in images.values() if volume.frame == frame]
        if same:
            return same, ()
    unknown = [volume for volume in images.values() if not volume.frame or not frame]
    return unknown, (Caution("frame_unknown", (
        "The image or the outline carries no frame of reference; the outline was placed by its coordinates alone.")),
    ) * bool(unknown)


def refuse(images: Mapping[str, Volume], frame: str, extent: str) -> GeometryMismatch:
    """Say that no image matches, with both sides' frames and places.

    Parameters
    ----------
    images : mapping of str to Volume
        What was offered.
    frame : str
        The outline's frame of reference.
    extent : str
        Where the outline lies, in words.

    Returns
    -------
    GeometryMismatch
        To be raised by the caller.
    """
    if not images:
        return GeometryMismatch(f"The outline ({extent}) was given without the image it was drawn on.",
                                "Open it together with its image series.")
    key, volume = next(iter(images.items()))
    return GeometryMismatch(
        f"The outline ({extent}; {_name_frame(frame)}) and the image '{key}' ({volume.geometry.describe()}; "
        f"{_name_frame(volume.frame)}) belong to different scans.", _REMEDY)


def _name_frame(frame: str) -> str:
    return f"frame of reference ...{frame[-8:]}" if frame else "no frame of reference"

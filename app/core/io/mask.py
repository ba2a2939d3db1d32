"""Reading a tumour outline of any format as a `Mask`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from app.core.data import Caution, Mask, Volume
from app.core.errors import InputError
from app.core.io import damage
from app.core.io.formats import IMAGE_KINDS, read_voxels
from app.core.io.identify import identify
from app.core.io.labels import CHOOSE_OUTLINE, read_outline
from app.core.io.locate import locate
from app.core.io.ordering import reorder
from app.core.io.source import SUFFIXES, Header, Orientation, RawVoxels, Source, stem_of, suffix_of


def load_mask(path: str | Path, *, roi: str | None = None, label: int | None = None, series: str | None = None,
              images: Mapping[str, Volume] | None = None, image_sources: Mapping[str, Source] | None = None,
              orientation: Orientation | None = None) -> Mask:
    """Read an outline.

    Parameters
    ----------
    path : str or Path
        A label map, a grey tumour image that is zero outside, an RTSTRUCT, a DICOM SEG, or a folder with one of them.
    roi : str, optional
        The region's name in an RTSTRUCT or SEG.
    label : int, optional
        The label in a label map.
    series : str, optional
        SeriesInstanceUID of the outline, where a folder holds several.
    images : mapping of str to Volume, optional
        The case's images by sequence; an RTSTRUCT is drawn on the one it refers to.
    image_sources : mapping of str to Source, optional
        Where those images came from, where they are DICOM.
    orientation : {'las', 'ras'}, optional
        Which side an Analyze 7.5 file stores first.

    Returns
    -------
    Mask
        On the grid of its own file, or of the image it refers to.

    Raises
    ------
    EmptyMask
        No voxel is inside.
    ChoiceNeeded
        Several regions or labels (field 'roi' or 'label').
    InputError, UnreadableImage
        The file is not an outline, or is damaged.
    """
    path, images = locate(path), images or {}
    if path.is_dir() or SUFFIXES.get(suffix_of(path)) not in IMAGE_KINDS:
        source = _find_outline(path, series)
        if source.kind in ("rtstruct", "seg", "dicom"):
            return _load_dicom(source, roi, label, images, image_sources or {})
        path = Path(source.path)
    raw = read_voxels(path, orientation)
    if raw.voxels.dtype.kind == "f":
        damage.check_finite(path.name, raw.voxels)
    return _as_mask(raw, path, label)


def _as_mask(raw: RawVoxels, path: Path, label: int | None, frame: str = "") -> Mask:
    inside, title, cautions = read_outline(raw, path.name, label)
    if raw.header.intercept:
        cautions += (Caution("outline_offset", (
            f"The header of {path.name} adds {raw.header.intercept:g} to every voxel, and what then is not 0 is taken "
            "as the tumour: check the outline.")),)
    return Mask(reorder(inside), raw.affine, name=title or stem_of(path), frame=frame,
                cautions=raw.header.cautions + cautions)


def _load_dicom(source: Source, roi: str | None, label: int | None, images: Mapping[str, Volume],
                image_sources: Mapping[str, Source]) -> Mask:
    from app.core.io import dicom

    if source.kind == "rtstruct":
        return dicom.load_rtstruct(source.path, roi, images, image_sources)
    if source.kind == "seg":
        return dicom.load_seg(source.path, roi, images, image_sources)
    image = dicom.load_series(source).volume
    header = Header(image.geometry, "float32", image.cautions)
    return _as_mask(RawVoxels(image.voxels, header), Path(source.path), label, image.frame)


def _find_outline(path: Path, series: str | None) -> Source:
    if not path.exists():
        raise damage.missing_file(path.name)
    sources = [source for source in identify([path]) if source.kind != "table"]
    outlines = [source for source in sources if source.role_hint == "mask"] or sources
    if series is not None:
        outlines = [source for source in outlines if source.series == series]
    if not outlines:
        raise InputError(f"'{path.name}' holds no outline.", CHOOSE_OUTLINE)
    if len(outlines) > 1:
        names = ", ".join(sorted(Path(source.path).name for source in outlines)[:5])
        raise InputError(f"'{path.name}' holds {len(outlines)} outlines ({names}); one is needed.", "Choose one file.")
    return outlines[0]

"""The words on a picture: what, where, how large, which window, and what to be careful about; no painting here."""

from __future__ import annotations

from collections.abc import Iterable

from app.core.data import Caution, Identity
from app.ui.widgets.view_case import Plane, Point, ViewCase, ViewImage, say_position
from app.ui.widgets.view_state import ViewState

# A caution's code to the few words that fit on a picture; the result panel has the whole sentence.
WARNINGS = {
    "orientation_assumed": "orientation assumed",
    "position_unknown": "left and right assumed",
    "position_ambiguous": "two positions in the header",
    "missing_slices": "slices missing",
    "unreadable_files": "files left out",
    "localiser": "localiser",
    "lossy": "lossy compression",
    "thickness_assumed": "thickness assumed",
    "frame_differs": "outline of another frame of reference",
    "frame_unknown": "frame of reference unknown",
    "mask_turned": "outline turned to fit",
    "mask_resampled": "outline resampled",
    "mask_cut": "outline cut at the edge",
    "anisotropy": "anisotropic voxels",
    "prepared_grid": "prepared image on another grid",
}
# Preparation warns above the same ratio of the largest to the smallest voxel size.
_ANISOTROPIC_ABOVE = 5.0
_OBLIQUE_FROM = 0.5


def describe_identity(identity: Identity, case: str) -> tuple[str, ...]:
    """Patient and study lines; the case's own name where the file tells no patient."""
    name = identity.patient_name.replace("^", ", ", 1).replace("^", " ").strip()
    who = "  ".join(part for part in (name, identity.patient_id) if part)
    person = "  ".join(part for part in (identity.birth_date, identity.sex) if part)
    study = "  ".join(part for part in (identity.study_date, identity.institution) if part)
    return tuple(line for line in (who or case, person, study) if line)


def describe_acquisition(case: ViewCase, image: ViewImage, prepared: bool) -> tuple[str, ...]:
    """Sequence, its times, the scanner's field, and whether this is the image after preparation."""
    a = image.acquisition
    times = "  ".join(f"{name} {value:g}" for name, value in
                      (("TR", a.repetition_time), ("TE", a.echo_time), ("TI", a.inversion_time)) if value)
    scanner = "  ".join(part for part in (a.modality, f"{a.field_strength:g} T" if a.field_strength else "") if part)
    state = "after preparation" if prepared else ("before preparation" if image.after is not None else "")
    title = a.description if a.description and a.description != image.name else ""
    return tuple(line for line in (case.name_of(image), title, times and f"{times} ms", scanner, state) if line)


def describe_slice(state: ViewState, plane: Plane) -> tuple[str, ...]:
    """Slice number and place, voxel size, thickness, and the angle to the body's axes if there is one."""
    layer, image = state.layer, state.image
    if layer is None or image is None:
        return ()
    grid = layer.grid
    index = state.slice_index(plane)
    middle = [(n - 1) / 2 for n in grid.shape]
    middle[plane.fixed] = index
    place = grid.to_world(middle)[plane.fixed]
    letter = (("L", "R"), ("P", "A"), ("I", "S"))[plane.fixed][place >= 0]
    count = grid.shape[plane.fixed]
    across, down, every = (grid.spacing[axis] for axis in (plane.across, plane.down, plane.fixed))
    thick = image.acquisition.thickness
    lines = [f"slice {count - index}/{count}  {letter} {abs(place):.1f} mm", f"voxel {across:.3g} x {down:.3g} mm",
             f"slices {every:.3g} mm apart"]
    if thick and plane.name == image.acquired and not state.prepared:
        lines[-1] += f", {thick:.3g} mm thick"
    if grid.oblique_degrees >= _OBLIQUE_FROM:
        lines.append(f"oblique {max(round(grid.oblique_degrees), 1)} degrees")
    return tuple(lines)


def describe_view(plane: Plane, flipped: tuple[bool, bool]) -> str:
    """Plane and convention: 'Axial, radiological' means patient's right on the left of the screen."""
    if any(flipped):
        return f"{plane.title}, flipped"
    return f"{plane.title}, anterior left" if plane.name == "sagittal" else f"{plane.title}, radiological"


def edge_letters(plane: Plane, flipped: tuple[bool, bool]) -> tuple[str, str, str, str]:
    """Letters at left, right, top, bottom of the screen."""
    left, right = (plane.right, plane.left) if flipped[0] else (plane.left, plane.right)
    top, bottom = (plane.bottom, plane.top) if flipped[1] else (plane.top, plane.bottom)
    return left, right, top, bottom


def list_warnings(case: ViewCase, image: ViewImage, plane: Plane, flipped: tuple[bool, bool]) -> tuple[str, ...]:
    """Collect what must be on the picture itself, most pressing first."""
    found = []
    if flipped[0]:
        found.append(f"flipped: {'anterior' if plane.name == 'sagittal' else 'patient right'} is on the right")
    if flipped[1]:
        found.append(f"flipped: {plane.bottom} is up")
    words = shorten((*image.cautions, *case.cautions))
    spacing = image.before.grid.spacing
    if max(spacing) > _ANISOTROPIC_ABOVE * min(spacing) and WARNINGS["anisotropy"] not in words:
        words += (WARNINGS["anisotropy"],)
    return tuple(found) + words


def shorten(cautions: Iterable[Caution]) -> tuple[str, ...]:
    """Cautions that concern the picture, in a few words each, without repeats."""
    codes = {caution.code for caution in cautions}
    return tuple(text for code, text in WARNINGS.items() if code in codes)


def describe_cursor(world: Point, value: float) -> tuple[str, str]:
    """Position and value under the pointer."""
    return say_position(world), f"value {value:.4g}" if abs(value) < 1e4 else f"value {value:.0f}"


def say_window(window: tuple[float, float]) -> str:
    """Width and level, with as many figures as the range needs."""
    width, level = window[1] - window[0], (window[0] + window[1]) / 2
    figures = 0 if width >= 50 else (1 if width >= 5 else 3)
    return f"W {width:.{figures}f}  L {level:.{figures}f}"

"""What a file's name says: image or outline, which sequence, whose. Names are hints and never override a header."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from app.core.io.source import Role, stem_of

_RUN = re.compile(r"[A-Za-z0-9]+")
_WORD = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z0-9]+(?![a-z])|.")
_SURE_MASK = re.compile(
    r"(mask|masque|gtv|label|labelmap|seg|segm|segmentation|roi|voi|outline|contour|delineation|annotation|groundtruth)"
    r"(s|\d{1,2})?")
_MAYBE_MASK = re.compile(r"(tumou?r|tumeur|lesion|gt)(s|\d{1,2})?")
_IMAGE = re.compile(r"images?|imgs?|volume|vol|mri?|irm|scan|original|orig|anat|anatomical")
_SEQUENCE = re.compile(r"(t1|t2|pd|dp)(w|wi)?(fs)?(c|ce|gd|post)?|flair|stir|dwi|adc")
_FAT_SUPPRESSED = {"fs", "fatsat", "spir", "spair", "stir"}
_ENHANCED = {"gd", "ce", "gado", "gadolinium", "contrast", "post", "postcontrast"}
_TECHNIQUE = {"ax", "axial", "tra", "cor", "coronal", "sag", "sagittal", "tse", "fse", "se", "vibe", "blade", "spgr",
              "mprage", "pre", "w", "2d", "3d", "nii", "dcm"}
_FOLDER = {"nifti", "dicom", "analyze", "nrrd", "series", "data", "scans", "study", "studies", "resources", "files",
           "tr", "ts", "raw"}
_READER = re.compile(r"(?<![A-Za-z0-9])(?:(?:reader|rater|observer)[_\-. ]?(?P<number>[12])"
                     r"|(?:second|2nd)(?:[_\-. ]?(?:reader|rater|observer))?)(?![A-Za-z0-9])", re.IGNORECASE)
_NUMBERED = re.compile(r"(?P<word>mask|outline|contour|segmentation)[_\-. ]?(?P<number>[12])(?![A-Za-z0-9])",
                       re.IGNORECASE)
_UID = re.compile(r"\d+(\.\d+)+")


@dataclass(frozen=True)
class FileName:
    """A name, taken apart.

    Parameters
    ----------
    role : {'image', 'mask', 'either'}
        What it calls itself.
    sure : bool
        False when only a word like 'tumour' or 'lesion' made it a mask.
    sequence : str
        't1', 't2_fs', 't1_gd' ...; empty when not named.
    subject : str
        What is left: the patient or the case; empty when nothing is.
    """

    role: Role
    sure: bool
    sequence: str
    subject: str


def read_name(stem: str) -> FileName:
    """Take a file's stem or a folder's name apart."""
    spans = _spans(stem)
    words = [word.lower() for _, word in spans]
    mask = any(_SURE_MASK.fullmatch(word) for word in words)
    maybe = any(_MAYBE_MASK.fullmatch(word) for word in words)
    sequence = _sequence(words)
    named_image = bool(sequence) or any(_IMAGE.fullmatch(word) for word in words)
    role: Role = "mask" if mask or maybe else "image" if named_image else "either"
    kept = "".join(separator + text for separator, text in spans if not _says_something(text.lower()))
    return FileName(role, mask or not maybe, sequence, kept.strip(" _-.+()[]"))


def read_reader(stem: str) -> tuple[int, str]:
    """Say which reader an outline's name tells of, and its name without that.

    Returns
    -------
    number : int
        2 for 'mask_2', 'gtv_reader2' or 'mask_second', 1 for 'mask_1' or 'reader1'; 0 where no reader is named.
    rest : str
        The name without the reader; what tells the case apart.
    """
    found = _READER.search(stem)
    if found is not None:
        rest = f"{stem[:found.start()].rstrip('_-. ')}{stem[found.end():]}".strip("_-. ")
        return int(found["number"] or 2), rest
    found = _NUMBERED.search(stem)
    if found is not None:
        return int(found["number"]), f"{stem[:found.start()]}{found['word']}{stem[found.end():]}"
    return 0, stem


def subject_folder(folder: Path) -> Path:
    """Climb out of folders that only say 'images', 'mask', 'MR_T1' or a DICOM number, to the patient's."""
    while folder != folder.parent and _is_generic(folder.name):
        folder = folder.parent
    return folder


def role_of(path: Path) -> Role:
    """Say what a file's name, or else its folder's exact name, calls it."""
    role = read_name(stem_of(path)).role
    if role != "mask":
        parent = read_name(path.parent.name)
        if parent.role == "mask" and parent.sure and _is_generic(path.parent.name):
            return "mask"
    return role


def _is_generic(name: str) -> bool:
    left = read_name(name).subject
    return _UID.fullmatch(name) is not None or all(word.lower() in _FOLDER for _, word in _spans(left))


def _spans(stem: str) -> list[tuple[str, str]]:
    """Cut into (separator, word), also between 'brainMask' and 'T1Mask' but not inside 'STS002'."""
    spans, end = [], 0
    for match in _RUN.finditer(stem):
        separator = stem[end:match.start()]
        for word in _WORD.findall(match.group()):
            spans.append((separator, word))
            separator = ""
        end = match.end()
    return spans


def _says_something(word: str) -> bool:
    return word in _FAT_SUPPRESSED | _ENHANCED | _TECHNIQUE or any(
        pattern.fullmatch(word) for pattern in (_SURE_MASK, _MAYBE_MASK, _IMAGE, _SEQUENCE))


def _sequence(words: list[str]) -> str:
    weighting, suppressed, enhanced = "", False, False
    for word in words:
        found = _SEQUENCE.fullmatch(word)
        if found and not weighting:
            weighting = {"dp": "pd", "stir": "t2"}.get(found.group(1) or word, found.group(1) or word)
            suppressed, enhanced = suppressed or bool(found.group(3)), enhanced or bool(found.group(4))
        suppressed, enhanced = suppressed or word in _FAT_SUPPRESSED, enhanced or word in _ENHANCED
    return weighting + ("_fs" if suppressed else "") + ("_gd" if enhanced else "") if weighting else ""

"""What kind of sequence an image is, guessed from its name first and from its timing second; unknown stays unknown."""

from __future__ import annotations

import re
from typing import Any

from app.core.io.dicom.multiframe import Tags

_NEITHER = (r"\b(dwi|diff\w*|adc|trace\w*|dti|tensor|perf\w*|bold|fmri|swi|swan|tof|mra|fa map|t[12] ?maps?)\b"
            r"|\bt2 ?star|\bt2 ?\*|\bep2d")
_NAMED = (
    ("", _NEITHER),
    ("t1", r"\bt1(?!\d)|\b(mprage|mp rage|bravo|spgr|vibe|lava|thrive|flash|tfe|fspgr)\b"),
    ("t2", r"\bt2(?!\d)|\b(stir|tirm|haste|flair|ssfse)\b"),
    ("pd", r"\b(pd|pdw|proton|prot density)\b|\bpd(?=fs|w)"),
)
_FAT_SUPPRESSED = (r"\b(stir|tirm|spair|spir|chess|fat ?sat\w*|fat ?sup\w*|water|dixon.* w|fs)\b|(?:t1|t2|pd)w?fs\b")
_NOT_SUPPRESSED = r"\b(no|non|without|wo|w o) ?(fs|fat ?s\w*)\b|\bnofs\b"
_ENHANCED = (r"\b(gd|gad\w*|dotarem|magnevist|prohance|multihance|clariscan|ce|km|post|postgd|contrast)\b"
             r"|\+ ?(c|gd|km|k)\b|\bc\+")
_NATIVE = (r"\b(pre|native?|nativ|plain|ohne km|(no|non|without|wo|w o) ?(contrast|gd|gad\w*|km|ce))\b"
           r"|(^| )- ?(c|gd|km)\b")
_NO_AGENT = {"", "no", "none", "n", "without", "nil", "null", "na", "n/a", "0", "unknown"}


def guess_weighting(tags: Tags) -> str:
    """Guess 't1', 't2' or 'pd'; empty when neither name nor timing says.

    Parameters
    ----------
    tags : mapping of str to object
        One image's header values.

    Returns
    -------
    str
        A key for the sequence; STIR and FLAIR count as 't2'. Diffusion, maps and T2* give ''.
    """
    contrast = _words(tags, "AcquisitionContrast")
    for key, name in (("t1", "t1"), ("t2", "t2"), ("pd", "proton density"), ("t2", "stir"), ("t2", "fluid attenuated")):
        if contrast == name:
            return key
    described = _words(tags, "SeriesDescription", "ProtocolName")
    for key, pattern in _NAMED:
        if re.search(pattern, described):
            return key
    return _weigh_by_timing(tags) if str(tags.get("Modality", "MR")) == "MR" else ""


def guess_fat_suppression(tags: Tags) -> bool | None:
    """Guess whether fat was suppressed; None when the header does not say."""
    described = _words(tags, "SeriesDescription", "ProtocolName")
    if re.search(_NOT_SUPPRESSED, described):
        return False
    image_type = _words(tags, "ImageType", "FrameType").split()
    if re.search(_FAT_SUPPRESSED, described) or "w" in image_type or "water" in image_type:
        return True
    spectral = _words(tags, "SpectrallySelectedSuppression")
    if spectral:
        return spectral in ("fat", "fat and water")
    options = _words(tags, "ScanOptions").split()
    if {"fs", "sfs", "fatsat", "spir", "spair"} & set(options) or re.search(r"fat ?sat", " ".join(options)):
        return True
    inversion = _number(tags, "InversionTime", "InversionTimes")
    if inversion and 80 <= inversion <= 260 and "se" in _words(tags, "ScanningSequence").split():
        return True
    return False if options or "f" in image_type or "fat" in image_type else None


def guess_contrast(tags: Tags, agent: str) -> bool | None:
    """Guess whether contrast agent was on board; None when the header does not say."""
    described = _words(tags, "SeriesDescription", "ProtocolName")
    if re.search(_NATIVE, described):
        return False
    if agent.strip().lower() not in _NO_AGENT or re.search(_ENHANCED, described):
        return True
    return False if agent.strip() else None


def _weigh_by_timing(tags: Tags) -> str:
    repetition = _number(tags, "RepetitionTime")
    echo, inversion = _number(tags, "EchoTime", "EffectiveEchoTime"), _number(tags, "InversionTime", "InversionTimes")
    kind = set(_words(tags, "ScanningSequence").split())
    pulse = _words(tags, "EchoPulseSequence")
    if repetition is None or echo is None or "ep" in kind:
        return ""
    if "gr" in kind or pulse == "gradient":
        prepared = "ir" in kind or "mp" in _words(tags, "SequenceVariant").split() or bool(inversion)
        return "t1" if echo < 8 and (prepared or "sp" in _words(tags, "SequenceVariant").split()) else ""
    if not (kind & {"se", "ir"} or pulse == "spin"):
        return ""
    if echo >= 55 and repetition >= 1500:
        return "t2"
    if inversion and 80 <= inversion <= 260:
        return "t2"
    if inversion and repetition >= 1200:
        return "t1" if echo < 40 else ""
    if echo < 40 and repetition < 1200:
        return "t1"
    return "pd" if echo < 50 and repetition >= 1800 else ""


def _words(tags: Tags, *keywords: str) -> str:
    text = " ".join(_joined(tags.get(keyword)) for keyword in keywords)
    # A hyphen within a word parts words ("t1-gd"); one that stands before a word says "without" ("t1 -gd").
    return re.sub(r"(?<=\w)-|[\s_\\/,;:.()\[\]]+", " ", text.lower()).strip()


def _joined(value: Any) -> str:
    if value is None or isinstance(value, str) or not hasattr(value, "__iter__"):
        return str(value or "")
    return " ".join(str(part) for part in value)


def _number(tags: Tags, *keywords: str) -> float | None:
    for keyword in keywords:
        try:
            return float(_joined(tags.get(keyword)).split()[0])
        except (ValueError, IndexError):
            continue
    return None

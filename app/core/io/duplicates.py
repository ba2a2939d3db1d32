"""Which images, outlines and patients a cohort holds twice: compared by digests, so that no voxel or name is kept."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from app.core.data import Identity, Mask, Volume
from app.core.io.flags import Flag, Severity

_LISTED = 5
_PLACEHOLDER = re.compile(r"(anon|unknown|none|de-?identified|patient|test|no ?name|n/?a).*|[0 .^_-]*")


@dataclass(frozen=True)
class Fingerprint:
    """What two cases may share; an empty digest is shared with nobody.

    Parameters
    ----------
    case, sequence : str
        Whose, and under which key.
    image, mask, patient : str
        Digests of the voxels, of the outline's voxels, and of who the patient is.
    """

    case: str
    sequence: str
    image: str = ""
    mask: str = ""
    patient: str = ""


def digest_voxels(image: Volume | Mask) -> str:
    """Digest an image's or an outline's voxels, whichever way round its file stores them.

    Parameters
    ----------
    image : Volume or Mask
        Shape (i, j, k), RAS+ mm.

    Returns
    -------
    str
        Equal for equal voxels in equal order along the world's axes; position and spacing do not count.
    """
    order, signs = image.geometry.closest_axes()
    turned = image.voxels.transpose(order)[tuple(slice(None, None, sign) for sign in signs)]
    digest = hashlib.blake2b(repr(turned.shape).encode(), digest_size=16)
    digest.update(np.ascontiguousarray(turned).tobytes())
    return digest.hexdigest()


def digest_patient(identity: Identity, salt: str) -> str:
    """Digest who a patient is, by number or else by name and birth date; empty when the file does not say.

    Parameters
    ----------
    identity : Identity
        As the header gives it.
    salt : str
        Drawn anew for each run, so that a digest says nothing outside it.
    """
    named = identity.patient_name and identity.birth_date
    who = identity.patient_id or (f"{identity.patient_name} {identity.birth_date}" if named else "")
    if not who or _PLACEHOLDER.fullmatch(who.strip().lower()):
        return ""
    return hashlib.blake2b(who.strip().lower().encode(), key=salt.encode()[:64], digest_size=16).hexdigest()


def find_duplicates(prints: Sequence[Fingerprint]) -> list[Flag]:
    """Find what occurs twice.

    Returns
    -------
    list of Flag
        'duplicate_image' and 'duplicate_mask' (a problem), 'same_patient' (a caution: its cases are not independent
        and must not be parted by folds), each with its cases.
    """
    return [*_shared(prints, lambda one: one.image, "duplicate_image", "problem", "The same image"),
            *_shared(prints, lambda one: one.mask, "duplicate_mask", "problem", "The same outline"),
            *_shared(prints, lambda one: one.patient, "same_patient", "caution", "The same patient")]


def _shared(prints: Sequence[Fingerprint], digest_of: Callable[[Fingerprint], str], code: str, severity: Severity,
            what: str) -> list[Flag]:
    holders: dict[str, list[Fingerprint]] = {}
    for one in prints:
        if digest_of(one):
            holders.setdefault(digest_of(one), []).append(one)
    flags = []
    for shared in holders.values():
        cases = tuple(dict.fromkeys(one.case for one in shared))
        if len(cases) > 1:
            first = cases[:_LISTED] if len(cases) > _LISTED + 1 else cases[:-1]
            last = f"{len(cases) - _LISTED} others" if len(cases) > _LISTED + 1 else cases[-1]
            flags.append(Flag(code, f"{what} is found in {', '.join(first)} and {last}.", severity, cases))
        elif code == "duplicate_image" and len(shared) > 1:
            keys = " and ".join(one.sequence for one in shared)
            flags.append(Flag(code, f"{what} is found in {cases[0]} as {keys}.", severity, cases))
    return flags

"""The hospitals of a phantom cohort: which scanner each has, what that does to a picture, and which cases it sends."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from app.core.phantom.parameters import PLACE_STREAM, SITE_STREAM, stream

VENDOR_SHARES = {"GE": 0.388, "Siemens": 0.376, "Philips": 0.212, "Toshiba": 0.024}
"""Shares of cases in the 2019 study (Eur Radiol Exp 2022;6:41)."""
SYSTEMS: dict[str, tuple[tuple[str, float], ...]] = {
    "GE": (("Signa Excite", 1.5), ("Signa HDxt", 1.5), ("Optima MR450w", 1.5), ("Discovery MR750", 3.0),
           ("Signa Profile", 1.0)),
    "Siemens": (("Avanto", 1.5), ("Aera", 1.5), ("Symphony", 1.5), ("Verio", 3.0), ("Skyra", 3.0), ("Harmony", 1.0)),
    "Philips": (("Intera", 1.5), ("Achieva", 1.5), ("Achieva TX", 3.0), ("Panorama", 1.0)),
    "Toshiba": (("Vantage Titan", 1.5),),
}
SYSTEM_ODDS = {1.0: 0.25, 1.5: 1.0, 3.0: 0.7}


@dataclass(frozen=True)
class _House:
    """How a vendor's pictures tend to look."""

    gain: float
    contrast: float
    residual_fat: float
    bias: float
    snr: float
    blur: float
    matrices: tuple[int, ...]
    axes: tuple[str, ...]


HOUSES = {
    "GE": _House(2600.0, 1.08, 0.12, 0.22, 34.0, 0.50, (224, 256), ("LPS", "LPI")),
    "Siemens": _House(520.0, 0.95, 0.09, 0.15, 42.0, 0.45, (192, 224, 256), ("LPS", "LPS", "RPS")),
    "Philips": _House(1150.0, 0.88, 0.16, 0.10, 50.0, 0.58, (192, 224), ("LPS", "LAS")),
    "Toshiba": _House(7200.0, 1.18, 0.20, 0.26, 24.0, 0.70, (160, 192), ("RAS",)),
}


@dataclass(frozen=True)
class Site:
    """A hospital's scanner and its habits; nothing here depends on any diagnosis.

    Parameters
    ----------
    name, vendor, model : str
        The site and its scanner.
    field_strength : float
        Tesla.
    share : float
        Relative number of cases beyond the first.
    gain : float
        Signal units per unit of tissue signal (muscle is 0.4).
    contrast : float
        Exponent of tissue contrast about muscle; above 1 enhancement looks stronger.
    residual_fat : float
        Signal that fat keeps under suppression.
    bias : float
        SD of the logarithm of the coil's sensitivity.
    snr : float
        Signal of muscle over the noise of one channel.
    blur : float
        SD of the in-plane point spread, voxels.
    matrix : int
        Voxels along each in-plane axis.
    thickness, gap : float
        Of the slices, mm.
    axes : str
        World direction each voxel axis points to.
    obliquity : float
        Tilt of the slices, degrees.
    repetition_time, echo_time : float
        Milliseconds.
    """

    name: str
    vendor: str
    model: str
    field_strength: float
    share: float
    gain: float
    contrast: float
    residual_fat: float
    bias: float
    snr: float
    blur: float
    matrix: int
    thickness: float
    gap: float
    axes: str
    obliquity: float
    repetition_time: float
    echo_time: float


@lru_cache(maxsize=8)
def make_sites(count: int, seed: int) -> tuple[Site, ...]:
    """Sites of uneven size whose vendors hold the published shares of cases.

    Parameters
    ----------
    count : int
        Number of sites.
    seed : int
        The cohort's seed.
    """
    rng = stream(seed, SITE_STREAM, count)
    shares = 1 / (np.arange(count) + 1.5) ** 1.1
    shares /= shares.sum()
    given = dict.fromkeys(VENDOR_SHARES, 0.0)
    sites = []
    for number, share in enumerate(shares):
        vendor = max(VENDOR_SHARES, key=lambda name: VENDOR_SHARES[name] - given[name])
        given[vendor] += (share + 1 / count) / 2
        sites.append(_make_site(vendor, f"S{number + 1:02d}", float(share), rng))
    return tuple(sites)


def choose_site(index: int, *, seed: int, sites: tuple[Site, ...]) -> Site:
    """Choose the site of case `index`: every site once, in random order, and then by share.

    The label plays no part, and the answer does not depend on how many cases there are.
    """
    if index < len(sites):
        return sites[int(stream(seed, PLACE_STREAM, len(sites)).permutation(len(sites))[index])]
    ends = np.cumsum([site.share for site in sites])
    uniform = stream(seed, PLACE_STREAM, len(sites), index).random()
    return sites[min(int(np.searchsorted(ends / ends[-1], uniform, side="right")), len(sites) - 1)]


def _make_site(vendor: str, name: str, share: float, rng: np.random.Generator) -> Site:
    house, systems = HOUSES[vendor], SYSTEMS[vendor]
    odds = np.array([SYSTEM_ODDS[tesla] for _, tesla in systems])
    model, tesla = systems[int(rng.choice(len(systems), p=odds / odds.sum()))]
    spread = np.exp(rng.normal(0, (0.35, 0.06, 0.25, 0.3, 0.2, 0.12)))
    return Site(
        name=name, vendor=vendor, model=model, field_strength=tesla, share=share,
        gain=float(house.gain * spread[0]),
        contrast=float(house.contrast * spread[1]),
        residual_fat=float(np.clip(house.residual_fat * spread[2], 0.06, 0.18)),
        bias=float(house.bias * spread[3] * (1.35 if tesla == 3.0 else 1.0)),
        snr=float(house.snr * spread[4] * (tesla / 1.5) ** 0.6),
        blur=float(np.clip(house.blur * spread[5], 0.35, 0.8)),
        matrix=int(rng.choice(house.matrices)),
        thickness=float(rng.choice((3.0, 4.0, 5.0, 6.0))), gap=float(rng.choice((0.0, 0.4, 0.5, 1.0))),
        axes=str(rng.choice(house.axes)),
        obliquity=float(rng.uniform(4, 16)) if rng.random() < 0.25 else 0.0,
        repetition_time=float(rng.integers(420, 760)), echo_time=float(np.round(rng.uniform(8, 17), 1)),
    )

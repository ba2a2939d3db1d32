"""Kills programs at random instants, takes their disks away, and prints what was lost: python -m tests.faults."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from random import Random

from tests.faults.tally import Tally

Scenario = Callable[[Path, Random, int], Tally]
KILLS: dict[str, tuple[str, float]] = {
    "scoring": ("works", 0.16), "extracting": ("works", 0.14), "training": ("works", 0.14), "saving": ("works", 0.2),
    "storing": ("keeping", 0.2), "engines": ("engines", 0.1), "windows": ("windows", 0.06),
}
"""Scenario to its module and its share of the kills."""


def main(words: list[str]) -> int:
    """Run the named scenarios, or all; `kills=N` in all together, `seed=N`."""
    if not hasattr(os, "fork"):
        sys.stderr.write("This system cannot fork a process; run it on Linux or macOS.\n")
        return 2
    options = dict(word.split("=", 1) for word in words if "=" in word)
    names = [word for word in words if "=" not in word] or list(KILLS)
    if unknown := [name for name in names if name not in KILLS] + [key for key in options
                                                                     if key not in ("kills", "seed")]:
        sys.stderr.write(f"There is no '{unknown[0]}'; there are {', '.join(KILLS)}, kills=N and seed=N.\n")
        return 2
    wanted, seed = int(options.get("kills", 220)), int(options.get("seed", 0))
    whole = sum(KILLS[name][1] for name in names)
    tallies = []
    begun = time.monotonic()
    for name in names:
        module, share = KILLS[name]
        tally = run(getattr(import_module(f"tests.faults.{module}"), name), seed, max(1, round(wanted * share / whole)))
        print(tally.row(), *sorted(set(tally.losses))[:10], sep="\n  ", flush=True)
        tallies.append(tally)
    print(f"\n{sum(tally.kills for tally in tallies)} kills, {sum(len(tally.losses) for tally in tallies)} losses, "
          f"{sum(tally.leftovers for tally in tallies)} leftovers, {time.monotonic() - begun:.0f} s, seed {seed}")
    return int(any(tally.losses or tally.leftovers for tally in tallies))


def run(scenario: Scenario, seed: int, kills: int) -> Tally:
    """Run a scenario in a data folder of its own."""
    before = os.environ.get("LIPOSCOPE_DATA")
    with tempfile.TemporaryDirectory(prefix="faults-", ignore_cleanup_errors=True) as place:
        folder = Path(place)
        os.environ["LIPOSCOPE_DATA"] = str(folder / "data")
        try:
            return scenario(folder, Random(f"{seed} {scenario.__name__}"), kills)
        finally:
            if before is None:
                del os.environ["LIPOSCOPE_DATA"]
            else:
                os.environ["LIPOSCOPE_DATA"] = before


if __name__ == "__main__":
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"):
        os.environ[variable] = "1"  # threads do not survive a fork
    sys.exit(main(sys.argv[1:]))

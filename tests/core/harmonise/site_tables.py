"""Small tables with site effects, for tests of harmonisation."""

import numpy as np
import pandas as pd

FEATURES = tuple(f"f{place}" for place in range(8))


def make_table(seed=0, sites=("A",) * 20 + ("B",) * 15 + ("C",) * 10 + ("D",) * 2 + ("E",)):
    """Noise with a shift and a scale per site; protocol, age and sex beside it, none tied to the label."""
    rng = np.random.default_rng(seed)
    names = np.array(sites)
    values = rng.normal(size=(len(names), len(FEATURES)))
    for place, site in enumerate(dict.fromkeys(sites)):
        own = names == site
        values[own] = values[own] * (1 + 0.5 * place) + rng.normal(scale=2, size=len(FEATURES)) + 10
    vendor = {"A": "Siemens", "B": "Siemens", "C": "GE", "D": "GE", "E": "GE"}
    table = pd.DataFrame(values, columns=FEATURES)
    table["site"] = names
    table["vendor"] = [vendor.get(site, "Philips") for site in names]
    table["field"] = [3.0 if site in "AC" else 1.5 for site in names]
    table["age"] = rng.normal(60, 10, len(names))
    table["sex"] = rng.choice(["f", "m"], len(names))
    return table, rng.integers(0, 2, len(names))

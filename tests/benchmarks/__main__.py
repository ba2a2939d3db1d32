"""Runs all benchmarks, or the named ones, prints a table for each and keeps the rows in build/benchmarks.json."""

from __future__ import annotations

import importlib
import json
import os
import platform
import sys
import time
from pathlib import Path

from tests.benchmarks.timing import Row

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "build" / "benchmarks.json"
SUBJECTS = ("launch", "launch_frozen", "open_case", "score_case", "cancel", "cohort", "n4", "bias_preview",
            "extraction", "radiomics_cohort", "load", "training", "leak", "null", "simulation", "study_2019",
            "sarcomas", "networks")


def main(words: list[str]) -> int:
    """Run the named benchmarks, or all; a later run replaces only the subjects that it measures."""
    here = [name for name in SUBJECTS if (Path(__file__).parent / f"{name}.py").exists()]
    if unknown := [word for word in words if word not in here]:
        sys.stderr.write(f"There is no benchmark '{unknown[0]}'; there are {', '.join(here)}.\n")
        return 2
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    kept = json.loads(RESULTS.read_text(encoding="utf-8"))["subjects"] if RESULTS.exists() else {}
    for name in words or here:
        begun = time.perf_counter()
        rows = importlib.import_module(f"tests.benchmarks.{name}").main()
        print(f"\n{name} ({time.perf_counter() - begun:.0f} s)\n{table(rows)}", flush=True)
        kept[name] = {"machine": describe_machine(), "rows": rows}
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps({"subjects": kept}, indent=1), encoding="utf-8")
    return 0


def describe_machine() -> dict[str, object]:
    """Say what the figures were measured on, and how busy it was."""
    load = round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None
    return {"system": platform.platform(terse=True), "cores": os.cpu_count(), "python": platform.python_version(),
            "load": load, "time": time.strftime("%Y-%m-%d %H:%M")}


def table(rows: list[Row]) -> str:
    """Lay rows out in aligned columns, as many as they have keys between them."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    cells = [columns, *([_word(row.get(column)) for column in columns] for row in rows)]
    widths = [max(len(line[place]) for line in cells) for place in range(len(columns))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def _word(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"
    return "" if value is None else str(value)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

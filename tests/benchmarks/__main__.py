"""Runs the benchmarks, prints a table for each and keeps the rows in build/benchmarks.json.

    python run.py bench               those that answer in minutes, one after the other
    python run.py bench list          what there is, in a line each
    python run.py bench n4 training   the named ones
    python run.py bench all           every one: an hour and more
"""

from __future__ import annotations

import ast
import importlib
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.timing import Row

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "build" / "benchmarks.json"
QUICK = ("launch", "open_case", "scroll", "conversion", "n4", "features", "score_case", "learning", "inference",
         "memory", "growth")
"""Each beside what a user would take instead, in the same run."""
LONG = ("launch_frozen", "cancel", "cohort", "bias_preview", "extraction", "radiomics_cohort", "load", "training",
        "leak", "null", "simulation", "study_2019", "sarcomas", "networks")
"""By name alone: minutes to hours each, or of interest to whoever changes that part."""
SUBJECTS = (*QUICK, *LONG)


def main(words: list[str]) -> int:
    """Run the named benchmarks, or the quick ones; a later run replaces only the subjects that it measures."""
    if words == ["list"]:
        for name in SUBJECTS:
            print(f"{name:17} {'' if name in QUICK else '(by name) '}{describe(name)}")
        return 0
    if unknown := [word for word in words if word not in (*SUBJECTS, "all")]:
        sys.stderr.write(f"There is no benchmark '{unknown[0]}'; there are {', '.join(SUBJECTS)}, and all.\n")
        return 2
    names = SUBJECTS if "all" in words else tuple(words) or QUICK
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    if len(names) > 1:
        return run_each(names)
    measure(names[0])
    return 0


def run_each(names: Sequence[str]) -> int:
    """Run each in a process of its own, so that none finds another's memory, threads or windows; 1 if one failed."""
    failed = [name for name in names
              if subprocess.run([sys.executable, "-m", "tests.benchmarks", name], cwd=ROOT, check=False).returncode]
    if failed:
        sys.stderr.write(f"No figures of {', '.join(failed)}: the lines above say why.\n")
    return 1 if failed else 0


def measure(name: str) -> None:
    """Run one, print its table and keep its rows."""
    begun = time.perf_counter()
    machine = describe_machine()
    rows = importlib.import_module(f"tests.benchmarks.{name}").main()
    seconds = time.perf_counter() - begun
    print(f"\n{name} ({seconds:.0f} s): {describe(name)}\n{table(rows)}", flush=True)
    kept = json.loads(RESULTS.read_text(encoding="utf-8"))["subjects"] if RESULTS.exists() else {}
    kept[name] = {"machine": machine, "what": describe(name), "seconds": round(seconds, 1), "rows": rows}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({"subjects": kept}, indent=1), encoding="utf-8")


def describe(name: str) -> str:
    """The first line of a benchmark's own description, without loading what it measures."""
    source = (Path(__file__).parent / f"{name}.py").read_text(encoding="utf-8")
    return (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0]


def describe_machine() -> dict[str, object]:
    """Say what the figures are measured on, and how busy it was at the start."""
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

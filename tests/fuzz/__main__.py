"""Runs a campaign, prints its table, and keeps every result in build/fuzz, from where it can be taken up again."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from tests.fuzz.campaign import ROOT, Result, name, run, summarise, tabulate
from tests.fuzz.mutations import WAYS

READERS = (*WAYS, "places")


def main(words: list[str]) -> int:
    """Try the asked number of inputs, shared evenly among the readers; 1 when anything was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("readers", nargs="*", help=f"of {', '.join(READERS)}, or single inputs such as nifti:1234")
    parser.add_argument("--inputs", type=int, default=11_000, help="in all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--resume", action="store_true", help="keep the results of this seed, and try what is missing")
    asked = parser.parse_args(words)
    single = [(reader, int(number)) for reader, mark, number in (word.partition(":") for word in asked.readers) if mark]
    readers = [word for word in asked.readers if ":" not in word] or list(READERS)
    if unknown := [reader for reader in [*readers, *(reader for reader, _ in single)] if reader not in READERS]:
        parser.error(f"there is no reader '{unknown[0]}'")
    inputs = single or [(reader, n) for n in range(-(-asked.inputs // len(readers))) for reader in readers]
    record = ROOT / "build" / "fuzz" / f"seed-{asked.seed}.jsonl"
    known = _read(record) if asked.resume and not single else []
    done = {(each["reader"], each["number"]) for each in known}
    results = [each for each in known if (each["reader"], each["number"]) in set(inputs)]
    record.parent.mkdir(parents=True, exist_ok=True)
    begun = time.perf_counter()
    with (Path("/dev/null") if single else record).open("a" if asked.resume else "w", encoding="utf-8") as kept:
        for result in run(asked.seed, (each for each in inputs if each not in done)):
            results.append(result)
            kept.write(json.dumps(result) + "\n")
            kept.flush()
            if result["verdict"] == "FINDING" or single:
                sys.stdout.write(f"{result['verdict']} {name(result)}: {result['why']}\n")
                sys.stdout.flush()
    sys.stdout.write(f"\n{tabulate(results)}\n\n{summarise(results)}\n"
                     f"seed {asked.seed}, {len(results)} inputs, {time.perf_counter() - begun:.0f} s\n")
    return int(any(each["verdict"] == "FINDING" for each in results))


def _read(record: Path) -> list[Result]:
    return [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines()] if record.is_file() else []


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

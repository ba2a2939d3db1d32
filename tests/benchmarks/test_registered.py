"""Every benchmark can be called by name, can be imported, and says what it measures and beside what."""

from __future__ import annotations

import importlib
import inspect
import json
from pathlib import Path

import pytest

from tests.benchmarks import __main__ as bench
from tests.benchmarks import timing

FOLDER = Path(bench.__file__).parent
COMPANIONS = {"by_hand", "many_cohorts", "naive_study", "network_costs", "network_folds", "overlay",
              "phantom_features", "room", "timing"}
"""They serve the benchmarks, or are commands of their own."""


def test_every_module_is_a_benchmark_or_serves_one():
    modules = {path.stem for path in FOLDER.glob("*.py") if not path.stem.startswith(("_", "test_"))}
    assert modules == set(bench.SUBJECTS) | COMPANIONS
    assert len(set(bench.SUBJECTS)) == len(bench.SUBJECTS)


@pytest.mark.parametrize("name", bench.SUBJECTS)
def test_a_benchmark_can_be_imported_and_called_without_words(name):
    found = inspect.signature(importlib.import_module(f"tests.benchmarks.{name}").main)
    assert all(each.default is not inspect.Parameter.empty for each in found.parameters.values())
    assert len(bench.describe(name)) > 30


@pytest.mark.parametrize("name", bench.QUICK)
def test_what_runs_without_words_says_what_it_is_beside(name):
    module = importlib.import_module(f"tests.benchmarks.{name}")
    assert "beside" in module.__doc__.partition("\n")[0]


def test_an_unknown_name_is_told(capsys):
    assert bench.main(["speed"]) == 2
    assert "no benchmark 'speed'" in capsys.readouterr().err


def test_the_list_names_all(capsys):
    assert bench.main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(bench.SUBJECTS)


def test_a_run_without_words_takes_the_quick_ones_and_tells_which_failed(monkeypatch, capsys):
    started = []

    class Ended:
        def __init__(self, words, **_named):
            started.append(words[-1])
            self.returncode = int(words[-1] == "n4")

    monkeypatch.setattr(bench.subprocess, "run", Ended)
    assert bench.main([]) == 1
    assert started == list(bench.QUICK)
    assert "No figures of n4:" in capsys.readouterr().err


def test_rows_are_kept_and_others_stay(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(bench, "RESULTS", tmp_path / "benchmarks.json")
    bench.RESULTS.write_text(json.dumps({"subjects": {"other": {"rows": []}}}))
    module = importlib.import_module("tests.benchmarks.scroll")
    monkeypatch.setattr(module, "main", lambda: [timing.row("a frame", [2.0, 3.0, 4.0], [1.0, 1.0, 2.0])])
    assert bench.main(["scroll"]) == 0
    kept = json.loads(bench.RESULTS.read_text())["subjects"]
    assert set(kept) == {"other", "scroll"}
    (line,) = kept["scroll"]["rows"]
    assert (line["median_s"], line["ratio"], line["ratio_spread"]) == (3.0, 2.0, "2.00-3.00")
    assert "a frame" in capsys.readouterr().out

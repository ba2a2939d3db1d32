"""Real windows: two on one store, one that is put to sleep with its engine, one in a country of decimal commas."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from app.core.paths import store_file
from tests.faults.material import write_cohort
from tests.faults.windows import Window, is_gone, scores, wait_for

ROOT = Path(__file__).resolve().parents[2]
CASES = 8


def check_store(cases):
    kept = scores()
    assert len(kept) == len({entry for entry, _ in kept}) == cases, "every case is scored once"
    with closing(sqlite3.connect(store_file())) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="only POSIX puts processes to sleep so")
def test_sleep_in_the_middle_of_scoring_costs_nothing(tmp_path):
    window = Window(str(write_cohort(tmp_path, CASES)))
    try:
        assert wait_for(lambda: len(scores()) >= 2)
        family = [*window.engines(), window.process]
        for process in family:
            os.kill(process.pid, signal.SIGSTOP)
        asleep = len(scores())
        time.sleep(3)
        assert len(scores()) == asleep
        for process in family:
            os.kill(process.pid, signal.SIGCONT)
        assert wait_for(lambda: len(scores()) == CASES)
        assert [each for each in window.said if each["said"] == "noticed"] == []
        assert all(not is_gone(engine) for engine in family[:-1]), "nobody was taken for dead"
    finally:
        window.end(signal.SIGTERM)
    check_store(CASES)


def test_two_windows_share_a_store_and_neither_takes_the_others_work(tmp_path):
    first = Window(str(write_cohort(tmp_path / "one", CASES)))
    second = Window(str(write_cohort(tmp_path / "two", CASES)))
    try:
        assert wait_for(lambda: len(scores()) >= 2 * CASES)
        assert [each for window in (first, second) for each in window.said if each["said"] == "noticed"] == []
    finally:
        first.end(signal.SIGTERM)
    try:
        third = Window(str(write_cohort(tmp_path / "three", 2)))
        try:
            assert wait_for(lambda: len(scores()) == 2 * CASES + 2), "it goes on when one of them has closed"
        finally:
            third.end(signal.SIGTERM)
    finally:
        second.end()
    check_store(2 * CASES + 2)


@pytest.fixture(scope="module")
def german(tmp_path_factory):
    """The environment of a computer in Germany; the locale is compiled where the system has only its source."""
    if shutil.which("localedef") is None:
        pytest.skip("this system has no German locale and cannot make one")
    folder = tmp_path_factory.mktemp("locales")
    made = subprocess.run(["localedef", "-i", "de_DE", "-f", "UTF-8", str(folder / "de_DE.UTF-8")], check=False,
                          capture_output=True)
    if not (folder / "de_DE.UTF-8").is_dir():
        pytest.skip(f"the German locale cannot be made ({made.stderr.decode()[-100:]})")
    return {"LOCPATH": str(folder), "LC_ALL": "de_DE.UTF-8", "LANG": "de_DE.UTF-8"}


def test_the_locale_is_german(german):
    code = "import locale; locale.setlocale(locale.LC_ALL, ''); print(locale.localeconv()['decimal_point'])"
    said = subprocess.run([sys.executable, "-c", code], env={**os.environ, **german}, capture_output=True, text=True,
                          check=True)
    assert said.stdout.strip() == ","


def test_a_german_window_scores_a_german_table_alike(tmp_path, german, monkeypatch):
    table = write_cohort(tmp_path, 3)
    rows = table.read_text().splitlines()
    text = [rows[0] + ",alter", *(f"{row},{number}.5" for number, row in enumerate(rows[1:], start=60))]
    (tmp_path / "german.csv").write_text("\n".join(text).replace(",", ";").replace(".5", ",5") + "\n")
    plain = subprocess.run([sys.executable, "-m", "app", "score", str(table), "--json"], cwd=ROOT, check=True,
                           capture_output=True, text=True)
    expected = {row["case"]: row["probability"] for row in json.loads(plain.stdout)["results"]}
    for name, value in german.items():
        monkeypatch.setenv(name, value)
    window = Window(str(tmp_path / "german.csv"))
    try:
        assert wait_for(lambda: len(scores()) == 3)
        assert [each for each in window.said if each["said"] == "noticed"] == []
    finally:
        window.end(signal.SIGTERM)
    with closing(sqlite3.connect(store_file())) as connection:
        found = {score["case"]: score["probability"] for score in
                 (json.loads(text) for (text,) in connection.execute("SELECT score FROM scores"))}
        ages = [json.loads(files)["reading"]["alter"] for (files,) in
                connection.execute("SELECT case_json FROM entries ORDER BY position")]
    assert found == expected
    assert ages == [60.5, 61.5, 62.5]

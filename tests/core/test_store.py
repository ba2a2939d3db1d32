"""The store: what it keeps, what it refuses, and what survives a kill."""

import json
import os
import re
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from app.core.errors import InputError
from app.core.jobs import Job
from app.core.paths import store_file
from app.core.requests import CaseFiles
from app.core.store import Store
from app.core.store.schema import MIGRATIONS, migrate, version_of

ROOT = Path(__file__).resolve().parents[2]
SCORE = {"case": "one", "model": "lipoma-size", "model_digest": "ab12", "probability": 0.62, "interval": [0.48, 0.74],
         "versions": {"liposcope": "0.1.0"}, "cautions": [{"code": "demo", "message": "Demonstration model."}]}


def case(name):
    return CaseFiles(id=name, images={"t1": f"/images/{name}.nii.gz"}, mask=f"/images/{name}_mask.nii.gz")


@pytest.fixture
def store():
    store = Store()
    yield store
    store.close()


def names(store):
    return [entry.case.id for entry in store.worklist()]


class TestWorklist:
    def test_keeps_order_and_files(self, store):
        store.add_cases([case("a"), case("b")])
        store.add_cases([case("c")])
        assert names(store) == ["a", "b", "c"]
        entry = store.worklist()[0]
        assert entry.case == case("a")
        assert (entry.status, entry.note, entry.score) == ("waiting", {}, None)

    def test_moves(self, store):
        a, _b, c = store.add_cases([case("a"), case("b"), case("c")])
        store.move_case(c, 0)
        assert names(store) == ["c", "a", "b"]
        store.move_case(a, 99)
        assert names(store) == ["c", "b", "a"]

    def test_deletion_is_undone_in_place_and_in_turn(self, store):
        a, b, _c = store.add_cases([case("a"), case("b"), case("c")])
        store.add_score(b, SCORE)
        store.delete_case(b)
        store.delete_case(a)
        assert names(store) == ["c"]
        assert store.undo_delete() == a
        assert store.undo_delete() == b
        assert store.undo_delete() is None
        assert names(store) == ["a", "b", "c"]
        assert store.entry(b).score.score["probability"] == 0.62

    def test_a_failure_is_noted_without_its_traceback_and_a_choice_clears_it(self, store):
        (entry,) = store.add_cases([case("a")])
        store.set_status(entry, "needs_choice", {"kind": "choice", "message": "Two regions.", "traceback": "x",
                                                 "extra": {"field": "roi"}})
        found = store.entry(entry)
        assert found.status == "needs_choice"
        assert found.note == {"kind": "choice", "message": "Two regions.", "extra": {"field": "roi"}}
        store.update_case(entry, case("a").model_copy(update={"roi": "tumour"}))
        found = store.entry(entry)
        assert (found.status, found.note, found.case.roi) == ("waiting", {}, "tumour")

    def test_an_unknown_status_is_refused(self, store):
        (entry,) = store.add_cases([case("a")])
        with pytest.raises(sqlite3.IntegrityError):
            store.set_status(entry, "lost")
        assert store.entry(entry).status == "waiting"


class TestScores:
    def test_provenance(self, store):
        (entry,) = store.add_cases([case("a")])
        number = store.add_score(entry, SCORE, request="job-1")
        kept = store.entry(entry).score
        assert (kept.id, kept.entry, kept.model, kept.digest, kept.request) == (number, entry, "lipoma-size", "ab12",
                                                                               "job-1")
        assert kept.versions == {"liposcope": "0.1.0"}
        assert kept.score == SCORE
        assert kept.time.utcoffset().total_seconds() == 0
        assert store.entry(entry).status == "scored"

    def test_every_score_is_kept_and_the_last_one_shown(self, store):
        a, b = store.add_cases([case("a"), case("b")])
        for probability in (0.1, 0.2, 0.3):
            store.add_score(a, {**SCORE, "probability": probability})
        store.add_score(b, SCORE)
        assert [kept.score["probability"] for kept in store.scores(a)] == [0.3, 0.2, 0.1]
        assert len(store.scores()) == 4
        assert store.entry(a).score.score["probability"] == 0.3

    def test_no_identity_and_no_array(self, store):
        store.add_score("", {**SCORE, "identity": {"patient_name": "Mustermann^Erika"}})
        assert "identity" not in store.scores()[0].score
        assert b"Mustermann" not in b"".join(part.read_bytes() for part in store_file().parent.glob("store.sqlite3*"))
        with pytest.raises(TypeError):
            store.add_score("", {**SCORE, "picture": object()})
        assert len(store.scores()) == 1

    def test_a_kill_right_after_loses_nothing(self):
        code = ("import os, signal, json, sys; from app.core.store import Store\n"
                "store = Store(); store.add_score('', json.loads(sys.argv[1]))\n"
                "os.kill(os.getpid(), getattr(signal, 'SIGKILL', signal.SIGTERM))")
        for _ in range(3):
            ended = subprocess.run([sys.executable, "-c", code, json.dumps(SCORE)], check=False,
                                   env={**os.environ, "PYTHONPATH": str(ROOT)})
            assert ended.returncode != 0
        with sqlite3.connect(store_file()) as raw:
            assert raw.execute("SELECT COUNT(*) FROM scores").fetchone()[0] == 3
        raw.close()
        store = Store()
        assert [kept.score for kept in store.scores()] == [SCORE] * 3
        assert store.notice == ""
        store.close()

    def test_killed_at_any_instant_what_was_told_is_there(self):
        code = ("import json, sys; from app.core.store import Store\n"
                "store = Store()\n"
                "while True: print(store.add_score('', json.loads(sys.argv[1])), flush=True)")
        with subprocess.Popen([sys.executable, "-c", code, json.dumps(SCORE)], stdout=subprocess.PIPE, text=True,
                              env={**os.environ, "PYTHONPATH": str(ROOT)}) as writer:
            told = [int(writer.stdout.readline()) for _ in range(20)]
            writer.kill()
            told += [int(line) for line in writer.stdout.read().split("\n")[:-1]]
        store = Store()
        assert {kept.id for kept in store.scores()} >= set(told)
        store.close()


class TestAudit:
    def test_what_is_done_is_noted_without_names(self, store):
        (entry,) = store.add_cases([case("Mustermann")])
        store.add_score(entry, SCORE)
        store.delete_case(entry)
        store.undo_delete()
        store.audit("exported", entry, {"kind": "pdf"})
        trail = store.audit_trail()
        assert [row.action for row in trail] == ["exported", "case restored", "case removed", "scored", "case added"]
        assert {row.subject for row in trail} == {entry}
        assert "Mustermann" not in str(trail)

    @pytest.mark.parametrize("table", ["audit", "scores"])
    @pytest.mark.parametrize("change", ["UPDATE {0} SET time = 'x'", "DELETE FROM {0}",
                                        "REPLACE INTO {0} SELECT * FROM {0}"])
    def test_the_past_cannot_be_changed(self, store, table, change):
        store.add_score("", SCORE)
        raw = sqlite3.connect(store_file())
        with pytest.raises(sqlite3.IntegrityError, match=r"append-only|as they are"):
            raw.execute(change.format(table))
        raw.close()
        assert (len(store.audit_trail()), len(store.scores())) == (1, 1)


class TestMemory:
    def test_settings(self, store):
        assert store.setting("theme", "dark") == "dark"
        store.set_setting("theme", "light")
        store.set_setting("theme", {"name": "light", "scale": 1.5})
        assert store.setting("theme") == {"name": "light", "scale": 1.5}

    def test_recent_cases(self, store):
        for name in ("a", "b", "c", "a"):
            store.remember_case(case(name))
        assert [found.id for found in store.recent_cases()] == ["a", "c", "b"]
        assert [found.id for found in store.recent_cases(limit=1)] == ["a"]


class TestQueue:
    def test_a_living_window_keeps_its_jobs_and_a_closed_one_leaves_them(self, store):
        other = Store()
        jobs = [Job.make("score", "app.core.workflows:score_case", {"case": {"id": name}}, name) for name in "abc"]
        for job in jobs:
            other.queue_job(job)
        assert store.claim_queue() == []
        other.drop_job(jobs[1].id)
        other.close()
        assert store.claim_queue() == [jobs[0], jobs[2]]
        assert store.orphans == frozenset(), "it was closed, not killed"
        assert store.claim_queue() == []

    def test_a_kept_score_ends_its_job(self, store):
        job = Job.make("score", "m:f", {})
        store.queue_job(job)
        store.add_score("", SCORE, request=job.id)
        store.close()
        again = Store()
        assert again.claim_queue() == []
        again.close()

    def test_a_job_that_takes_the_program_down_is_given_up(self):
        code = ("import os; from app.core.store import Store; from app.core.jobs import Job\n"
                "store = Store(); jobs = store.claim_queue()\n"
                "if not store.setting('queued'):\n"
                "    jobs = [Job.make('score', 'm:f', {'a': n}, 't') for n in range(3)]\n"
                "    [store.queue_job(job) for job in jobs]; store.set_setting('queued', True)\n"
                "store.begin_job(jobs[0].id)\n"
                "print(len(jobs), len(store.given_up), len(store.orphans), flush=True); os._exit(1)")
        counts = [subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True,
                                 env={**os.environ, "PYTHONPATH": str(ROOT)}).stdout.strip() for _ in range(5)]
        assert counts == ["3 0 0", "3 0 3", "3 0 3", "2 1 3", "2 0 2"], "those that only waited are not given up"


class TestClockSetBack:
    """A computer's clock may be put right, or wrong, at any moment: what came last stays last."""

    @pytest.fixture(autouse=True)
    def clock(self, monkeypatch):
        times = iter(f"20{year}-01-01T00:00:00+00:00" for year in range(90, 10, -1))
        monkeypatch.setattr("app.core.store.store._now", lambda: next(times))

    def test_the_case_opened_last_is_the_first(self, store):
        for name in ("a", "b", "c", "a"):
            store.remember_case(case(name))
        assert [found.id for found in store.recent_cases()] == ["a", "c", "b"]

    def test_a_case_opened_now_is_remembered_beside_fifty_of_the_future(self, store):
        for number in range(55):
            store.remember_case(case(str(number)))
        assert store.recent_cases(1)[0].id == "54"
        assert len(store.recent_cases(100)) == 50

    def test_undo_brings_back_what_was_removed_last(self, store):
        first, second = store.add_cases([case("a"), case("b")])
        store.delete_case(first)
        store.delete_case(second)
        assert store.undo_delete() == second
        assert store.undo_delete() == first
        assert store.undo_delete() is None

    def test_the_newest_score_counts(self, store):
        [entry] = store.add_cases([case("a")])
        for model in ("older", "newer"):
            store.add_score(entry, {**SCORE, "model": model})
        assert store.worklist()[0].score.model == "newer"
        assert [score.model for score in store.scores()] == ["newer", "older"]

    def test_jobs_keep_their_order(self, store):
        other = Store()
        for name in "cab":
            other.queue_job(Job(name, "score", "m:f", {}))
        other.close()
        assert [job.id for job in store.claim_queue()] == ["c", "a", "b"]


class TestFile:
    def test_two_windows_write_at_once(self):
        code = ("import json, sys; from app.core.store import Store; from app.core.requests import CaseFiles\n"
                "store = Store()\n"
                "for number in range(25):\n"
                "    entry, = store.add_cases([CaseFiles(id=f'{sys.argv[2]}{number}', images={'t1': 'x'})])\n"
                "    store.add_score(entry, json.loads(sys.argv[1]))\n"
                "store.close()")
        windows = [subprocess.Popen([sys.executable, "-c", code, json.dumps(SCORE), name],
                                    env={**os.environ, "PYTHONPATH": str(ROOT)}) for name in "ab"]
        assert [window.wait(30) for window in windows] == [0, 0]
        store = Store()
        assert len(store.worklist()) == len(store.scores()) == 50
        assert len(store.audit_trail()) == 100
        store.close()

    def test_threads_share_a_store(self, store):
        threads = [threading.Thread(target=lambda: [store.add_score("", SCORE) for _ in range(10)]) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(store.scores()) == 40

    @pytest.mark.parametrize("damage", ["rubbish", "middle"])
    def test_a_damaged_file_is_set_aside(self, own_data_folder, damage):
        store = Store()
        store.add_cases([case(str(number)) for number in range(200)])
        store.close()
        whole = store_file().read_bytes()
        broken = b"not a database at all" * 100 if damage == "rubbish" else \
            whole[:4096] + os.urandom(len(whole) - 8192) + whole[-4096:]
        store_file().write_bytes(broken)
        store = Store()
        assert store.worklist() == []
        assert re.search(r"kept as store\.damaged-.*\.sqlite3", store.notice)
        store.add_cases([case("a")])
        store.close()
        (aside,) = own_data_folder.glob("store.damaged-*.sqlite3")
        assert aside.read_bytes() == broken
        store = Store()
        assert (names(store), store.notice) == (["a"], "")
        store.close()

    def test_a_newer_file_is_left_alone(self, own_data_folder):
        Store().close()
        raw = sqlite3.connect(store_file())
        raw.execute("PRAGMA user_version = 999")
        raw.close()
        with pytest.raises(InputError, match="newer version"):
            Store()
        assert not list(own_data_folder.glob("store.damaged*"))

    def test_a_locked_or_unwritable_file_is_told_and_not_set_aside(self, own_data_folder, monkeypatch):
        monkeypatch.setattr("app.core.store.database.BUSY_SECONDS", 0.1)
        store = Store()
        raw = sqlite3.connect(store_file(), isolation_level=None)
        raw.execute("BEGIN EXCLUSIVE")
        with pytest.raises(InputError, match="cannot be written"):
            store.add_score("", SCORE)
        raw.execute("ROLLBACK")
        raw.close()
        store.add_score("", SCORE)
        assert len(store.scores()) == 1
        store.close()
        with pytest.raises(InputError, match="cannot be opened"):
            Store(own_data_folder / "no folder" / "store.sqlite3")
        assert not list(own_data_folder.glob("*damaged*"))

    def test_an_older_file_is_brought_up_to_date_and_a_bad_migration_changes_nothing(self, tmp_path):
        raw = sqlite3.connect(tmp_path / "old.sqlite3", isolation_level=None)
        migrate(raw)
        assert version_of(raw) == len(MIGRATIONS)
        raw.execute("INSERT INTO settings VALUES ('a', '1')")
        newer = (*MIGRATIONS, "ALTER TABLE settings ADD COLUMN changed TEXT;")
        with pytest.raises(sqlite3.OperationalError):
            migrate(raw, (*newer, "NONSENSE;"))
        assert version_of(raw) == len(MIGRATIONS)
        migrate(raw, newer)
        assert raw.execute("SELECT * FROM settings").fetchall() == [("a", "1", None)]
        raw.close()


def test_neither_jobs_nor_store_loads_a_heavy_library():
    code = ("import sys, app.core.jobs, app.core.store\n"
            "print(*sorted({name.split('.')[0] for name in sys.modules} & {'PySide6', 'torch', 'monai', 'ants',\n"
            "'radiomics', 'SimpleITK', 'sklearn', 'scipy', 'pandas', 'nibabel', 'pydicom', 'matplotlib'}))")
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True,
                           env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert found.stdout.strip() == ""

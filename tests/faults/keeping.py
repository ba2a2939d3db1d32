"""Kills of a program that writes to the store: what it was told is kept, is kept."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from random import Random

from app.core.jobs import Job
from app.core.paths import store_file
from app.core.requests import CaseFiles
from app.core.store import Store
from tests.faults.killing import Instant, kill_at
from tests.faults.tally import Tally

SECONDS = 0.4


def _tell(pipe: int, line: str) -> None:
    os.write(pipe, line.encode())


def _write(acknowledge: Callable[[str], object]) -> None:
    """Add cases, queue their scores and keep them, for as long as it lives."""
    store = Store()
    while True:
        [entry] = store.add_cases([CaseFiles(id="case", images={"t1": "t1.nii"})])
        acknowledge(f"case {entry}\n")
        job = Job.make("score", "app.core.workflows:score_case", {"case": {}}, "case")
        store.queue_job(job)
        acknowledge(f"owed {job.id}\n")
        store.begin_job(job.id)
        acknowledge(f"kept {store.add_score(entry, {'case': 'case', 'model': 'm'}, request=job.id)} {job.id}\n")
        store.remember_case(CaseFiles(id=entry, images={"t1": "t1.nii"}))


def storing(folder: Path, rng: Random, kills: int) -> Tally:
    """Kill a program in the middle of its writing; every score that was acknowledged is in the store."""
    tally, begun = Tally("storing"), time.monotonic()
    told: set[str] = set()
    for _ in range(kills):
        theirs, ours = os.pipe()
        ended = kill_at(partial(_write, partial(_tell, ours)), folder, Instant(seconds=rng.uniform(0.0, SECONDS)))
        os.close(ours)
        with os.fdopen(theirs) as lines:
            fresh = [line.split() for line in lines]
        tally.kills += ended.killed
        if ended.trouble:
            tally.losses.append(ended.trouble.strip().splitlines()[-1])
        told |= _check(tally, fresh, told)
    tally.seconds = time.monotonic() - begun
    return tally


def _check(tally: Tally, fresh: list[list[str]], known: set[str]) -> set[str]:
    with closing(Store()) as store:
        entries = {entry.id for entry in store.worklist()}
        scores = {str(score.id): score.request for score in store.scores(limit=10**6)}
        claimed = {job.id for job in store.claim_queue()} | {job.id for job in store.given_up}
        for job in claimed:
            store.drop_job(job)
    with closing(sqlite3.connect(store_file())) as connection:
        if connection.execute("PRAGMA integrity_check").fetchone() != ("ok",):
            tally.losses.append("the store is damaged")
    kept = {words[1] for words in fresh if words[0] == "kept"}
    owed = {words[1] for words in fresh if words[0] == "owed"} - {words[2] for words in fresh if words[0] == "kept"}
    tally.losses += [f"score {number} is lost" for number in (kept | known) - set(scores)]
    tally.losses += ["a case is lost" for words in fresh if words[0] == "case" and words[1] not in entries]
    tally.losses += ["an owed score is lost" for job in owed if job not in claimed and job not in scores.values()]
    tally.losses += ["a score is kept twice"] if len(set(scores.values())) != len(scores) else []
    tally.states["with a score owed" if claimed else "with nothing owed"] += 1
    return kept

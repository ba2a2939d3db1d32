"""Measuring on other machines: the one place of the program that opens a connection, and only when it is asked to.

A Dask scheduler hands cases to its workers. They must run the same version of the program and see the images under the
same paths; cases are recalled and kept here, so that a run can be taken up without them.
"""

from __future__ import annotations

import ipaddress
import logging
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import uuid4

from app.core.errors import EngineError, Failure, InputError
from app.core.jobs import Report
from app.core.workflows.finished import program_digest
from app.core.workflows.measuring import as_record, keep_case, measure_case, recall_case
from app.core.workflows.parallel import Lost, Tell

if TYPE_CHECKING:
    from distributed import Client, Future

CONNECT_SECONDS = 15.0
PATIENCE_SECONDS = 120.0
"""How long a cluster may be without a worker before the run is given up."""
_POLL_SECONDS = 0.5
_ONE_AT_A_TIME = threading.Lock()  # a worker may have several threads; the measuring libraries are made for one
_FILES = {"ca": "tls_ca_file", "cert": "tls_client_cert", "key": "tls_client_key"}


def measure_on_cluster(
    requests: Sequence[dict[str, Any]], url: str, tls: Mapping[str, str], report: Report, *, tell: Tell, lost: Lost
) -> list[dict[str, Any]]:
    """Measure cases on a cluster.

    Parameters
    ----------
    requests : sequence of dict
        As for `measure_case`.
    url : str
        The scheduler: 'tls://host:port', or 'tcp://' on this machine alone.
    tls : mapping
        'ca', 'cert' and 'key', PEM files.
    report : callable
        Told after each case; may raise `Cancelled`.
    tell, lost : callable
        As for `run_each`; a case is lost when it has ended several workers.

    Returns
    -------
    list of dict
        In the order of `requests`.

    Raises
    ------
    InputError
        The address is not allowed, nothing answers there, or a certificate file is missing.
    EngineError
        The cluster has no workers, or they run another version; or the connection broke.
    """
    check_address(url, tls)
    results: list[dict[str, Any]] = [{} for _ in requests]
    keys = [""] * len(requests)
    done, said = 0, ""

    def say(words: str = "") -> None:
        """Say something, or the same again: this is where a wish to stop is heard."""
        nonlocal said
        said = words or said
        report(done / len(requests), said)

    def take(index: int, answer: dict[str, Any]) -> None:
        nonlocal done
        results[index], done = answer, done + 1
        say(f"{tell(requests[index], answer)} ({done} of {len(requests)})")

    left = []
    for index, request in enumerate(requests):
        say("" if said else "Looking for finished cases")
        recalled, keys[index] = recall_case(request)
        if recalled is None:
            left.append(index)
        else:
            take(index, recalled)
    if not left:
        return results
    say("Connecting to the cluster")
    with _connect(url, tls) as client:
        _check_workers(client, url)
        for index, answer in _answers(client, requests, left, say, lost):
            if "error" not in answer:
                keep_case(requests[index], keys[index], as_record(answer))
            take(index, answer)
    return results


def check_address(url: str, tls: Mapping[str, str]) -> None:
    """Refuse an address that would send images' measures in the clear, or to nobody.

    Raises
    ------
    InputError
        One sentence says which part is not allowed.
    """
    if getattr(sys, "frozen", False):
        raise InputError("This copy of the program opens no connections.", "Use --jobs, or the program's source.")
    parts = urlsplit(url)
    try:
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port = "", None
    if parts.scheme not in ("tls", "tcp") or not host or port is None:
        raise InputError(f"'{url}' is not a cluster's address.", "Give one like tls://scheduler:8786.")
    if parts.scheme == "tcp":
        if not _is_loopback(host):
            raise InputError(
                f"'{url}' would not be encrypted, which is only allowed on this machine itself.",
                "Give a tls:// address with --tls-ca, --tls-cert and --tls-key.",
            )
        if tls:
            raise InputError(f"Certificates were given, but '{url}' does not use them.", "Give a tls:// address.")
        return
    missing = [name for name in _FILES if not tls.get(name)]
    if missing:
        raise InputError(f"'{url}' needs certificates, and --tls-{missing[0]} is missing.", "Give its PEM file.")
    absent = next((tls[name] for name in _FILES if not Path(tls[name]).is_file()), None)
    if absent is not None:
        raise InputError(f"There is no file at {absent}.", "Check the paths of the certificates.")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


@contextmanager
def _connect(url: str, tls: Mapping[str, str]) -> Iterator[Client]:
    from distributed import Client, Security

    for name in [name for name in logging.root.manager.loggerDict if name.partition(".")[0] == "distributed"]:
        logging.getLogger(name).setLevel(logging.CRITICAL)  # what the reader must know is raised or reported
    encrypted = url.startswith("tls://")
    security = Security(require_encryption=encrypted, **{_FILES[name]: path for name, path in tls.items()})
    try:
        client = Client(url, security=security, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        remedy = "Check that the scheduler runs there" + (", and the certificates." if encrypted else ".")
        raise InputError(f"The cluster at {url} does not answer.", remedy) from error
    try:
        yield client
    finally:
        with suppress(OSError, TimeoutError):
            client.close(timeout=5)


def _check_workers(client: Client, url: str) -> None:
    """Make sure that there are workers, and that each, and the scheduler, runs the program that this machine does."""
    try:
        client.wait_for_workers(1, timeout=CONNECT_SECONDS)
    except TimeoutError as error:
        raise EngineError(f"The cluster at {url} has no workers.", "Start some and try again.") from error
    own = program_digest()
    try:
        found = [client.run_on_scheduler(program_digest), *client.run(program_digest, on_error="return").values()]
        others = any(digest != own for digest in found)
    except (ImportError, AttributeError, RuntimeError) as error:
        raise _other_version(url) from error
    if others:
        raise _other_version(url)


def _other_version(url: str) -> EngineError:
    return EngineError(
        f"The cluster at {url} does not run this version of the program and its libraries everywhere.",
        "Start the scheduler and the workers with the Python and the folder of the same installation.",
    )


def measure_remotely(request: dict[str, Any]) -> dict[str, Any]:
    """Measure a case on a worker, which may have joined after the others were looked at."""
    if request["program"] != program_digest():
        return {"error": "The cluster's worker runs another version of the program or its libraries."}
    with _ONE_AT_A_TIME:
        return measure_case({**request, "cache": None})


def _answers(
    client: Client, requests: Sequence[dict[str, Any]], left: Sequence[int], say: Callable[..., None], lost: Lost
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Give each answer as it comes; a case on which workers ended is tried again alone, to see whether it was that."""
    say(f"Measuring on {len(client.scheduler_info()['workers'])} workers")
    suspects = []
    for index, answer in _submit(client, requests, left, say):
        if answer is None:
            suspects.append(index)
        else:
            yield index, answer
    told = "It ended several workers of the cluster one after another, most often because memory ran out."
    failure = Failure("engine", told, "Try it alone, on a machine with more memory.")
    for suspect in suspects:
        for index, answer in _submit(client, requests, [suspect], say):
            yield index, lost(requests[index], failure) if answer is None else answer


def _submit(
    client: Client, requests: Sequence[dict[str, Any]], chosen: Sequence[int], say: Callable[..., None]
) -> Iterator[tuple[int, dict[str, Any] | None]]:
    """Submit cases and give each answer as it comes; None for a case on which several workers ended."""
    run, arrived = uuid4().hex[:8], queue.SimpleQueue[int]()
    futures: dict[int, Future[Any]] = {}
    alone_since = None
    try:
        for index in chosen:
            # a future's key is seen on the cluster's pages: a number, never a name
            futures[index] = client.submit(measure_remotely, requests[index], key=f"case-{run}-{index}", retries=1)
            futures[index].add_done_callback(lambda _future, index=index: arrived.put(index))
        while futures:
            try:
                index = arrived.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                alone_since = _watch(client, alone_since)
                say("Waiting for a worker of the cluster" if alone_since is not None else "")
                continue
            if index not in futures:
                continue
            try:
                answer = _collect(futures[index])
            except TimeoutError:
                arrived.put(index)  # its worker died before it could be asked: it is measured once more
                say()
                continue
            futures.pop(index).release()
            yield index, answer
    finally:
        with suppress(OSError, TimeoutError):
            client.cancel(list(futures.values()), force=True)


def _collect(future: Future[Any]) -> dict[str, Any] | None:
    """Fetch an answer; None when several workers ended on it, `TimeoutError` while it cannot be had yet."""
    from distributed import KilledWorker

    try:
        answer: dict[str, Any] = future.result(timeout=_POLL_SECONDS)
    except KilledWorker:
        return None
    except CancelledError as error:
        raise _broken() from error
    return answer


def _watch(client: Client, alone_since: float | None) -> float | None:
    """Note since when there is no worker, and give up when that lasts."""
    if client.status not in ("running", "connecting"):
        raise _broken()
    if client.scheduler_info()["workers"]:
        return None
    now = time.monotonic()
    if alone_since is not None and now - alone_since > PATIENCE_SECONDS:
        raise EngineError("The cluster lost all its workers.", "Start some and try again: what is measured is kept.")
    return alone_since if alone_since is not None else now


def _broken() -> EngineError:
    return EngineError("The connection to the cluster broke.", "Try again: the cases that were measured are kept.")

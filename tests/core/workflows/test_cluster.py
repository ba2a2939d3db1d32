"""A Dask cluster measures what one process does, loses a worker and not the run, and is never spoken to in clear."""

import os
import shutil
import signal
import ssl
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from app.core.errors import Cancelled, EngineError, InputError
from app.core.recipe import Recipe
from app.core.requests import CaseFiles
from app.core.workflows import cluster, extract
from app.core.workflows.cluster import check_address
from app.core.workflows.measuring import measure_cases
from tests.core.small_cohorts import quiet, write_ball

RECIPE = Recipe.parse({"name": "small", "features": {"classes": ["firstorder", "glcm", "glrlm"]}})
CASES = 8


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cluster")
    made = []
    for number in range(CASES):
        image, mask = write_ball(folder / f"P{number}", 20 + number, (1.5, 1.5, 3), seed=number)
        made.append(CaseFiles(id=f"P{number}", images={"image": str(image)}, mask=str(mask)))
    return made


@pytest.fixture
def workers(monkeypatch):
    """Two worker processes on loopback; a scheduler that gives a case up when it has ended two."""
    import dask
    from distributed import LocalCluster

    with dask.config.set({"distributed.scheduler.allowed-failures": 1, "distributed.worker.daemon": True}), \
            LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None,
                         silence_logs=50) as made:
        yield made


def pids(made) -> list[int]:
    return [nanny.pid for nanny in made.workers.values()]


def check_equal(found, expected):
    for one, other in zip(found, expected, strict=True):
        assert one["names"] == other["names"]
        np.testing.assert_array_equal(one["values"], other["values"])
        assert one["acquisition"] == other["acquisition"]


def test_a_worker_is_killed_and_the_results_are_those_of_one_process(cases, workers, tmp_path):



    serial = measure_cases(cases, RECIPE, quiet)
    killed, told = [], []

    def watch(_fraction, message):
        told.append(message)
        if "(2 of 8)" in message and not killed:
            killed.append(pids(workers)[0])
            os.kill(killed[0], signal.SIGKILL)

    found = measure_cases(cases, RECIPE, watch, cluster=workers.scheduler_address, cache=tmp_path / "cache")
    assert killed
    check_equal(found, serial)
    assert "Measuring on 2 workers" in told
    assert sum("measured (" in message for message in dict.fromkeys(told)) == CASES
    again = measure_cases(cases, RECIPE, quiet, cluster="tcp://127.0.0.1:1", cache=tmp_path / "cache")
    assert all(answer["reused"] for answer in again), "what is finished is recalled without the cluster"
    check_equal(again, serial)


def deadly(request):
    """Measure, but for one case that ends whatever process it is given to."""



    if request["case"]["id"] == "P3":
        os.kill(os.getpid(), signal.SIGKILL)
    return REMOTELY(request)


REMOTELY = cluster.measure_remotely


def test_a_case_that_ends_its_workers_is_a_failure_of_its_own(cases, workers, monkeypatch):
    monkeypatch.setattr(cluster, "measure_remotely", deadly)
    found = measure_cases(cases[:5], RECIPE, quiet, cluster=workers.scheduler_address)
    assert ["error" in answer for answer in found] == [False, False, False, True, False]
    assert "ended several workers" in found[3]["error"]


def test_a_wish_to_stop_leaves_the_cluster_free(cases, workers, tmp_path):
    def stop(_fraction, message):
        if "(1 of 8)" in message:
            raise Cancelled

    with pytest.raises(Cancelled):
        measure_cases(cases, RECIPE, stop, cluster=workers.scheduler_address, cache=tmp_path / "cache")
    assert len(list((tmp_path / "cache" / "cases").rglob("*.json"))) == 1
    deadline = time.monotonic() + 10
    while workers.scheduler.tasks:
        assert time.monotonic() < deadline, "tasks of a cancelled run are left"
        time.sleep(0.05)


def test_another_version_is_told(cases, workers, monkeypatch):
    monkeypatch.setattr(cluster, "_check_workers", lambda *_arguments: None)
    monkeypatch.setattr("app.core.workflows.measuring.program_digest", lambda: "another")
    [answer, *_] = measure_cases(cases[:2], RECIPE, quiet, cluster=workers.scheduler_address)
    assert "another version" in answer["error"]
    monkeypatch.undo()
    monkeypatch.setattr(cluster, "program_digest", program_of_elsewhere)
    with pytest.raises(EngineError, match="does not run this version of the program"):
        measure_cases(cases[:2], RECIPE, quiet, cluster=workers.scheduler_address)


def program_of_elsewhere():
    """Answer otherwise here than on a worker."""
    return str(os.getpid())


def test_nobody_there(cases, monkeypatch):
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 0.5)
    with pytest.raises(InputError, match=r"cluster at tcp://127\.0\.0\.1:1 does not answer"):
        measure_cases(cases, RECIPE, quiet, cluster="tcp://127.0.0.1:1")


@pytest.mark.parametrize(("url", "words"), [
    ("tcp://10.0.0.5:8786", "would not be encrypted"), ("tcp://scheduler:8786", "would not be encrypted"),
    ("scheduler:8786", "not a cluster's address"), ("http://127.0.0.1:8786", "not a cluster's address"),
    ("tls://scheduler", "not a cluster's address"), ("tcp://127.0.0.1:notaport", "not a cluster's address"),
    ("", "not a cluster's address"), ("tls://scheduler:8786", "--tls-ca is missing"),
    ("tcp://127.0.0.1.example.org:8786", "would not be encrypted"), ("tcp://0.0.0.0:8786", "would not be encrypted")])
def test_addresses_that_are_refused(url, words):
    with pytest.raises(InputError, match=words) as caught:
        check_address(url, {})
    assert caught.value.message.endswith(".")


@pytest.mark.parametrize("url", ["tcp://127.0.0.1:8786", "tcp://localhost:8786", "tcp://[::1]:8786"])
def test_loopback_needs_no_certificates(url):
    check_address(url, {})
    with pytest.raises(InputError, match="does not use them"):
        check_address(url, {"ca": "ca.pem"})


def test_a_refused_address_costs_no_measuring(cases, tmp_path):
    with pytest.raises(InputError, match="would not be encrypted"):
        extract({"cases": [case.model_dump() for case in cases], "recipe": RECIPE.model_dump(), "cluster": "tcp://a:1",
                 "out": str(tmp_path / "f.csv")}, quiet)


def test_the_frozen_program_opens_no_connection(monkeypatch):
    monkeypatch.setattr("sys.frozen", True, raising=False)
    with pytest.raises(InputError, match="opens no connections"):
        check_address("tcp://127.0.0.1:8786", {})


@pytest.fixture
def certificates(tmp_path):
    """An authority and a certificate of it, made by openssl."""
    ca, key, request, cert = (tmp_path / name for name in ("ca.pem", "key.pem", "request.pem", "cert.pem"))
    commands = [
        ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", tmp_path / "ca.key", "-out", ca, "-days", "2",
         "-subj", "/CN=authority"],
        ["req", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", request, "-subj", "/CN=cluster"],
        ["x509", "-req", "-in", request, "-CA", ca, "-CAkey", tmp_path / "ca.key", "-CAcreateserial", "-out", cert,
         "-days", "2"]]
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed")
    for command in commands:
        subprocess.run([openssl, *map(str, command)], check=True, capture_output=True)
    return {"ca": str(ca), "cert": str(cert), "key": str(key)}


def test_measuring_through_tls_and_never_without(cases, certificates, tmp_path, monkeypatch):
    from distributed import LocalCluster, Security

    files = {"tls_ca_file": certificates["ca"], **{
        f"tls_{role}_{part}": certificates[part] for role in ("client", "scheduler", "worker")
        for part in ("cert", "key")}}
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 3)
    with LocalCluster(n_workers=1, threads_per_worker=1, processes=True, dashboard_address=None, protocol="tls",
                      silence_logs=50, security=Security(require_encryption=True, **files)) as made:
        url = made.scheduler_address
        assert url.startswith("tls://")
        found = measure_cases(cases[:2], RECIPE, quiet, cluster=url, tls=certificates)
        check_equal(found, measure_cases(cases[:2], RECIPE, quiet))
        other = tmp_path / "other.pem"
        other.write_text(ssl.DER_cert_to_PEM_cert(ssl.PEM_cert_to_DER_cert(Path(certificates["cert"]).read_text())))
        with pytest.raises(InputError, match="does not answer"):
            measure_cases(cases[:2], RECIPE, quiet, cluster=url, tls={**certificates, "ca": str(other)})
        with pytest.raises(InputError, match="does not answer"):
            measure_cases(cases[:2], RECIPE, quiet, cluster=url.replace("tls", "tcp"))

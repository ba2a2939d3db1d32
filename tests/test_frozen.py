"""What the program does otherwise once it is frozen."""

import json
import os
import sys
from types import SimpleNamespace

import pytest


def test_no_cluster_in_a_frozen_program(monkeypatch, capsys):
    from app.cli.parser import build_parser

    words = ["extract", "cohort.csv", "--recipe", "ibsi", "--out", "f.csv"]
    assert build_parser().parse_args([*words, "--cluster", "tcp://127.0.0.1:8786"]).cluster == "tcp://127.0.0.1:8786"
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    options = build_parser().parse_args(words)
    assert options.request(options)["cluster"] is None
    with pytest.raises(SystemExit):
        build_parser().parse_args([*words, "--cluster", "tcp://127.0.0.1:8786"])
    assert "--cluster" in capsys.readouterr().err


def test_what_another_build_has_kept_is_another(monkeypatch, tmp_path):
    from app.core.workflows import finished

    monkeypatch.setattr(finished, "program_folder", lambda: tmp_path)
    (tmp_path / "resources").mkdir()
    digests = set()
    for source in ("a", "b"):
        (tmp_path / "resources" / "build.json").write_text(json.dumps({"source": source}))
        digests.add(finished.program_digest())
    assert len(digests) == 2


@pytest.mark.parametrize("frozen", [False, True])
def test_without_a_terminal_the_screen_tells_why_there_is_no_window(frozen, monkeypatch, tmp_path, capsys, qapp):
    from app.ui import launch

    said = []
    monkeypatch.setattr(launch.QMessageBox, "critical", lambda *words: said.append(words[-1]))
    monkeypatch.setattr(sys, "frozen", frozen, raising=False)
    (tmp_path / "file").touch()
    monkeypatch.setenv("LIPOSCOPE_DATA", str(tmp_path / "file" / "folder"))
    assert launch.launch() == 2
    assert "The data folder cannot be made" in capsys.readouterr().err
    assert len(said) == frozen


@pytest.mark.skipif(sys.platform != "linux", reason="needs ldd")
def test_a_library_that_would_be_missing_is_noticed(monkeypatch, tmp_path):
    from resources.installer import linked

    (tmp_path / "a").mkdir()
    for name in ("a/_compute.so", "libarrow.so.1"):
        (tmp_path / name).touch()
    said = "\tlibarrow.so.1 => /x/libarrow.so.1 (0x1)\n\tlibsubstrait.so.1 => not found\n\tlibGL.so.1 => not found\n"
    monkeypatch.setattr(linked.subprocess, "run", lambda words, **_named: SimpleNamespace(
        stdout=said if words[1].endswith("_compute.so") else ""))
    assert linked.find_missing(tmp_path) == {"libsubstrait.so.1": ["a/_compute.so"]}


@pytest.mark.parametrize("frozen", [False, True])
def test_other_programs_get_their_own_libraries(frozen, monkeypatch):
    from app.ui.outside import other_programs

    monkeypatch.setattr(sys, "frozen", frozen, raising=False)
    ours = {"LD_LIBRARY_PATH": "/program", "LD_LIBRARY_PATH_ORIG": "/their/own", "QT_PLUGIN_PATH": "/program/plugins"}
    for name, value in ours.items():
        monkeypatch.setenv(name, value)
    with other_programs():
        seen = {name: os.environ.get(name) for name in ("LD_LIBRARY_PATH", "QT_PLUGIN_PATH")}
    assert seen == ({"LD_LIBRARY_PATH": "/their/own", "QT_PLUGIN_PATH": None} if frozen
                    else {"LD_LIBRARY_PATH": "/program", "QT_PLUGIN_PATH": "/program/plugins"})
    assert {name: os.environ[name] for name in ours} == ours

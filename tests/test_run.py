"""The one command: what it checks before it changes a machine, each failure one sentence and exit 2."""

import ast
import importlib.util
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def run(tmp_path, monkeypatch):
    """The module, with an environment folder of its own and every process it would start only noted."""
    specification = importlib.util.spec_from_file_location("run_under_test", ROOT / "run.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    monkeypatch.setattr(module, "ENVIRONMENT", tmp_path / ".venv")
    monkeypatch.setattr(module, "STAMP", tmp_path / ".venv" / "liposcope.json")
    monkeypatch.setattr(module, "check_display_libraries", lambda: None)
    module.started, module.statuses = [], {}

    def call(command, **_settings):
        module.started.append([str(word) for word in command])
        if command[1:3] == ["-m", "venv"]:
            module.python().parent.mkdir(parents=True)
            module.python().touch()
        return next((status for word, status in module.statuses.items() if word in command), 0)

    monkeypatch.setattr(module.subprocess, "call", call)
    return module


def refused(run, call, *words):
    with pytest.raises(run.SetupError) as caught:
        call(*words)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert sentence.endswith(".")
    assert len(sentence) < 300
    return sentence


def test_old_python(run, monkeypatch):
    monkeypatch.setattr(run.sys, "version_info", (3, 9, 2))
    assert "needs Python 3.11 or newer, this is 3.9" in refused(run, run.main, [])
    assert run.started == []


def test_any_python_3_can_read_the_sentence():
    tree = ast.parse((ROOT / "run.py").read_text(encoding="utf-8"), feature_version=(3, 5))
    assert not [node for node in ast.walk(tree) if isinstance(node, (ast.JoinedStr, ast.AnnAssign, ast.NamedExpr))]
    imported = {alias.name.split(".")[0] for node in tree.body if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module.split(".")[0] for node in tree.body if isinstance(node, ast.ImportFrom)}
    assert imported <= set(sys.stdlib_module_names) - {"tomllib"}


def test_no_disk(run, monkeypatch):
    monkeypatch.setattr(run.shutil, "disk_usage", lambda _path: SimpleNamespace(free=2 * 10**9))
    assert "needs 6 GB of free disk space beside the program, 2.0 GB are free" in refused(run, run.main, [])
    assert run.started == []


@pytest.mark.skipif(sys.platform == "win32", reason="the compiler is found by the registry there")
def test_no_compiler_and_no_headers(run, monkeypatch, tmp_path):
    monkeypatch.setenv("CC", "")
    monkeypatch.setattr(run.shutil, "which", lambda _name: None)
    assert "no C compiler was found" in refused(run, run.check_compiler)
    monkeypatch.setattr(run.shutil, "which", lambda name: name if name == "gcc" else None)
    monkeypatch.setattr(run.sysconfig, "get_paths", lambda: {"include": str(tmp_path)})
    assert "Python.h was not found" in refused(run, run.check_compiler)
    (tmp_path / "Python.h").touch()
    run.check_compiler()


def test_display_libraries_are_named_as_packages(monkeypatch):
    specification = importlib.util.spec_from_file_location("run_fresh", ROOT / "run.py")
    fresh = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(fresh)
    monkeypatch.setattr(fresh.sys, "platform", "linux")
    monkeypatch.setattr(fresh.ctypes.util, "find_library", lambda name: None if name in ("EGL", "GL") else name)
    assert "apt install libegl1 libgl1)" in refused(fresh, fresh.check_display_libraries)


def test_unknown_word_changes_nothing(run):
    assert "'tset' is not a command: use test, bench" in refused(run, run.main, ["tset"])
    assert run.started == [], "a slip of the finger must not start an installation"


def test_failed_step_is_named_and_nothing_is_stamped(run, monkeypatch):
    monkeypatch.setattr(run, "check_disk", lambda: None)
    monkeypatch.setattr(run, "check_compiler", lambda: None)
    run.statuses["--no-build-isolation"] = 1
    assert "stopped at 'radiomics (builds from source)'" in refused(run, run.prepare)
    assert not run.ready()
    run.statuses.clear()
    run.prepare()
    assert run.ready()
    started = len(run.started)
    run.prepare()
    assert len(run.started) == started, "what is ready is left alone"
    stamp = json.loads(run.STAMP.read_text())
    run.STAMP.write_text(json.dumps({**stamp, "digest": "other"}))
    assert not run.ready(), "other pins mean another environment"


def test_no_venv_module(run, monkeypatch):
    monkeypatch.setattr(run, "check_disk", lambda: None)
    monkeypatch.setattr(run, "check_compiler", lambda: None)
    run.statuses["venv"] = 1
    assert "apt install python3-venv" in refused(run, run.prepare)


@pytest.mark.parametrize(("words", "expected"), [
    ([], ["-m", "app", "--demo"]), (["bench"], ["-m", "tests.benchmarks"]),
    (["test", "-n0"], ["-m", "pytest", "-n", "auto", "--dist", "loadfile", "--no-loadscope-reorder",
                       "--max-worker-restart", "0", "-n0"]),
    (["--", "score", "a b"], ["-P", "-m", "app", "score", "a b"])])
def test_words_reach_the_environment(run, monkeypatch, words, expected):
    monkeypatch.setattr(run, "ready", lambda: True)
    run.statuses[expected[-1]] = 3
    assert run.main(words) == 3
    assert run.started == [[str(run.python()), *expected]]


def test_build_has_its_tools_before_it_begins(run, monkeypatch):
    monkeypatch.setattr(run, "ready", lambda: True)
    assert run.main(["build", "--test"]) == 0
    tools, build = run.started
    assert tools[-len(run.build_tools()):] == run.build_tools()
    assert tools[1:4] == ["-m", "pip", "install"]
    assert build == [str(run.python()), "-m", "resources.installer", "--test"]


def test_check_installs_nothing(run, monkeypatch, capsys):
    monkeypatch.setattr(run, "check_disk", lambda: None)
    monkeypatch.setattr(run, "check_compiler", lambda: None)
    assert run.main(["--check"]) == 0
    assert run.started == []
    assert "can run LipoScope" in capsys.readouterr().out


def test_script_leaves_with_2_and_one_line(tmp_path):
    stub = tmp_path / "sitecustomize.py"
    stub.write_text("import shutil\nshutil.disk_usage = lambda path: type('U', (), {'free': 1e9})\n")
    (tmp_path / "run.py").write_bytes((ROOT / "run.py").read_bytes())
    done = subprocess.run([sys.executable, str(tmp_path / "run.py"), "--check"], capture_output=True, text=True,
                          timeout=30, env={"PYTHONPATH": str(tmp_path)})
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "GB of free disk space" in done.stderr


def canonical(requirement):
    return re.sub(r"[-_.]+", "-", re.split(r"[\[<>=!~; ]", requirement.strip())[0]).lower()


def test_pins_fix_every_dependency(run):
    lines = (ROOT / "resources" / "pins.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if line and not line.startswith("#"))
    pinned = {canonical(name) for name in pins}
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert run.dependencies() == settings["project"]["dependencies"] + settings["dependency-groups"]["test"]
    named = [*run.dependencies(), *run.build_tools(), *run.BUILD_FIRST]
    assert {canonical(name) for name in named} - pinned == set()
    assert all(re.fullmatch(r"\d[\w.+!-]*", version) for version in pins.values())
    assert len(pinned) == len(pins)

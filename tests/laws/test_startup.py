"""Starting is fast because of what is not loaded; each promise is tried in a process of its own."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("torch", "monai", "ants", "radiomics", "SimpleITK", "sklearn", "scipy", "pandas", "nibabel", "pydicom",
         "matplotlib")
LIGHT = ("app.core.data", "app.core.recipe", "app.core.requests", "app.core.errors", "app.core.jobs",
         "app.core.store", "app.core.paths", "app.core.files")


def loaded_after(code: str, *arguments: str) -> set[str]:
    """Top-level packages that a fresh interpreter holds once it has run the code."""
    report = "\nimport json, sys; sys.stderr.write('\\n' + json.dumps(sorted({n.split('.')[0] for n in sys.modules})))"
    done = subprocess.run([sys.executable, "-c", code + report, *arguments], cwd=ROOT, capture_output=True, text=True,
                          timeout=60)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stderr.splitlines()[-1]))


def test_the_core_that_the_window_sees_is_light():
    assert loaded_after("\n".join(f"import {name}" for name in LIGHT)).isdisjoint({*HEAVY, "PySide6", "pyqtgraph"})


def test_the_window_is_light():
    modules = [name for name in ("launch", "window") if importlib.util.find_spec(f"app.ui.{name}")]
    if not modules:
        pytest.skip("there is no window yet")
    found = loaded_after("\n".join(f"import app.ui.{name}" for name in modules))
    assert "PySide6" in found
    assert found.isdisjoint(HEAVY)


def test_version_and_help_are_light():
    code = """
import runpy, sys
sys.argv = ["app", "{}"]
try:
    runpy.run_module("app", run_name="__main__")
except SystemExit as end:
    assert end.code in (0, None)
"""
    for word in ("--version", "--help"):
        assert loaded_after(code.format(word)).isdisjoint({*HEAVY, "PySide6"})


def test_scoring_by_size_loads_no_learning_and_no_texture(shared_data):
    code = """
import sys
from app.cli import run_command_line
assert run_command_line(["score", *sys.argv[1:], "--model", "lipoma-size", "--json"]) == 0
"""
    case = shared_data / "sts" / "STS_003"
    found = loaded_after(code, str(case / "t1.nii.gz"), str(case / "gtv.nii.gz"))
    assert "nibabel" in found
    assert found.isdisjoint({"torch", "monai", "ants", "radiomics", "sklearn", "matplotlib", "PySide6"})

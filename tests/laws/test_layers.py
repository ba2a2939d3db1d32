"""Imports run downward: the contracts of pyproject.toml hold, name every module, and break when they should."""

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SEEN_BY_THE_WINDOW = {"data", "recipe", "network_recipe", "settings", "requests", "errors", "jobs", "store", "paths",
                      "files", "living"}
HEAVY = {"torch", "monai", "ants", "radiomics", "SimpleITK", "sklearn", "scipy", "pandas", "nibabel", "pydicom",
         "matplotlib"}


def check_contracts(folder: Path) -> subprocess.CompletedProcess:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()", "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)


def contracts() -> dict[str, dict]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    return {contract["id"]: contract for contract in settings["contracts"]}


def test_every_contract_is_kept():
    done = check_contracts(ROOT)
    assert done.returncode == 0, done.stdout[-3000:]
    assert f"Contracts: {len(contracts())} kept, 0 broken." in done.stdout


def test_the_window_may_see_eleven_modules_of_the_core_and_no_heavy_library():
    found = {path.stem for path in (ROOT / "app" / "core").iterdir() if path.stem not in ("__init__", "__pycache__")}
    forbidden = set(contracts()["window"]["forbidden_modules"])
    assert forbidden == {f"app.core.{name}" for name in found - SEEN_BY_THE_WINDOW} | HEAVY


def test_an_import_that_runs_upward_is_found(tmp_path):
    (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    for path in (ROOT / "app").rglob("*.py"):
        copied = tmp_path / path.relative_to(ROOT)
        copied.parent.mkdir(parents=True, exist_ok=True)
        copied.write_bytes(path.read_bytes())
    for name, line in (("core/errors.py", "from app.core.data import Caution"),
                       ("core/data/grids.py", "import PySide6"),
                       ("ui/words.py", "from app.core.bundle import Bundle")):
        with (tmp_path / "app" / name).open("a", encoding="utf-8") as file:
            file.write(f"\n{line}  # planted\n")
    done = check_contracts(tmp_path)
    assert done.returncode == 1
    broken = {line.removesuffix(" BROKEN") for line in done.stdout.splitlines() if line.endswith(" BROKEN")}
    assert broken == {contracts()[name]["name"] for name in ("core", "no-qt", "window")}

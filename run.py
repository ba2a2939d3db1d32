"""The one command: makes the environment on first use, then opens the program, or runs what is asked.

    python run.py              opens the window on the demonstration case
    python run.py test [...]   runs the tests on all cores (further words go to pytest; -n0: in one process)
    python run.py bench        runs the benchmarks and prints their tables
    python run.py build        makes the program that needs no Python, and its installer (--test tries it out)
    python run.py --check      only says whether this machine can run the program
    python run.py -- ARGS      python -m app ARGS

Standard library only, and readable by any Python 3, so that an old one is told so in a sentence.
"""

import ctypes.util
import hashlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parent
ENVIRONMENT = ROOT / ".venv"
STAMP = ENVIRONMENT / "liposcope.json"
PINS = ROOT / "resources" / "pins.txt"
DISK_NEEDED_GB = 6
RADIOMICS = "pyradiomics==3.0.1"
BUILD_FIRST = ("numpy", "versioneer", "setuptools", "wheel")
# -n0 among the words: one process
WORKERS = ("-n", "auto", "--dist", "loadfile", "--no-loadscope-reorder", "--max-worker-restart", "0")
QT_LIBRARIES = {
    "EGL": "libegl1",
    "GL": "libgl1",
    "xkbcommon": "libxkbcommon0",
    "dbus-1": "libdbus-1-3",
    "fontconfig": "libfontconfig1",
    "glib-2.0": "libglib2.0-0",
}


class SetupError(Exception):
    """Something about this machine that only its owner can change, as one sentence."""


def check_python():
    """Refuse a Python that the program's libraries do not support."""
    if sys.version_info < (3, 11):
        raise SetupError(
            "LipoScope needs Python 3.11 or newer, this is %d.%d: install one and run it again with that."
            % sys.version_info[:2]
        )


def check_disk():
    """Refuse to start an installation that would fill the disk."""
    free = shutil.disk_usage(str(ROOT)).free / 1e9
    if free < DISK_NEEDED_GB:
        raise SetupError(
            "The set-up needs %d GB of free disk space beside the program, %.1f GB are free: make room and "
            "run it again." % (DISK_NEEDED_GB, free)
        )


def check_compiler():
    """Refuse to start without the C compiler and the Python headers that pyradiomics is built with."""
    if os.name == "nt":
        return  # the build finds Visual C++ by the registry, not on the path; pip says when it is missing
    if not any(shutil.which(name) for name in ((os.environ.get("CC") or "cc").split()[0], "gcc", "clang")):
        raise SetupError(
            "pyradiomics is built from source and no C compiler was found: install one (on Debian or Ubuntu: "
            "apt install gcc python3-dev) and run it again."
        )
    if not (Path(sysconfig.get_paths()["include"]) / "Python.h").exists():
        raise SetupError(
            "pyradiomics is built from source and Python.h was not found: install Python's headers (on Debian "
            "or Ubuntu: apt install python3-dev) and run it again."
        )


def check_display_libraries():
    """Name the Debian packages that Qt needs and this machine lacks."""
    if not sys.platform.startswith("linux"):
        return
    missing = [package for library, package in QT_LIBRARIES.items() if not ctypes.util.find_library(library)]
    if missing:
        raise SetupError(
            "The window needs system libraries that are missing: install them (on Debian or Ubuntu: apt install "
            "%s) and run it again." % " ".join(missing)
        )


def python():
    """Path of the environment's interpreter."""
    return ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def wanted():
    """What the environment must hold: changes when the pins, the dependencies or the interpreter change."""
    digest = hashlib.sha256(PINS.read_bytes() + json.dumps(dependencies()).encode()).hexdigest()
    return {"digest": digest, "python": "%d.%d" % sys.version_info[:2], "radiomics": RADIOMICS}


def ready():
    """Whether an earlier run finished the environment that is wanted now."""
    try:
        return python().exists() and json.loads(STAMP.read_text()) == wanted()
    except (OSError, ValueError):
        return False


def install(step, *packages):
    """Run pip in the environment with the pins; a failure is one sentence, its output stays above it."""
    print("LipoScope set-up: %s" % step, flush=True)
    command = [str(python()), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-c", str(PINS)]
    if subprocess.call(command + list(packages)) != 0:
        raise SetupError(
            "The set-up stopped at '%s': the lines above say why; with a network and free disk space, run it "
            "again and it continues." % step
        )


def build_tools():
    """The packages that pyproject.toml names for making the installer."""
    import tomllib

    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]["build"]


def dependencies():
    """The packages that pyproject.toml names, for running and for testing."""
    import tomllib

    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return settings["project"]["dependencies"] + settings["dependency-groups"]["test"]


def prepare():
    """Make the environment unless it is ready."""
    if ready():
        return
    check_disk()
    check_compiler()
    if not python().exists():
        print("LipoScope set-up: making .venv (once, a few minutes)", flush=True)
        if subprocess.call([sys.executable, "-m", "venv", str(ENVIRONMENT)]) != 0:
            raise SetupError(
                "Python could not make a virtual environment: install its venv module (on Debian or Ubuntu: "
                "apt install python3-venv) and run it again."
            )
    install("build tools", *BUILD_FIRST)
    install("libraries", *dependencies())
    install("radiomics (builds from source)", "--no-build-isolation", RADIOMICS)
    STAMP.write_text(json.dumps(wanted()))


def run_in_environment(arguments):
    """Hand over to the environment's interpreter and return its exit status."""
    return subprocess.call([str(python()), *arguments], cwd=str(ROOT))


def main(words):
    """Carry out the command line and return the exit status."""
    check_python()
    if words == ["--check"]:
        check_disk()
        check_compiler()
        check_display_libraries()
        print("This machine can run LipoScope.")
        return 0
    if words and words[0] not in ("test", "bench", "build", "--"):
        raise SetupError(
            "'%s' is not a command: use test, bench, build, --check, or -- followed by the program's own words."
            % words[0]
        )
    prepare()
    if not words:
        check_display_libraries()
        return run_in_environment(["-m", "app", "--demo"])
    if words[0] == "test":
        check_display_libraries()
        return run_in_environment(["-m", "pytest", *WORKERS, *words[1:]])
    if words[0] == "bench":
        return run_in_environment(["-m", "tests.benchmarks", *words[1:]])
    if words[0] == "build":
        install("installer's tools", *build_tools())
        return run_in_environment(["-m", "resources.installer", *words[1:]])
    # paths on the command line are the caller's, so the working folder stays his; -P: his files are not our modules
    return subprocess.call([str(python()), "-P", "-m", "app", *words[1:]], env=dict(os.environ, PYTHONPATH=str(ROOT)))


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except SetupError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(3)

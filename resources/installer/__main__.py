"""`python run.py build`: freezes the program, tells what it weighs, wraps it for its users, and tries it out.

python run.py build                  the program in dist/LipoScope, the installer and its size report in dist
python run.py build --test           the same, then the smoke test of what was built
python run.py build --only-test      the smoke test of what was built before
python run.py build --no-installer   only the program and its size report
python run.py build --cuda           with the libraries of graphics cards, if the environment's torch has them
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from resources.installer import artefact, icons, linked, parts, resource, sizes
from resources.installer.artefact import CannotBuild
from resources.installer.contents import NAME, ROOT

MADE, WORK, OUT = ROOT / "build" / "installer", ROOT / "build" / "pyinstaller", ROOT / "dist"
DISK_NEEDED_GB = 6


def main(words: list[str]) -> int:
    """Carry out the command line and return the exit status."""
    options = read_words(words)
    if not options.only_test:
        build(options)
    if options.test or options.only_test:
        from resources.installer.smoke import test_program

        return test_program(OUT / NAME, newest_installer())
    return 0


def read_words(words: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="run.py build", description="Freezes the program and makes its installer.")
    parser.add_argument("--test", action="store_true", help="try out what was built: no network, no Python, no rights")
    parser.add_argument("--only-test", action="store_true", help="try out what was built before")
    parser.add_argument("--no-installer", action="store_true", help="only the program")
    parser.add_argument("--cuda", action="store_true", help="keep a torch that carries the libraries of graphics cards")
    return parser.parse_args(words)


def build(options: argparse.Namespace) -> None:
    """Freeze, weigh, wrap; a table of the steps' seconds at the end."""
    check_disk()
    check_torch(cuda=options.cuda)
    steps: list[tuple[str, float]] = []

    def step(what: str, do: Callable[[], Any]) -> Any:
        sys.stdout.write(f"{what}\n")
        sys.stdout.flush()
        begun = time.perf_counter()
        answer = do()
        steps.append((what, time.perf_counter() - begun))
        return answer

    step("Drawing icons, writing version and build", prepare)
    step("Freezing the program", freeze)
    step("Looking for what is linked to and missing", check_links)
    places = json.loads((MADE / "places.json").read_text(encoding="utf-8"))
    report = step("Weighing it", lambda: sizes.measure(OUT / NAME, places))
    if not options.no_installer:
        made = step("Making the installer", lambda: artefact.make(OUT / NAME, OUT))
        report["artefacts"] = {made.name: made.stat().st_size}
    sizes.write(report, f"{NAME} {parts.version()}", OUT / artefact.name_artefact())
    sys.stdout.write("\n" + sizes.as_text(report, f"{NAME} {parts.version()}") + "\n")
    sys.stdout.write("".join(f"{seconds:8.1f} s  {what}\n" for what, seconds in steps))


def check_disk() -> None:
    """Refuse a build that would fill the disk."""
    free = shutil.disk_usage(ROOT).free / 1e9
    if free < DISK_NEEDED_GB:
        raise CannotBuild(f"A build needs {DISK_NEEDED_GB} GB of free disk space, {free:.1f} GB are free: make room "
                          "and run it again.")


def check_torch(*, cuda: bool) -> None:
    """Refuse to wrap gigabytes that nobody asked for."""
    import torch

    if torch.version.cuda is not None and not cuda:
        raise CannotBuild(
            f"The environment's torch is built for CUDA {torch.version.cuda}, which adds some gigabytes: build with "
            "--cuda, or put the build for processors alone into the environment."
        )


def check_links() -> None:
    """Refuse to hand out a program that would lack a library only when a part of it is first used."""
    missing = linked.find_missing(OUT / NAME / "_internal")
    if missing:
        name, files = next(iter(missing.items()))
        raise CannotBuild(f"{name} is missing in the program, and {files[0]} is linked to it ({len(missing)} are "
                          "missing in all): keep it in contents.py, or leave out what needs it.")


def prepare() -> None:
    """Write what `build.spec` reads."""
    MADE.mkdir(parents=True, exist_ok=True)
    icons.write_icons(MADE)
    (MADE / "version.txt").write_text(resource.write_version(parts.version()), encoding="utf-8")
    (MADE / "build.json").write_text(json.dumps({"version": parts.version(), "source": digest_source()}),
                                     encoding="utf-8")


def digest_source() -> str:
    """Digest the program's code: what a frozen program has kept is another's when the code is another."""
    digest = hashlib.sha256()
    for file in sorted((ROOT / "app").rglob("*.py")):
        digest.update(file.relative_to(ROOT).as_posix().encode() + file.read_bytes())
    return digest.hexdigest()


def freeze() -> None:
    """Run PyInstaller; its words are kept in a file, and shown when it fails."""
    log = MADE / "pyinstaller.log"
    with log.open("w", encoding="utf-8") as stream:
        status = subprocess.call([sys.executable, "-m", "PyInstaller", "--noconfirm", "--workpath", str(WORK),
                                  "--distpath", str(OUT), str(ROOT / "build.spec")],
                                 cwd=ROOT, stdout=stream, stderr=subprocess.STDOUT)
    if status != 0:
        tail = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])
        raise CannotBuild(f"{tail}\nThe program could not be frozen: the lines above and {log} say why.")


def newest_installer() -> Path | None:
    """Find the installer of this system, if there is one."""
    found = sorted(OUT.glob(f"{artefact.name_artefact()}.[red][xum]*"))
    return next((path for path in found if path.suffix in (".run", ".exe", ".dmg")), None)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except CannotBuild as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(3)

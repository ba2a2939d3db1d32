"""The one file that is handed out: an installer for the system that builds."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from resources.installer.contents import NAME, ROOT
from resources.installer.parts import version

HERE = Path(__file__).resolve().parent
SHARED_FILES = ("NOTICES.txt", "LICENSE")


class CannotBuild(Exception):
    """Something about this machine that only its owner can change, as one sentence."""


def name_artefact() -> str:
    """Name the installer without its ending: program, version, system, processor."""
    system = {"linux": "linux", "win32": "windows", "darwin": "macos"}.get(sys.platform, sys.platform)
    return f"{NAME}-{version()}-{system}-{platform.machine().lower()}"


def make(folder: Path, out: Path) -> Path:
    """Wrap the frozen program.

    Parameters
    ----------
    folder : Path
        The one-dir program.
    out : Path
        The folder for the installer; a file with its SHA-256 is written beside it.

    Returns
    -------
    Path
        The installer.

    Raises
    ------
    CannotBuild
        A tool is missing.
    """
    makers = {"linux": make_run, "win32": make_setup, "darwin": make_dmg}
    artefact = makers[sys.platform](folder, out)
    digest = sha256(artefact)
    artefact.with_name(f"{artefact.name}.sha256").write_text(f"{digest}  {artefact.name}\n", encoding="ascii")
    return artefact


def make_run(folder: Path, out: Path) -> Path:
    """Write a shell script that carries the program: it needs a shell, tar and xz, which every Linux desktop has."""
    for tool in ("tar", "xz"):
        if shutil.which(tool) is None:
            raise CannotBuild(f"The installer is packed with {tool}, which was not found: install it and build again.")
    artefact = out / f"{name_artefact()}.run"
    unpacked = sum(file.lstat().st_size for file in folder.rglob("*") if file.is_file() and not file.is_symlink())
    with tempfile.TemporaryDirectory(dir=out) as room:
        beside, payload = Path(room) / "beside", Path(room) / "payload.tar.xz"
        stage(folder, beside)
        pack(folder, beside, payload)
        partial = Path(room) / artefact.name
        partial.write_bytes(write_stub(sha256(payload), unpacked))
        with partial.open("ab") as whole, payload.open("rb") as part:
            shutil.copyfileobj(part, whole, 1 << 20)
        partial.chmod(0o755)
        partial.replace(artefact)
    return artefact


def stage(folder: Path, beside: Path) -> None:
    """Lay out what stands beside the program in its folder: entry for the menu, icon, uninstaller, licences."""
    beside.mkdir(parents=True)
    beside.chmod(0o755)
    for file in ("liposcope.desktop", "uninstall.sh"):
        (beside / file).write_bytes((HERE / "linux" / file).read_bytes())
    (beside / "uninstall.sh").chmod(0o755)
    shutil.copy(ROOT / "resources" / "icons" / "liposcope.svg", beside)
    for file in SHARED_FILES:
        shutil.copy(folder / "_internal" / file, beside)


def pack(folder: Path, beside: Path, payload: Path) -> None:
    """Compress the program and what stands beside it into one archive, owned by nobody in particular."""
    words = ["tar", "--create", "--owner=0", "--group=0", "--numeric-owner", "--sort=name", "--directory", str(folder),
             ".", "--directory", str(beside), "."]
    with payload.open("wb") as out, subprocess.Popen(words, stdout=subprocess.PIPE) as tar:
        squeeze = subprocess.run(["xz", "--threads=0", "-3", "--stdout"], stdin=tar.stdout, stdout=out, check=False)
    if tar.returncode or squeeze.returncode:
        raise CannotBuild("The program could not be packed: the lines above say why.")


def write_stub(digest: str, unpacked: int) -> bytes:
    """Fill the installing script: what it carries, and where in itself that begins."""
    text = (HERE / "linux" / "install.sh").read_text(encoding="utf-8")
    libc = platform.libc_ver()[1] or "0"
    known = {"@VERSION@": version(), "@SHA256@": digest, "@MB@": str(unpacked // 10**6 + 1), "@GLIBC@": libc,
             "@MACHINE@": platform.machine(), "@LINE@": str(text.count("\n") + 1)}
    for mark, value in known.items():
        text = text.replace(mark, value)
    return text.encode()


def make_setup(folder: Path, out: Path) -> Path:
    """Have Inno Setup write the Windows installer."""
    usual = Path(os.environ.get("PROGRAMFILES(X86)", "C:/Program Files (x86)")) / "Inno Setup 6" / "ISCC.exe"
    compiler = shutil.which("iscc") or (str(usual) if usual.exists() else None)
    if compiler is None:
        raise CannotBuild("The Windows installer is made with Inno Setup 6, which was not found: install it and build "
                          "again.")
    subprocess.run([compiler, *setup_words(folder, out)], check=True)
    return out / f"{name_artefact()}.exe"


def setup_words(folder: Path, out: Path) -> list[str]:
    """Arguments of Inno Setup's compiler."""
    return ["/Qp", f"/DVersion={version()}", f"/DSource={folder}", f"/DOutput={out}", f"/DBaseName={name_artefact()}",
            f"/DIcon={ROOT / 'build' / 'installer' / 'liposcope.ico'}", str(HERE / "windows" / "liposcope.iss")]


def make_dmg(folder: Path, out: Path) -> Path:
    """Have the system's own tools write a disk image; with an identity in LIPOSCOPE_SIGN it is signed."""
    artefact = out / f"{name_artefact()}.dmg"
    subprocess.run(["bash", str(HERE / "macos" / "dmg.sh"), str(folder.with_suffix(".app")), str(artefact), version()],
                   check=True)
    return artefact


def sha256(path: Path) -> str:
    """Digest a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()

"""Sound files in odd places: paths that turn back, links, names of every alphabet and length, closed and full disks."""

from __future__ import annotations

import os
import resource
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.fuzz.drive import Course, drive_case
from tests.fuzz.mutations import samples_of
from tests.fuzz.sample import Sample

Rng = np.random.Generator
_READERS = ("nifti", "dicom", "rtstruct", "nrrd")
_NOBODY = 65534


@dataclass(frozen=True)
class Trick:
    """A sample and what is done with where it lies."""

    name: str
    sample: Sample
    seed: int


def make_trick(seed: int, number: int) -> Trick:
    """The same trick for the same seed and number, always."""
    names, reader = list(_TRICKS), _READERS[number // len(_TRICKS) % len(_READERS)]
    return Trick(names[number % len(names)], samples_of(reader)[0], seed * 1_000_003 + number)


def drive(trick: Trick, folder: Path, scratch: Path) -> Course:
    """Put the files there, and drop them."""
    trick.sample.write(folder, {})
    return _TRICKS[trick.name](np.random.default_rng(trick.seed), trick.sample, folder, scratch)


def _turn_back(rng: Rng, sample: Sample, folder: Path, scratch: Path) -> Course:
    way = "/".join([str(folder), *(["..", folder.name] * int(rng.integers(1, 40)))])
    return drive_case(folder, sample, scratch, paths=[way], image=f"{way}/{sample.image}", mask=f"{way}/{sample.mask}")


def _relative(rng: Rng, sample: Sample, folder: Path, scratch: Path) -> Course:
    way = os.path.relpath(folder)
    image, mask = f"{way}/{sample.image}", f"./{way}/{sample.mask}"
    return drive_case(folder, sample, scratch, paths=[way], image=image, mask=mask)


def _through_links(rng: Rng, sample: Sample, folder: Path, scratch: Path) -> Course:
    links = scratch / "links"
    links.mkdir()
    for name in {Path(file).parts[0] for file in sample.files}:
        (links / name).symlink_to(folder / name)
    return drive_case(links, sample, scratch)


def _bad_links(rng: Rng, sample: Sample, folder: Path, scratch: Path) -> Course:
    """Links to nowhere, to themselves, to a device, to the folder above; one of them in the place of the outline."""
    targets = [folder / "nowhere", Path("/dev/zero"), Path("/dev/full"), folder, Path("/proc/self/mem"), Path("a_mask")]
    for n, target in enumerate(targets):
        (folder / f"link{n}{('', '.dcm', '.nii', '.nii.gz', '.mha', '.csv')[int(rng.integers(6))]}").symlink_to(target)
    (folder / "loop").symlink_to(folder / "loop")
    if rng.integers(2):
        (folder / sample.mask).unlink()
        (folder / sample.mask).symlink_to(targets[int(rng.integers(len(targets)))])
    return drive_case(folder, sample, scratch)


_NAMES = ("Пациент", "患者", "é́", "ÅßÞ", "😀", "صورة", "a b", " lead", "dot.", "q'uote\"s", "-rf", "line\nbreak",
          "tab\t", "%d", "$HOME", "`id`", "*", "[a]", "x" * 250, "я" * 120, "con", "nul", "~", "a;b", "{x}", "#",
          "\u202e", "\u200b")


def _odd_folder(rng: Rng, sample: Sample, folder: Path, scratch: Path) -> Course:
    moved = folder / _NAMES[int(rng.integers(len(_NAMES)))] / _NAMES[int(rng.integers(len(_NAMES)))]
    moved.mkdir(parents=True)
    sample.write(moved, {})
    return drive_case(moved, sample, scratch)


def _bytes_name(rng: Rng, sample: Sample, folder: Path, scratch: Path) -> Course:
    """A name that is no text."""
    moved = Path(os.fsdecode(os.fsencode(folder) + (b"/\xff\xfe", b"/t\xe9l", b"/\xc3\x28")[int(rng.integers(3))]))
    moved.mkdir()
    sample.write(moved, {})
    return drive_case((folder, moved)[int(rng.integers(2))], sample, scratch, image=str(moved / sample.image),
                      mask=str(moved / sample.mask))


def _too_long(rng: Rng, sample: Sample, folder: Path, scratch: Path) -> Course:
    """Names that no disk takes, and one with a zero in it."""
    name = ("x" * 300, "y" * 5000, "/".join(["z" * 200] * 30), "a\0b", "", ".", "..", "/", "~nobody-here", "con:")
    odd = name[int(rng.integers(6))]
    return drive_case(folder, sample, scratch, paths=[str(folder / f"{odd}.nii")],
                      image=str(folder / f"{odd}.nii") if rng.integers(2) else None,
                      mask=str(folder / f"{odd}.dcm"))


def _folder_for_file(rng: Rng, sample: Sample, folder: Path, scratch: Path) -> Course:
    victim = folder / sample.mask
    victim.unlink()
    victim.mkdir()
    if rng.integers(2):
        sample.write(victim, {})
    return drive_case(folder, sample, scratch)


def _pipes(rng: Rng, sample: Sample, folder: Path, scratch: Path) -> Course:
    """Pipes and sockets, which wait for ever when they are opened."""
    for name in ("pipe", "pipe.dcm", "pipe.nii", "pipe.mha", "pipe.csv", "pipe.hdr"):
        os.mkfifo(folder / name)
    listener = socket.socket(socket.AF_UNIX)
    here = Path.cwd()
    try:
        os.chdir(folder)
        listener.bind("s.dcm")
    finally:
        os.chdir(here)
    if rng.integers(2):
        (folder / sample.mask).unlink()
        os.mkfifo(folder / sample.mask)
    course = drive_case(folder, sample, scratch)
    listener.close()
    return course


def _detached_elsewhere(rng: Rng, sample: Sample, folder: Path, scratch: Path) -> Course:
    """A header whose voxels lie in a device, a pipe, above, or in itself."""
    os.mkfifo(folder / "pipe")
    target = ("/dev/zero", "pipe", "../../../../../../etc/passwd", "t1.mhd", "/dev/stdin", "LIST\npipe\n/dev/zero",
              "%d.raw 1 99999999 1", "%s%n.raw 1 2 1", "", "../drop/t1.nii", "/proc/self/mem", "x" * 300)
    data = target[int(rng.integers(len(target)))]
    (folder / "t1.mhd").write_text("ObjectType = Image\nNDims = 3\nBinaryData = True\nDimSize = 16 14 8\nElementType = "
                                   f"MET_SHORT\nElementDataFile = {data}\n", encoding="ascii")
    (folder / "t2.nhdr").write_text("NRRD0004\ntype: short\ndimension: 3\nsizes: 16 14 8\nencoding: raw\nendian: little"
                                    f"\ndata file: {data}\n", encoding="ascii")
    named = str(folder / ("t1.mhd", "t2.nhdr")[int(rng.integers(2))])
    return drive_case(folder, sample, scratch, image=named if rng.integers(2) else None,
                      mask=named if rng.integers(2) else None)


def _crowd(rng: Rng, sample: Sample, folder: Path, scratch: Path) -> Course:
    """Many foreign files, and deep folders."""
    for n in range(400):
        (folder / f"{n}.{('txt', 'dcm', 'json', 'hdr', 'csv')[n % 5]}").write_bytes(rng.bytes(n % 7))
    (folder.joinpath(*["deep"] * 100)).mkdir(parents=True)
    return drive_case(folder, sample, scratch)


def _gone_meanwhile(rng: Rng, sample: Sample, folder: Path, scratch: Path) -> Course:
    """The drop is named by hand after everything is gone, or the image stands for its own outline."""
    if rng.integers(2):
        for name in sample.files:
            (folder / name).unlink()
        return drive_case(folder, sample, scratch)
    return drive_case(folder, sample, scratch, mask=str(folder / sample.image))


def _closed(rng: Rng, sample: Sample, folder: Path, scratch: Path) -> Course:
    """Files and folders that the user may not read."""
    closed = [folder / sample.mask, folder / next(iter(sample.files)), folder][int(rng.integers(3))]
    with _as_nobody(folder, scratch):
        mode = closed.stat().st_mode
        os.seteuid(0)
        closed.chmod((0o000, 0o200, 0o444 if closed.is_dir() else 0o000)[int(rng.integers(3))])
        os.seteuid(_NOBODY)
        course = drive_case(folder, sample, scratch, disk=True)
    closed.chmod(mode)
    return course


def _read_only(rng: Rng, sample: Sample, folder: Path, scratch: Path) -> Course:
    """Results are asked for where the user may not write."""
    with _as_nobody(folder, scratch):
        os.seteuid(0)
        scratch.chmod(0o555)
        os.seteuid(_NOBODY)
        inner = scratch / ("view", "a/b")[int(rng.integers(2))]
        return drive_case(folder, sample, inner, out=scratch / "out", disk=True)


def _full_disk(rng: Rng, sample: Sample, folder: Path, scratch: Path) -> Course:
    """The disk takes a few kilobytes and no more."""
    limit = int(rng.integers(0, 9000))
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        course = drive_case(folder, sample, scratch, out=scratch / "out", disk=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        signal.signal(signal.SIGXFSZ, before)
    halves = [path.name for path in (scratch / "out").rglob(".partial-*")] if (scratch / "out").is_dir() else []
    course.faults += [f"score: half a file was left: {name}" for name in halves[:1]]
    return course


def _devices(rng: Rng, sample: Sample, folder: Path, scratch: Path) -> Course:
    """Devices are dropped beside the case."""
    return drive_case(folder, sample, scratch, paths=["/dev/pts", "/dev/zero", "/dev/tty", "/dev/fd", str(folder)])


@contextmanager
def _as_nobody(folder: Path, scratch: Path) -> Iterator[None]:
    """As an ordinary user, who may enter what the tests made."""
    if os.geteuid() != 0:
        yield
        return
    for path in [folder, scratch, *folder.rglob("*")]:
        path.chmod(0o777 if path.is_dir() else 0o644)
    os.seteuid(_NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        scratch.chmod(0o777)


_TRICKS: dict[str, Callable[[Rng, Sample, Path, Path], Course]] = {
    "turning back": _turn_back, "relative": _relative, "links": _through_links, "bad links": _bad_links,
    "odd names": _odd_folder, "names of bytes": _bytes_name, "too long": _too_long, "folder for file": _folder_for_file,
    "pipes": _pipes, "detached elsewhere": _detached_elsewhere, "crowd": _crowd, "gone": _gone_meanwhile,
    "closed": _closed, "read-only": _read_only, "full disk": _full_disk, "devices": _devices,
}

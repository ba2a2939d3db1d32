"""What is handed out: contents, notices, resources and the installers' scripts; the build itself is `run.py build`."""

import ast
import json
import os
import plistlib
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import app
from resources.installer import artefact, contents, icons, notices, parts, resource, sizes
from resources.installer.comparing import compare

ROOT = Path(__file__).resolve().parents[1]
HERE = ROOT / "resources" / "installer"
ASKED_ELSEWHERE = {"distributed"}  # measuring on a cluster is for the source alone


def parsed(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(path):
    nodes = list(ast.walk(parsed(path)))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return names | {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}


# What goes in


def test_the_specification_knows_every_system():
    tree = parsed(ROOT / "build.spec")
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert {"Analysis", "PYZ", "EXE", "COLLECT", "BUNDLE"} <= called
    asked = {f"{node.value.id}.{node.attr}" for node in ast.walk(tree)
             if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)}
    for name in sorted(name for name in asked if name.startswith(("contents.", "parts."))):
        module, _, thing = name.partition(".")
        assert hasattr({"contents": contents, "parts": parts}[module], thing), name


def test_a_worker_process_is_recognised_before_anything_else():
    body = next(node for node in parsed(ROOT / "app" / "__main__.py").body if isinstance(node, ast.If)).body
    assert ast.unparse(body[0]) == "multiprocessing.freeze_support()"


def test_nothing_that_the_program_imports_is_left_out():
    left_out = {name for path in (ROOT / "app").rglob("*.py") for name in imported(path) if contents.is_left_out(name)}
    assert left_out == ASKED_ELSEWHERE


def test_the_program_knows_nothing_of_its_installer():
    assert [path.name for path in (ROOT / "app").rglob("*.py") if "resources" in path.read_text(encoding="utf-8")
            and any(name.split(".")[0] in ("resources", "tests") for name in imported(path))] == []


def test_everything_that_the_program_reads_is_shipped():
    places = {f"{folder}/{Path(file).name}" for file, folder in contents.find_shipped()}
    tracked = [path for name in ("resources", "models") for path in (ROOT / name).rglob("*") if path.is_file()]
    wanted = {path.relative_to(ROOT).as_posix() for path in tracked
              if "installer" not in path.parts and "__pycache__" not in path.parts and path.name != "pins.txt"}
    assert places == wanted
    assert "resources/icons/liposcope.svg" in places
    assert not any("installer" in place or "pins" in place for place in places)


@pytest.mark.parametrize(("place", "wanted"), [
    ("torch/lib/libtorch_cpu.so", True), ("torch/bin/torch_shm_manager", True), ("torch/bin/test_jit", False),
    ("torch/bin/protoc", False), ("torch/include/ATen/ATen.h", False), ("pyarrow/libarrow.so.2600", True),
    ("pyarrow/libarrow_flight.so.2600", False), ("pyarrow/libarrow_python.so.2600", True),
    ("pyarrow/libarrow_python.so.2600.1.0", False), ("pyarrow/libarrow_substrait.so.2600", True),
    ("pyarrow/libarrow_python_parquet_encryption.so.2600", True), ("PySide6/Qt/lib/libQt6Gui.so.6", True),
    ("PySide6/Qt/lib/libQt6Network.so.6", False), ("PySide6/Qt6Quick.dll", False), ("PySide6/Qt6Widgets.dll", True),
    ("PySide6/Qt/plugins/platforms/libqxcb.so", True), ("PySide6/Qt/plugins/platforms/libqvnc.so", False),
    ("PySide6/plugins/platforms/qwindows.dll", True), ("PySide6/Qt/plugins/imageformats/libqsvg.so", True),
    ("PySide6/Qt/plugins/tls/libqopensslbackend.so", False), ("libgtk-3.so.0", False), ("libpng16.so.16", True),
    ("libreadline.so.8", False), ("skimage/data/__init__.pyi", True), ("sklearn/datasets/data/iris.csv", False),
    ("resources/recipes/default.json", True), ("highdicom/_standard/module_attribute_map.json", True),
])
def test_files_that_hooks_bring_are_sorted(place, wanted):
    assert contents.is_wanted_file(place) is wanted


def test_nothing_shipped_is_sorted_out():
    assert [file for file, folder in contents.find_shipped()
            if not contents.is_wanted_file(f"{folder}/{Path(file).name}")] == []


def test_modules_that_are_asked_for_by_name_are_found():
    found = {name: set(contents.find_modules(name)) for name in contents.ASKED_BY_NAME}
    files = [path.relative_to(ROOT).with_suffix("") for path in (ROOT / "app").rglob("*.py")]
    assert {".".join(path.parts).removesuffix(".__init__") for path in files} == found["app"], "all of the program"
    assert "skops.io.old._general_v0" in found["skops"], "a folder without __init__.py"
    assert "sklearn.tree._tree" in found["sklearn"], "compiled"
    assert {"radiomics._cmatrices", "radiomics.glcm"} <= found["radiomics"]
    assert not any(re.search(r"\.(tests|conftest)\b", name) for names in found.values() for name in names)
    assert all(names for names in found.values())


@pytest.mark.slow
def test_libraries_do_without_what_is_left_out():
    code = """
import sys
from resources.installer import contents
for name in contents.UNUSED_MODULES:
    if name not in ("resources", "tests"):
        sys.modules[name] = None
for name in ("torch.export", "torch.onnx", "skops.io", "imblearn.over_sampling", "umap", "monai.networks.nets.resnet",
             "pyarrow.parquet", "pydicom.pixels.decoders", "highdicom.seg", "ants", "skorch", "app.ui.window"):
    __import__(name)
"""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], cwd=ROOT, capture_output=True, text=True,
                          timeout=280, env={**os.environ, "QT_QPA_PLATFORM": "offscreen"})
    assert done.returncode == 0, done.stderr[-1500:]


# Notices


def dependencies():
    """Names of all that the program's own dependencies bring along here."""
    import tomllib

    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    waiting, found = [*settings["project"]["dependencies"], "pyradiomics"], {}
    while waiting:
        requirement = Requirement(waiting.pop())
        name = canonicalize_name(requirement.name)
        if name in found or (requirement.marker is not None and not requirement.marker.evaluate({"extra": ""})):
            continue
        try:
            distribution = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        found[name] = distribution.metadata["Name"]
        waiting += distribution.requires or []
    return sorted(found.values())


def test_every_dependency_has_the_text_of_its_licence():
    names = dependencies()
    assert len(names) > 80
    short = {name: len(notices.text_of(name)) for name in names if len(notices.text_of(name)) < 300}
    assert short == {}, "a licence is longer than that"


def test_notices_name_each_part_and_pass_on_its_text():
    text, told = notices.write([parts.Part("numpy", ("a",)), parts.Part(parts.CPYTHON, ("b",)),
                                parts.Part("PySide6_Essentials", ("c",)), parts.Part(parts.OURS, ("d",))])
    assert [part["name"] for part in told] == ["numpy", "Python", "PySide6_Essentials"]
    assert "PYTHON SOFTWARE FOUNDATION LICENSE VERSION 2" in text
    assert "GNU LESSER GENERAL PUBLIC LICENSE" in text
    assert "double-conversion" in text, "what Qt itself contains"
    assert f"numpy {metadata.version('numpy')}" in text


def test_a_part_without_a_text_stops_the_build(monkeypatch):
    monkeypatch.setattr(notices, "WITHOUT_TEXT", {})
    with pytest.raises(notices.MissingText, match="shiboken6 comes without the text of its licence"):
        notices.text_of("shiboken6")


def test_files_are_told_apart_by_whose_they_are():
    import numpy as np

    found = parts.find_owners([("numpy/__init__.py", np.__file__, "DATA"), ("json", json.__file__, "PYMODULE"),
                               ("resources/a", str(ROOT / "resources" / "pins.txt"), "DATA"), ("a", "", "SYMLINK"),
                               ("libX.so", os.devnull, "BINARY")])
    assert {place: name for place, (name, _) in found.items()} == {
        "numpy/__init__.py": "numpy", "json": parts.CPYTHON, "resources/a": parts.OURS, "libX.so": parts.SYSTEM}


# What systems show


def test_version_resource():
    stubs = {name: lambda *words, _name=name, **named: (_name, words, named) for name in (
        "VSVersionInfo", "FixedFileInfo", "StringFileInfo", "StringTable", "StringStruct", "VarFileInfo", "VarStruct")}
    _, _, whole = eval(resource.write_version("1.2.3"), {}, stubs)  # noqa: S307 - as PyInstaller reads it
    assert whole["ffi"][2]["filevers"] == (1, 2, 3, 0)
    strings = dict(pair[1] for pair in whole["kids"][0][1][0][0][1][1])
    assert strings["ProductVersion"] == "1.2.3"
    assert "flags=0x2" in resource.write_version("1.2.3rc1"), "not yet final"
    assert "filevers=(0, 1, 0, 0)" in resource.write_version("0.1")
    with pytest.raises(ValueError, match="does not begin with numbers"):
        resource.write_version("next")


def test_icons_hold_every_size(tmp_path, qapp):
    from PIL import Image

    windows, mac = icons.write_icons(tmp_path)
    with Image.open(windows) as picture:
        assert picture.info["sizes"] == {(size, size) for size in icons.WINDOWS_SIZES}
    with Image.open(mac) as picture:
        assert max(width * scale for width, _, scale in picture.info["sizes"]) == icons.LARGEST
        middle = picture.convert("RGBA").getpixel((0, 0)), picture.convert("RGBA").getpixel((600, 400))
    assert middle[0][3] == 0, "round corners"
    assert middle[1][3] == 255


def test_property_list_of_the_bundle():
    found = parts.information()
    assert plistlib.loads(plistlib.dumps(found)) == found
    assert found["CFBundleShortVersionString"] == app.__version__


# Installers


def inno_sections():
    sections, current = {}, None
    for line in (HERE / "windows" / "liposcope.iss").read_text(encoding="utf-8").splitlines():
        if found := re.fullmatch(r"\[(\w+)\]", line):
            current = sections.setdefault(found.group(1), [])
        elif line and not line.startswith((";", "#", "  #")):
            assert current is not None, line
            current.append(line)
    return sections


def test_inno_script_is_consistent():
    text = (HERE / "windows" / "liposcope.iss").read_text(encoding="utf-8")
    given = {re.match(r"/D(\w+)=", word).group(1)
             for word in artefact.setup_words(Path("dist"), Path("out")) if word.startswith("/D")}
    assert set(re.findall(r"\{#(\w+)\}", text)) == given
    sections = inno_sections()
    assert {"Setup", "Languages", "Files", "Icons", "Run"} <= set(sections)
    setup = dict(line.split("=", 1) for line in sections.pop("Setup"))
    assert setup["AppId"].startswith("{{")
    assert setup["OutputBaseFilename"] == "{#BaseName}"
    for section, lines in sections.items():
        for line in lines:
            words = [part.strip() for part in re.split(r";(?=(?:[^\"]*\"[^\"]*\")*[^\"]*$)", line)]
            keys = [word.split(":", 1)[0] for word in words]
            assert all(re.fullmatch(r"[A-Z]\w+: .+", word) for word in words), (section, line)
            assert len(keys) == len(set(keys)), (section, line)
            assert line.count('"') % 2 == 0
    tasks = set(re.findall(r"Tasks: (\w+)", text))
    assert tasks == set(re.findall(r'Name: "(\w+)"; Description', "\n".join(sections["Tasks"])))


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell")
@pytest.mark.parametrize(("shell", "script"), [("bash", "macos/dmg.sh"), ("sh", "linux/install.sh"),
                                               ("sh", "linux/uninstall.sh")])
def test_scripts_can_be_read(shell, script):
    done = subprocess.run([f"/bin/{shell}", "-n", str(HERE / script)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_disk_image_gets_what_the_script_asks_for(monkeypatch, tmp_path):
    called = []
    monkeypatch.setattr(artefact.subprocess, "run", lambda words, **_named: called.append(words))
    artefact.make_dmg(tmp_path / "LipoScope", tmp_path)
    assert called[0][2:] == [str(tmp_path / "LipoScope.app"), str(tmp_path / f"{artefact.name_artefact()}.dmg"),
                             app.__version__]
    script = (HERE / "macos" / "dmg.sh").read_text(encoding="utf-8")
    assert "app=${1:?the application} out=${2:?the disk image} version=${3:?the version}" in script
    with (HERE / "macos" / "entitlements.plist").open("rb") as file:
        assert plistlib.load(file)["com.apple.security.cs.allow-jit"] is True


@pytest.fixture
def toy(tmp_path):
    """A program of three files, wrapped, and a way to run things as its user."""
    if sys.platform != "linux":
        pytest.skip("the script is for Linux")
    folder, out, home = tmp_path / "LipoScope", tmp_path / "out", tmp_path / "ho me"
    for path in (folder / "_internal", out, home):
        path.mkdir(parents=True)
    (folder / "LipoScope").write_text("#!/bin/sh\necho here I am\n")
    (folder / "LipoScope").chmod(0o755)
    for name in artefact.SHARED_FILES:
        (folder / "_internal" / name).write_text(name)
    installer = artefact.make(folder, out)

    def run(*words):
        return subprocess.run(["/bin/sh", *map(str, words)], capture_output=True, text=True, timeout=60, cwd=home,
                              stdin=subprocess.DEVNULL, env={"HOME": str(home), "PATH": os.environ["PATH"]})

    return SimpleNamespace(installer=installer, home=home, run=run, target=home / "opt" / "lipo scope",
                           prefix=("--prefix", home / ".local"))


def test_linux_installer_installs_replaces_and_removes(toy):
    words = (toy.installer, "--silent", "--target", toy.target, *toy.prefix)
    done = toy.run(*words)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert subprocess.run([toy.home / ".local/bin/liposcope"], capture_output=True, text=True).stdout == "here I am\n"
    entry = toy.home / ".local/share/applications/liposcope.desktop"
    assert f'Exec="{toy.target}/LipoScope" --open %F' in entry.read_text()
    assert {path.name for path in toy.target.iterdir()} >= {"LipoScope", "LICENSE", "NOTICES.txt", "uninstall.sh"}
    (toy.target / "old").write_text("of an earlier version")
    assert toy.run(*words).returncode == 0
    assert not (toy.target / "old").exists()
    assert [path.name for path in toy.target.parent.iterdir()] == [toy.target.name], "nothing half-done stays"
    done = toy.run(toy.target / "uninstall.sh", "--silent")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert [path for path in toy.home.rglob("*") if path.is_file() or path.is_symlink()] == []


def test_linux_installer_refuses_what_it_cannot_do(toy):
    assert toy.run(toy.installer, "--check").stdout.endswith("The installer is whole.\n")
    foreign = toy.home / "thesis"
    foreign.mkdir()
    (foreign / "chapter.txt").write_text("years of work")
    done = toy.run(toy.installer, "--silent", "--target", foreign, *toy.prefix)
    assert done.returncode == 2
    assert f"{foreign} exists and is not a LipoScope" in done.stderr
    assert (foreign / "chapter.txt").read_text() == "years of work"
    assert toy.run(toy.installer, "--silent", "--target", toy.home, *toy.prefix).returncode == 2
    assert "'--quiet' is not known" in toy.run(toy.installer, "--quiet").stderr
    whole = toy.installer.read_bytes()
    toy.installer.write_bytes(whole[:-9] + b"\0" + whole[-8:])
    done = toy.run(toy.installer, "--silent", "--target", toy.target, *toy.prefix)
    assert done.returncode == 2
    assert "The installer is damaged (its checksum is" in done.stderr
    assert not toy.target.exists()


def test_checksum_lies_beside_the_installer(toy):
    digest, name = toy.installer.with_name(f"{toy.installer.name}.sha256").read_text().split()
    assert (digest, name) == (artefact.sha256(toy.installer), toy.installer.name)


# Weights and comparisons


def test_weights_add_up(tmp_path):
    folder = tmp_path / "LipoScope"
    for place, size in (("LipoScope", 50), ("_internal/torch/a.so", 1000), ("_internal/torch/b.so", 10),
                        ("_internal/resources/x.json", 3)):
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_bytes(b"x" * size)
    report = sizes.measure(folder, {"torch/a.so": "torch", "torch/b.so": "torch", "resources/x.json": "liposcope"})
    assert report["bytes"] == sum(part["bytes"] for part in report["components"]) == 1063
    assert report["components"][0] == {"name": "torch", "bytes": 1010, "files": 2}
    assert report["largest"][0] == {"path": "_internal/torch/a.so", "bytes": 1000}
    sizes.write(report, "LipoScope", tmp_path / "made")
    assert json.loads((tmp_path / "made.size.json").read_text())["files"] == 4
    assert "0.0  torch" in (tmp_path / "made.size.txt").read_text()


def test_scores_are_compared_to_the_ninth_digit():
    ours = {"probability": 0.5, "interval": [0.1, 0.9], "verdict": "lipoma", "timings": {"load": 3.0}, "ok": True}
    assert compare(ours, {**ours, "timings": {"load": 9.0}}) == (3, [])
    assert compare(ours, {**ours, "probability": 0.5 + 2e-9})[1] == ["probability is 0.5, 0.500000002 expected"]
    assert compare(ours, {**ours, "interval": [0.1]})[1] == ["interval has 2 entries, 1 expected"]
    assert compare(ours, {**ours, "verdict": "uncertain"})[1] == ["verdict is 'lipoma', 'uncertain' expected"]
    assert len(compare(ours, {"probability": 0.5})[1]) == 1
    assert compare({"ok": True}, {"ok": False})[1] == ["ok is True, False expected"]

"""Models handed on and taken in: the same bytes every time, and nothing that does not verify."""

import json
import shutil
import stat
import zipfile
from pathlib import Path

import pytest

from app.core.bundle import Bundle
from app.core.errors import BundleError, InputError
from app.core.paths import data_folder, program_folder
from app.core.workflows import exchange, export_model, import_model, list_models, train
from tests.core.small_cohorts import FEATURES, quiet, training, write_features

ROW = dict(zip(FEATURES, (90.0, 60.0, 1.0), strict=True))


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("exchange")
    train(training(write_features(folder / "features.csv", 60, 1.5), folder / "own-model"), quiet)
    return folder / "own-model"


@pytest.fixture
def archive(model, tmp_path):
    export_model({"model": str(model), "out": str(tmp_path / "own.zip")}, quiet)
    return tmp_path / "own.zip"


def take(path, **changes):
    return import_model({"model": str(path), **changes}, quiet)


def refused(path, kind=BundleError):
    with pytest.raises(kind) as caught:
        take(path)
    assert not (data_folder() / "models").exists() or not any((data_folder() / "models").iterdir())
    return str(caught.value)


def write_archive(path: Path, files: dict[str, bytes], change=lambda _entry: None) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            change(entry)
            archive.writestr(entry, data)
    return path


def contents(model: Path) -> dict[str, bytes]:
    return {f"m/{path.name}": path.read_bytes() for path in sorted(model.iterdir())}


def test_there_and_back_predicts_the_same(model, archive):
    result = take(archive)
    assert result["written"] == [str(data_folder() / "models" / "own-model")]
    assert Bundle.load(data_folder() / "models" / "own-model").predict(ROW) == Bundle.load(model).predict(ROW)
    assert "own-model" in [each["name"] for each in list_models({}, quiet)["models"] if each["verified"]]
    assert take(archive)["digest"] == result["digest"], "the same again is no conflict"


def test_the_same_bytes_every_time(model, archive, tmp_path):
    export_model({"model": str(model), "out": str(tmp_path / "again.zip")}, quiet)
    assert archive.read_bytes() == (tmp_path / "again.zip").read_bytes()
    names = zipfile.ZipFile(archive).namelist()
    assert names == sorted(names)
    assert names[0] == "own-model/bundle.json"


def test_a_folder_there_and_back(model, tmp_path):
    export_model({"model": str(model), "out": str(tmp_path / "copy")}, quiet)
    for path in model.iterdir():
        assert (tmp_path / "copy" / path.name).read_bytes() == path.read_bytes()
    with pytest.raises(InputError, match="copy already exists"):
        export_model({"model": str(model), "out": str(tmp_path / "copy")}, quiet)
    assert take(tmp_path / "copy")["name"] == "own-model"


def test_export_of_a_changed_model_and_without_a_place(model, tmp_path):
    with pytest.raises(InputError, match="needs a place"):
        export_model({"model": str(model)}, quiet)
    copy = shutil.copytree(model, tmp_path / "copy")
    (copy / "evaluation.json").write_text("{}")
    with pytest.raises(BundleError, match=r"evaluation\.json was changed"):
        export_model({"model": str(copy), "out": str(tmp_path / "out.zip")}, quiet)
    assert not (tmp_path / "out.zip").exists()


def test_every_changed_byte_is_refused(model, tmp_path):
    for name, data in contents(model).items():
        changed = bytearray(data)
        changed[len(data) // 2] ^= 1
        refused(write_archive(tmp_path / "bad.zip", {**contents(model), name: bytes(changed)}))


def test_paths_links_and_strangers_are_refused(model, tmp_path):
    own = contents(model)
    for name in ("../evil.txt", "/evil.txt", "m/../../evil.txt", "m/deep/evil.txt", "m\\evil.txt", "C:evil.txt"):
        assert "something that no model has" in refused(write_archive(tmp_path / "bad.zip", {**own, name: b"x"}))
    assert "does not belong to it" in refused(write_archive(tmp_path / "bad.zip", {**own, "m/evil.pkl": b"x"}))
    assert "is not one model" in refused(write_archive(tmp_path / "bad.zip", {**own, "n/other.txt": b"x"}))
    assert "is not one model" in refused(write_archive(tmp_path / "bad.zip", {"m/card.md": b"x"}))

    def link(entry):
        if entry.filename.endswith("card.md"):
            entry.create_system, entry.external_attr = 3, (stat.S_IFLNK | 0o777) << 16

    assert "something that no model has" in refused(write_archive(tmp_path / "bad.zip", own, link))
    assert not list(tmp_path.rglob("evil*"))


def test_bombs_are_not_unpacked(model, tmp_path, monkeypatch):
    bomb = write_archive(tmp_path / "bomb.zip", {**contents(model), "m/zeros.bin": bytes(30_000_000)})
    monkeypatch.setattr(exchange, "MOST_BYTES", 20_000_000)
    assert "unpack to more" in refused(bomb)
    raw = bytearray(bomb.read_bytes())
    size = (30_000_000).to_bytes(4, "little")
    while (place := raw.find(size)) >= 0:
        raw[place : place + 4] = (1000).to_bytes(4, "little")
    (tmp_path / "liar.zip").write_bytes(raw)
    refused(tmp_path / "liar.zip")
    monkeypatch.setattr(exchange, "MOST_FILES", 3)
    assert "unpack to more" in refused(write_archive(tmp_path / "many.zip", contents(model)))


def test_what_is_no_archive(archive, tmp_path):
    (tmp_path / "text.zip").write_text("not a zip")
    assert "not a readable .zip" in refused(tmp_path / "text.zip")
    (tmp_path / "half.zip").write_bytes(archive.read_bytes()[:2000])
    assert "not a readable .zip" in refused(tmp_path / "half.zip")
    assert "There is nothing at" in refused(tmp_path / "gone.zip", InputError)
    (tmp_path / "empty").mkdir()
    assert "holds no readable bundle.json" in refused(tmp_path / "empty")


def test_names_that_are_taken(model, archive, tmp_path):
    other = tmp_path / "other" / "own-model"
    train(training(write_features(tmp_path / "f.csv", 60, 1.0, seed=3), other), quiet)
    first = take(archive)
    with pytest.raises(InputError, match="another model named 'own-model'"):
        take(other)
    assert take(other, replace=True)["digest"] != first["digest"]
    fake = tmp_path / "fake" / "lipoma-size"
    train(training(write_features(tmp_path / "g.csv", 60, 1.0, seed=4), fake), quiet)
    with pytest.raises(InputError, match="A model of this program is named 'lipoma-size'"):
        take(fake, replace=True)
    assert take(program_folder() / "models" / "lipoma-size")["name"] == "lipoma-size"


def test_a_comparator_the_library_lacks_is_told(tmp_path):
    request = training(write_features(tmp_path / "f.csv", 60, 1.5), tmp_path / "alone")
    request["recipe"] |= {"comparator": "somewhere-else"}
    train(request, quiet)
    assert [each["code"] for each in take(tmp_path / "alone")["cautions"]] == ["no_comparator"]


def test_a_name_that_leads_elsewhere_is_no_model(model, tmp_path):
    copy = shutil.copytree(model, tmp_path / "copy")
    values = json.loads((copy / "bundle.json").read_text())
    values |= {"name": "../evil", "digest": ""}
    from app.core.bundle.reading import canonical, sha256

    values["digest"] = sha256(canonical(values))
    (copy / "bundle.json").write_bytes(canonical(values))
    assert "cannot be used" in refused(copy)

"""Writing whole or not at all, and where the data folder lies."""

import pytest

from app.core.errors import InputError
from app.core.files import name_files, staged_file, staged_folder, write_atomically
from app.core.paths import data_folder


def stop(*_):
    raise InputError("stopped")


class TestFiles:
    def test_a_file_is_whole_or_absent(self, tmp_path):
        target = tmp_path / "new" / "score.json"
        write_atomically(target, b"one")
        with pytest.raises(InputError), staged_file(target) as stage:
            stop(stage.write_bytes(b"tw"))
        assert target.read_bytes() == b"one"
        assert list(target.parent.iterdir()) == [target]

    def test_a_stage_ends_like_its_target(self, tmp_path):
        with staged_file(tmp_path / "t1.nii.gz") as stage:
            assert stage.name.endswith(".nii.gz")
            stage.write_bytes(b"x")
        assert (tmp_path / "t1.nii.gz").read_bytes() == b"x"

    def test_a_folder_replaces_only_when_told(self, tmp_path):
        target = tmp_path / "model"
        for content in ("one", "two"):
            with staged_folder(target, replace=True) as stage:
                (stage / "card.md").write_text(content)
        assert (target / "card.md").read_text() == "two"
        with pytest.raises(InputError, match="not empty"), staged_folder(target):
            pass
        with pytest.raises(InputError, match="stopped"), staged_folder(target, replace=True):
            stop()
        assert (target / "card.md").read_text() == "two"
        assert list(tmp_path.iterdir()) == [target]


def test_the_data_folder_follows_its_variable(own_data_folder):
    assert data_folder() == own_data_folder


def test_an_id_never_leads_out_of_the_folder():
    names = name_files(["../../etc", "a/b", "a:b", "A_B", "..", "Grüße 7", "患者"])
    assert len({name.lower() for name in names}) == 7
    assert all("/" not in name and "\\" not in name and name not in (".", "..") for name in names)
    assert names[5] == "Grüße_7"
    assert name_files(["a", "a-2", "a", "A"]) == ["a", "a-2", "a-3", "A-4"]

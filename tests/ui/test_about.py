"""The page about the program names everything it is made of, with a licence each."""

import re
import tomllib

from app.core.paths import program_folder
from app.ui.pages.about import PARTS, license_of


def test_every_dependency_is_named_with_its_licence():
    project = tomllib.loads((program_folder() / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = {re.match(r"[\w.-]+", dependency)[0] for dependency in project["dependencies"]}
    assert needed <= set(PARTS)
    assert len(PARTS) == len(set(PARTS))
    assert [name for name in PARTS if re.fullmatch(r"[\w.+]+, .{2,}", license_of(name)) is None] == []

"""What every report is made with: HTML templates, and a font that has the letters."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from app.core.paths import program_folder


def open_templates() -> Any:
    """The templates of reports as jinja2 reads them: what is put into them is escaped."""
    from jinja2 import Environment, FileSystemLoader

    folder = program_folder() / "resources" / "report"
    return Environment(loader=FileSystemLoader(folder), autoescape=True)


def find_font(file: str) -> Path:
    """A font file with the letters that a PDF's own fonts lack."""
    # matplotlib ships DejaVu Sans, which has letters that a PDF's own fonts lack; the package is not imported
    package = find_spec("matplotlib")
    if package is None or not package.submodule_search_locations:
        raise FileNotFoundError(file)
    return Path(package.submodule_search_locations[0]) / "mpl-data" / "fonts" / "ttf" / file

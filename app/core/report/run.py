"""The report of a run as a file: HTML that needs nothing beside it, or PDF."""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import app
from app.core.errors import InputError
from app.core.files import write_atomically
from app.core.report.checklist import Checklist
from app.core.report.content import Content, Picture, Table, compose
from app.core.report.templates import find_font, open_templates

MARKS = {"computed": "●", "declared": "◐", "missing": "○", "does not apply": "–"}
KEY = "● computed from the run, ◐ declared by the user, ○ missing, – does not apply"


def write_run_report(
    path: Path,
    view: Mapping[str, Any],
    specification: Mapping[str, Any] | None,
    recipes: Mapping[str, Any],
    declared: Mapping[str, str],
) -> None:
    """Write the report of a training run or an external test.

    Parameters
    ----------
    path : Path
        Ends in .html or .pdf.
    view, specification, recipes, declared
        As for `content.compose`.

    Raises
    ------
    InputError
        The ending is another.
    """
    check_ending(path)
    writer, kind = WRITERS[path.suffix.lower()]
    write_atomically(path, writer(compose(view, specification, recipes, declared, kind)))


def check_ending(path: Path) -> None:
    """Refuse a file that is neither HTML nor PDF; errors as for `write_run_report`."""
    if path.suffix.lower() not in WRITERS:
        raise InputError(f"A report cannot be written as '{path.suffix}'.", "Choose .html or .pdf.")


def write_html(content: Content) -> bytes:
    """One HTML page with its figures drawn in it."""
    text = (
        open_templates()
        .get_template("training.html")
        .render(
            content=content,
            drawings=[inline_svg(each, place) for place, each in enumerate(content.pictures)],
            marks=MARKS,
            key=KEY,
            version=app.__version__,
        )
    )
    return str(text).encode()


def inline_svg(picture: Picture, place: int) -> str:
    """The drawing as an element of a page, with a name for who cannot see it; its ids are its own."""
    drawn = picture.drawn.decode()
    drawn = drawn[drawn.index("<svg") :]
    drawn = re.sub(r"<metadata>.*?</metadata>", "", drawn, flags=re.DOTALL)
    drawn = re.sub(r'\bid="([^"]+)"', rf'id="f{place}-\1"', drawn)
    drawn = re.sub(r'(url\(#|href="#)', rf"\1f{place}-", drawn)
    drawn = re.sub(r'<svg ([^>]*?)width="[^"]+" height="[^"]+"', r"<svg \1", drawn, count=1)
    drawn = re.sub(r'(<svg [^>]*?)width="[^"]+"([^>]*?)height="[^"]+"', r"\1\2", drawn, count=1)
    return drawn.replace("<svg ", f'<svg role="img" aria-label="{picture.title}" ', 1)


def write_pdf(content: Content) -> bytes:
    """The same on A4 pages."""
    paper = _Paper(content.title)
    paper.words(" ".join(content.notices), 9.5, bold=True)
    paper.words(content.title, 15, bold=True)
    paper.words(content.subtitle)
    for sentence in content.headline:
        paper.words(sentence, 10.5)
    paper.heading(f"Cautions ({len(content.cautions)})")
    for caution in content.cautions or ("None.",):
        paper.words(f"- {caution}" if content.cautions else caution)
    paper.heading("Cases")
    paper.table([("", "Cases"), *((what, str(cases)) for what, cases in content.flow)], (0.8, 0.2))
    paper.heading("Methods")
    paper.words(content.methods)
    for picture in content.pictures:
        paper.picture(picture)
    for table in content.tables:
        paper.titled(table)
    for checklist in content.checklists:
        paper.checklist(checklist)
    if content.settings is not None:
        paper.titled(content.settings)
    paper.heading("Versions")
    paper.words(content.versions, 8)
    paper.words(f"Written by LipoScope {app.__version__}. {content.notices[0]}", 8)
    return paper.finish()


class _Paper:
    """A4 pages that fill from the top."""

    def __init__(self, title: str) -> None:
        from fpdf import FPDF

        self.page = FPDF(format="A4")
        self.page.set_title(f"LipoScope: {title}")
        self.page.set_auto_page_break(auto=True, margin=15)
        for style, file in (("", "DejaVuSans.ttf"), ("B", "DejaVuSans-Bold.ttf")):
            self.page.add_font("body", style, find_font(file))
        self.page.add_page()

    def words(self, text: str, size: float = 9, *, bold: bool = False) -> None:
        self.page.set_font("body", "B" if bold else "", size)
        self.page.multi_cell(0, size * 0.52, text, align="L", new_x="LMARGIN", new_y="NEXT")
        self.page.ln(1.5)

    def heading(self, text: str, room: float = 25) -> None:
        if self.page.will_page_break(room):
            self.page.add_page()
        self.page.ln(2)
        self.words(text, 11, bold=True)

    def table(self, rows: Sequence[Sequence[str]], widths: Sequence[float]) -> None:
        self.page.set_font("body", "", 7.5)
        self.page.set_draw_color(190)
        self.page.set_line_width(0.1)
        shares = tuple(100 * width for width in widths) if widths else None
        with self.page.table(rows, col_widths=shares, line_height=3.8, text_align="LEFT",
                             borders_layout="HORIZONTAL_LINES", padding=0.5):  # fmt: skip
            pass
        self.page.ln(2)

    def titled(self, table: Table) -> None:
        self.heading(table.title)
        if table.note:
            self.words(table.note, 8)
        self.table([table.header, *table.rows], table.widths)

    def picture(self, picture: Picture) -> None:
        drawn = io.BytesIO(picture.drawn)
        width, height = struct.unpack(">II", picture.drawn[16:24])
        height = self.page.epw * height / width
        if self.page.will_page_break(height + 14):
            self.page.add_page()
        self.page.image(drawn, w=self.page.epw, alt_text=picture.title)
        self.page.ln(1)
        self.words(picture.caption, 8)

    def checklist(self, checklist: Checklist) -> None:
        self.heading(f"{checklist.name}: {checklist.title}", 40)
        counts = ", ".join(f"{checklist.count(state)} {state}" for state in ("computed", "declared", "missing"))
        self.words(f"{counts} of {len(checklist.items)} items, in our own words. {checklist.citation}. {KEY}.", 8)
        rows = [
            (str(item.number), item.section, item.item, f"{MARKS[item.state]} {item.state}", item.evidence)
            for item in checklist.items
        ]
        self.table([("", "Section", "Item", "", ""), *rows], (0.05, 0.14, 0.32, 0.13, 0.36))

    def finish(self) -> bytes:
        return bytes(self.page.output())


WRITERS: Mapping[str, tuple[Callable[[Content], bytes], str]] = {
    ".html": (write_html, "svg"),
    ".pdf": (write_pdf, "png"),
}

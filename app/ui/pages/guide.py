"""The guide in a window of its own: pages and search at the left, the page at the right, nothing fetched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import (
    QColor,
    QDesktopServices,
    QImage,
    QKeySequence,
    QShortcut,
    QTextCharFormat,
    QTextCursor,
    QTextOption,
)
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QTextBrowser,
    QTextEdit,
    QVBoxLayout,
    QWidget,
)

from app.ui.guide import PAGES, anchor_of, help_folder, read_page, search, title_of
from app.ui.outside import other_programs
from app.ui.pages.about import keys_html
from app.ui.theme import theme
from app.ui.widgets.icon_array import draw_icon_array
from app.ui.widgets.keymap import Keymap

WIDEST, MARGIN, SIDE = 760, 48, 232
MOST_MARKS = 300
ICONS = "icons:"


class Page(QTextBrowser):
    """A page of the guide; its pictures follow the theme."""

    def loadResource(self, _kind: int, name: QUrl | str) -> Any:  # noqa: N802
        """Give a picture: a crowd of icons, or a file in the theme's variant; anything else is not fetched."""
        word, ratio = QUrl(name).toString(), self.devicePixelRatioF()
        if word.startswith(ICONS):
            one, two, three, four = (int(count) for count in word.removeprefix(ICONS).split(","))
            return draw_icon_array((one, two, three, four), ratio)
        folder, stem = help_folder(), word.removesuffix(".png")
        light = folder / f"{stem}-light.png"
        path = light if theme().name == "light" and light.is_file() else folder / f"{stem}.png"
        if path.parent != folder or not path.is_file():
            return None
        width = min(WIDEST, max(self.viewport().width() - MARGIN, 240))
        image = QImage(str(path)).scaledToWidth(round(width * ratio), Qt.TransformationMode.SmoothTransformation)
        image.setDevicePixelRatio(ratio)
        return image


class Guide(QDialog):
    """The guide's window; it blocks nothing, and Esc closes it.

    Parameters
    ----------
    keymap : Keymap
        For the page of keys.
    """

    def __init__(self, keymap: Keymap, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("LipoScope guide")
        self.setWindowFlag(Qt.WindowType.WindowMaximizeButtonHint)
        self._keymap = keymap
        self._been: list[tuple[str, str]] = []
        self._at = -1
        self.field, self.list, self.text = QLineEdit(), QListWidget(), Page()
        self.field.setPlaceholderText("Search the guide")
        self.field.setClearButtonEnabled(True)
        self.field.setAccessibleName("Search the guide")
        self.list.setAccessibleName("Pages, or what was found")
        self.list.setWordWrap(True)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.text.setAccessibleName("The page")
        self.text.setOpenLinks(False)
        self.text.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.text.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)  # a slanted letter asks for one
        self.back, self.on = QPushButton("Back"), QPushButton("Forward")
        self.back.setToolTip("The page before (Alt+Left)")
        self.on.setToolTip("The page after (Alt+Right)")
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self.back)
        buttons.addWidget(self.on)
        buttons.addStretch(1)
        side = QWidget()
        side.setFixedWidth(SIDE)
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.field)
        column.addWidget(self.list, 1)
        column.addLayout(buttons)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 12, 12, 12)
        row.setSpacing(12)
        row.addWidget(side)
        row.addWidget(self.text, 1)
        self.resize(1080, 760)
        self.field.textChanged.connect(self._search)
        self.field.returnPressed.connect(lambda: self._follow_row(self.list.currentRow()))
        self.list.currentRowChanged.connect(self._follow_row)
        self.list.itemActivated.connect(lambda _item: self._follow_row(self.list.currentRow()))
        self.text.anchorClicked.connect(self.follow)
        self.back.clicked.connect(lambda: self._step(-1))
        self.on.clicked.connect(lambda: self._step(1))
        for keys, do in (("Alt+Left", lambda: self._step(-1)), ("Alt+Right", lambda: self._step(1)),
                         ("Ctrl+F", self.field.setFocus)):
            QShortcut(QKeySequence(keys), self, do)
        for button in (self.back, self.on):
            button.setAutoDefault(False)
        self._list_pages()

    @property
    def place(self) -> tuple[str, str]:
        """The page on screen, and the place on it."""
        return self._been[self._at] if self._been else ("", "")

    def go(self, page: str, anchor: str = "") -> None:
        """Open a page, at one of its places."""
        if (page, anchor) != self.place:
            self._been[self._at + 1:] = [(page, anchor)]
            self._at = len(self._been) - 1
        self._show_page()

    def explain(self, caution: str) -> None:
        """Open what a caution means."""
        self.go("cautions", anchor_of(caution))

    def follow(self, link: QUrl) -> None:
        """Follow a link that was clicked: within the guide here, to a paper in the reader's own browser."""
        if link.scheme() in ("http", "https"):
            with other_programs():
                QDesktopServices.openUrl(link)
        else:
            page = link.path().removesuffix(".html") or self.place[0]
            if page in PAGES:
                self.go(page, link.fragment())

    def restyle(self) -> None:
        """Follow another theme."""
        if self._been:
            self._show_page()

    def _show_page(self) -> None:
        page, anchor = self.place
        colours = theme()
        self.text.document().setDefaultStyleSheet(
            f"body, p, li, td, th {{ color: {colours.text}; font-size: 14px; }} p, li {{ margin: 6px 0; }}"
            f"h1 {{ font-size: 24px; margin: 4px 0 8px 0; }} h2 {{ font-size: 18px; margin: 22px 0 4px 0; }}"
            f"h3 {{ font-size: 15px; margin: 16px 0 2px 0; }} a {{ color: {colours.accent}; }}"
            f".code {{ color: {colours.text_dim}; font-size: 12px; }}"
            f"pre {{ background-color: {colours.panel}; font-size: 13px; }}")
        html = f"<h1>{title_of(page)}</h1>{keys_html(self._keymap)}" if page == "keys" else read_page(page)
        self.text.document().setDocumentMargin(16)
        self.text.setHtml(f"<body>{html}</body>")
        self.text.moveCursor(QTextCursor.MoveOperation.Start)
        if anchor:
            self.text.scrollToAnchor(anchor)
        self.back.setEnabled(self._at > 0)
        self.on.setEnabled(self._at < len(self._been) - 1)
        self._mark(self.field.text().split())
        if not self.field.text():
            blocked = self.list.blockSignals(True)
            self.list.setCurrentRow(PAGES.index(page))
            self.list.blockSignals(blocked)

    def _step(self, steps: int) -> None:
        if 0 <= self._at + steps < len(self._been):
            self._at += steps
            self._show_page()

    def _list_pages(self) -> None:
        self._fill([(title_of(name), (name, "")) for name in PAGES])

    def _fill(self, rows: Sequence[tuple[str, tuple[str, str]]]) -> None:
        blocked = self.list.blockSignals(True)
        self.list.clear()
        for words, place in rows:
            item = QListWidgetItem(words)
            item.setData(Qt.ItemDataRole.UserRole, place)
            self.list.addItem(item)
        self.list.blockSignals(blocked)

    def _search(self, words: str) -> None:
        if not words.strip():
            self._list_pages()
            self.restyle()
            return
        found = search(words, {"keys": keys_html(self._keymap)})
        self._fill([(f"{part.title}\n{title_of(part.page)}" if part.anchor else part.title, (part.page, part.anchor))
                    for part in found])
        if found:
            self.list.setCurrentRow(0)
        else:
            self._fill([(f"Nothing speaks of '{words.strip()}'.", ("", ""))])

    def _follow_row(self, row: int) -> None:
        item = self.list.item(row)
        if item is not None and item.data(Qt.ItemDataRole.UserRole)[0]:
            self.go(*item.data(Qt.ItemDataRole.UserRole))

    def _mark(self, words: Sequence[str]) -> None:
        look = QTextCharFormat()
        look.setBackground(QColor(theme().line))
        marks = []
        for word in words:
            cursor = self.text.document().find(word)
            while not cursor.isNull() and len(marks) < MOST_MARKS:
                mark = QTextEdit.ExtraSelection()
                mark.cursor, mark.format = cursor, look
                marks.append(mark)
                cursor = self.text.document().find(word, cursor)
        self.text.setExtraSelections(marks)

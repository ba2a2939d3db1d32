"""Colours, type and the style sheet: dark for the reading room, light for the office, one accent, no gradients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from PySide6.QtGui import QFont, QFontDatabase

from app.core.paths import program_folder

ThemeName = Literal["dark", "light"]


@dataclass(frozen=True)
class Theme:
    """One set of colours ('#rrggbb') and text sizes (pixels at 100 % scaling).

    The viewer's background is near black in every theme: pictures are read on black.
    """

    name: ThemeName
    viewer: str
    panel: str
    panel_high: str
    text: str
    text_dim: str
    accent: str
    lipoma: str
    malignant: str
    uncertain: str
    warning: str
    line: str
    small_px: int = 12
    normal_px: int = 13
    display_px: int = 30

    def label_colour(self, number: int) -> str:
        """Contour colour of the region with this number (from 1); told apart by colour-blind eyes, seen on grey."""
        return _LABEL_COLOURS[(number - 1) % len(_LABEL_COLOURS)]


# Okabe and Ito's order, without the two that are close to the verdicts' colours.
_LABEL_COLOURS = ("#f0e442", "#56e0e0", "#e07ab8", "#00c08b", "#e8743b", "#9ecbff")

_DARK = Theme(name="dark", viewer="#0f1114", panel="#1a1d21", panel_high="#262a30", text="#e4e7eb", text_dim="#a4acb6",
              accent="#58bfb4", lipoma="#4c9be8", malignant="#f0a030", uncertain="#9aa3ad", warning="#e6d36a",
              line="#3a4048")
_LIGHT = Theme(name="light", viewer="#0f1114", panel="#eff1f3", panel_high="#ffffff", text="#171a1e",
               text_dim="#515961", accent="#0b6b62", lipoma="#1a5ca8", malignant="#8a4b00", uncertain="#555d66",
               warning="#6b5200", line="#c3c9d0")
_THEMES: dict[str, Theme] = {"dark": _DARK, "light": _LIGHT}
_chosen: list[Theme] = [_DARK]


def theme() -> Theme:
    """Return the theme in use."""
    return _chosen[0]


def set_theme(name: str) -> Theme:
    """Choose the theme ('dark' or 'light'; anything else means dark); windows restyle themselves afterwards."""
    _chosen[0] = _THEMES.get(name, _DARK)
    return _chosen[0]


def tabular_font(pixels: int, *, bold: bool = False) -> QFont:
    """Return the program's one type family, figures all of one width."""
    font = QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont)
    font.setPixelSize(pixels)
    font.setBold(bold)
    font.setFeature(QFont.Tag("tnum"), 1)
    return font


def style_sheet(colours: Theme) -> str:
    """Qt style sheet of the whole window."""
    c, icons = colours, (program_folder() / "resources" / "icons").as_posix()
    return f"""
* {{ font-size: {c.normal_px}px; }}
QWidget {{ background: {c.panel}; color: {c.text};
    selection-background-color: {c.accent}; selection-color: {c.panel}; }}
QMainWindow::separator {{ background: {c.panel}; width: 4px; height: 4px; }}
QMainWindow::separator:hover {{ background: {c.accent}; }}
QLabel {{ background: transparent; }}
QLabel:focus {{ background: {c.line}; }}
QLabel[role="dim"] {{ color: {c.text_dim}; font-size: {c.small_px}px; }}
QLabel[role="heading"] {{ color: {c.text_dim}; font-size: {c.small_px}px; font-weight: bold; }}
QLabel[role="title"] {{ font-weight: bold; }}
QLabel[role="display"] {{ font-size: {c.display_px}px; font-weight: bold; }}
QLabel[role="warning"] {{ color: {c.warning}; }}
QFrame[role="card"] {{ background: {c.panel_high}; border-radius: 6px; }}
QFrame[role="card"] QLabel, QFrame[role="card"] QCheckBox,
QFrame[role="card"] QRadioButton {{ background: transparent; }}
QPushButton, QToolButton {{ background: {c.panel_high}; border: 2px solid transparent; border-radius: 4px;
    padding: 4px 12px; min-height: 20px; }}
QFrame[role="card"] QPushButton {{ background: {c.panel}; }}
QFrame[role="card"] QPushButton[role="primary"] {{ background: {c.accent}; }}
QPushButton:hover, QToolButton:hover {{ background: {c.line}; }}
QPushButton:focus, QToolButton:focus {{ border-color: {c.accent}; }}
QPushButton:disabled, QToolButton:disabled {{ color: {c.text_dim}; background: transparent; }}
QPushButton[role="primary"] {{ background: {c.accent}; color: {c.panel}; font-weight: bold; }}
QPushButton[role="primary"]:disabled {{ background: transparent; color: {c.text_dim}; font-weight: normal; }}
QPushButton[role="primary"]:focus {{ border-color: {c.text}; }}
QPushButton[role="link"] {{ background: transparent; color: {c.accent}; text-align: left; padding: 2px 4px; }}
QPushButton[role="nav"] {{ background: transparent; color: {c.text_dim}; padding: 4px 12px; }}
QPushButton[role="nav"]:hover {{ color: {c.text}; }}
QPushButton[role="nav"]:checked {{ color: {c.text}; background: {c.panel_high}; }}
QLineEdit, QSpinBox, QDoubleSpinBox, QComboBox, QPlainTextEdit, QTextBrowser {{ background: {c.panel_high};
    border: 2px solid {c.panel_high}; border-radius: 4px; padding: 2px 6px; min-height: 20px; }}
QFrame[role="card"] QLineEdit, QFrame[role="card"] QComboBox {{ background: {c.panel}; border-color: {c.panel}; }}
QLineEdit:focus, QSpinBox:focus, QDoubleSpinBox:focus, QComboBox:focus, QPlainTextEdit:focus,
QTextBrowser:focus {{ border-color: {c.accent}; }}
QComboBox::drop-down {{ border: 0; width: 20px; }}
QComboBox::down-arrow {{ image: url({icons}/down-{c.name}.svg); width: 10px; height: 10px; }}
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button {{ border: 0; background: transparent; width: 16px; }}
QAbstractSpinBox::up-arrow {{ image: url({icons}/up-{c.name}.svg); width: 10px; height: 10px; }}
QAbstractSpinBox::down-arrow {{ image: url({icons}/down-{c.name}.svg); width: 10px; height: 10px; }}
QPushButton::menu-indicator {{ image: url({icons}/down-{c.name}.svg); width: 10px; height: 10px;
    subcontrol-origin: padding; subcontrol-position: center right; right: 6px; }}
QComboBox QAbstractItemView {{ background: {c.panel_high}; border: 1px solid {c.line}; }}
QListView, QTreeView, QTableView {{ background: {c.panel}; border: 2px solid transparent; outline: 0; }}
QListView:focus, QTreeView:focus, QTableView:focus {{ border-color: {c.accent}; border-radius: 4px; }}
QListWidget::item {{ padding: 6px 8px; border-left: 3px solid transparent; }}
QListWidget:focus {{ border-color: transparent; }}
QListWidget::item:selected:focus {{ border-left-color: {c.accent}; }}
QListView::item:selected, QTreeView::item:selected, QTableView::item:selected {{ background: {c.panel_high};
    color: {c.text}; }}
QTableView::corner, QAbstractScrollArea::corner {{ background: transparent; border: 0; }}
QTableView::item {{ padding: 0 6px; }}
QTableView QHeaderView::section {{ padding: 4px 8px; }}
QHeaderView::section {{ background: {c.panel}; color: {c.text_dim}; border: 0; padding: 4px;
    font-size: {c.small_px}px; }}
QTabBar::tab {{ background: transparent; color: {c.text_dim}; padding: 4px 10px; border-radius: 4px;
    font-size: {c.small_px}px; border: 2px solid transparent; }}
QTabBar::tab:selected {{ background: {c.panel_high}; color: {c.text}; }}
QTabBar::tab:focus {{ border-color: {c.accent}; }}
QTabWidget {{ background: {c.panel}; }}
QTabWidget::pane {{ border: 0; }}
QProgressBar {{ background: {c.panel_high}; border: 0; border-radius: 3px; max-height: 6px; min-height: 6px; }}
QProgressBar::chunk {{ background: {c.accent}; border-radius: 3px; }}
QSlider {{ background: transparent; }}
QSlider::groove:horizontal {{ background: {c.line}; height: 4px; border-radius: 2px; }}
QSlider::sub-page:horizontal {{ background: {c.accent}; height: 4px; border-radius: 2px; }}
QSlider::handle:horizontal {{ background: {c.accent}; border: 2px solid {c.panel}; width: 14px; height: 14px;
    margin: -7px 0; border-radius: 9px; }}
QSlider::handle:horizontal:hover, QSlider:focus::handle:horizontal {{ border-color: {c.text}; }}
QScrollArea {{ border: 0; }}
QScrollBar:vertical {{ background: transparent; width: 10px; margin: 0; }}
QScrollBar:horizontal {{ background: transparent; height: 10px; margin: 0; }}
QScrollBar::handle {{ background: {c.line}; border-radius: 4px; min-height: 24px; min-width: 24px; margin: 1px; }}
QScrollBar::handle:hover {{ background: {c.text_dim}; }}
QScrollBar::add-line, QScrollBar::sub-line, QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent;
    width: 0; height: 0; }}
QToolTip {{ background: {c.panel_high}; color: {c.text}; border: 1px solid {c.line}; padding: 6px; }}
QMenu {{ background: {c.panel_high}; border: 1px solid {c.line}; padding: 4px; }}
QMenu::item {{ background: transparent; padding: 5px 24px 5px 16px; border-radius: 3px; }}
QMenu::item:selected {{ background: {c.line}; }}
QMenu::item:disabled {{ color: {c.text_dim}; }}
QMenu::separator {{ background: {c.line}; height: 1px; margin: 4px 8px; }}
QDockWidget::title {{ background: {c.panel}; padding: 4px 8px; }}
QSplitter::handle {{ background: {c.panel}; }}
QSplitter::handle:hover {{ background: {c.accent}; }}
QCheckBox::indicator, QTableView::indicator {{ width: 12px; height: 12px; border: 2px solid {c.text_dim};
    border-radius: 3px; }}
QCheckBox::indicator:checked, QTableView::indicator:checked {{ background: {c.accent}; border-color: {c.accent};
    image: url({icons}/check-{c.name}.svg); }}
QCheckBox::indicator:focus {{ border-color: {c.text}; }}
QRadioButton::indicator {{ width: 12px; height: 12px; border: 2px solid {c.text_dim}; border-radius: 8px; }}
QRadioButton::indicator:checked {{ width: 6px; height: 6px; border: 5px solid {c.accent}; background: {c.panel}; }}
QRadioButton::indicator:focus {{ border-color: {c.text}; }}
QRadioButton::indicator:disabled {{ border-color: {c.line}; }}
QTableView::indicator:disabled {{ border-color: transparent; background: transparent; image: none; }}
QCheckBox:disabled, QRadioButton:disabled {{ color: {c.text_dim}; }}
QCheckBox:focus, QRadioButton:focus {{ color: {c.accent}; }}
"""

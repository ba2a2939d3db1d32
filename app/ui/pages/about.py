"""About the program, and the one-page map of keys."""

from __future__ import annotations

from importlib import metadata

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QTextBrowser, QVBoxLayout, QWidget

import app
from app.ui.widgets.keymap import ACTIONS, MOUSE, MOUSE_TITLES, Keymap
from app.ui.words import NOTICE

PARTS = ("PySide6-Essentials", "pyqtgraph", "numpy", "scipy", "pandas", "openpyxl", "pyarrow", "nibabel", "SimpleITK",
         "antspyx", "pydicom", "highdicom", "pylibjpeg", "pyjpegls", "python-gdcm", "pyradiomics", "PyWavelets",
         "scikit-image", "trimesh", "intensity-normalization", "matplotlib", "contourpy", "pillow", "scikit-learn",
         "imbalanced-learn", "xgboost-cpu", "umap-learn", "skops", "joblib", "dask", "distributed", "torch", "monai",
         "skorch", "safetensors", "onnx", "onnxscript", "onnxruntime", "pydantic", "jinja2", "fpdf2", "psutil",
         "threadpoolctl", "platformdirs")
WINDOW_KEYS = (("Open files or a folder", "Ctrl+O, Ctrl+Shift+O"), ("Stop what is being done", "Esc"),
               ("Undo the removal of a case", "Ctrl+Z"), ("Remove the case from the worklist", "Delete"),
               ("Copy the whole finding in words", "Ctrl+Shift+C"), ("Fold the worklist, the result", "F7, F8"),
               ("Score, Cohort, Train, Results, Library, Settings", "Ctrl+1 to Ctrl+6"), ("Full screen", "F11"),
               ("The guide, this page", "F1, Shift+F1"))


def license_of(name: str) -> str:
    """Return a part's licence in a few words, as its package says; empty for a part that this copy does without."""
    try:
        about = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return ""
    text = about.get("License-Expression") or ""
    if not text:
        classes = [line.rsplit("::", 1)[-1].strip() for line in about.get_all("Classifier") or () if "License" in line]
        text = ", ".join(classes) or (about.get("License") or "").strip().split("\n")[0]
    return f"{metadata.version(name)}, {text[:80] or 'see its package'}"


def about_html() -> str:
    """Say the version, what the program is for, and its parts with their licences."""
    parts = [(name, license_of(name)) for name in PARTS]
    rows = "".join(f"<tr><td>{name}&nbsp;&nbsp;</td><td>{text}</td></tr>" for name, text in parts if text)
    return (f"<h3>LipoScope {app.__version__}</h3><p>{NOTICE}</p><p>Apache-2.0. Nothing leaves this computer.</p>"
            f"<p><b>Parts</b></p><table cellspacing='2'>{rows}</table>")


def keys_html(keymap: Keymap) -> str:
    """Lay out every key and mouse button on one page, in three columns."""
    groups: dict[str, list[str]] = {}
    for name, action in ACTIONS.items():
        keys = ", ".join(keymap.keys(name))
        if keys and not name.startswith("preset_"):
            groups.setdefault(action.group, []).append(_row(action.title, keys))
    groups.setdefault("Window", []).append(_row("Window presets", "1\N{EN DASH}9"))
    groups["Program"] += [_row(title, keys) for title, keys in WINDOW_KEYS if title != "Undo the removal of a case"]
    groups["Mouse"] = [_row(MOUSE_TITLES.get(tool, tool).capitalize(), gesture.replace("+", " + ").capitalize())
                       for gesture, tool in MOUSE[keymap.profile].items()]
    columns = [("Slices", "Picture"), ("Window", "Case", "Mouse"), ("Program",)]
    cells = ["".join(f"<p><b>{group}</b></p><table cellspacing='3'>{''.join(groups.get(group, []))}</table>"
                     for group in column) for column in columns]
    return "<table cellspacing='16'><tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr></table>"


def _row(title: str, keys: str) -> str:
    return f"<tr><td><b>{keys}</b>&nbsp;&nbsp;</td><td>{title}</td></tr>"


def show_page(title: str, html: str, size: tuple[int, int], parent: QWidget) -> QDialog:
    """Open a page of text that blocks nothing; Esc closes it."""
    dialog = QDialog(parent)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setWindowTitle(title)
    text = QTextBrowser()
    text.setHtml(html)
    text.setAccessibleName(title)
    layout = QVBoxLayout(dialog)
    layout.setContentsMargins(8, 8, 8, 8)
    layout.addWidget(text)
    dialog.resize(*size)
    dialog.show()
    return dialog

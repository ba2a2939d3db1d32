"""Names that say nothing are left out, titles say what is drawn, and pages keep to the theme's sizes."""

import numpy as np
import pytest
from PySide6.QtGui import QTextFormat
from viewer_cases import open_case, write_image
from window_fixtures import case_files, view_result

from app.ui.theme import theme
from app.ui.widgets.case_bar import sequence_title
from app.ui.widgets.histogram import HistogramPlot
from app.ui.widgets.picture_text import describe_acquisition

CARD = "# Tumour volume alone\n\nResearch use only.\n\n## Intended use\n\nLimbs and **trunk**.\n"


def case_of(folder, *names, **entry):
    voxels = np.arange(60.0).reshape(3, 4, 5)
    return open_case({name: write_image(folder, name, voxels, np.eye(4), **entry) for name in names})


@pytest.mark.parametrize(("names", "written"), [(("image",), ("MR",)), (("t1",), ("t1", "MR")),
                                                (("image", "t2"), ("image", "MR"))])
def test_a_lone_image_without_a_sequence_name_is_not_called_image(tmp_path, names, written):
    case = case_of(tmp_path, *names)
    assert describe_acquisition(case, case.images[names[0]], prepared=False) == written


def test_the_line_above_the_picture_names_no_sequence_where_there_is_none(driver, tmp_path):
    driver.open(case_files())
    view = view_result(tmp_path / "one")
    image = view["images"]["t1"]
    view |= {"sequences": ["image"], "images": {"image": {**image, "acquisition": {}}}}
    driver.jobs.answer("view_case", view)
    assert driver.page.viewer.isVisible()
    assert not driver.page.bar.single.isVisible()
    assert sequence_title("image", {"weighting": "t1"}, only=True) == "T1"
    assert sequence_title("image", {"weighting": "t1"}) == "image (T1)"


def test_the_histogram_says_what_is_filled_and_what_is_a_line(qtbot, tmp_path):
    plot = HistogramPlot()
    qtbot.addWidget(plot)
    counts = {"edges": [0.0, 1.0, 2.0], "before": [3, 1], "after": None}

    def title(**more):
        case = case_of(tmp_path, "image", histogram={**counts, **more})
        plot.show_image(case.images["image"], prepared=False)
        return {key: each.getPlotItem().titleLabel.text for key, each in plot.plots.items()}

    assert title()["before"] == "Whole image"
    assert title(tumour_before=[1, 1])["before"] == "Whole image (filled) and tumour (line)"
    both = title(after=[1, 3], tumour_before=[1, 1], tumour_after=[1, 1])
    assert both == {"before": "Before preparation, shown: image (filled), tumour (line)",
                    "after": "After preparation: image (filled), tumour (line)"}


def test_a_models_card_keeps_to_the_themes_sizes(driver):
    page = driver.window.library_page
    page.card.show_card(CARD)
    seen, block = {}, page.card.document().begin()
    while block.isValid():
        fragments = block.begin()
        while not fragments.atEnd():
            form = fragments.fragment().charFormat()
            assert form.intProperty(QTextFormat.Property.FontSizeAdjustment) == 0
            if block.blockFormat().headingLevel():
                seen[block.text()] = (form.font().pixelSize(), form.font().bold())
            fragments += 1
        block = block.next()
    assert seen == dict.fromkeys(("Tumour volume alone", "Intended use"), (theme().normal_px, True))


def test_keys_stand_beside_their_actions(driver):
    driver.window.resize(1440, 900)
    driver.window.show_named("Settings")
    tree, rows = driver.window.settings_page.keys.tree, driver.window.settings_page.keys._rows.values()
    driver.qtbot.waitUntil(tree.isVisible)
    widest = max(tree.fontMetrics().horizontalAdvance(row.text(0)) for row in rows)
    assert widest < tree.columnWidth(0) < widest + 80


def test_the_share_of_malignant_tumours_is_in_line_with_the_pickers(driver):
    page = driver.window.settings_page
    driver.window.show_named("Settings")
    driver.qtbot.waitUntil(page.prevalence.isVisible)
    assert page.prevalence.lineEdit().textMargins().left() == 6


def test_an_empty_label_is_no_stop_of_the_tab_key(qtbot):
    from PySide6.QtCore import Qt

    from app.ui.widgets.copy_label import CopyLabel, ElidedLabel

    for label in (CopyLabel(), ElidedLabel()):
        qtbot.addWidget(label)
        assert not label.focusPolicy() & Qt.FocusPolicy.TabFocus
        label.setText("32 cases")
        assert label.focusPolicy() == Qt.FocusPolicy.StrongFocus
        label.setText("")
        assert not label.focusPolicy() & Qt.FocusPolicy.TabFocus

"""The exploration page: columns, correlations under the mouse, figures of features, maps, boxes, histograms, export."""

import json

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.ui.feature_columns import probability
from app.ui.widgets.plot_style import groups_of

NAMES = ["volume_ml", "original_shape_Sphericity", "original_glcm_Contrast"]


def exploration(folder, cases=6):
    rng = np.random.default_rng(1)
    for kind, scale in (("pearson", 0.9), ("spearman", 0.5)):
        values = np.full((3, 3), scale)
        values[0, 1] = values[1, 0] = -0.25
        values[2, 0] = np.nan
        np.save(folder / f"{kind}.npy", values)
    for ending in ("svg", "png", "csv"):
        (folder / f"matrix.{ending}").write_text(ending, encoding="utf-8")
    base = {"title": "", "r_label": 0.5, "rho_label": 0.4, "r_volume": 0.1, "rho_volume": 0.1, "auc": 0.8, "low": 0.6,
            "high": 0.95, "p": 0.004, "p_bonferroni": 0.012, "q": 0.012, "surrogate": False}
    table = [{**base, "feature": NAMES[0], "title": "Volume", "surrogate": True, "r_volume": 1.0},
             {**base, "feature": NAMES[1], "auc": 0.55, "q": 0.7},
             {**base, "feature": NAMES[2], "auc": None, "q": None}]
    return {"rows": cases, "features": NAMES, "table": table,
            "matrix": {"names": NAMES, **{kind: str(folder / f"{kind}.npy") for kind in ("pearson", "spearman")}},
            "embeddings": {"tsne": rng.normal(size=(cases, 2)).tolist(), "umap": rng.normal(size=(cases, 2)).tolist()},
            "groups": {"label": ["0", "1"] * (cases // 2), "site": ["A"] * (cases - 1) + [None], "vendor": []},
            "patients": [f"P{number}" for number in range(1, cases + 1)],
            "slices": {"groups": {"GE": [20, 24, 30, 90], "Philips": [40]}},
            "histograms": {"edges": {"before": [0, 1, 2, 3], "zscore": [-1, 0, 1, 2]},
                           "before": (np.arange(3 * cases).reshape(cases, 3)).tolist(),
                           "zscore": rng.random((cases, 3)).tolist()},
            "figures": [{"name": "correlation_pearson", "title": "Correlation",
                         **{ending: str(folder / f"matrix.{ending}") for ending in ("svg", "png", "csv")}}],
            "cautions": [{"code": "few", "message": "Six cases are few."}], "written": []}


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "features.csv"
    path.write_text("patient,grade,liposarcoma,volume_ml,original_shape_Sphericity\nP1,low,0,1,2\nP2,high,1,3,4\n",
                    encoding="utf-8")
    return path


@pytest.fixture
def room(cohort, table, tmp_path):
    cohort.cohort_page.show_part(2)
    cohort.page = cohort.cohort_page.exploration
    cohort.cohort_page.take([str(table)])
    cohort.page.form.choose("label", "liposarcoma")
    cohort.page.form.changed.emit("label")
    cohort.qtbot.waitUntil(lambda: cohort.page.form.boxes["positive"].count() == 3)
    cohort.page.run.button.click()
    cohort.jobs.answer("explore", exploration(tmp_path))
    return cohort


def test_columns_are_offered_from_the_heading_or_the_note_beside_it(room, table):
    boxes = room.page.form.boxes
    offered = [boxes["label"].itemText(row) for row in range(boxes["label"].count())]
    assert offered == ["none", "patient", "grade", "liposarcoma"]
    request = room.jobs.request("explore")
    assert (request["label"], request["positive"], request["patient"], request["site"]) == (
        "liposarcoma", "1", "patient", None)
    assert request["images"] == str(room.source)
    table.with_name("features.roles.json").write_text(json.dumps(
        {"patient": "patient", "site": "hospital", "metadata": ["liposarcoma", "manufacturer"], "feature": NAMES}),
        encoding="utf-8")
    room.page.take(str(table))
    assert room.page.form.chosen("site") == "hospital"
    assert room.page.form.chosen("vendor") == "manufacturer"
    assert room.page.form.chosen("label") == "liposarcoma"  # remembered


def test_a_table_whose_columns_are_not_known_takes_typed_names(cohort, tmp_path):
    cohort.cohort_page.show_part(2)
    page = cohort.cohort_page.exploration
    page.take(str(tmp_path / "features.parquet"))
    page.form.boxes["label"].setEditText("grade")
    page.run.button.click()
    assert cohort.jobs.request("explore")["label"] == "grade"


def test_a_cell_names_its_pair_by_mouse_and_keyboard(room):
    matrix = room.page.matrix
    matrix.look_at(0, 1)
    assert matrix.readout.text() == "volume_ml and original_shape_Sphericity: r = −0.25"
    QTest.keyClick(matrix.plot, Qt.Key.Key_Down)
    assert matrix.readout.text().startswith("original_shape_Sphericity and original_shape_Sphericity: r = +0.90")
    matrix.kind.setCurrentIndex(1)
    matrix.kind.activated.emit(1)
    assert matrix.readout.text().endswith("ρ = +0.50")
    spot = matrix.plot.getPlotItem().vb.mapViewToScene(matrix.image.boundingRect().center())
    matrix.plot.scene().sigMouseMoved.emit(spot)
    assert matrix.readout.text().startswith(f"{NAMES[1]} and {NAMES[1]}")
    assert matrix.words(2, 0).endswith("unknown")


def test_features_are_sorted_with_the_unknown_last_filtered_and_copied(room, qapp):
    statistics = room.page.statistics
    assert statistics.counts.text() == "3 features, 1 of them surrogates of volume"
    statistics.table.sortByColumn(6, Qt.SortOrder.DescendingOrder)
    assert [record["feature"] for record in statistics.model.shown()] == NAMES
    statistics.table.sortByColumn(6, Qt.SortOrder.AscendingOrder)
    assert [record["feature"] for record in statistics.model.shown()] == [NAMES[1], NAMES[0], NAMES[2]]
    statistics.table.choose(NAMES[0])
    QTest.keyClick(statistics.table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    heading, row = qapp.clipboard().text().splitlines()
    copied = dict(zip(heading.split("\t"), row.split("\t"), strict=True))
    assert (copied["AUC"], copied["95 %"], copied["Surrogate"]) == ("0.80", "0.60–0.95", "says volume")
    statistics.no_surrogates.click()
    statistics.found.click()
    assert statistics.model.rowCount() == 0


@pytest.mark.parametrize(("value", "words"), [(0.04321, "0.043"), (3.2e-9, "3e−9"), (1.0, "1")])
def test_probabilities_are_short(value, words):
    assert probability(value) == words


def test_points_are_told_apart_by_shape_named_and_opened(room):
    maps = room.page.maps
    assert [maps.coloured.itemText(row) for row in range(2)] == ["Label: liposarcoma", "Site"]
    assert len(maps.points["tsne"]) == 2
    assert "●" in maps.legend.text()
    assert "▲" in maps.legend.text()
    maps.look_at(1)
    assert maps.readout.text() == "P2, label 1, site A"
    QTest.keyClick(maps.plots["umap"], Qt.Key.Key_Left)
    assert maps.readout.text().startswith("P1")
    points = maps.points["tsne"][1]
    points.sigHovered.emit(points, points.points()[:1], None)
    assert maps.readout.text().startswith("P2")
    points.sigClicked.emit(points, points.points()[:1], None)
    room.qtbot.waitUntil(lambda: room.reading.worklist.rowCount() == 1)
    assert room.reading.worklist.entries()[0].title == "P2"


def test_no_two_groups_look_the_same():
    groups = groups_of([str(number) for number in range(40)] + [None])
    assert len({(group.colour, group.symbol) for group in groups}) == 41
    assert groups[-1].name == "unknown"


def test_slices_and_histograms_are_drawn_and_a_line_names_its_case(room):
    assert room.page.slices.summary.text() == ("GE: median 27, quartiles 23–45; Philips: median 40, quartiles 40–40")
    histograms = room.page.histograms
    assert list(histograms.plots) == ["before", "zscore"]
    plot = histograms.plots["before"]
    room.page.tabs.setCurrentWidget(room.page.figures["Histograms"])
    room.qtbot.waitUntil(plot.isVisible)
    from PySide6.QtCore import QPointF

    spot = plot.getPlotItem().vb.mapViewToScene(QPointF(1.5, 7.1))  # the third image's middle bin holds 7
    plot.scene().sigMouseMoved.emit(spot)
    assert histograms.readout.text() == "P3"


def test_figures_are_copied_where_the_reader_wants_them(room, tmp_path):
    figure = room.page.figures["Correlation"]
    assert [action.text() for action in figure.menu.actions()] == [
        "Correlation, SVG…", "Correlation, PNG…", "Correlation, CSV…"]
    assert not room.page.figures["Maps"].export.isEnabled()
    figure.copy(str(tmp_path / "matrix.svg"), str(tmp_path / "mine.svg"))
    assert (tmp_path / "mine.svg").read_text(encoding="utf-8") == "svg"
    figure.copy(str(tmp_path / "gone.svg"), str(tmp_path / "mine.svg"))
    assert "could not be written" in room.cohort_page.notices.card().sentence.text()


def test_cautions_and_counts_are_told_and_themes_followed(room):
    assert room.page.cautions.sentences == ("Caution: Six cases are few.",)
    assert room.page.run.step.text().startswith("6 cases, 3 features.")
    for name in ("light", "dark"):
        room.window.state.choose("theme", name)
    assert room.page.statistics.model.rowCount() == 3


def test_a_measured_cohort_is_taken_over(cohort, table):
    cohort.cohort_page.features.panel.run.click()
    from cohort_results import extraction

    cohort.jobs.answer("extract", extraction(written=str(table)))
    cohort.cohort_page.features.panel.explore.click()
    assert cohort.cohort_page.part == 2
    assert cohort.cohort_page.exploration.form.table.path == str(table)


def test_without_maps_or_images_it_says_so(room, tmp_path):
    bare = {**exploration(tmp_path), "embeddings": {}, "slices": None, "histograms": None}
    room.page.show_result(bare)
    assert "no maps" in room.page.maps.nothing.text()
    assert "Features" in room.page.slices.summary.text()


@pytest.mark.parametrize(("values", "sought"), [(("0", "1"), "1"), (("ALT/WDL", "lipoma"), "ALT/WDL"),
                                                (("benign", "malignant"), "malignant"), (("a", "b", "c"), None)])
def test_the_class_that_is_likely_looked_for_is_proposed(room, values, sought):
    room.page.form.offer_values(values)
    assert room.page.form.chosen("positive") == sought


def test_what_others_are_told_from_has_the_benign_colour():
    groups = groups_of(["ALT/WDL", "ALT/WDL", "lipoma"])
    assert [(group.name, group.glyph) for group in groups] == [("lipoma", "●"), ("ALT/WDL", "▲")]
    assert [group.name for group in groups_of(["grade = 1", "grade = 1", "grade = 0"])] == ["grade = 0", "grade = 1"]


def test_a_spreadsheet_is_read_by_the_engine_and_its_columns_and_values_are_offered(room, tmp_path):
    path = tmp_path / "features.xlsx"
    path.write_bytes(b"a spreadsheet")
    room.page.take(str(path))
    assert room.jobs.request("describe_table") == {"table": str(path)}
    room.jobs.answer("describe_table", {"rows": 4, "columns": [
        {"name": "patient", "values": ["P1", "P2"]}, {"name": "grade", "values": ["high", "low"]},
        {"name": "liposarcoma", "values": ["0", "1"]}, {"name": "original_glcm_Contrast", "values": None}]})
    boxes = room.page.form.boxes
    assert [boxes["label"].itemText(row) for row in range(boxes["label"].count())] == [
        "none", "patient", "grade", "liposarcoma"]
    assert room.page.form.chosen("label") == "liposarcoma"  # remembered
    assert [boxes["positive"].itemText(row) for row in range(boxes["positive"].count())] == ["either", "0", "1"]


def test_clusters_are_named_beside_the_matrix_and_features_once_there_is_room(room, tmp_path):
    from app.ui.widgets.cluster_axis import Cluster, clusters_of, kind_of

    names = ["volume_ml", "original_shape_MeshVolume", *(f"t1_equal{level}_glcm_Contrast" for level in range(8, 88))]
    assert [kind_of(name) for name in names[:3]] == ["size", "shape", "co-occurrence"]
    assert kind_of("slice-gabor-4_firstorder_Energy") == "Gabor"
    assert clusters_of(names, [1, 1, *([2] * 80)]) == [Cluster(0, 2, "size and shape"), Cluster(2, 82, "co-occurrence")]
    assert clusters_of(names, ()) == [Cluster(0, 1, "size"), Cluster(1, 2, "shape"), Cluster(2, 82, "co-occurrence")]
    path = tmp_path / "many.npy"
    np.save(path, np.zeros((82, 82)))
    room.page.matrix.show_matrix({"names": names, "groups": [1, 1, *([2] * 80)], "pearson": str(path)})
    axis = room.page.matrix.sides["left"]
    assert (42.0, "co-occurrence (80)") in axis.words()
    room.page.matrix.plot.setRange(xRange=(0, 6), yRange=(0, 6), padding=0)
    assert names[3] in [word for _place, word in axis.words()]
    room.page.matrix.plot.grab()


def test_a_long_list_of_cautions_ends_with_a_whole_line(qtbot):
    from app.ui.widgets.flag_list import FlagList

    flags = FlagList(50)
    qtbot.addWidget(flags)
    flags.resize(600, 300)
    flags.show()
    flags.show_flags([{"code": "", "message": f"Sentence {number}.", "severity": "note"} for number in range(9)])
    qtbot.waitUntil(lambda: flags.height() < 50)
    rows = [flags.widget().layout().itemAt(place).widget() for place in range(9)]
    qtbot.waitUntil(lambda: rows[1].y() > 0)
    assert flags.height() in [row.geometry().bottom() + 1 for row in rows]

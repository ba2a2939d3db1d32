"""Figures: the same bytes twice, nothing beyond the page, readable in grey, and the numbers beside them."""

import csv
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.core.figures.images import draw_histograms, draw_slices
from app.core.figures.matrix import draw_matrix
from app.core.figures.page import DOTS_PER_INCH, OTHERS, UNKNOWN, WIDTH, keep_apart, looks_of, publish, shorten
from app.core.figures.ranking import draw_areas, draw_label_correlation
from app.core.figures.scatter import draw_map
from app.core.figures.volume import draw_surrogates


def feature_rows(count, seed=0):
    rng = np.random.default_rng(seed)
    rows = []
    for index in range(count):
        auc, rho = rng.uniform(0.1, 0.9), rng.uniform(-1, 1)
        title = f"A feature with a rather long title, wavelet HLL, no. {index} $"
        rows.append({"feature": f"f_{index}", "title": title, "surrogate": index % 3 == 0, "r_label": rho / 2,
                     "rho_label": rho, "rho_volume": rng.uniform(-1, 1),
                     "rho_beyond_volume": None if index == 1 else rho / 3, "auc": auc, "low": auc - 0.1,
                     "high": auc + 0.1, "p": rng.uniform() ** 3, "p_bonferroni": 1.0, "q": rng.uniform()})
    constant = dict.fromkeys(rows[0])
    return [*rows, {**constant, "feature": "fixed", "title": "Fixed", "surrogate": False}]


def random_matrix(count):
    matrix = np.corrcoef(np.random.default_rng(1).normal(size=(count, 12))) if count > 1 else np.ones((1, 1))
    matrix[:, -1] = matrix[-1] = np.nan
    return matrix


def draw_random_matrix(count):
    groups = [*np.sort(np.random.default_rng(2).integers(0, max(count // 5, 1), count - 1)), -1]
    rows = feature_rows(count)
    return draw_matrix(random_matrix(count), [f"f_{i}" for i in range(count)], [row["title"] for row in rows][:count],
                       groups, "spearman", 32)


def draw_random_map(cases, sites):
    rng = np.random.default_rng(3)
    groups = {"label": ["ALT/WDL" if index % 2 else "" for index in range(cases)],
              "site": [f"Hospital of a long name {rng.integers(sites)}" for _ in range(cases)]} if sites else {}
    patients = [f"P{index}" for index in range(cases)]
    return draw_map(rng.normal(size=(cases, 2)), groups, patients, "umap", "15 neighbours")


def draw_random_slices(cases):
    groups = {"vendor": [f"Vendor {index % 9}" for index in range(cases)], "label": ["a b"[index % 2 * 2] for index in
                                                                                     range(cases)]}
    return draw_slices([20 + index % 30 for index in range(cases)], groups, [f"P{index}" for index in range(cases)])


def draw_random_histograms(images, grouping):
    rng = np.random.default_rng(4)
    edges = {name: np.linspace(0, high, 21) for name, high in (("before", 900.0), ("zscore", 3.0), ("nyul", 100.0))}
    shares = {name: rng.uniform(0, 10, (images, 20)) for name in edges}
    return draw_histograms(edges, shares, [f"V{index % 3}" for index in range(images)], grouping,
                           [f"P{index}" for index in range(images)])


DRAWINGS = {
    **{f"matrix {count}": partial(draw_random_matrix, count) for count in (1, 2, 20, 60, 61, 900)},
    **{f"label {count}": partial(lambda n: draw_label_correlation(feature_rows(n), "ALT/WDL", 40), count)
       for count in (1, 25, 400)},
    **{f"areas {count}": partial(lambda n: draw_areas(feature_rows(n), "a class of a long name", (20, 12), 0.7), count)
       for count in (1, 25, 400)},
    **{f"volume {label} {count}": partial(lambda text, n: draw_surrogates(feature_rows(n), text, 0.8, 32), label, count)
       for label, count in (("ALT", 3), ("ALT", 900), (None, 30))},
    **{f"map {cases} {sites}": partial(draw_random_map, cases, sites) for cases, sites in ((5, 0), (40, 3), (700, 43))},
    **{f"slices {cases}": partial(draw_random_slices, cases) for cases in (1, 85)},
    **{f"histograms {grouping}": partial(draw_random_histograms, 12, grouping) for grouping in ("", "vendor")},
}


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_figure_stays_on_the_page_and_says_what_it_tells(name, tmp_path):
    drawn = []

    def draw():
        drawn.append(DRAWINGS[name]())
        return drawn[0]

    found = publish(draw, tmp_path)
    figure = drawn[0].figure
    extent = figure.get_tightbbox()
    width, height = figure.get_size_inches()
    assert width == WIDTH
    assert min(extent.x0, extent.y0) > -0.06
    assert extent.x1 < width + 0.06
    assert extent.y1 < height + 0.06
    for axes in figure.axes:
        if axes.get_visible() and axes.has_data() and axes.get_xticks().size:
            assert axes.get_xlabel() or any(tick.get_text() for tick in axes.get_xticklabels())
    assert len(found["caption"]) > 100
    with Image.open(found["png"]) as picture:
        assert picture.width == round(WIDTH * DOTS_PER_INCH)
        assert np.asarray(picture.convert("L")).std() > 5


@pytest.mark.parametrize("name", ["matrix 20", "areas 25", "map 40 3", "histograms vendor"])
def test_the_same_numbers_give_the_same_files(name, tmp_path):
    first, second = (publish(DRAWINGS[name], tmp_path / part) for part in ("a", "b"))
    for ending in ("svg", "png", "csv"):
        content = (tmp_path / "a" / first[ending].split("/")[-1]).read_bytes()
        assert content == (tmp_path / "b" / second[ending].split("/")[-1]).read_bytes()
        assert b"<dc:date>" not in content


def test_numbers_lie_beside_the_figure(tmp_path):
    found = publish(DRAWINGS["areas 25"], tmp_path)
    with Path(found["csv"]).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    expected = sorted(feature_rows(25)[:-1], key=lambda row: row["p"])
    assert [row["feature"] for row in rows] == [row["feature"] for row in expected]
    assert [float(row["auc"]) for row in rows] == pytest.approx([row["auc"] for row in expected], rel=1e-5)
    matrix = publish(DRAWINGS["matrix 20"], tmp_path)
    with Path(matrix["csv"]).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert float(rows[3]["f_5"]) == pytest.approx(random_matrix(20)[3, 5], rel=1e-5)
    assert rows[-1]["f_5"] == ""


def test_matplotlib_is_loaded_when_drawing_and_leaves_no_state():
    code = ("import sys, app.core.figures.matrix, app.core.figures.images, app.core.figures.ranking\n"
            "assert 'matplotlib' not in sys.modules\n"
            "import matplotlib, tempfile, pathlib; names = ('font.size', 'svg.hashsalt', 'axes.spines.top')\n"
            "before = [matplotlib.rcParams[name] for name in names]\n"
            "from app.core.figures.page import publish; from app.core.figures.images import draw_slices\n"
            "publish(lambda: draw_slices([3, 4], {}, ['a', 'b']), pathlib.Path(tempfile.mkdtemp()))\n"
            "assert [matplotlib.rcParams[name] for name in names] == before and 'matplotlib.pyplot' not in sys.modules")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_groups_keep_marker_dash_and_brightness_of_their_own():
    members = [f"S{index % 12}" for index in range(100)] + ["", "S1"]
    looks = looks_of(members)
    assert list(looks)[-2:] == [OTHERS, UNKNOWN]
    assert len(looks) == 9
    assert "S1" in looks
    for part in ("colour", "marker", "dash"):
        assert len({str(getattr(look, part)) for name, look in looks.items() if name not in (OTHERS, UNKNOWN)}) == 7


def test_labels_keep_their_order_and_distance():
    places = keep_apart([1, 1, 1, 50, 99, 99.5], 5, 0, 100)
    assert np.diff(places).min() >= 5 - 1e-9
    assert max(places) <= 100
    assert places[3] == 50


def test_long_titles_keep_both_ends():
    short = shorten("Small dependence high grey-level emphasis, wavelet HHL, t1_fs_gd")
    assert len(short) <= 44
    assert short.startswith("Small dependence")
    assert short.endswith("t1_fs_gd")
    assert shorten("cost in $ or $") == r"cost in \$ or \$"

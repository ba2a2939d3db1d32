"""The guide: every caution has its entry, links lead somewhere, figures are right, F1 opens what is on screen."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QUrl

from app.core.paths import program_folder
from app.ui.guide import PAGES, PLACES, WRITTEN_ELSEWHERE, help_folder, parts_of, read_page, search, title_of
from app.ui.pages.guide import ICONS, Guide
from app.ui.theme import set_theme, theme
from app.ui.widgets.icon_array import draw_icon_array
from app.ui.widgets.keymap import Keymap
from app.ui.widgets.picture_text import WARNINGS
from app.ui.window import PAGES as WINDOW_PAGES

CORE = program_folder() / "app" / "core"
GROUPS = {"", "image", "outline", "score", "cohort", "training"}
# Calls that hand a code on: the place of the code among their arguments.
MAKERS = {"Caution": 0, "Flag": 0, "_mixture": 2, "_shared": 2}
# Codes that are put together or handed on while the program runs, by the words of the code's expression.
HANDED_ON = {"code", "caution.code", "flag['code']"}
PUT_TOGETHER = {"f'odd_{name}'": {"odd_repetition_time", "odd_echo_time"},
                "f'{what}_features'": {"empty_features", "constant_features", "duplicated_features"},
                "f'outline_{describe_failure(error).kind}'": {
                    "outline_geometry", "outline_input", "outline_empty_mask"},
                "kind": {"several_labels"}}
OF_THE_WINDOW = {"prepared_grid", "missing_sequence"}


def arguments(tree: ast.AST) -> Iterator[ast.expr]:
    """Give whatever stands where a caution's code does."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            place = MAKERS.get(getattr(node.func, "id", ""))
            if place is not None and len(node.args) > place:
                yield node.args[place]
        elif isinstance(node, ast.Dict):
            keys = [getattr(key, "value", None) for key in node.keys]
            if {"code", "message"} <= set(keys):
                yield node.values[keys.index("code")]


def codes_of_the_program() -> set[str]:
    found = set(WARNINGS) | OF_THE_WINDOW
    for path in CORE.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        constants = {node.targets[0].id: node.value.value for node in tree.body if isinstance(node, ast.Assign)
                     and isinstance(node.targets[0], ast.Name) and isinstance(node.value, ast.Constant)}
        for each in arguments(tree):
            words = ast.unparse(each)
            if isinstance(each, ast.Constant):
                found.add(each.value)
            elif words in constants:
                found.add(constants[words])
            elif words in PUT_TOGETHER:
                found |= PUT_TOGETHER[words]
            else:
                assert words in HANDED_ON or words.endswith(".code"), f"{path.name}: which codes can {words} be?"
    for bundle in (program_folder() / "models").glob("*/bundle.json"):
        found |= set(json.loads(bundle.read_text(encoding="utf-8"))["standing_cautions"])
    return found


def test_every_caution_has_its_entry_and_every_entry_its_caution():
    written = {part.anchor for part in parts_of("cautions")} - GROUPS
    codes = codes_of_the_program()
    assert len(codes) > 90
    assert codes - written == set(), "the guide says nothing of these"
    assert written - codes == set(), "the guide speaks of cautions that there are not"
    assert {part.anchor for part in parts_of("cautions") if "What to do:" not in part.words} == GROUPS


def test_a_new_caution_would_be_missed():
    assert [each.value for each in arguments(ast.parse("Caution('brand_new', 'Words.')"))] == ["brand_new"]
    assert [each.value for each in arguments(ast.parse("{'code': 'other', 'message': told}"))] == ["other"]


@pytest.mark.parametrize("page", [page for page in PAGES if page not in WRITTEN_ELSEWHERE])
def test_links_and_pictures_of_a_page_lead_somewhere(page):
    text = read_page(page)
    for link in re.findall(r'href="([^"]+)"', text):
        if link.startswith("https://doi.org/10."):
            continue
        name, _, anchor = link.partition("#")
        name = name.removesuffix(".html") or page
        assert name in PAGES, link
        assert not anchor or anchor in {part.anchor for part in parts_of(name)}, link
    for picture in re.findall(r'<img src="([^"]+)"', text):
        assert picture.startswith(ICONS) or (help_folder() / picture).is_file(), picture
    anchors = re.findall(r'<a name="([^"]+)">', text)
    assert len(anchors) == len(set(anchors))
    assert title_of(page)


def test_every_page_of_the_window_and_every_step_has_a_page():
    from app.ui.helping import STEPS

    assert set(PLACES) == set(WINDOW_PAGES)
    assert set(PLACES.values()) <= set(PAGES)
    assert set(STEPS) <= {part.anchor for part in parts_of("first-training")}
    assert {"bias", "read"} <= {part.anchor for part in parts_of("first-case")}
    linked = " ".join(read_page(page) for page in PAGES if page not in WRITTEN_ELSEWHERE)
    assert [page for page in PAGES if f"{page}.html" not in linked and page != "index"] == []


def move(probability: float, share: float, used: float) -> float:
    odds = probability / (1 - probability) * used / (1 - used) / (share / (1 - share))
    return odds / (1 + odds)


def test_the_worked_figures_are_those_of_the_shipped_model():
    page = read_page("numbers")
    for first, second in re.findall(r"<tr><td>(0\.\d+)</td><td>(0\.\d+)</td>", page):
        assert second == f"{move(float(first), 0.5, 0.01):.3f}"
    bundle = json.loads((program_folder() / "models" / "lipoma-size" / "bundle.json").read_text(encoding="utf-8"))
    point = next(each for each in bundle["thresholds"] if each["default"])
    found, cleared = point["sensitivity"], point["specificity"]
    assert f"finds {100 * found:.0f} % of the malignant tumours and clears {100 * cleared:.0f} % of the lipomas" in page
    for malignant in (10, 500):
        benign = 1000 - malignant
        counts = [round(malignant * found), malignant - round(malignant * found), benign - round(benign * cleared),
                  round(benign * cleared)]
        assert f"{ICONS}{','.join(map(str, counts))}" in page
        called = malignant * found + benign * (1 - cleared)
        assert f"{100 * malignant * found / called:.2g} %" in page
    assert f"1 in {1 / (10 * found / (10 * found + 990 * (1 - cleared))):.0f} is malignant" in page
    assert 10 * (1 - found) / (990 * cleared + 10 * (1 - found)) < 0.001


@pytest.fixture
def guide(qtbot):
    guide = Guide(Keymap())
    qtbot.addWidget(guide)
    guide.show()
    return guide


@pytest.mark.parametrize("name", ["dark", "light"])
def test_every_page_is_shown_in_both_themes(guide, name):
    before = theme().name
    set_theme(name)
    for page in PAGES:
        guide.go(page)
        assert guide.text.toPlainText().startswith(title_of(page))
        assert guide.list.currentItem().text() == title_of(page)
    guide.go("first-case")
    picture = guide.text.loadResource(2, QUrl("window.png"))
    assert picture.height() > 200
    assert (picture.pixelColor(5, picture.height() // 2).lightness() > 128) == (name == "light")
    set_theme(before)


def test_pictures_come_from_the_help_folder_alone(guide):
    for name in ("../../pyproject.toml", "/etc/passwd", "https://example.org/a.png", "../pins.txt", "absent.png"):
        assert guide.text.loadResource(2, QUrl(name)) is None


def test_a_crowd_is_drawn_one_by_one():
    few, many = draw_icon_array((1, 0, 0, 0)), draw_icon_array((490, 10, 340, 160))
    assert many.height() > few.height() + 15 * 12
    colour = theme().malignant
    assert few.pixelColor(10, 10).name() == colour
    assert many.pixelColor(10, 10).name() == colour
    missed = many.pixelColor(4 + 40 * 12 + 6, 4 + 9 * 12 + 6)
    assert missed.name() == theme().panel_high, "one that is missed is hollow"


def test_search_finds_titles_first_and_narrows_with_every_word(guide):
    found = search("lossy")
    assert (found[0].page, found[0].anchor) == ("cautions", "lossy")
    assert search("Compressed with loss")[0].anchor == "lossy"
    assert len(search("interval")) > len(search("interval bootstrap delong")) > 0
    assert search("") == search("xyzzy") == []
    guide.field.setText("net benefit vickers")
    assert guide.place == ("statistics", "utility")
    assert guide.text.extraSelections()
    guide.field.setText("invert")
    assert guide.place[0] == "keys"
    guide.field.setText("xyzzy")
    assert guide.list.item(0).text() == "Nothing speaks of 'xyzzy'."
    guide.field.clear()
    assert guide.list.count() == len(PAGES)


def test_links_within_are_followed_here_and_back(guide, monkeypatch):
    opened = []
    monkeypatch.setattr("app.ui.pages.guide.QDesktopServices.openUrl", opened.append)
    guide.go("index")
    guide.follow(QUrl("cautions.html#unlike_training"))
    assert guide.place == ("cautions", "unlike_training")
    assert guide.text.verticalScrollBar().value() > 1000
    guide.follow(QUrl("#lossy"))
    guide.back.click()
    assert guide.place == ("cautions", "unlike_training")
    guide.back.click()
    assert guide.place == ("index", "")
    assert not guide.back.isEnabled()
    guide.on.click()
    assert guide.place == ("cautions", "unlike_training")
    guide.explain("no_such_code")
    assert guide.place == ("cautions", "")
    assert opened == []
    guide.follow(QUrl("https://doi.org/10.2307/2531595"))
    assert opened == [QUrl("https://doi.org/10.2307/2531595")]
    guide.follow(QUrl("file:///etc/passwd"))
    assert len(opened) == 1
    assert guide.place[0] == "cautions"


def test_help_is_where_the_reader_is(driver):
    from window_fixtures import SCORE

    window = driver.window
    for place, title in enumerate(WINDOW_PAGES):
        window.show_page(place)
        window.show_help()
        assert window.helping.guide.place[0] == PLACES[title]
    window.show_page(0)
    window.score_page.result.show_score({**SCORE, "cautions": [{"code": "lossy", "message": "Lossy."}]}, 0.01)
    window.show_help()
    assert window.helping.guide.place == ("first-case", "read")
    panel = window.score_page.result.panel
    driver.qtbot.mouseClick(panel.cautions.explain, Qt.MouseButton.LeftButton)
    assert window.helping.guide.place == ("cautions", "lossy")
    shortcuts = {action.text(): action.shortcut().toString() for action in window.actions()}
    assert shortcuts["Guide"] == "F1"
    assert shortcuts["Map of keys"] == "Shift+F1"
    window.helping.guide.close()
    assert Path(help_folder()).is_dir()

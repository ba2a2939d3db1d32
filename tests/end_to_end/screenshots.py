"""Takes the pictures of the README from the real window: `python -m tests.end_to_end.screenshots [--out FOLDER]`."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PySide6.QtGui import QPixmap
    from PySide6.QtWidgets import QWidget

    from tests.benchmarks.room import Room

ROOT = Path(__file__).resolve().parents[2]
CASES, SITES = 85, 43
NETWORK = "lipoma-phantom-cnn"
SHIPS_NETWORK = (ROOT / "models" / NETWORK).is_dir()
PARTS = ("window", *("attention",) * SHIPS_NETWORK, "cohort", "train", "networks")
PAGES = (
    "empty", "window", "steering", "guide", "guide-numbers", "guide-cautions", "guide-keys", "settings",
    *("attention",) * SHIPS_NETWORK,
    "cohort", "quality", "exploration", "exploration-features", "exploration-maps", "exploration-slices",
    "exploration-histograms",
    "train-empty", "train-cases", "train-features", "train-sites", "train-models", "train-validation",
    "train-before-run", "train-run", "train-done", "train-results", "train-save",
    "results", "results-calibration", "results-decision", "results-cases", "results-sites", "results-features",
    "results-audit", "results-learning", "results-metrics", "results-report",
    "library",
    "networks-models", "networks-form", "networks-form-every", "networks-run", "results-network",
)


def main(words: list[str]) -> int:
    """Open the window on the demo case, or on the named one, and save each page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "resources" / "help")
    parser.add_argument("--case", nargs=2, metavar=("IMAGE", "MASK"), help="a real case in place of the demo's")
    parser.add_argument("--model", help="score with this model")
    parser.add_argument("--scale", type=float, default=1.0, help="of everything, as on a dense screen")
    parser.add_argument("--cohort", type=Path, help="a folder or table of cases in place of phantoms")
    parser.add_argument("--cases", type=int, default=CASES, help="phantoms, when there is no cohort")
    parser.add_argument("--sites", type=int, default=SITES, help="that the phantoms are spread over")
    parser.add_argument("--label", default="label", help="the column that the cohort's features are compared with")
    parser.add_argument("--theme", choices=("dark", "light"), help="every page in this theme")
    parser.add_argument("--both", action="store_true", help="every picture once more in the light theme")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, help="only these pages")
    parser.add_argument("--features", default="pyradiomics", help="what the training measures")
    parser.add_argument("--network", default="cnn-quick", help="that is trained")
    parser.add_argument("--size", nargs=2, type=int, default=(1440, 900), metavar=("WIDTH", "HEIGHT"))
    ask = parser.parse_args(words)
    os.environ["QT_SCALE_FACTOR"] = str(ask.scale)
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from tests.benchmarks.room import open_room  # Qt reads the scale when it is imported

    ask.out.mkdir(parents=True, exist_ok=True)

    def shoot(name: str, above: QWidget | None = None) -> None:
        _rest(room)
        _grab(room.window, above).save(str(ask.out / f"{name}.png"))
        sys.stdout.write(f"{ask.out / name}.png\n")
        sys.stdout.flush()
        if ask.both:
            room.window.state.choose("theme", "light")
            _rest(room)
            _grab(room.window, above).save(str(ask.out / f"{name}-light.png"))
            room.window.state.choose("theme", "dark")

    with open_room(ask.theme or "dark", tuple(ask.size)) as room:
        if "window" in ask.parts:
            _shoot_window(room, ask, shoot)
        if "attention" in ask.parts:
            _shoot_attention(room, ask.case, shoot)
        if {"cohort", "train", "networks"} & set(ask.parts):
            with _cohort(ask.cohort, ask.cases, ask.sites) as source:
                if "cohort" in ask.parts:
                    _shoot_cohort(room, source, ask.label, shoot)
                if "train" in ask.parts:
                    from tests.end_to_end.training_screenshots import shoot_training

                    shoot_training(room, source, ask.label, ask.features, shoot)
                if "networks" in ask.parts:
                    from tests.end_to_end.network_screenshots import shoot_networks

                    shoot_networks(room, source, ask.label, shoot, ask.network)
    return 0


def _shoot_window(room: Room, ask: argparse.Namespace, shoot: Callable[[str], None]) -> None:
    """Score a case, and save the pages that need no cohort."""
    from tests.benchmarks.room import wait_until

    shoot("empty")
    if ask.model:
        room.window.state.choose("model", ask.model)
    if ask.case:
        room.drop([Path(part).resolve() for part in ask.case])
    else:
        room.reading.open_demo()
    wait_until(lambda: room.page.result.shows_score, what="the score")
    room.rest()
    shoot("window")
    room.page.steering.open()
    room.rest()
    shoot("steering")
    room.page.steering.close()
    _shoot_guide(room, shoot)
    room.window.show_named("Settings")
    shoot("settings")
    if ask.theme is None and not ask.both:
        room.window.show_page(0)
        room.window.state.choose("theme", "light")
        shoot("window-light")
        room.window.state.choose("theme", "dark")


def _shoot_guide(room: Room, shoot: Callable[..., None]) -> None:
    """Open the guide over the window, and save some of its pages."""
    helping = room.window.helping
    guide = helping.show_place("Score", room.page)
    shoot("guide", guide)
    helping.show("numbers", "one")
    shoot("guide-numbers", guide)
    helping.explain("unlike_training")
    shoot("guide-cautions", guide)
    helping.show_keys()
    shoot("guide-keys", guide)
    guide.close()


def _shoot_attention(room: Room, case: list[str] | None, shoot: Callable[[str], None]) -> None:
    """Score a case with the shipped network, and save where it looked."""
    from tests.benchmarks.room import wait_until

    room.window.show_page(0)
    before = room.window.state["model"]
    room.reading.scoring.choose_model(NETWORK)
    if not room.reading.current:
        room.drop([Path(part).resolve() for part in case]) if case else room.reading.open_demo()
        wait_until(lambda: room.reading.current, what="the case")
    room.reading.score()
    attention = room.page.attention
    wait_until(lambda: attention.is_offered and room.page.viewer.state.case is not None, what="the network's score")
    attention.switch(on=True)
    wait_until(lambda: room.page.viewer.state.attention is not None, what="the map")
    shoot("attention")
    attention.switch(on=False)
    room.reading.scoring.choose_model(before)


@contextmanager
def _cohort(chosen: Path | None, cases: int, sites: int) -> Iterator[Path]:
    """Copy a cohort to a home folder made for the pictures, or draw one of phantoms there; gone afterwards."""
    from app.core.jobs import run_workflow

    folder = Path(tempfile.mkdtemp(prefix="liposcope-cohort-"))
    source, homes = folder / "cohort", {name: os.environ.get(name) for name in ("HOME", "USERPROFILE")}
    os.environ.update(dict.fromkeys(homes, str(folder)))  # paths on the pictures are those of any reader
    try:
        if chosen is None:
            request = {"kind": "cohort", "out": str(source), "cases": cases, "sites": sites,
                       "jobs": os.cpu_count() or 1}
            run_workflow("app.core.workflows:make_demo", request, lambda _share, _words: None)
        else:
            shutil.copytree(chosen if chosen.is_dir() else chosen.parent, source)
        tables = [source / chosen.name] if chosen is not None and chosen.is_file() else sorted(source.glob("*.csv"))
        yield tables[0] if tables else source
    finally:
        for name, home in homes.items():
            os.environ.pop(name) if home is None else os.environ.update({name: home})
        shutil.rmtree(folder, ignore_errors=True)


def _shoot_cohort(room: Room, source: Path, label: str, shoot: Callable[[str], None]) -> None:
    """Match, measure, check and explore a cohort, and save each page."""
    from tests.benchmarks.room import wait_until

    page = room.window.cohort_page
    room.window.show_page(1)
    room.drop([source])
    wait_until(lambda: page.cohort.recipes.known and page.cohort.model.records(), what="the cases")
    page.features.panel.run.click()
    wait_until(lambda: page.cohort.result, 600, "the features")
    shoot("cohort")
    page.features.panel.quality.click()
    wait_until(lambda: not room.window.jobs.live_jobs(), 600, "the quality")
    flagged = [record["key"] for record in page.quality.model.records() if record["flags"]]
    page.quality.table.choose((flagged or [page.quality.model.key_of(0)])[0])
    shoot("quality")
    page.show_part(0)
    page.features.panel.explore.click()
    page.exploration.form.choose("label", label)
    page.exploration.form.changed.emit("label")
    wait_until(lambda: page.exploration.form.boxes["positive"].count() > 1, what="the classes")
    page.exploration.explore()
    wait_until(lambda: not room.window.jobs.live_jobs(), 600, "the exploration")
    for name, figure in page.exploration.figures.items():
        page.exploration.tabs.setCurrentWidget(figure)
        shoot("exploration" if name == "Correlation" else f"exploration-{name.lower()}")


def _grab(window: QWidget, above: QWidget | None) -> QPixmap:
    """Grab the window, with a dialog in its middle where there is one."""
    from PySide6.QtGui import QPainter

    picture = window.grab()
    if above is not None:
        painter = QPainter(picture)
        frame = above.rect().translated(window.rect().center() - above.rect().center())
        painter.drawPixmap(frame, above.grab())
        painter.drawRect(frame)
        painter.end()
    return picture


def _rest(room: object, seconds: float = 0.6) -> None:
    """Let what moves come to rest, and what is asked for on showing a page arrive."""
    from tests.benchmarks.room import Room, wait_until

    assert isinstance(room, Room)
    until = time.perf_counter() + seconds
    wait_until(lambda: time.perf_counter() > until and not any(map(room.window.jobs.live_jobs, ("view", "score"))),
               what="rest")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Takes the pictures of the README from the real window: `python -m tests.end_to_end.screenshots [--out FOLDER]`."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def main(words: list[str]) -> int:
    """Open the window on the demo case, or on the named one, and save each page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "resources" / "help")
    parser.add_argument("--case", nargs=2, metavar=("IMAGE", "MASK"), help="a real case in place of the demo's")
    parser.add_argument("--model", help="score with this model")
    parser.add_argument("--scale", type=float, default=1.0, help="of everything, as on a dense screen")
    parser.add_argument("--theme", choices=("dark", "light"), help="every page in this theme")
    parser.add_argument("--size", nargs=2, type=int, default=(1440, 900), metavar=("WIDTH", "HEIGHT"))
    ask = parser.parse_args(words)
    os.environ["QT_SCALE_FACTOR"] = str(ask.scale)
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from tests.benchmarks.room import Room, open_room, wait_until  # Qt reads the scale when it is imported

    ask.out.mkdir(parents=True, exist_ok=True)

    def shoot(room: Room, name: str) -> None:
        _rest(room)
        room.window.grab().save(str(ask.out / f"{name}.png"))
        sys.stdout.write(f"{ask.out / name}.png\n")

    with open_room(ask.theme or "dark", tuple(ask.size)) as room:
        shoot(room, "empty")
        if ask.model:
            room.window.state.choose("model", ask.model)
        if ask.case:
            room.drop([Path(part).resolve() for part in ask.case])
        else:
            room.reading.open_demo()
        wait_until(lambda: room.page.result.shows_score, what="the score")
        room.rest()
        shoot(room, "window")
        room.window.show_page(1)
        shoot(room, "library")
        room.window.show_page(2)
        shoot(room, "settings")
        if ask.theme is None:
            room.window.show_page(0)
            room.window.state.choose("theme", "light")
            shoot(room, "window-light")
    return 0


def _rest(room: object, seconds: float = 0.6) -> None:
    """Let what moves come to rest, and what is asked for on showing a page arrive."""
    from tests.benchmarks.room import Room, wait_until

    assert isinstance(room, Room)
    until = time.perf_counter() + seconds
    wait_until(lambda: time.perf_counter() > until and not room.window.jobs.live_jobs(), what="rest")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Every page of the window is photographed in both themes; the pictures stay in build/screenshots for whoever asks."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.end_to_end.screenshots import PAGES

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "build" / "screenshots"
SIZE = (1440, 900)


@pytest.fixture(scope="module")
def pictures() -> dict[str, np.ndarray]:
    shutil.rmtree(FOLDER, ignore_errors=True)
    command = [sys.executable, "-m", "tests.end_to_end.screenshots", "--out", str(FOLDER), "--both", "--cases", "24",
               "--sites", "6", "--size", *map(str, SIZE)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=850)
    assert done.returncode == 0, done.stderr[-3000:]
    return {path.stem: np.asarray(Image.open(path).convert("L"), float) for path in sorted(FOLDER.glob("*.png"))}


@pytest.mark.slow
def test_every_page_is_there_in_both_themes(pictures):
    assert set(pictures) == {f"{page}{theme}" for page in PAGES for theme in ("", "-light")}
    for page in PAGES:
        dark, light = pictures[page], pictures[f"{page}-light"]
        assert dark.shape == light.shape == SIZE[::-1], page
        assert np.median(dark) < 70 < 120 < np.median(light), page
        assert min(len(np.unique(dark)), len(np.unique(light))) > 100, f"{page} shows next to nothing"


@pytest.mark.slow
def test_no_two_pages_look_alike(pictures):
    dark = {page: pictures[page] for page in PAGES}
    alike = [(one, other) for one in dark for other in dark if one < other and np.array_equal(dark[one], dark[other])]
    assert alike == []

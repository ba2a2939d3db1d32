"""Keys and their profiles, the scale bar's steps, and what importing the viewer costs."""

from __future__ import annotations

import subprocess
import sys

import pytest

from app.ui.widgets.keymap import ACTIONS, MOUSE, PROFILES, Keymap
from app.ui.widgets.overlay import bar_length, say_length


@pytest.mark.parametrize("profile", PROFILES)
def test_profiles_bind_every_action_once(profile):
    keymap = Keymap(profile)
    keys = [key for name in ACTIONS for key in keymap.keys(name)]
    assert all(keymap.keys(name) for name in ACTIONS)
    assert len(keys) == len(set(keys))
    assert set(MOUSE[profile].values()) >= {"window", "pan", "zoom", "crosshair", "slice"}


def test_scale_bar_is_five_centimetres_or_a_round_step():
    assert bar_length(2.0, 200) == 50
    assert bar_length(10.0, 200) == 20
    assert bar_length(0.2, 200) == 1000 or bar_length(0.2, 200) == 500
    assert say_length(50) == "5 cm"
    assert say_length(2) == "2 mm"


def test_importing_the_viewer_stays_light():
    code = ("import sys, app.ui.widgets.viewer, app.ui.widgets.histogram; heavy = {'scipy', 'matplotlib', 'pandas', "
            "'nibabel', 'SimpleITK', 'sklearn', 'torch', 'pydicom', 'OpenGL'}; "
            "sys.exit(sorted(heavy & {name.split('.')[0] for name in sys.modules}) or 0)")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

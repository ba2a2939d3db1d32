"""Runs before the frozen program, in each of its processes: a program without a terminal has nowhere to write to."""

import os
import sys

if sys.stdout is None or sys.stderr is None:  # a Windows program with a window; libraries write all the same
    sys.stdout = sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 - for as long as it runs

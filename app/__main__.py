"""No arguments, or only the window's: the window. Anything else: the command line."""

import multiprocessing
import sys


def main(words: list[str]) -> int:
    """Open the window or run the command line, and return the exit status."""
    if not words or words[0] in ("--demo", "--open"):
        from app.ui.launch import launch

        return launch(demo="--demo" in words, paths=[word for word in words if not word.startswith("--")])
    try:
        from app.cli import run_command_line

        return run_command_line(words)
    except KeyboardInterrupt:  # while the program was still loading
        sys.stderr.write("Cancelled.\n")
        return 3


if __name__ == "__main__":
    multiprocessing.freeze_support()
    sys.exit(main(sys.argv[1:]))

"""Whether a path can be followed at all: some no disk takes, some the user may not, and each is told."""

from __future__ import annotations

from pathlib import Path

from app.core.io import damage

_LONGEST = 80
"""Letters of a name that a sentence repeats."""


def locate(given: str | Path) -> Path:
    """Make a path absolute.

    Parameters
    ----------
    given : str or Path
        As the user or a table names it; '~' stands for the home folder.

    Returns
    -------
    Path
        Whether anything lies there is left open.

    Raises
    ------
    UnreadableImage
        No disk takes the path, its links run in a circle, or the user may not follow it.
    """
    try:
        path = Path(given).expanduser().absolute()
        str(path).encode()  # a name of bytes that are no text cannot be written down
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return path
    except (OSError, ValueError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is no path"
        name = "".join(letter for letter in Path(given).name if letter.isprintable())
        raise damage.not_readable(name if len(name) <= _LONGEST else f"{name[:_LONGEST]}...", reason) from error
    return path

"""Pictures to files and to windows."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lrsched.files import write_file
from lrsched.plotting.style import own_settings

__all__ = ["save", "show"]

METADATA: dict[str, dict[str, Any]] = {".png": {}, ".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
"""The endings of pictures; no date goes in, so that the same schedule gives the same file."""

WITHOUT_WINDOWS = frozenset({"agg", "cairo", "pdf", "pgf", "ps", "svg", "template"})


def save(picture: Axes | Figure, path: str | os.PathLike[str]) -> Path:
    """Write a picture as PNG, SVG or PDF, by the ending of ``path``, in the place of a picture that is there.

    Raises:
        ValueError: for another ending.
        OSError: when the file cannot be written.
    """
    path = Path(path)
    ending = path.suffix.lower()
    if ending not in METADATA:
        raise ValueError(f"{path}: a picture must end in .png, .svg or .pdf, got {path.suffix or 'no ending'}")
    figure: Any = picture.figure
    options = {"format": ending[1:], "metadata": METADATA[ending], "dpi": figure.dpi}
    with own_settings():
        return write_file(path, lambda file: figure.savefig(file, **options), force=True)


def show(picture: Axes | Figure) -> None:
    """Open a window with the picture and wait until it is closed.

    Raises:
        RuntimeError: where matplotlib cannot open windows.
    """
    from matplotlib import pyplot  # noqa: PLC0415  # slow to import, and nothing else needs it

    figure: Any = picture.figure
    backend = pyplot.get_backend()
    if backend.lower() in WITHOUT_WINDOWS:
        raise RuntimeError(f"matplotlib's backend {backend} cannot open a window here; save the picture to a file.")
    if figure.canvas.manager is None:
        canvas = pyplot.figure(figsize=figure.get_size_inches(), dpi=figure.dpi).canvas
        canvas.figure = figure
        figure.set_canvas(canvas)
    with own_settings():
        pyplot.show()

"""Pictures to files and to windows."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

__all__ = ["save", "show"]

METADATA: dict[str, dict[str, Any]] = {".png": {}, ".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
"""The endings of pictures; no date goes in, so that the same schedule gives the same file."""

WITHOUT_WINDOWS = frozenset({"agg", "cairo", "pdf", "pgf", "ps", "svg", "template"})


def save(figure: Figure, path: str | os.PathLike[str]) -> Path:
    """Write a picture as PNG, SVG or PDF, by the ending of ``path``, in the place of a picture that is there.

    Raises:
        ValueError: for another ending.
        OSError: when the file cannot be written.
    """
    path = Path(path)
    ending = path.suffix.lower()
    if ending not in METADATA:
        raise ValueError(f"{path}: a picture must end in .png, .svg or .pdf, got {path.suffix or 'no ending'}")
    beside = path.with_name(f".{os.getpid()}.part{ending}")
    try:
        with _boxes_for_missing_glyphs():
            figure.savefig(beside, format=ending[1:], metadata=METADATA[ending])
        beside.replace(path)
    except OSError as why:
        if why.errno is None:
            raise
        raise OSError(why.errno, why.strerror, str(path)) from None
    finally:
        beside.unlink(missing_ok=True)
    return path


def show(figure: Figure) -> None:
    """Open a window with the picture and wait until it is closed.

    Raises:
        RuntimeError: where matplotlib cannot open windows.
    """
    from matplotlib import pyplot  # noqa: PLC0415  # slow to import, and nothing else needs it

    backend = pyplot.get_backend()
    if backend.lower() in WITHOUT_WINDOWS:
        raise RuntimeError(f"matplotlib's backend {backend} cannot open a window here; save the picture to a file.")
    canvas = pyplot.figure(figsize=figure.get_size_inches(), dpi=figure.dpi).canvas
    canvas.figure = figure
    figure.set_canvas(canvas)
    with _boxes_for_missing_glyphs():
        pyplot.show()


@contextmanager
def _boxes_for_missing_glyphs() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield

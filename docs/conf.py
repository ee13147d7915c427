"""Sphinx: ``sphinx-build -n -W -b html docs docs/_build/html``."""

import sys
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from docs.generate import generate  # noqa: E402 (found by the line above)
from lrsched import __version__  # noqa: E402

generate(HERE / "_generated")

project = "lrsched"
author = "The lrsched developers"
copyright = author
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.mathjax", "sphinx.ext.napoleon"]
exclude_patterns = ["_build", "_generated"]
nitpick_ignore_regex = [(r"py:.*", r"(?!lrsched).*")]  # other projects' names are not looked up: no network

autodoc_inherit_docstrings = False
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
napoleon_use_ivar = True
python_maximum_signature_line_length = 90
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = f"lrsched {release}"
html_theme_options = {"light_css_variables": {"code-font-size": "77%"}}  # the lines of a plan fit in their box
html_static_path: list[str] = []


def short_signature(app: Sphinx, what: str, name: str, kind: Any, *_: Any) -> tuple[str, None] | None:
    """A dataclass with the names and defaults of its fields: its annotations carry whole declarations."""
    if what != "class" or not is_dataclass(kind):
        return None
    shown = []
    for field in fields(kind):
        default = "" if field.default is MISSING else f"={field.default!r}"
        shown.append(f"{field.name}{default if len(default) < 20 else '=...'}")
    return (f"(*, {', '.join(shown)})" if shown else "()"), None


def whole_sentence(app: Sphinx, what: str, name: str, kind: Any, options: Any, lines: list[str]) -> None:
    """Keep a colon in the docstring of a property from being taken for ``type: description``."""
    if what == "property" and lines:
        lines[0] = lines[0].replace(": ", "; ")


def setup(app: Sphinx) -> None:
    app.connect("autodoc-process-signature", short_signature)
    app.connect("autodoc-process-docstring", whole_sentence, priority=400)

"""Words, numbers and lines as every part of the package writes them for people and for scripts."""

from __future__ import annotations

import math
import os
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, TextIO

__all__ = ["WIDTH"]
__all__ += ["closest", "coloured", "counted", "did_you_mean", "fitted", "joined", "json_ready", "json_text"]
__all__ += ["number", "plain", "shows_colour", "spanned", "terminal_width"]

WIDTH = 96  # columns of text that does not go to a terminal
COLOURS = {"error": "1;31", "warning": "1;33", "note": "36", "good": "1;32", "faint": "2"}  # the terminal's code


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """A number of things.

    >>> counted(1, "iteration"), counted(2, "iteration"), counted(0, "policy", "policies")
    ('1 iteration', '2 iterations', '0 policies')
    """
    return f"{count} {noun if count == 1 else plural or noun + 's'}"


def spanned(first: int, last: int, unit: str = "iteration") -> str:
    """A stretch of iterations, or of epochs.

    >>> spanned(1, 1), spanned(1, 149), spanned(0, 99, "epoch")
    ('iteration 1', 'iterations 1 to 149', 'epochs 0 to 99')
    """
    return f"{unit} {first}" if first == last else f"{unit}s {first} to {last}"


def joined(words: Iterable[object], conjunction: str = "and") -> str:
    """A list inside a sentence.

    >>> joined(["steps", "poly", "sgdr"], "or"), joined(["poly"])
    ('steps, poly or sgdr', 'poly')
    """
    *before, last = [str(word) for word in words] or [""]
    return f"{', '.join(before)} {conjunction} {last}" if before else last


def closest(word: object, choices: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The choice that was probably meant, or None; ``cutoff`` is the likeness it needs, from 0 to 1.

    >>> closest("Max-Batches", ["batch", "max_batches"])
    'max_batches'
    """
    from difflib import get_close_matches  # noqa: PLC0415 (only when a word is wrong)

    known = {choice.lower().replace("-", "_"): choice for choice in sorted(choices)}
    near = get_close_matches(str(word).lower().replace("-", "_"), known, 1, cutoff)
    return known[near[0]] if near else None


def did_you_mean(word: object, choices: Iterable[str]) -> str:
    """The end of a sentence that refuses a word: the choice that was probably meant, or nothing.

    >>> did_you_mean("stpes", ["steps", "poly"]), did_you_mean("banana", ["steps", "poly"])
    ("; did you mean 'steps'?", '')
    """
    near = closest(word, choices)
    return "" if near is None else f"; did you mean {near!r}?"


def number(value: float, digits: int = 3) -> str:
    """A number as people write it, rounded to so many digits.

    >>> number(0.001), number(1e-5), number(4.2949e-7), number(500200), number(float("nan"))
    ('0.001', '1e-5', '4.29e-7', '500200', 'nan')
    """
    if isinstance(value, int) or (math.isfinite(value) and value == round(value) and abs(value) < 10**9):
        return str(int(value))
    mantissa, exponent, power = f"{value:.{digits}g}".partition("e")
    return f"{mantissa}e{int(power)}" if exponent else mantissa


def plain(value: object) -> str:
    """A value as a config has it: every digit of it, no exponent, lists with commas.

    >>> plain((400000, 450000)), plain(0.1), plain(4.0), plain(1e-05)
    ('400000,450000', '0.1', '4', '0.00001')
    """
    if isinstance(value, tuple | list):
        return ",".join(map(plain, value))
    if isinstance(value, float) and math.isfinite(value):
        from decimal import Decimal  # noqa: PLC0415 (not every command writes a number)

        decimals = format(Decimal(repr(float(value))), "f")
        return decimals.rstrip("0").rstrip(".") if "." in decimals else decimals
    return str(value)


def json_ready(value: Any) -> Any:
    """Dataclasses, mappings, arrays and numbers as JSON has them; what is not a finite number is null.

    >>> json_ready({"rates": (0.1, float("nan")), "at": 3})
    {'rates': [0.1, None], 'at': 3}
    """
    if hasattr(value, "tolist"):  # an array or a number of numpy
        value = value.tolist()
    if is_dataclass(value) and not isinstance(value, type):
        value = {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): json_ready(inner) for key, inner in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [json_ready(inner) for inner in value]
    return value if value is None or isinstance(value, int) else str(value)


def json_text(document: Any) -> str:
    """One JSON document, indented."""
    import json  # noqa: PLC0415 (only for scripts)

    return json.dumps(json_ready(document), indent=2, ensure_ascii=False, allow_nan=False)


def terminal_width(stream: TextIO) -> int:
    """The columns for text on a stream: those of the terminal (or ``COLUMNS``), from 40 to 100, else 96."""
    columns = os.environ.get("COLUMNS", "")
    if not columns.isdecimal():
        columns = str(os.get_terminal_size(stream.fileno()).columns) if stream.isatty() else ""
    return max(40, min(int(columns), 100)) if columns.strip("0") else WIDTH


def shows_colour(stream: TextIO) -> bool:
    """Whether a stream is a terminal that wants colour (see https://no-color.org), and not the old one of Windows."""
    wanted = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return stream.isatty() and wanted and (os.name != "nt" or "WT_SESSION" in os.environ)


def coloured(text: str, meaning: str, colour: bool) -> str:
    r"""A text in the colour of ``error``, ``warning``, ``note``, ``good`` or ``faint``, if colour is wanted.

    >>> coloured("error", "error", True), coloured("error", "error", False)
    ('\x1b[1;31merror\x1b[0m', 'error')
    """
    return f"\x1b[{COLOURS[meaning]}m{text}\x1b[0m" if colour else text


def fitted(text: str, width: int = WIDTH) -> str:
    """A text with lines of at most ``width`` columns; paths, numbers and parts between middle dots stay whole."""
    lines = []
    for line in text.splitlines():
        indent = " " * (len(line) - len(line.lstrip()))
        later = indent if indent and ": " not in line[:20] else indent + "  "  # what has a name in front hangs in
        parts = line.strip().split(" · ")
        parts = [part.replace(" ", "\xa0") if len(parts) > 1 and len(part) < width else part for part in parts]
        wrapper = textwrap.TextWrapper(width, indent, later, break_long_words=False, break_on_hyphens=False)
        lines.append(line if len(line) <= width else wrapper.fill(" · ".join(parts)).replace("\xa0", " "))
    return "\n".join(lines)

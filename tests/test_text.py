"""Words, numbers, JSON and lines for people and scripts."""

import json
import math
from dataclasses import dataclass
from io import StringIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrsched import text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_plain_number_loses_nothing_and_has_no_exponent(value: float) -> None:
    written = text.plain(value)
    assert float(written) == value
    assert "e" not in written.lower()


@given(st.floats(-1e300, 1e300), st.integers(1, 12))
def test_a_number_for_people_is_the_number_rounded(value: float, digits: int) -> None:
    written = float(text.number(value, digits))
    assert math.isclose(written, value, rel_tol=0.5000001 * 10 ** (1 - digits), abs_tol=0)


@dataclass
class Point:
    rate: float
    at: tuple[int, ...]


def test_json_is_valid_for_every_number() -> None:
    document = {
        "points": [Point(math.nan, (1, 2)), Point(0.1, ())],
        "array": np.array([1.5, np.inf]),
        "single": np.float32(0.5),
        "flag": True,
        "none": None,
    }
    read = json.loads(text.json_text(document), parse_constant=pytest.fail)
    assert read == {
        "points": [{"rate": None, "at": [1, 2]}, {"rate": 0.1, "at": []}],
        "array": [1.5, None],
        "single": 0.5,
        "flag": True,
        "none": None,
    }


@given(st.text("ab -/.:·\n", max_size=200), st.integers(40, 100))
def test_lines_fit_and_keep_their_words(given_text: str, width: int) -> None:
    lines = text.fitted(given_text, width).split("\n")
    assert " ".join(lines).split() == given_text.split()
    assert all(len(line) <= width or " " not in line.strip() or " · " in given_text for line in lines)


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_width_and_colour_are_those_of_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("COLUMNS", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert (text.terminal_width(StringIO()), text.shows_colour(StringIO())) == (96, False)
    assert text.shows_colour(Terminal())
    monkeypatch.setenv("NO_COLOR", "1")
    assert not text.shows_colour(Terminal())
    for columns, width in (("60", 60), ("20", 40), ("250", 100)):
        monkeypatch.setenv("COLUMNS", columns)
        assert text.terminal_width(Terminal()) == width
        assert text.terminal_width(StringIO()) == width

"""Numbers at many places at once are those of ``float`` and ``int``, to the bit."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrsched.table import Table, packed
from lrsched.trainers.darknet.log.digits import decimals_before, decimals_from, integers_before, integers_from, number
from lrsched.trainers.darknet.log.text import MARGIN, Text


def laid_out(spellings: list[str]) -> tuple[Text, np.ndarray, np.ndarray]:
    """A text with the spellings between letters, and where they begin and end."""
    begins, ends, raw = [], [], b""
    for spelling in spellings:
        raw += b"x "
        begins.append(MARGIN + len(raw))
        raw += spelling.encode()
        ends.append(MARGIN + len(raw))
    return Text.of(raw, b" x"), np.array(begins, np.intp), np.array(ends, np.intp)


@given(st.lists(st.sampled_from(["mAP@", "ap = ", "AP@0", "mmAP@", "=", " ", "mAP", "Resizing"]), max_size=30))
def test_a_word_is_found_wherever_it_stands(parts: list[str]) -> None:
    text = Text.of("".join(parts).encode())

    for word in (b"mAP@", b"ap = ", b"Resizing"):
        assert sorted(text.find(word).tolist()) == [match.start() for match in re.finditer(word, text.raw)]
        for length in range(len(word)):
            assert text.has(text.find(word), word[:length]).all()


DECIMALS = st.builds(
    lambda whole, fraction: f"{whole}.{fraction:06}", st.integers(0, 10**8 - 1), st.integers(0, 999_999)
)


@given(st.lists(DECIMALS, min_size=1, max_size=20))
def test_decimals_are_those_of_float(spellings: list[str]) -> None:
    text, begins, ends = laid_out(spellings)
    expected = [float(spelling) for spelling in spellings]

    value, begin, plain = decimals_before(text, ends)
    assert plain.all()
    assert value.tolist() == expected
    assert begin.tolist() == begins.tolist()

    value, end, plain = decimals_from(text, begins)
    assert plain.all()
    assert value.tolist() == expected
    assert end.tolist() == ends.tolist()


@given(st.lists(st.integers(0, 10**15 - 1), min_size=1, max_size=20))
def test_integers_are_those_of_int(numbers: list[int]) -> None:
    text, begins, ends = laid_out([str(number) for number in numbers])

    value, end, plain = integers_from(text, begins)
    assert plain.all()
    assert value.tolist() == numbers
    assert end.tolist() == ends.tolist()

    value, begin, plain = integers_before(text, ends)
    assert plain.tolist() == [number < 10**7 for number in numbers]
    assert value[plain].tolist() == [number for number in numbers if number < 10**7]
    assert begin[plain].tolist() == begins[plain].tolist()


@pytest.mark.parametrize(
    "spelling", ["", "x", "1", "1.5", "1.23456", "1.2345678", ".500000", "1,500000", "1e5", "inf", "+1.0"]
)
def test_what_is_not_plain_says_so(spelling: str) -> None:
    text, begins, ends = laid_out([spelling])

    assert not decimals_from(text, begins)[2].any() or spelling == "1.2345678"
    if spelling not in ("1.2345678", ".500000"):
        assert not decimals_before(text, ends)[2].any()


def test_a_sign_and_nan_are_read_forwards() -> None:
    text, begins, ends = laid_out(["-0.250000", "1.000000", "-12.500000", "-nan", "nan"])
    found, end, plain = decimals_from(text, begins)

    np.testing.assert_array_equal(found, [-0.25, 1.0, -12.5, math.nan, math.nan])
    assert plain.all()
    assert end.tolist() == ends.tolist()


def test_every_spelling_of_printf_is_a_number() -> None:
    spellings = b"1.5 488075076341487108096.000000 1.0e-05 1.#INF00 -1.#INF00 -inf"
    assert list(map(number, spellings.split())) == [1.5, 488075076341487108096.0, 1e-05, math.inf, -math.inf, -math.inf]
    assert np.isnan(list(map(number, b"-nan -nan(ind) nan(snan) -1.#IND00 1.#QNAN0".split()))).all()


@given(st.lists(st.floats(width=32), max_size=20))
def test_what_a_trainer_prints_is_kept_in_half_the_room(floats: list[float]) -> None:
    printed = np.array([float(f"{value:f}") for value in floats], float)
    kept = packed(printed)

    assert kept.dtype == np.float32
    np.testing.assert_array_equal(Table(len(floats), {"x": kept}).column("x"), printed)


@given(st.lists(st.floats(), max_size=20))
def test_nothing_is_lost_by_packing(floats: list[float]) -> None:
    numbers = np.array(floats, float)

    np.testing.assert_array_equal(Table(len(floats), {"x": packed(numbers)}).column("x"), numbers)

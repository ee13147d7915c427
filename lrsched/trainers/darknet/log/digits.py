"""Numbers at many places of a text at once: eight digits are one word of 64 bits.

Only the plain form is read here, digits or digits with six decimals, and each function says where it was not met; those
places are left to ``number``, which knows all spellings. A plain number of at most 15 digits is an integer below 2**53
divided by a power of ten, which rounds once: the same bits as ``float``.
"""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from lrsched.trainers.darknet.log.text import Text

__all__ = ["NUMBER", "Places", "decimals_before", "decimals_from", "integers_before", "integers_from", "number"]

Places: TypeAlias = NDArray[np.intp]
Words: TypeAlias = NDArray[np.uint64]
Floats: TypeAlias = NDArray[np.float64]
Truths: TypeAlias = NDArray[np.bool_]

NUMBER = rb"[-+]?(?:\d{1,400}(?:\.(?:\d{1,60}|\#[A-Z]{3,4}\d*))?(?:[eE][-+]?\d{1,3})?|nan(?:\([a-z]*\))?|inf(?:inity)?)"
"""What printf writes for a floating-point number on Linux and on Windows, old and new."""


def number(spelling: bytes) -> float:
    """The number of one spelling.

    >>> number(b"1.500000"), number(b"-nan(ind)"), number(b"-1.#INF00")
    (1.5, nan, -inf)
    """
    if b"#" in spelling:
        return math.copysign(math.inf, -1 if spelling[:1] == b"-" else 1) if b"#INF" in spelling else math.nan
    return float(spelling.partition(b"(")[0])


def _word(low: int, *higher: int) -> np.uint64:
    """Eight bytes, the last of them repeated."""
    return np.uint64(int.from_bytes(bytes([low, *higher]).ljust(8, bytes([higher[-1] if higher else low])), "little"))


_ZERO = np.uint8(ord("0"))
_ONE, _ONES = np.uint64(1), _word(1)
_ZEROS, _LOW_BITS, _HIGH_BITS, _ABOVE_NINE, _NIBBLES = map(_word, (0x30, 0x7F, 0x80, 0x76, 0x0F))
_ZERO_AND_POINT = _word(ord("0"), ord("."), ord("0"))
_ABOVE_NINE_AND_POINT = _word(0x76, 0x7F, 0x76)
_FIRST_BYTE, _FROM_THIRD_BYTE = _word(0xFF, 0), _word(0, 0, 0xFF)
_SHIFTS = tuple(map(np.uint64, (8, 16, 32)))
_NAN, _NAN_BYTES = _word(*b"nan", 0), _word(*b"\xff\xff\xff", 0)
_KEEP_LAST = np.array([0] + [(1 << 64) - (1 << 64 - 8 * count) for count in range(1, 9)], np.uint64)
_TENS = np.array([10**count for count in range(9)], np.int64)
_BITS_BEHIND = np.array([64 - 8 * count for count in range(9)], np.uint64)


def _no_digits(words: Words) -> Words:
    """The high bit of every byte that is not a digit."""
    apart = words ^ _ZEROS
    return (((apart & _LOW_BITS) + _ABOVE_NINE) | apart) & _HIGH_BITS


def _value(words: Words) -> Words:
    """Eight digits as a number; a byte of 0 counts as the digit 0."""
    pairs = ((words & _NIBBLES) * np.uint64(2561)) >> _SHIFTS[0]
    fours = ((pairs & np.uint64(0x00FF00FF00FF00FF)) * np.uint64(6553601)) >> _SHIFTS[1]
    return ((fours & np.uint64(0x0000FFFF0000FFFF)) * np.uint64(42949672960001)) >> _SHIFTS[2]


def _leading(words: Words) -> Places:
    """With how many digits each word begins."""
    stops = _no_digits(words)
    below = (
        (stops - _ONE & ~stops) >> np.uint64(7)
    ) & _ONES  # a bit for each byte before the first that is not a digit
    return ((below * _ONES) >> np.uint64(56)).view(np.int64)


def integers_before(text: Text, end: Places) -> tuple[NDArray[np.int64], Places, Truths]:
    """Whole numbers that end at the places: their values, where they begin, whether they have 1 to 7 digits."""
    words = text.words[end - 8]
    count = _leading(words.byteswap())
    value = _value(words & _KEEP_LAST[count])
    return value.view(np.int64), end - count, (count >= 1) & (count <= 7)


def integers_from(text: Text, begin: Places) -> tuple[NDArray[np.int64], Places, Truths]:
    """Whole numbers that begin at the places: their values, where they end, whether they have 1 to 15 digits."""
    words = text.words[begin]
    count = _leading(words)
    value = _value(words << _BITS_BEHIND[count]).view(np.int64)
    plain = count >= 1
    long = np.flatnonzero(count == 8)
    if long.size:
        words = text.words[begin[long] + 8]
        more = _leading(words)
        value[long] = value[long] * _TENS[more] + _value(words << _BITS_BEHIND[more]).view(np.int64)
        count[long] += more
        plain[long] = more <= 7
    return value, begin + count, plain


def decimals_before(text: Text, end: Places) -> tuple[Floats, Places, Truths]:
    """Numbers with six decimals that end at the places: their values, where they begin, whether they are plain."""
    begin = end - 8
    value, plain = _seven(text.words[begin])
    more = np.ones(end.shape, bool)
    for power in range(7, 15):
        digit = text.bytes_[begin - 1] - _ZERO
        more &= digit < 10
        if not more.any():
            break
        value += (digit * more) * 10.0**power
        begin -= more
    plain &= end - begin <= 15
    value /= 1e6
    return value, begin, plain


def _seven(words: Words) -> tuple[Floats, Truths]:
    """The digits of ``D.DDDDDD`` as one number, and whether they are written so."""
    apart = words ^ _ZERO_AND_POINT
    plain = ((((apart & _LOW_BITS) + _ABOVE_NINE_AND_POINT) | apart) & _HIGH_BITS) == 0
    digits = (apart & _FROM_THIRD_BYTE) | ((apart & _FIRST_BYTE) << _SHIFTS[0])
    return _value(digits).view(np.int64).astype(np.float64), plain


def decimals_from(text: Text, begin: Places) -> tuple[Floats, Places, Truths]:
    """Numbers that begin at the places, six decimals or nan: their values, where they end, whether they are plain."""
    value, end, plain = _unsigned_from(text, begin)
    others = np.flatnonzero(~plain)
    if others.size:
        at = begin[others]
        minus = text.bytes_[at] == ord("-")
        at += minus
        is_nan = (text.words[at] & _NAN_BYTES) == _NAN
        number, stop, good = _unsigned_from(text, at)
        value[others] = np.where(is_nan, np.nan, np.where(minus, -number, number))
        end[others] = np.where(is_nan, at + 3, stop)
        plain[others] = good | is_nan
    return value, end, plain


def _unsigned_from(text: Text, begin: Places) -> tuple[Floats, Places, Truths]:
    before, last = np.zeros(begin.shape), begin
    digit = text.bytes_[begin] - _ZERO
    more = digit < 10
    for _ in range(7):
        following = text.bytes_[last + 1] - _ZERO
        more &= following < 10
        if not more.any():
            break
        before = np.where(more, 10 * before + digit, before)
        last, digit = last + more, following
    value, plain = _seven(text.words[last])
    value += before * 1e7
    value /= 1e6
    return value, last + 8, plain

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

__all__ = [
    "NUMBER",
    "Floats",
    "Places",
    "Truths",
    "decimals_before",
    "decimals_from",
    "integers_before",
    "integers_from",
    "number",
]

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


def _all_bytes(value: int) -> np.uint64:
    return np.uint64(value * 0x0101010101010101)


_ZEROS, _LOW_BITS, _HIGH_BITS, _ABOVE_NINE, _NIBBLES = map(_all_bytes, (0x30, 0x7F, 0x80, 0x76, 0x0F))
_POINT = np.uint64(ord(".") << 8)
_SECOND_BYTE = np.uint64(0xFF00)
_FIRST_BYTE = np.uint64(0xFF)
_FROM_THIRD_BYTE = np.uint64(0xFFFF_FFFF_FFFF_0000)
_SHIFTS = tuple(map(np.uint64, (8, 16, 32)))
_NAN = np.uint64(int.from_bytes(b"nan", "little"))
_NAN_BYTES = np.uint64(0xFFFFFF)
_KEEP_LAST = np.array([0] + [(1 << 64) - (1 << 64 - 8 * count) for count in range(1, 9)], np.uint64)
_TENS = np.array([10**count for count in range(9)], np.int64)
_BITS_BEHIND = np.array([64 - 8 * count for count in range(9)], np.uint64)


def _no_digits(words: Words) -> Words:
    """The high bit of every byte that is no digit."""
    apart = words ^ _ZEROS
    return (((apart & _LOW_BITS) + _ABOVE_NINE) | apart) & _HIGH_BITS


def _value(words: Words) -> Words:
    """Eight digits as a number; a byte of 0 counts as the digit 0."""
    pairs = ((words & _NIBBLES) * np.uint64(2561)) >> _SHIFTS[0]
    fours = ((pairs & np.uint64(0x00FF00FF00FF00FF)) * np.uint64(6553601)) >> _SHIFTS[1]
    return ((fours & np.uint64(0x0000FFFF0000FFFF)) * np.uint64(42949672960001)) >> _SHIFTS[2]


def _highest_byte(bits: Words) -> Places:
    """The index of the highest byte whose high bit is set, -1 where none is."""
    exponent: Places = np.frexp(bits.astype(np.float64))[1].astype(np.intp)
    exponent >>= 3
    exponent -= 1
    return exponent


def _count_from(words: Words) -> Places:
    """With how many digits each word begins."""
    stops = _no_digits(words)
    stops &= ~stops + np.uint64(1)
    first = _highest_byte(stops)
    first[first < 0] = 8
    return first


def _last(words: Words) -> tuple[Words, Places]:
    """The number that the last digits of each word form, and how many these are."""
    count = 7 - _highest_byte(_no_digits(words))
    return _value(words & _KEEP_LAST[count]), count


def integers_before(text: Text, end: Places) -> tuple[NDArray[np.int64], Places, Truths]:
    """Whole numbers that end at the places: their values, where they begin, whether they have 1 to 7 digits."""
    value, count = _last(text.words[end - 8])
    return value.view(np.int64), end - count, (count >= 1) & (count <= 7)


def integers_from(text: Text, begin: Places) -> tuple[NDArray[np.int64], Places, Truths]:
    """Whole numbers that begin at the places: their values, where they end, whether they have 1 to 15 digits."""
    words = text.words[begin]
    count = _count_from(words)
    value = _value(words << _BITS_BEHIND[count]).view(np.int64)
    plain = count >= 1
    long = np.flatnonzero(count == 8)
    if long.size:
        words = text.words[begin[long] + 8]
        more = _count_from(words)
        value[long] = value[long] * _TENS[more] + _value(words << _BITS_BEHIND[more]).view(np.int64)
        count[long] += more
        plain[long] = more <= 7
    return value, begin + count, plain


def decimals_before(text: Text, end: Places) -> tuple[Floats, Places, Truths]:
    """Numbers with six decimals that end at the places: their values, where they begin, whether they are plain."""
    value, plain = _seven(text.words[end - 8])
    begin = end - 8
    if ((text.bytes_[end - 9] - np.uint8(ord("0"))) < 10).any():
        whole, count = _last(text.words[end - 16])
        value += whole.view(np.int64) * 1e7
        begin -= count
        plain &= count <= 7
    value /= 1e6
    return value, begin, plain


def _seven(words: Words) -> tuple[Floats, Truths]:
    """The digits of ``D.DDDDDD`` as one number, and whether they are written so."""
    digits = (words & _FROM_THIRD_BYTE) | ((words & _FIRST_BYTE) << _SHIFTS[0]) | np.uint64(0x30)
    plain = (_no_digits(digits) == 0) & ((words & _SECOND_BYTE) == _POINT)
    return _value(digits).view(np.int64).astype(np.float64), plain


def _positive_from(text: Text, begin: Places) -> tuple[Floats, Places, Truths]:
    """Numbers that are neither negative nor nan."""
    end = begin + _count_from(text.words[begin]) + 7
    value, found, plain = decimals_before(text, end)
    plain &= found == begin
    return value, end, plain


def decimals_from(text: Text, begin: Places) -> tuple[Floats, Places, Truths]:
    """Numbers that begin at the places, six decimals or nan: their values, where they end, whether they are plain."""
    value, plain = _seven(text.words[begin])
    value /= 1e6
    end = begin + 8
    others = np.flatnonzero(~plain)
    if 2 * others.size > begin.size:
        return _signed_from(text, begin)
    if others.size:
        value[others], end[others], plain[others] = _signed_from(text, begin[others])
    return value, end, plain


def _signed_from(text: Text, begin: Places) -> tuple[Floats, Places, Truths]:
    minus = text.bytes_[begin] == ord("-")
    begin = begin + minus
    is_nan = (text.words[begin] & _NAN_BYTES) == _NAN
    value, end, plain = _positive_from(text, begin)
    value[minus] *= -1
    value[is_nan] = np.nan
    return value, np.where(is_nan, begin + 3, end), plain | is_nan

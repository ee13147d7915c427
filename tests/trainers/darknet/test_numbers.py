"""Numbers as the readers take them, beside the C library's own functions."""

import ctypes
import math
import re
import struct
from itertools import takewhile
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lrsched.trainers.darknet import numbers

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.atof.restype = ctypes.c_double
LIBC.strtof.restype = ctypes.c_float
LIBC.strtof.argtypes = [ctypes.c_void_p, ctypes.POINTER(ctypes.c_void_p)]
LIBC.strtol.restype = ctypes.c_long
LIBC.strtol.argtypes = [ctypes.c_void_p, ctypes.POINTER(ctypes.c_void_p), ctypes.c_int]


def pattern(number: float) -> bytes:
    return b"nan" if math.isnan(number) else struct.pack("d", number)


def converted(function: Any, text: str, *base: int) -> Any:
    """What ``std::stof`` and ``std::stoi`` make of strtof and strtol: None where they throw."""
    given_text = ctypes.create_string_buffer(text.encode())
    end = ctypes.c_void_p()
    ctypes.set_errno(0)
    number = function(ctypes.addressof(given_text), ctypes.byref(end), *base)
    threw = end.value == ctypes.addressof(given_text) or ctypes.get_errno() != 0
    return None if threw else number


def c_stoi(text: str) -> int | None:
    number = converted(LIBC.strtol, text, 10)
    return number if number is not None and -(2**31) <= number < 2**31 else None


LIKE_NUMBERS = st.text("+-.0123456789eExXpPaAfFiInNtTyY, \t\v#_", max_size=24) | st.from_regex(
    re.compile(r"[ \t]?[+-]?(0x)?[0-9]{0,25}\.?[0-9]{0,25}([eEpP][+-]?[0-9]{1,4})?[a-z,]?"), fullmatch=True
)
INTEGERS = st.integers(-(2**66), 2**66).map(str) | st.integers(0, 99).map(lambda n: f"{'0' * n}{n}")
# between these and the smallest and largest float32 there is no decimal that two roundings could lead astray
STRICT = (
    st.text("-.0123456789", max_size=12)
    | st.floats(2.0**-125, 2.0**127, width=32).map(lambda x: f"{x:.60f}")
    | st.floats(4e38, 1e45).map(lambda x: f"{x:.9f}")
    | st.floats(1e-70, 1e-46).map(lambda x: f"{x:.60f}")
)

WRITTEN = "1e-3|500,200|junk||-|+|.|-.5|+.5e1|1e|1e+|0x|0x1p-2|0x.8|0x.|0x1.8p|infinity|INF|-inf|infinit|nan(12)|1 2"


@given(LIKE_NUMBERS | INTEGERS)
@example("9223372036854775808")
@example("-9223372036854775809")
@example("4294967295")
@example("-2147483649")
@example("0" * 5000 + "7")
@example("9" * 5000)
def test_atoi_is_that_of_c(text: str) -> None:
    assert numbers.c_atoi(text) == LIBC.atoi(text.encode())


@given(LIKE_NUMBERS)
@example("1e" + "9" * 30)
@example("0x1p" + "9" * 30)
@example("0x1p-" + "9" * 30)
@example("0." + "0" * 5000 + "1e5001")
@example("2.4703282292062328e-324")
def test_atof_is_that_of_c(text: str) -> None:
    assert pattern(numbers.c_atof(text)) == pattern(LIBC.atof(text.encode()))


OTHER_SCRIPTS = ["\u0131nf", "\u0130nf", "nan\u0131", "\u0661\u0662", "\u00b2", "\uff11", "1\u00a0", "\u00a01"]


@pytest.mark.parametrize("text", [*WRITTEN.split("|"), *OTHER_SCRIPTS])
def test_written_numbers_are_those_of_c(text: str) -> None:
    assert numbers.c_atoi(text) == LIBC.atoi(text.encode())
    assert pattern(numbers.c_atof(text)) == pattern(LIBC.atof(text.encode()))
    assert text not in OTHER_SCRIPTS or not numbers.is_strict(text)


@given(STRICT)
@example("16777217")
@example("0.000000000000000000000000000000000000000000001")
@example("340282346638528859811704183484516925440")
@example("340282366920938463463374607431768211456")
@example("-0")
@example("1-2")
@example("1.2.3")
@example("-")
@example("--1")
def test_stof_is_that_of_c(text: str) -> None:
    number, wanted = numbers.strict_number(text), converted(LIBC.strtof, text)
    assert numbers.is_strict(text) == (text != "")
    assert (number is None) == (wanted is None)
    if number is not None:
        assert np.float32(number).view(np.uint32) == np.float32(wanted).view(np.uint32)


@pytest.mark.parametrize("text", ["1e-3", "+1", " 1", "1 ", "1,2", "", "0x1", "nan", "inf", "1_0"])
def test_strict_numbers_have_no_other_characters(text: str) -> None:
    assert not numbers.is_strict(text)


INTEGER_PARTS = [(1000.9, 1000), (-1.9, -1), (0.99, 0), (16777217.0, 16777216), (2147483520.0, 2147483520)]
NOT_HELD = [(2147483647.0, -(2**31)), (3e9, -(2**31)), (-3e9, -(2**31)), (3e38, -(2**31))]


@pytest.mark.parametrize(("number", "wanted"), INTEGER_PARTS + NOT_HELD)
def test_strict_integers_drop_the_fraction(number: float, wanted: int) -> None:
    assert numbers.strict_integer(number) == wanted


@given(st.text("-0123456789., #x", max_size=40))
@example("000000000000000005,6")
@example("7,-,8")
@example("2147483648,5")
@example("5,99999999999999999999,7")
def test_lists_are_found_left_to_right(text: str) -> None:
    integers = list(takewhile(lambda n: n is not None, map(c_stoi, re.findall("[-0123456789]+", text))))
    assert list(numbers.found_integers(text)) == integers
    found = [converted(LIBC.strtof, part) for part in re.findall("[-.0123456789]+", text)]
    floats = takewhile(lambda n: n is not None, found)
    assert [np.float32(number) for number in numbers.found_numbers(text)] == list(floats)


@given(st.floats(width=32, allow_nan=False))
@example(999999986991104.0)  # which is written 1000000000000000.0
def test_shortest_is_read_back_as_the_same_float32(number: float) -> None:
    short = numbers.shortest(np.float32(number))
    assert np.float32(short).view(np.uint32) == np.float32(number).view(np.uint32)
    digits = [repr(each).partition("e")[0].replace(".", "").strip("-0") for each in (short, number)]
    assert len(digits[0]) <= len(digits[1])

"""Numbers as darknet's readers take them from a cfg: C's ``atoi`` and ``atof``, and hank-ai's ``std::stof``."""

from __future__ import annotations

import re
from itertools import takewhile

import numpy as np

from lrsched.trainers.darknet.arithmetic import LARGEST_SINGLE, single

__all__ = ["c_atof", "c_atoi", "found_integers", "found_numbers", "is_strict"]
__all__ += ["shortest", "strict_integer", "strict_number"]

_C_SPACE = r"[ \t\n\v\f\r]*"
_C_INT = re.compile(_C_SPACE + r"([+-]?)([0-9]+)")
_C_FLOAT = re.compile(
    _C_SPACE + r"([+-]?(?:"
    r"0x(?:[0-9a-f]+\.?[0-9a-f]*|\.[0-9a-f]+)(?:p[+-]?[0-9]+)?"
    r"|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?"
    r"|inf(?:inity)?|nan))",
    re.IGNORECASE | re.ASCII,
)
_SMALLEST_NORMAL = 2.0**-126
_INT_MIN = -(2**31)


def c_atoi(text: str) -> int:
    """C's ``atoi``: the longest valid prefix, 0 when there is none, wrapped to 32 bits.

    >>> c_atoi("1e-3"), c_atoi("500,200"), c_atoi("junk"), c_atoi("5000000000")
    (1, 500, 0, 705032704)
    """
    match = _C_INT.match(text)
    if not match:
        return 0
    sign, digits = match.groups()
    size = int(digits[-40:]) if not digits[:-40].strip("0") else 2**63  # Python refuses very long digits
    number = max(-size, -(2**63)) if sign == "-" else min(size, 2**63 - 1)
    return (number + 2**31) % 2**32 - 2**31


def c_atof(text: str) -> float:
    """C's ``atof``: the longest valid prefix, 0 when there is none.

    >>> c_atof("1e-3x"), c_atof(".1,.2"), c_atof("junk"), c_atof("0x10")
    (0.001, 0.1, 0.0, 16.0)
    """
    match = _C_FLOAT.match(text)
    if not match:
        return 0.0
    number = match.group(1).lower()
    try:
        return float.fromhex(number) if "0x" in number else float(number)
    except OverflowError:
        return float("-inf") if number.startswith("-") else float("inf")


def is_strict(text: str) -> bool:
    """Whether hank-ai takes a text for a number, whichever key it belongs to: only the characters -.0123456789."""
    return bool(text) and set(text) <= set("-.0123456789")


def strict_number(text: str) -> float | None:
    """hank-ai's number, ``std::stof``: the longest valid prefix; None where it throws.

    It throws for what is not a number, or is too large or too small for a float32.

    >>> strict_number("0.001"), strict_number("1.2.3"), strict_number("-")
    (0.001, 1.2, None)
    """
    match = re.match(r"-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)", text)
    if not match:
        return None
    number = float(match.group())
    is_zero = not match.group().strip("-0.")
    return number if is_zero or _SMALLEST_NORMAL <= abs(number) <= LARGEST_SINGLE else None


def strict_integer(number: float) -> int:
    """hank-ai's integer: the float32 number without its fraction, as x86 converts it."""
    whole = int(single(number))
    return whole if _INT_MIN <= whole < 2**31 else _INT_MIN


def found_integers(text: str) -> tuple[int, ...]:
    """hank-ai's list of integers: every run of -0123456789, up to the first that is not a number.

    >>> found_integers("400000, 450000"), found_integers("1.5"), found_integers("7,-,8")
    ((400000, 450000), (1, 5), (7,))
    """
    numbers = map(_stoi, re.findall(r"[-0-9]+", text))
    return tuple(takewhile(lambda number: number is not None, numbers))  # type: ignore[arg-type]


def found_numbers(text: str) -> tuple[float, ...]:
    """hank-ai's list of numbers: every run of -.0123456789, up to the first that is not a number.

    >>> found_numbers(".1, .5"), found_numbers("1e-3")
    ((0.1, 0.5), (1.0, -3.0))
    """
    numbers = map(strict_number, re.findall(r"[-.0-9]+", text))
    return tuple(takewhile(lambda number: number is not None, numbers))  # type: ignore[arg-type]


def shortest(value: float | np.float32) -> float:
    """The shortest decimal that darknet reads as the float32 next to ``value``.

    >>> shortest(np.float32(0.001) * np.float32(4)), shortest(0.1 / 3)
    (0.004, 0.033333335)
    """
    nearest = single(float(value))
    short = float(str(nearest))
    return short if single(short) == nearest else float(nearest)


def _stoi(text: str) -> int | None:
    """``std::stoi``: the longest valid prefix; None where it throws."""
    match = re.match(r"-?0*([0-9]+)", text)
    number = int(match.group()) if match and len(match.group(1)) <= 10 else 2**31
    return number if _INT_MIN <= number < 2**31 else None

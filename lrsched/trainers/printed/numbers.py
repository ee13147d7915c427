"""Printed numbers: what they are, and by how much each may have been rounded."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from lrsched.fitting import printed_slack
from lrsched.log import Floats

__all__ = ["number", "numbers", "rounding"]

ALL_DIGITS = 10  # a number with this many significant digits was not rounded for readers
FEW = 12  # this few different short numbers are settings, not roundings of a curve
FLOAT32 = 2.0**-24
_NUMBER = re.compile(r"[-+]?(\d*)\.?(\d*)(?:[eE]([-+]?\d{1,4}))?")


def number(token: object) -> float:
    """The number in a token; the first of a list, and NaN where there is none.

    >>> [number(token) for token in ("6.00e-04", 3, "[0.1, 0.01]", "", None, True)]
    [0.0006, 3.0, 0.1, nan, nan, nan]
    """
    if isinstance(token, bool):
        return np.nan
    try:
        return float(token)  # type: ignore[arg-type]  # whatever a file holds
    except (TypeError, ValueError, OverflowError):
        if isinstance(token, list | tuple) and token:
            return number(token[0])
        found = re.match(r"\s*[\[(\"']+\s*([^\s,\])\"']+)", token) if isinstance(token, str) else None
        return number(found[1]) if found else np.nan


def numbers(tokens: Sequence[object]) -> Floats:
    """The numbers that tokens show."""
    return np.array([number(token) for token in tokens], np.float64)


def rounding(tokens: Sequence[object], *, digits: int | None = None) -> Floats:
    """By how much each rate may differ from the number printed, as the tokens of a whole column show.

    The tokens distinguish a ``%.2e`` and a ``%.6f``, whose zeros are all printed, a ``%g`` with ``digits`` digits,
    numbers that were rounded to some decimals, and numbers with all their digits, of a float64 or a float32.

    >>> columns = ["6.00e-04", "1.79e-11"], ["0.000100"], ["0.0010000000474974513"]
    >>> [[f"{slack:.3g}" for slack in rounding(column)] for column in columns]
    [['5.05e-07', '5.05e-14'], ['5.05e-07'], ['5.96e-11']]
    """
    rates = numbers(tokens)
    shapes = np.array([_shape(token) for token in tokens]).reshape(-1, 4)
    known = np.isfinite(rates) & (rates != 0)
    exact = printed_slack(np.nan_to_num(rates))
    if not known.any():
        return exact
    if digits is not None:
        return printed_slack(rates, digits=digits)
    with np.errstate(over="ignore"):
        short = bool((rates[known].astype(np.float32) == rates[known]).all())
    if short and shapes[known, 0].max() >= ALL_DIGITS:
        return np.maximum(exact, FLOAT32 * np.abs(np.nan_to_num(rates)))
    significant, place, fraction, plain = shapes[np.isfinite(rates)].T
    varied = len(np.unique(rates[known]))
    if significant.max() < ALL_DIGITS and fraction.min() == fraction.max() > 0 and (plain.any() or varied > 2):
        return printed_slack(rates, decimals=-np.minimum(shapes[:, 1], 300.0))
    if significant.max() >= ALL_DIGITS or varied <= FEW:
        return exact
    if (place == place.min()).mean() > (significant == significant.max()).mean():
        return printed_slack(rates, decimals=-int(place.min()))
    return printed_slack(rates, digits=int(significant.max()))


def _shape(token: object) -> tuple[int, int, int, bool]:
    """Significant digits, the power of ten of the last one, digits after the point, and whether no repr() is such."""
    text = token.strip("[]()\"' ").split(",")[0] if isinstance(token, str) else repr(token)
    found = _NUMBER.fullmatch(text)
    if found is None:
        return 0, 0, 0, False
    whole, fraction, exponent = found[1], found[2], int(found[3] or 0)
    digits = len((whole + fraction).lstrip("0"))
    # a zero with an exponent is not a rounded small number
    place = exponent - len(fraction) if digits or found[3] is None else -300
    small = bool(digits) and found[3] is None and digits + 4 <= len(fraction)
    return digits, place, len(fraction), small or (len(fraction) > 1 and fraction.endswith("0"))

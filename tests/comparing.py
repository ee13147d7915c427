"""How answers are compared here: rates by their bits, refusals by the words of their error."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

__all__ = ["bits", "refusing", "steps_apart"]

ONE_NAN = np.uint32(0x7FC00000)


def bits(rates: Any) -> NDArray[np.uint32]:
    """The bits of float32 rates, with one pattern for every NaN."""
    given = np.asarray(rates)
    assert given.dtype == np.float32, given.dtype
    return np.where(np.isnan(given), ONE_NAN, np.ascontiguousarray(given).view(np.uint32))


def steps_apart(one: Any, other: Any) -> NDArray[np.int64]:
    """How many float32 numbers apart two arrays of rates are, place by place."""
    apart: NDArray[np.int64] = np.abs(_ordered(one) - _ordered(other))
    return apart


def _ordered(rates: Any) -> NDArray[np.int64]:
    pattern = np.atleast_1d(bits(rates)).astype(np.int64)
    pattern[pattern >= 2**31] = 2**31 - pattern[pattern >= 2**31]
    return pattern


def refusing(*cases: tuple[Callable[[], Any], type[Exception], str]) -> Any:
    """The test that each call raises an error of this type, with words that match."""

    def test(call: Callable[[], Any], error: type[Exception], words: str) -> None:
        with pytest.raises(error, match=words):
            call()

    return pytest.mark.parametrize(("call", "error", "words"), cases)(test)

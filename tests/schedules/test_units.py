"""Units of time."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrsched.schedules.units import EpochClock, half_up, resolve


@pytest.mark.parametrize(
    ("time", "wanted"),
    [
        (0, 0),
        (2000, 2000),
        (np.int64(7), 7),
        ("2000it", 2000),
        (" 2000 it ", 2000),
        ("2.0it", 2),
        ("3ep", 300),
        ("0.5ep", 50),
        (".005ep", 1),
        ("0.004ep", 0),
        ("10%", 25),
        ("0.2%", 1),
        ("0.6%", 2),
        ("100%", 250),
        ("0%", 0),
        ("12.5%", 31),
    ],
)
def test_a_time_is_a_number_of_iterations(time: Any, wanted: int) -> None:
    found = resolve(time, horizon=250, iterations_per_epoch=100)
    assert found == wanted
    assert type(found) is int


@given(per_epoch=st.integers(1, 10**5), hundredths=st.integers(0, 10**5))
def test_halves_go_up_and_nothing_is_lost(per_epoch: int, hundredths: int) -> None:
    whole, rest = divmod(hundredths * per_epoch, 100)
    wanted = whole + (rest >= 50)
    text = f"{hundredths // 100}.{hundredths % 100:02d}ep"
    assert resolve(text, iterations_per_epoch=per_epoch) == wanted


@given(a=st.integers(-1000, 1000), b=st.integers(1, 50))
def test_half_up_is_the_nearest(a: int, b: int) -> None:
    found = half_up(Fraction(a, b))
    assert abs(2 * (found * b - a)) <= b
    assert 2 * (found * b - a) != -b


@pytest.mark.parametrize(
    ("time", "error", "words"),
    [
        ("3ep", ValueError, "say how long one is with iterations_per_epoch"),
        ("10%", ValueError, "say how long that is with horizon"),
        ("10.5it", ValueError, "not a whole number of iterations"),
        ("10", ValueError, "must look like"),
        ("", ValueError, "must look like"),
        ("-3ep", ValueError, "must look like"),
        ("1e3it", ValueError, "must look like"),
        ("3 epochs", ValueError, "must look like"),
        (".ep", ValueError, "must look like"),
        ("9" * 5000 + "it", ValueError, "must look like"),
        ("\u0663ep", ValueError, "must look like"),
        ("99999999999it", ValueError, "2147483647"),
        (-1, ValueError, "from 0"),
        (2**31, ValueError, "2147483647"),
        (1.5, TypeError, "whole number"),
        (2.0, TypeError, "whole number"),
        (True, TypeError, "whole number"),
        (None, TypeError, "whole number"),
    ],
)
def test_what_is_no_time_is_refused(time: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        resolve(time)


def test_a_share_is_at_most_the_whole() -> None:
    with pytest.raises(ValueError, match="at most 100%"):
        resolve("101%", horizon=100)


def test_a_horizon_may_be_in_epochs() -> None:
    assert resolve("10%", horizon="90ep", iterations_per_epoch=500) == 4_500
    with pytest.raises(ValueError, match="horizon="):
        resolve("10%", horizon="90%")


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"horizon": 0}, ValueError),
        ({"iterations_per_epoch": 0}, ValueError),
        ({"horizon": 1.0}, TypeError),
        ({"iterations_per_epoch": True}, TypeError),
    ],
)
def test_a_clock_is_checked(values: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error, match=next(iter(values))):
        EpochClock(**values)


def test_a_clock_is_a_value() -> None:
    clock = EpochClock(iterations_per_epoch=5, horizon=10)
    assert eval(repr(clock)) == clock
    assert hash(clock) == hash(EpochClock(iterations_per_epoch=5, horizon=10))

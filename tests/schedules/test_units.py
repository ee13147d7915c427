"""Units of time, and rates as shares."""

from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrsched.schedules import Units
from lrsched.schedules.naming import share
from tests.comparing import refusing

UNITS = Units(iterations_per_epoch=100, batch=64, horizon=250)


@pytest.mark.parametrize(
    ("time", "wanted"),
    [
        (2000, 2000),
        (np.int64(7), 7),
        ("2000", 2000),
        ("2k", 2000),
        ("1.5k iterations", 1500),
        ("3ep", 300),
        ("90 epochs", 9000),
        ("0.004ep", 0),
        ("10%", 25),
        ("0.6%", 2),
        ("64k images", 1000),
        ("96 images", 2),
    ],
)
def test_a_time_is_a_number_of_iterations(time: Any, wanted: int) -> None:
    found = UNITS(time)
    assert found == wanted
    assert type(found) is int


@given(per_epoch=st.integers(1, 10**5), hundredths=st.integers(0, 10**5))
def test_halves_go_up_and_nothing_is_lost(per_epoch: int, hundredths: int) -> None:
    whole, rest = divmod(hundredths * per_epoch, 100)
    text = f"{hundredths // 100}.{hundredths % 100:02d} epochs"
    assert Units(iterations_per_epoch=per_epoch)(text) == whole + (rest >= 50)


NO_TIMES: tuple[tuple[Any, type[Exception], str], ...] = (
    ("3ep", ValueError, r"needs iterations_per_epoch; write Units\(iterations_per_epoch=...\)\('3ep'\)"),
    ("3 images", ValueError, "needs batch"),
    ("10%", ValueError, "needs horizon"),
    *((text, ValueError, "must look like") for text in ("", "-3ep", "1e3it", "3 weeks", ".ep", "\u0663ep")),
    ("9" * 5000 + "it", ValueError, "must look like"),
    ("2.5it", ValueError, "'2.5it' is not a whole number of iterations"),
    (2**31, ValueError, "2147483647"),
    (True, TypeError, "whole number"),
)
test_what_is_no_time_is_refused = refusing(*((partial(Units(), time), error, words) for time, error, words in NO_TIMES))


def test_a_rate_may_be_a_share_of_another() -> None:
    assert [share("final", text, 0.1) for text in ("1%", "50 %", "0.5%", "200%")] == [0.001, 0.05, 0.0005, 0.2]
    with pytest.raises(ValueError, match="final must be a number or a share of the peak such as \"1%\", got '1e-3'"):
        share("final", "1e-3", 0.1)

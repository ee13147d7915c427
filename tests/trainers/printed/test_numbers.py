"""What the digits of a column tell: the printed number lies within the slack of the true one, and not far within."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrsched.trainers.printed.numbers import numbers, rounding

FORMATS = ("{:.2e}", "{:.4e}", "{:.6f}", "{:.8f}", "{:g}", "{!r}")


@pytest.mark.parametrize("form", FORMATS)
@given(st.floats(2e-4, 0.05), st.integers(20, 200))
def test_a_printed_rate_lies_within_its_slack(form: str, peak: float, count: int) -> None:
    rates = [peak * (1 - k / (count + 1)) for k in range(count)]
    tokens = [form.format(rate) for rate in rates]
    slack = rounding(tokens)
    assert (np.abs(numbers(tokens) - rates) <= slack).all()
    unit = {"{:.2e}": 5.1e-3, "{:.4e}": 5.1e-5, "{:.6f}": 5.1e-7 / min(rates), "{:.8f}": 5.1e-9 / min(rates)}
    assert (slack / rates <= unit.get(form, np.inf if form == "{:g}" else 2e-9) * 1.001).all()


@given(st.floats(1e-5, 0.1), st.integers(3, 40))
def test_a_float32_with_all_its_digits_is_known(peak: float, count: int) -> None:
    rates = [peak / (k + 1) for k in range(count)]
    tokens = [repr(float(np.float32(rate))) for rate in rates]
    slack = rounding(tokens)
    assert (np.abs(numbers(tokens) - rates) <= slack).all()
    assert (slack <= 1e-7 * peak).all()


@pytest.mark.parametrize("tokens", [["0.1", "0.01", "0.001"], ["1e-05"] * 5, ["0.001"] * 30, [0.1, 0.05]])
def test_short_settings_are_exact(tokens: list[str | float]) -> None:
    assert (rounding(tokens) <= 1e-9).all()


def test_rates_rounded_to_decimals_are_told_from_significant_digits() -> None:
    tokens = [repr(round(0.02 * k / 500, 5)) for k in range(500)]
    assert rounding(tokens).tolist() == pytest.approx([0.505e-5] * 500)


def test_a_zero_with_an_exponent_is_no_wide_interval() -> None:
    assert rounding(["6.00e-04", "1.20e-05", "0.00e+00"])[2] < 1e-200


def test_what_is_no_number_is_nan() -> None:
    assert np.isnan(numbers(["nan", "", None, True, "<<<<<<<", {}, []])).all()
    assert np.isfinite(rounding(["nan", "0.1", "x"])[1])

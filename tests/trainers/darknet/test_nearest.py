"""The nearest cfg: against every way to cut small curves, for curves that are cfgs, and for those that are none."""

from __future__ import annotations

import math
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lrsched.schedule import FunctionSchedule
from lrsched.trainers.darknet import Net, parse_cfg
from lrsched.trainers.darknet.nearest import EXACT, Fit, nearest
from tests.comparing import refusing

FLOOR = 1000  # rates below the peak over this count as that


def fitted(rates: list[float], steps: int, **options: Any) -> Fit:
    """The cfg nearest to a list of rates, those of the iterations from 1 on."""
    return nearest(FunctionSchedule(function=lambda t: rates[max(int(t), 1) - 1]), len(rates), steps, **options)


def error_of(fit: Fit, rates: list[float]) -> float:
    """The largest relative error, one iteration at a time."""
    low = max(rates) / FLOOR
    got = [max(float(fit.net.schedule()(t)), low) for t in range(1, len(rates) + 1)]
    wanted = [max(rate, low) for rate in rates]
    return max(max(a / b, b / a) for a, b in zip(got, wanted, strict=True)) - 1


def least_error(rates: list[float], steps: int) -> float:
    """The same of the best rates in every way to cut the run into steps + 1 stretches or fewer."""
    floored = [max(rate, max(rates) / FLOOR) for rate in rates]
    least = math.inf
    for count in range(min(steps, len(rates) - 1) + 1):
        for cut in combinations(range(1, len(rates)), count):
            parts = [floored[a:b] for a, b in zip((0, *cut), (*cut, len(rates)), strict=True)]
            least = min(least, max(math.sqrt(max(part) / min(part)) for part in parts) - 1)
    return least


RATES = st.one_of(st.floats(1e-5, 0.5), st.sampled_from([0.0, 1e-9, 0.001, 0.01, 0.1]))


@given(rates=st.lists(RATES, min_size=1, max_size=9).filter(any), steps=st.integers(0, 4))
@example(rates=[0.25, 0.5, 0.25], steps=1)  # a burn-in that a step ends
def test_no_way_to_cut_a_curve_is_better(rates: list[float], steps: int) -> None:
    fit = fitted(rates, steps)
    least, error = least_error(rates, steps), error_of(fit, rates)
    error = fit.error if fit.net.policy == "sgdr" else error  # whose restarts may be an iteration early or late
    assert len(fit.net.steps) <= steps
    assert math.log1p(error) <= 1.0101 * math.log1p(least) + 5e-6
    if fit.net.policy in ("steps", "constant") and not fit.net.burn_in:
        assert error >= least - 5e-6
        assert fit.error == pytest.approx(error, rel=1e-6, abs=1e-6)


NETS = {
    "constant": {},
    "step": {"step": 700, "scale": 0.5},
    "steps": {"steps": (8000, 9000), "scales": (0.1, 0.1)},
    "exp": {"gamma": 0.9995},
    "poly": {"power": 2.5},
    "sigmoid": {"step": 5000, "gamma": 0.001},
    "sgdr": {"sgdr_cycle": 1500, "learning_rate_min": 0.0001},
}


@pytest.mark.parametrize("burn_in", [0, 400])
@pytest.mark.parametrize("policy", NETS)
def test_a_cfg_is_the_nearest_to_its_own_rates(policy: str, burn_in: int) -> None:
    net = Net(learning_rate=0.00261, max_batches=10_000, burn_in=burn_in, policy=policy, **NETS[policy])  # type: ignore[arg-type]
    fit = nearest(net.schedule(), 10_000, 5)
    assert fit.exact
    # as it would be written, read again
    rates = parse_cfg(str(fit)).schedule().rates(1, 10_001)
    assert np.allclose(rates, net.schedule().rates(1, 10_001), rtol=EXACT, atol=0.00261 / FLOOR / 10)
    assert fit.net.policy == policy
    assert fit.net.burn_in == burn_in


@pytest.mark.parametrize("policy", ["poly", "sgdr"])
def test_a_straight_warm_up_becomes_a_burn_in_with_power_1(policy: str) -> None:
    def rate(t: Any) -> Any:
        after = 1 - t / 10_000 if policy == "poly" else (1 + np.cos(np.pi * t / 10_000)) / 2
        return 0.1 * np.where(t < 500, t / 500, after)

    fit = nearest(FunctionSchedule(function=rate), 10_000)
    assert (fit.net.policy, fit.net.burn_in, fit.net.power, fit.net.learning_rate) == (policy, 500, 1.0, 0.1)
    assert fit.error < 1e-3


def test_numbers_are_round_where_that_costs_nothing() -> None:
    # any two steps inside the gaps do, and any rates within a tenth
    rates = [0.1] * 150 + [0.0317] * 150 + [0.00987] * 150 + [0.1 * 1.21, 0.01]
    fit = fitted(rates, 4)
    assert fit.exact
    assert fit.net.steps == (151, 301, 451, 452)
    noisy = [0.1 * (1 + 0.1 * math.sin(7 * i)) for i in range(1000)] + [
        0.01 * (1 + 0.05 * math.sin(5 * i)) for i in range(1000)
    ]
    fit = fitted(noisy, 1)
    assert fit.net.steps == (1001,)
    assert fit.net.learning_rate == 0.0995
    assert fit.net.scales == (0.1,)
    falling = [0.1 - 1e-5 * i for i in range(5000)]
    assert all(step % 10 == 0 for step in fitted(falling, 3).net.steps[:-1])


def test_zeros_at_the_end_stay_zeros_and_a_curve_of_zeros_is_one() -> None:
    fit = fitted([0.1] * 50 + [0.0] * 50, 3)
    assert float(fit.net.schedule()(100)) == 0
    assert fit.error < 1e-6
    assert fitted([0.0] * 10, 3).net.learning_rate == 0


def test_small_rates_are_kept_where_the_steps_suffice_for_all() -> None:
    drops = [10.0**-drop for drop in range(7) for _ in range(10)]
    assert fitted(drops, 6).net.scales == (0.1,) * 6
    assert fitted(drops, 3).net.scales == (0.1,) * 3  # the rest is below a thousandth


def test_a_curve_that_begins_late_and_falls_fast_is_cut() -> None:
    # a policy that falls like this has no rate left where the curve begins
    for silent in (140, 5000):
        fit = fitted([0.0] * silent + [0.1 * 0.5**i for i in range(10)], 10)
        assert fit.net.steps == tuple(range(silent + 1, silent + 11))
        assert fit.error < 1e-6


def test_a_fork_gets_only_policies_that_it_knows() -> None:
    wave = [0.05 * (1 + math.cos(math.pi * t / 1000)) for t in range(1, 1001)]
    assert fitted(wave, 5).net.policy == "sgdr"
    assert fitted(wave, 5, dialect="pjreddie").net.policy == "poly"


def constant(horizon: Any = 10, steps: Any = 2) -> Fit:
    return nearest(FunctionSchedule(function=lambda t: 0.1), horizon, steps)


NOT_A_RATE = "^the rate at iteration 3 is .*, which is not a rate that a cfg can have"
test_what_no_cfg_has_is_refused = refusing(
    (lambda: fitted([0.1, 0.1, -0.1, 0.1], 2), ValueError, "^the rate at iteration 3 is -0.1, which is negative"),
    *(
        (lambda wrong=wrong: fitted([0.1, 0.1, wrong], 2), ValueError, NOT_A_RATE)
        for wrong in (math.nan, math.inf, 3e38)
    ),
    (lambda: fitted([1e-40, 0.0], 2), ValueError, "^no rate is above 1e-40"),
    (lambda: constant(horizon=0), ValueError, "^horizon"),
    (lambda: constant(horizon=2**24 + 1), ValueError, "^horizon"),
    (lambda: constant(steps=-1), ValueError, "^steps"),
    (lambda: constant(steps=1.5), TypeError, "^steps"),
)


def test_the_sentence_says_where_the_error_is() -> None:
    fit = fitted([0.1] * 50 + [0.2] * 20 + [0.1] * 50, 0)
    assert fit.sentence == "The rate of the cfg is off by at most 41.8 %, at iteration 51: 0.141 in place of 0.2."
    assert "a factor of 32," in fitted([0.1] * 50 + [0.0] * 20 + [0.1] * 50, 0).sentence

"""The named schedules, beside their formulas in decimal arithmetic with 50 digits."""

import math
from collections.abc import Callable
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrsched import schedules
from lrsched.numbers import params
from lrsched.schedule import LAST_ITERATION, Schedule
from lrsched.schedules import (
    NAMED,
    Units,
    constant,
    cosine,
    cosine_with_restarts,
    cyclic,
    exponential,
    inverse_sqrt,
    linear,
    multi_step,
    one_cycle,
    polynomial,
    step,
    table,
    warmup,
    warmup_stable_decay,
)
from tests.comparing import refusing

PI = Decimal("3.14159265358979323846264338327950288419716939937510582")

Exact = Callable[[int], Decimal]


def cos(angle: Decimal) -> Decimal:
    """The cosine, by its series."""
    term = total = Decimal(1)
    for n in range(1, 60):
        term *= -angle * angle / ((2 * n - 1) * (2 * n))
        total += term
    return total


def line(a: Decimal, b: Decimal, x: Decimal) -> Decimal:
    return a + (b - a) * x


def wave(a: Decimal, b: Decimal, x: Decimal) -> Decimal:
    return b + (a - b) / 2 * (1 + cos(PI * x))


RATES = st.floats(2.0**-20, 0.5)


@st.composite
def with_formulas(draw: st.DrawFn) -> tuple[Schedule, Exact, int]:
    """A schedule, its formula while it runs, and its last iteration."""
    peak, final, initial = draw(RATES), draw(RATES), draw(RATES)
    p, f, i = Decimal(peak), Decimal(final), Decimal(initial)
    end = draw(st.integers(3, 300) | st.integers(3, 10**9))
    warm, power = draw(st.just(0) | st.integers(1, end - 2)), draw(st.sampled_from([0.5, 1.0, 2.0, 4.0, 1.7]))
    decay = draw(st.integers(1, end - warm))
    cycle, cycles, shrink = draw(st.integers(2, 200)), draw(st.integers(1, 4)), 0.5
    mult = draw(st.sampled_from([1, 1.5]))
    common: dict[str, Any] = {"peak": peak, "horizon": end, "final": final, "warmup": warm, "initial": initial}

    def decays(curve: Callable[[Decimal], Decimal], rise: Callable[..., Decimal] = line) -> Exact:
        return lambda t: rise(i, p, Decimal(t) / warm) if t < warm else curve(Decimal(t - warm) / (end - warm))

    def stable(t: int) -> Decimal:
        if t < warm:
            return line(i, p, Decimal(t) / warm)
        x = Decimal(t - end + decay) / decay
        return p if x < 0 else f + (p - f) * (1 - x.sqrt())

    def restarts(t: int) -> Decimal:
        k, size = 0, cycle
        while t >= size:
            t, k = t - size, k + 1
            size = math.floor(Fraction(cycle) * Fraction(mult) ** k + Fraction(1, 2))
        return wave(f + (p - f) * Decimal(shrink) ** k, f, Decimal(t) / (size - 1))

    def triangles(t: int) -> Decimal:
        k, t = divmod(t, cycle + 7)
        top = f + (p - f) * Decimal(shrink) ** k
        return line(f, top, Decimal(t) / cycle) if t < cycle else line(top, f, Decimal(t - cycle) / 7)

    restarting = cosine_with_restarts(peak=peak, floor=final, cycle=cycle, cycles=cycles, mult=mult, shrink=shrink)
    choices: list[tuple[Schedule, Exact]] = [
        (linear(**common), decays(lambda x: line(p, f, x))),
        (cosine(**common), decays(lambda x: wave(p, f, x))),
        (exponential(**common), decays(lambda x: p * (f / p) ** x)),
        (polynomial(power=power, **common), decays(lambda x: f + (p - f) * (1 - x) ** Decimal(power))),
        (one_cycle(**common), decays(lambda x: wave(p, f, x), wave)),
        (warmup_stable_decay(decay=decay, form="root", **common), stable),
        (
            inverse_sqrt(peak=peak, warmup=warm + 1, horizon=end, initial=initial),
            lambda t: line(i, p, Decimal(t) / (warm + 1)) if t <= warm else p * (Decimal(warm + 1) / t).sqrt(),
        ),
        (restarting, restarts),
        (cyclic(peak=peak, floor=final, up=cycle, down=7, cycles=cycles, shrink=shrink), triangles),
        (step(peak=peak, every=cycle, factor=0.5, horizon=10 * cycle), lambda t: p / 2 ** (t // cycle)),
    ]
    schedule, formula = draw(st.sampled_from(choices))
    return schedule, formula, schedule.horizon or 0


@settings(deadline=None)
@given(drawn=with_formulas(), data=st.data())
def test_a_rate_is_that_of_the_formula(drawn: tuple[Schedule, Exact, int], data: st.DataObject) -> None:
    schedule, formula, end = drawn
    near = st.sampled_from([0, 1, 2, end // 2, end - 2, end - 1, end]).map(lambda t: min(max(t, 0), end))
    asked = data.draw(st.lists(near | st.integers(0, end), min_size=1, max_size=8))
    with localcontext() as context:
        context.prec = 50
        for t, rate in zip(asked, schedule(asked).tolist(), strict=True):
            exact = formula(t)
            assert abs(Decimal(rate) - exact) <= exact * 16 * Decimal(2.0**-52), (t, rate, float(exact))


LEVELS = st.floats(1e-9, 1.0) | st.floats(1e-300, 1e300)


@settings(deadline=None)
@given(high=LEVELS, low=LEVELS, horizon=st.integers(1, 40))
def test_ends_are_exact_and_nothing_lies_past_them(high: float, low: float, horizon: int) -> None:
    low, high = sorted((low, high))
    for make, more in (
        (linear, {}),
        (exponential, {}),
        (polynomial, {"power": 1.5}),
        (cosine, {}),
        (warmup_stable_decay, {"decay": horizon, "form": "root"}),
    ):
        for peak, final, sign in ((high, low, -1), (low, high, 1)):
            rates = make(peak=peak, final=final, horizon=horizon, **more).rates(0, horizon + 3)
            assert rates[0] == peak
            assert rates[horizon:].tolist() == [final] * 3
            assert (low <= rates).all()
            assert (rates <= high).all()
            assert (np.diff(rates) * sign >= 0).all()


def test_rounding_does_not_lead_past_the_ends() -> None:
    # low + (high - low) rounds up past high here, and left + left * (right / left - 1) stays below right
    long = cosine(peak=0.848095263983622, final=0.3, horizon=LAST_ITERATION)
    assert long.rates(0, 2_000).max() == 0.848095263983622
    assert exponential(peak=0.5943000301996968, final=0.7147924211139204, horizon=3)(3) == 0.7147924211139204
    # of neighbours the quotient is rounded up, and two halves that meet between them may go up and down
    for peak, final in ((0.49, 0.49000000000000016), (0.22, 0.2200000000000001)):
        for start, end in ((peak, final), (final, peak)):
            rates = exponential(peak=start, final=end, horizon=11).rates(0, 12)
            assert rates.tolist() == sorted(rates, reverse=start > end)
            assert (rates[0], rates[-1]) == (start, end)
    # the quotient of these is 0 as a float64, or infinite
    assert exponential(peak=1e300, final=1e-300, horizon=2)([0, 1, 2]).tolist() == pytest.approx([1e300, 1, 1e-300])
    assert exponential(peak=1e-300, final=1e300, horizon=2)([0, 1, 2]).tolist() == pytest.approx([1e-300, 1, 1e300])


@given(st.floats(1e-7, 0.5), st.floats(0.97, 1.03), st.integers(1, 30))
def test_half_way_an_exponential_curve_is_at_the_geometric_mean(peak: float, ratio: float, half: int) -> None:
    final = peak * ratio
    rate = exponential(peak=peak, final=final, horizon=2 * half)(half)
    with localcontext() as context:
        context.prec = 50
        mean = (Decimal(peak) * Decimal(final)).sqrt()
        assert abs(Decimal(float(rate)) - mean) <= Decimal(math.ulp(peak))


@pytest.mark.parametrize("make", [linear, exponential, polynomial, cosine, one_cycle, warmup_stable_decay])
def test_after_a_warmup_the_decay_ends_at_the_horizon(make: Callable[..., Schedule]) -> None:
    run = make(peak=1, final=0.25, horizon=20, warmup=4)
    assert (run.warmup, run.horizon) == (4, 20)
    assert run([0, 4, 20, 21]).tolist() == [1 / 25 if make is one_cycle else 0, 1, 0.25, 0.25]
    assert 0.25 < run(19) < 1
    if make not in (exponential, one_cycle):
        assert make(peak=1, horizon=20)([0, 20]).tolist() == [1, 0]


def test_what_is_left_out_is_what_the_documentation_says() -> None:
    assert one_cycle(peak=1, horizon=10)([0, 3, 10]).tolist() == [1 / 25, 1, 1 / 25 / 10_000]
    assert polynomial(peak=1, horizon=4)(range(5)).tolist() == [1, 0.75, 0.5, 0.25, 0]
    for drops in (step(peak=1, every=10, warmup=4), multi_step(peak=1, milestones=[10, 20], warmup=4)):
        assert drops([0, 2, 4, 9, 10, 19]).tolist() == [0, 0.5, 1, 1, 0.1, 0.1]
        assert drops(20) == pytest.approx(0.01, rel=1e-15)


def test_each_cycle_is_lower_than_the_one_before() -> None:
    common: dict[str, Any] = {"peak": 1, "floor": 0.5, "cycles": 3, "shrink": 0.5}
    waves = cosine_with_restarts(cycle=5, **common)
    assert waves([0, 4, 5, 9, 10, 14, 15]).tolist() == [1, 0.5, 0.75, 0.5, 0.625, 0.5, 0.5]
    triangles = cyclic(up=2, down=3, **common)
    assert triangles([0, 2, 5, 7, 10, 12, 15, 16]).tolist() == [0.5, 1, 0.5, 0.75, 0.5, 0.625, 0.5, 0.5]
    assert cyclic(peak=1, up=2, cycles=2)([2, 4, 6, 8]).tolist() == [1, 0, 1, 0]
    assert cosine_with_restarts(peak=1, cycle=LAST_ITERATION, cycles=1).horizon == LAST_ITERATION - 1
    assert cyclic(peak=1, up=LAST_ITERATION - 1, down=1, cycles=1).horizon == LAST_ITERATION


def test_between_the_rates_of_a_table_lie_straight_lines() -> None:
    run = table([10, 14, 18], [0.0, 1.0, 0.5])
    assert run([0, 9, 10, 11, 12, 14, 15, 18, 99]).tolist() == [0, 0, 0, 0.25, 0.5, 1, 0.875, 0.5, 0.5]
    assert (run.horizon, list(run.milestones(0, 99))) == (18, [10, 14, 18])


def test_a_rise_may_be_quadratic_logarithmic_or_a_jump() -> None:
    assert warmup(4, form="quadratic")(range(6)).tolist() == [0, 1 / 16, 1 / 4, 9 / 16, 1, 1]
    assert warmup(4, form="constant", initial=0.5)(range(6)).tolist() == [0.5] * 4 + [1, 1]
    logarithmic = [0, math.log(2, 4), math.log(3, 4), 1, 1, 1]
    assert warmup(4, form="logarithmic")(range(6)).tolist() == pytest.approx(logarithmic, rel=1e-15)
    for short in (1, 2):
        assert warmup(short, form="logarithmic")(range(4)).tolist() == [0, 1, 1, 1]


test_what_makes_no_sense_is_refused = refusing(
    (lambda: linear(peak=1, horizon=0), ValueError, "linear: horizon must be a whole number from 1"),
    (lambda: linear(peak=math.nan, horizon=10), ValueError, "linear: peak must be a number of at least 0, got nan"),
    (lambda: linear(peak=1, horizon="10%"), ValueError, "needs horizon"),
    (lambda: linear(peak=1), TypeError, "linear: missing a required argument: 'horizon'"),  # type: ignore[call-arg]
    (lambda: linear(peak=1, end=2, horizon=5), TypeError, "linear: got an unexpected keyword argument 'end'"),  # type: ignore[call-arg]
    (lambda: linear(peak=1, final="1e-3", horizon=5), ValueError, "linear: final must be a number or a share"),
    (lambda: exponential(peak=1, final=0, horizon=10), ValueError, "exponential: .* rates above 0"),
    (lambda: warmup(4, form="exponential"), ValueError, "exponential .* rates above 0, got 0 and 1"),
    (lambda: cosine(peak=0.1, horizon=10, warmup=10), ValueError, "cosine: horizon must lie after the warm-up"),
    (lambda: warmup_stable_decay(peak=1, horizon=10, warmup=5, decay=6), ValueError, "take 11 iterations"),
    (lambda: warmup_stable_decay(peak=1, horizon=10, form="sin"), ValueError, "form must be 'linear'"),  # type: ignore[arg-type]
    (lambda: multi_step(peak=1, milestones="5,6"), TypeError, "milestones must be a list"),
    (lambda: cosine_with_restarts(peak=1, cycle=2, cycles=40, mult=2), ValueError, "end by"),
    (lambda: cosine_with_restarts(peak=1, cycle=1, cycles=1), ValueError, "2 iterations or more"),
    (lambda: cyclic(peak=1, up=2**30, cycles=2), ValueError, "past 2147483647"),
    (lambda: table([5, 5], [0.1, 0.2]), ValueError, r"ascending, got \(5, 5\)"),
    (lambda: table([5], []), ValueError, "one rate for each"),
    (lambda: linear(peak=1, horizon=5, final=-0.5), ValueError, ": final must be a number of at least 0.*, got "),
    (lambda: linear(peak=1, horizon=5, warmup=-1), ValueError, ": warmup must be a whole number from 0 to.*, got "),
    (lambda: warmup(0), ValueError, ": iterations must be a whole number from 1 to.*, got "),
    (lambda: multi_step(peak=1, milestones=[-1]), ValueError, ": milestones must be a whole number from 0 to.*, got "),
    (lambda: table([5], [-0.5]), ValueError, ": rates must be a number of at least 0.*, got "),
    (lambda: step(peak=1, every=5, factor=-0.5), ValueError, ": factor must be a number of at least 0.*, got "),
    (lambda: cyclic(peak=1, up=2, cycles=0), ValueError, ": cycles must be a whole number from 1 to 100000.*, got "),
    (lambda: cyclic(peak=1, up=2, cycles=2, shrink=1.5), ValueError, ": shrink must be a number from 0 to 1.*, got "),
    (
        lambda: cosine_with_restarts(peak=1, cycle=9, cycles=2, mult=0),
        ValueError,
        ": mult must be a number from 0.01 to 100.*, got ",
    ),
    (lambda: polynomial(peak=1, horizon=5, power=0), ValueError, ": power must be a number from 0.01 to 100.*, got "),
)


def test_times_and_rates_may_be_text() -> None:
    units = Units(iterations_per_epoch=500)
    run = cosine(peak=0.1, horizon=units("90 epochs"), warmup="1%", final="1%")
    assert run == cosine(peak=0.1, horizon=45_000, warmup=450, final=0.001)
    assert cosine(peak=1, horizon="2k").horizon == 2_000
    drops = multi_step(peak=1, milestones=["80%", "90%"], horizon=500)
    assert drops == multi_step(peak=1, milestones=(400, 450), horizon=500)


def test_milestones_are_the_corners() -> None:
    assert list(cosine(peak=1, horizon=100, warmup=10).milestones(0, 1_000)) == [10, 100]
    assert list(warmup_stable_decay(peak=1, horizon=100, warmup=10, decay=20).milestones(0, 1_000)) == [10, 80, 100]
    assert list(cosine_with_restarts(peak=1, cycle=10, cycles=2).milestones(0, 1_000)) == [10, 19]
    assert list(cyclic(peak=1, up=2, down=4, cycles=2).milestones(0, 1_000)) == [2, 6, 8, 12]
    assert list(inverse_sqrt(peak=1, warmup=4, horizon=64).milestones(0, 1_000)) == [4, 64]
    assert list(inverse_sqrt(peak=1, warmup=4).milestones(0, 1_000)) == [4]
    for first in (0, 5):
        assert list(step(peak=1, every=10).milestones(first, 30)) == [10, 20, 30]
    assert list(constant(1).milestones(0, 1_000)) == []
    shortest = linear(peak=1, horizon=1)
    assert [list(shortest.milestones(*asked)) for asked in ((0, 0), (0, 1), (1, 1), (2, 2))] == [[], [1], [1], []]


def test_a_named_schedule_remembers_what_it_was_given() -> None:
    run = one_cycle(peak=np.float64(1), horizon=np.int64(10))
    assert repr(run) == "one_cycle(peak=1.0, horizon=10, warmup=3)"
    assert run.caption == "one_cycle · peak 1 · horizon 10 · warmup 3"
    assert (run.warmup, run != one_cycle(peak=1, horizon=11)) == (3, True)
    sum_ = warmup(4) * constant(0.1) + 1
    assert repr(sum_ / 2) == (sum_ / 2).caption == "((warmup(4) * constant(0.1)) + 1.0) / 2.0"
    assert (run * run * run).caption == f"({run!r} * {run!r}) * ..."
    assert repr(sum_.then(-run, at=9)) == f"({sum_!r}).then({run!r} * -1.0, at=9)"
    assert repr(run.then(run, at=9, count_from="zero") - 0.5) == f"{run!r}.then({run!r}, at=9, count_from='zero') - 0.5"


def test_every_named_schedule_is_offered_and_declared() -> None:
    assert set(NAMED) <= set(schedules.__all__)
    for name, function in NAMED.items():
        assert function.__doc__, name
        assert all(param.doc for param in params(function).values())

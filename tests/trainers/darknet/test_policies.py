"""The policies and the burn-in, beside an oracle that knows nothing of lrsched."""

import dataclasses
import math
import pickle
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from lrsched.schedule import BLOCK, LAST_ITERATION, Piece, Schedule
from lrsched.trainers import darknet
from lrsched.trainers.darknet import PJREDDIE, POLICIES, BurnIn, Constant, Poly, Random, Sgdr, Steps
from tests.comparing import bits, refusing
from tests.factories import Run, iterations_of, runs
from tests.trainers.darknet import oracle

INFINITY = math.inf
NAMES = [policy.KEY for policy in POLICIES]


def expected(run: Run, iterations: Any) -> NDArray[np.uint32]:
    trainer = oracle.TRAINERS[run.dialect]
    return bits(np.array([oracle.rate(trainer, run.policy, int(t), **run.oracle_values) for t in iterations]))


NO_LENGTH = {"learning_rate": 0.1, "max_batches": 0}
# Runs in which a product of an infinity and a power that has run out of its range decides between inf, 0 and NaN.
AT_THE_ENDS_OF_THE_RANGE = [
    (Run("alexeyab", "exp", {"learning_rate": 0.0, "max_batches": 0, "gamma": 3.0}), range(600, 700)),
    (Run("alexeyab", "exp", {"learning_rate": INFINITY, "max_batches": 0, "gamma": 0.5}), range(1000, 1100)),
    (Run("hank-ai", "exp", {"learning_rate": -INFINITY, "max_batches": 0, "gamma": -0.5}), range(1000, 1100)),
    (Run("alexeyab", "sgdr", {"learning_rate": INFINITY, "max_batches": 100}), range(120)),
    (Run("alexeyab", "sgdr", {"learning_rate": 3e38, "learning_rate_min": -3e38, "max_batches": 9}), range(40)),
    (Run("pjreddie", "constant", {"learning_rate": INFINITY, "max_batches": 9}, burn_in=-5, power=-3.0), range(9)),
    (Run("pjreddie", "constant", {"learning_rate": 1.0, "max_batches": 9}, burn_in=-5, power=0.5), range(9)),
    (Run("alexeyab", "poly", {**NO_LENGTH, "power": -3.0}), range(9)),
    (Run("alexeyab", "poly", {**NO_LENGTH, "power": 0.5}), range(9)),
    (Run("alexeyab", "poly", {**NO_LENGTH, "power": 1.5}), range(9)),
    (Run("hank-ai", "poly", {**NO_LENGTH, "power": 0.0}), range(9)),
    (Run("alexeyab", "poly", {"learning_rate": 0.1, "max_batches": 5, "power": -3.0}), range(9)),
    (Run("alexeyab", "step", {"learning_rate": 0.0, "max_batches": 0, "step": -1, "scale": 0.5}), range(1000, 1100)),
]


@pytest.mark.parametrize(("run", "iterations"), AT_THE_ENDS_OF_THE_RANGE)
def test_infinities_are_those_of_the_trainer(run: Run, iterations: range) -> None:
    wanted = expected(run, iterations)
    assert (bits(run.schedule(np.array(iterations[::-1])))[::-1] == wanted).all()
    assert (bits(run.schedule(iterations)) == wanted).all()


@pytest.mark.parametrize("policy", NAMES)
@given(data=st.data())
def test_rates_are_those_of_the_oracle(policy: str, data: st.DataObject) -> None:
    run = data.draw(runs(policy))
    schedule, iterations = run.schedule, data.draw(st.lists(iterations_of(run), min_size=1, max_size=12))
    wanted = expected(run, iterations)
    assert (bits(schedule(iterations)) == wanted).all()
    assert bits(schedule(iterations[0])) == wanted[0]
    # a stretch at once, and scattered
    begin = iterations[-1]
    count = data.draw(st.integers(1, 300) | st.sampled_from([BLOCK, BLOCK + 1, 2 * BLOCK + 5]))
    stop = min(begin + count, LAST_ITERATION + 1)
    filled = bits(schedule.rates(begin, stop))
    assert (filled == bits(schedule(np.arange(begin, stop)[::-1]))[::-1]).all()
    spots = sorted({*range(0, filled.size, max(filled.size // 8, 1)), filled.size - 1, min(BLOCK, filled.size - 1)})
    assert (filled[spots] == expected(run, [begin + spot for spot in spots])).all()


def sizes(rates: NDArray[np.float32]) -> NDArray[np.float64]:
    """How large rates are; NaN, which is never printed as zero, counts as larger than all."""
    return np.where(np.isnan(rates), np.inf, np.abs(rates.astype(np.float64)))


@given(run=runs(longest=400), data=st.data())
@example(
    run=Run("alexeyab", "sgdr", {"learning_rate": 0.1, "max_batches": 9, "sgdr_cycle": 1, "sgdr_mult": 1}), data=None
)
@example(run=Run("pjreddie", "sigmoid", {"learning_rate": 0.1, "max_batches": 9, "gamma": 0.1, "step": 20}), data=None)
@example(run=Run("alexeyab", "poly", {"learning_rate": 0.1, "max_batches": 9, "power": 0.5}, 5), data=None)
@example(run=Run("alexeyab", "sgdr", {"learning_rate": 0.1, "learning_rate_min": -0.1, "max_batches": 9}), data=None)
@example(run=Run("alexeyab", "sgdr", {"learning_rate": 0.1, "max_batches": 60, "sgdr_cycle": 3}), data=None)
def test_pieces_tell_the_truth(run: Run, data: st.DataObject | None) -> None:
    first, last = (0, 60) if data is None else sorted(data.draw(st.tuples(*[st.integers(0, 1200)] * 2)))
    schedule = run.schedule
    pieces = schedule.pieces(first, last)
    if pieces is None:
        assert run.policy == "sgdr"
        assert run.values["learning_rate"] * run.values["learning_rate_min"] < 0
        return
    assert pieces[0].first == first
    assert pieces[-1].end == last
    assert all(before.end + 1 == after.first for before, after in pairwise(pieces))
    for piece in pieces:
        assert piece.first <= piece.last
        rates = schedule.rates(piece.first, piece.end + 1)
        once = rates[: piece.last - piece.first + 1]
        assert (bits(rates) == np.tile(bits(once), piece.repeats)).all()
        change = np.sign(np.diff(np.minimum(sizes(once), 1e300)))
        assert not {-1.0, 1.0} <= set(change.tolist()), piece


@given(run=runs(longest=400), data=st.data())
def test_milestones_of_a_part_are_the_part_and_a_flat_policy_changes_there_only(run: Run, data: st.DataObject) -> None:
    first, last = sorted(data.draw(st.tuples(*[st.integers(0, 1200)] * 2)))
    schedule = run.schedule
    whole = list(schedule.milestones(0, 1200))
    assert whole == sorted(set(whole))
    assert list(schedule.milestones(first, last)) == [t for t in whole if first <= t <= last]
    if run.policy in ("constant", "step", "steps", "random") and schedule.warmup < 1200:
        rates = bits(schedule.rates(schedule.warmup, 1201))
        assert set((np.flatnonzero(rates[1:] != rates[:-1]) + schedule.warmup + 1).tolist()) <= set(whole)


MILESTONES = [
    (Constant(), 0, 100, []),
    (darknet.Step(step=30), 0, 100, [30, 60, 90]),
    (darknet.Step(step=30), 60, 89, [60]),
    (darknet.Step(step=-30), 0, 70, [30, 60]),
    (darknet.Step(step=-30, arithmetic=PJREDDIE.arithmetic), 0, LAST_ITERATION, []),
    (Steps(steps=(40, 80), scales=(0.1, 0.1)), 0, 100, [40, 80]),
    (Steps(steps=(80, 40, 90), scales=(0.1, 0.1, 0.1)), 0, 100, [80, 90]),
    (Steps(steps=(10, -1, 40), scales=(0.1,) * 3, arithmetic=PJREDDIE.arithmetic), 0, 100, [10]),
    (Poly(max_batches=50), 0, 100, [50]),
    (Poly(max_batches=50), 51, 100, []),
    (darknet.Sigmoid(step=50), 0, 100, [50]),
    (Sgdr(sgdr_cycle=10, sgdr_mult=2), 0, 100, [11, 31, 71]),
    (Sgdr(sgdr_cycle=10, sgdr_mult=1), 25, 51, [31, 41, 51]),
    (Sgdr(sgdr_cycle=1000, sgdr_mult=1), 2_000_000_000, 2_000_002_000, [2_000_000_001, 2_000_001_001]),
    (BurnIn(policy=Steps(steps=(40, 80), scales=(0.1, 0.1)), burn_in=50), 0, 100, [50, 80]),
    (BurnIn(policy=Steps(steps=(50, 80), scales=(0.1, 0.1)), burn_in=50), 0, 100, [50, 80]),
    (BurnIn(policy=Poly(max_batches=9, arithmetic=PJREDDIE.arithmetic), burn_in=-5), 0, LAST_ITERATION, []),
]


@pytest.mark.parametrize(("schedule", "first", "last", "wanted"), MILESTONES)
def test_milestones(schedule: Schedule, first: int, last: int, wanted: list[int]) -> None:
    assert list(schedule.milestones(first, last)) == wanted


def test_a_million_cycles_are_one_piece() -> None:
    schedule = Sgdr(learning_rate=0.1, sgdr_cycle=1000, sgdr_mult=1)
    for more in ((), (Piece(2_000_000_001, 2_000_000_001),)):
        pieces = schedule.pieces(0, 2_000_000_000 + len(more))
        assert pieces == (Piece(0, 1000), Piece(1001, 2000, repeats=1_999_999), *more)


@given(run=runs(sane=True))
def test_a_schedule_is_a_value(run: Run) -> None:
    schedule = run.schedule
    again = run.schedule
    assert schedule == again
    assert hash(schedule) == hash(again)
    assert pickle.loads(pickle.dumps(schedule)) == schedule
    names = {name: getattr(darknet, name) for name in darknet.__all__}
    assert eval(repr(schedule), {"__builtins__": {}}, names) == schedule
    other = {"power": 7.0} if isinstance(schedule, BurnIn) else {"learning_rate": 7.0}
    assert schedule != dataclasses.replace(schedule, **other)
    with pytest.raises(dataclasses.FrozenInstanceError):
        schedule.arithmetic = None  # type: ignore[attr-defined]
    assert schedule.dtype == np.float32
    assert schedule.horizon == run.values["max_batches"]


def test_random_gives_its_band() -> None:
    low, high = Random(learning_rate=1.0, power=2.0).band()
    assert [float(low), float(high)] == [0.0, 1.0]
    assert [float(rate) for rate in Random(learning_rate=1.0, power=2.0).band(0.25, 0.5)] == [0.0625, 0.25]
    assert type(low) is np.float32


test_what_no_trainer_could_hold = refusing(
    (lambda: darknet.Step(step=0), ValueError, "^Step: step must be"),
    (lambda: Poly(max_batches=2**31), ValueError, "^Poly: max_batches must be"),
    (lambda: Random(u=1.5), ValueError, "^Random: u must be a number from 0 to 1, got 1.5"),
    (lambda: Sgdr(sgdr_cycle=0), ValueError, "^Sgdr: sgdr_cycle must be"),
    (lambda: Sgdr(sgdr_cycle=5, sgdr_mult=0), ValueError, "^Sgdr: sgdr_mult must be"),
    (Sgdr, ValueError, "^Sgdr: a cycle must be at least 1 iteration long; give sgdr_cycle or max_batches"),
    (lambda: Steps(steps=(1,), scales=(0.1, 0.2)), ValueError, "^Steps: steps has 1 values but scales has 2"),
    (lambda: BurnIn(policy=Constant(), burn_in=2**31), ValueError, "^BurnIn: burn_in must be"),
)

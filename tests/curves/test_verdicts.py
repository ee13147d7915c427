"""What is said about curves whose pattern is known, and that neither units nor thinning change it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrsched.curves import VERDICTS, Verdict, verdict_of
from tests.curves import generator, heldout, trainings
from tests.curves.generator import MAKERS, Curve

OPPOSITE = {("overfitted", "underfitted"), ("underfitted", "overfitted"), ("diverging", "converged")}
CALIBRATION = {0.66: 0.6, 0.8: 0.75, 0.9: 0.85, 0.95: 0.93, 0.985: 0.975}
"""Of the verdicts with at least this confidence (and less than the next), so many are right at least."""

EXAMPLES = settings().max_examples // 2  # a pair of verdicts each

Answers = list[tuple[Curve, Verdict]]


def answers(curves: list[Curve]) -> Answers:
    return [(curve, verdict_of(**curve.columns())) for curve in curves]


def test_the_pattern_is_named_with_a_calibrated_confidence() -> None:
    """A few curves of every pattern, the same each time; many others with the profile hunt, where shares are told."""
    hunt = EXAMPLES > 100
    rng, count = np.random.default_rng(None if hunt else 20), 60 if hunt else 8
    ours = answers([generator.curve(rng, label) for label in MAKERS for _ in range(count)])
    others = answers([heldout.curve(rng) for _ in range(7 * count)])
    played = answers([trainings.curve(rng, label) for label in MAKERS for _ in range(count)])
    assert all(verdict.advice and str(verdict) for _, verdict in ours)
    every = ((ours, 0.97), (others, 0.95), (played, 0.95)) if hunt else ((ours + others + played, 0.96),)
    for answered, least in every:
        said = [(curve.label, verdict.verdict) for curve, verdict in answered]
        told = [(label, verdict) for label, verdict in said if verdict != "cannot-tell"]
        wrong = Counter((label, verdict) for label, verdict in told if label != verdict)
        assert len(told) >= 0.9 * len(said)
        assert wrong.total() <= (1 - least) * len(told), wrong
        assert not wrong.keys() & OPPOSITE
    certain = [(verdict.confidence, verdict.verdict == curve.label) for curve, verdict in ours + others + played]
    shares = {}
    for low, high in pairwise([*CALIBRATION, 1.0]):
        right = [is_right for confidence, is_right in certain if low <= confidence < high]
        shares[low] = sum(right) / max(len(right), 1)
    assert not hunt or all(shares[low] >= least for low, least in CALIBRATION.items()), shares


@settings(max_examples=EXAMPLES)
@given(
    st.sampled_from(sorted(MAKERS)), st.integers(0, 10**6), st.floats(-6, 6), st.floats(-100, 100), st.integers(1, 1000)
)
def test_units_do_not_matter(label: str, seed: int, power: float, offset: float, unit: int) -> None:
    curve = generator.curve(np.random.default_rng(seed), label, 200)
    first = verdict_of(**curve.columns())
    changed: dict[str, Any] = {
        name: None if column is None else 10**power * (column + offset) for name, column in curve.columns().items()
    }
    changed |= {"steps": curve.steps * unit + 7, "rate": None if curve.rate is None else curve.rate * 10**power}
    assert (again := verdict_of(**changed)).verdict == first.verdict
    assert again.confidence == pytest.approx(first.confidence, abs=0.02)


@settings(max_examples=EXAMPLES)
@given(st.sampled_from(sorted(MAKERS)), st.integers(0, 10**6), st.integers(2, 5))
def test_thinning_does_not_turn_a_sure_verdict(label: str, seed: int, every: int) -> None:
    curve = generator.curve(np.random.default_rng(seed), label, 900)
    first = verdict_of(**curve.columns())
    columns = curve.columns().items()
    thin: dict[str, Any] = {name: None if column is None else column[every - 1 :: every] for name, column in columns}
    if first.confidence > 0.95:
        jumpy = {"failed", "oscillating"}  # these two are neighbours
        again = verdict_of(**thin).verdict
        assert again in (first.verdict, "cannot-tell") or {first.verdict, again} == jumpy


@pytest.mark.parametrize("label", MAKERS)
def test_one_outlier_decides_nothing(label: str) -> None:
    rng = np.random.default_rng(3)
    for _ in range(10):
        curve = generator.curve(rng, label, 200)
        if curve.train is None:
            continue
        spoiled = curve.train.copy()
        spoiled[[70, 150, -2]] += 50 * np.nanstd(curve.train)
        first, again = (verdict_of(**one.columns()) for one in (curve, replace(curve, train=spoiled)))
        assert again.verdict in (first.verdict, "cannot-tell")


def test_what_can_be_done_is_said() -> None:
    """Every verdict has its advice; the numbers in it are those of the curve."""
    t = np.arange(300.0)
    val = np.exp(-t / 20) + np.clip(t - 100, 0, None) / 200
    found = verdict_of(t, train=np.exp(-t / 60), val=val)
    assert found.verdict == "overfitted"
    assert "Stop at step 98" in str(found.advice[0])  # about 100, where its rise begins
    assert {one.name for one in found.evidence} >= {"train slope", "train done", "val rise", "val swing", "correlation"}
    at_once = verdict_of(t, train=np.exp(-t / 60), val=1 + t / 100, rate=0.1 + 0 * t)
    assert (at_once.verdict, at_once.advice[0].action) == ("overfitted", "lower")
    assert at_once.advice[0].changes == {"peak": pytest.approx(0.01)}
    assert "The rate is not the reason" not in str(at_once)
    rate = np.where(t < 150, 0.1 * np.exp(-t / 50), 0.1)
    jumped = verdict_of(t, train=np.where(t < 150, np.exp(-t / 30), 1 + (t - 150) / 50), rate=rate)
    assert jumped.verdict == "diverging"
    back = jumped.advice[0]
    assert (back.action, back.step) == ("resume", 150)
    assert back.factor == pytest.approx(np.exp(-149 / 50))
    assert back.changes == {"rate": pytest.approx(0.1 * np.exp(-149 / 50))}


T = np.arange(300.0)
NOISE = np.random.default_rng(1).uniform(-1, 1, (2, 300))
RISES = np.exp(-T / 20) + np.clip(T - 150, 0, None) / 200  # from its lowest at about 150 on
SWINGS = {name: np.exp(-T / 90) + noise / 2 for name, noise in zip(("train", "val"), NOISE, strict=True)}
STAIRS = 2 * 0.6 ** (T * 4 // 300) + NOISE[0] / 50


@pytest.mark.parametrize(
    ("columns", "verdict", "sentence"),
    [
        ({"train": np.exp(-T / 60), "val": RISES, "rate": np.where(T < 145, 0.1, 0.01)}, "overfitted", "at step 145:"),
        ({"train": 2 - T / 200, "val": np.exp(-T / 10)}, "converged", "validation does not follow"),
        ({"train": STAIRS}, "cannot-tell", "the model remembers them"),
        ({"steps": T + 1000, **SWINGS}, "cannot-tell", "The log begins at step 1000"),
        ({"train": np.where(T < 50, 3 - T / 50, np.nan)}, "diverging", "before step 50: the loss gets worse"),
        ({"train": np.where(T < 5, 3 - T / 2, np.nan)}, "diverging", "Divide the rate by 10"),
        ({"metric": 1 - SWINGS["val"]}, "oscillating", "take more data per step"),
    ],
)
def test_advice_follows_the_curves(columns: dict[str, Any], verdict: str, sentence: str) -> None:
    found = verdict_of(**{"steps": T, **columns})
    assert found.verdict == verdict
    assert sentence in " ".join(map(str, found.advice))


def test_what_falls_epoch_by_epoch_is_remembered() -> None:
    """The training loss falls where an epoch ends, validation does not: that overfits."""
    rng, t = np.random.default_rng(4), np.arange(600)
    noise = rng.standard_normal((2, t.size)) / 50
    val = np.where(t % 20 == 19, 1.6 + 0.3 * np.exp(-t / 60) + 0.1 * (t / 600 - 0.4).clip(0) + noise[1] / 2, np.nan)
    for epochs in (3, 4, 5):
        found = verdict_of(t, train=2 * 0.6 ** (t * epochs // 600) + noise[0], val=val)
        stairs = [one.text for one in found.evidence if one.name == "staircase"]
        assert (found.verdict, len(stairs)) == ("overfitted", 1)
        assert any("remembers" in str(advice) for advice in found.advice)
    for train in (2 * np.exp(-t / 200) + noise[0], 2 * 0.6 ** (t // 150) + t % 150 / 100):
        smooth_or_saw = verdict_of(t, train=train, val=val)
        assert "staircase" not in [one.name for one in smooth_or_saw.evidence]


def test_a_loss_that_jumps_up_and_stays_there_diverges() -> None:
    t = np.arange(400)
    for begin in (100, 250, 370):
        loss = np.where(t < begin, np.exp(-t / 50), 2.0) + np.random.default_rng(begin).standard_normal(400) / 50
        assert verdict_of(t, train=loss).verdict == "diverging"


@pytest.mark.parametrize("size", range(12))
def test_little_is_no_reason_to_fail(size: int) -> None:
    nothing = np.full(size, np.nan)
    for train in (nothing, np.zeros(size), np.full(size, np.inf), np.arange(size) % 2 * 1e308):
        assert verdict_of(np.zeros(size), train=train, val=nothing).verdict in VERDICTS
        for rate in (nothing, np.geomspace(1e-300, 1e308, size)[::-1]):
            assert verdict_of(np.arange(size), train=train, rate=rate).verdict in VERDICTS


def test_a_restart_that_is_made_good_at_the_last_record_leaves_little() -> None:
    rate, loss = np.r_[1, 0.1, 1, np.full(17, 0.9)], np.r_[np.nan, 0.5, np.full(16, 0.8), 0.4, 0.8]
    found = verdict_of(np.arange(20), train=loss, rate=rate)
    assert (found.verdict, found.courses) == ("cannot-tell", {})


def test_steps_that_no_float_tells_apart_show_no_slope() -> None:
    step = np.array([-(2**62) - t for t in range(40)] + [*range(15)])
    with np.errstate(all="ignore"):
        assert verdict_of(step, np.r_[np.linspace(1, 0.9, 40), 3 / (1 + np.arange(15))]).verdict == "cannot-tell"


def test_wrong_columns_are_refused() -> None:
    with pytest.raises(ValueError, match="train must be a list as long as steps"):
        verdict_of([1, 2, 3], train=[1, 2])
    with pytest.raises(ValueError, match="give train, val or metric"):
        verdict_of([1, 2, 3], rate=[1, 2, 3])

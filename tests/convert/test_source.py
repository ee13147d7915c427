"""The text of every schedule, executed over whole runs and compared with the schedule."""

from __future__ import annotations

import ast
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from lrsched.convert import export_source, fit_cfg, to_source
from lrsched.schedule import Schedule
from lrsched.schedules import NAMED, Named, clamped, cosine, naming, per_epoch, table, warmup
from lrsched.schedules.wellknown import Peak
from lrsched.trainers.darknet import Net, Policy, Random
from lrsched.trainers.timm import Args
from tests.convert.exported import HORIZON, SCHEDULES
from tests.factories import trees

T = np.arange(HORIZON + 1)


def executed(text: str) -> Any:
    names: dict[str, Any] = {}
    exec(text, names)
    return names["learning_rate"]


def rounding(schedule: Schedule) -> float:
    """How far a text may be from its schedule, as a share of the peak."""
    return 1e-6 if schedule.dtype == np.float32 else 1e-13


@pytest.mark.parametrize("schedule", SCHEDULES, ids=repr)
def test_a_text_has_the_rates_of_its_schedule(schedule: Schedule) -> None:
    wanted = schedule(T).astype(np.float64)
    slack = rounding(schedule) * np.abs(wanted).max()
    rate = executed(to_source(schedule, horizon=HORIZON))
    assert np.allclose([rate(t) for t in T.tolist()], wanted, rtol=1e-9, atol=slack)
    rates = executed(to_source(schedule, "numpy", horizon=HORIZON))
    assert np.allclose(rates(T), wanted, rtol=1e-9, atol=slack)
    assert rates(T).shape == T.shape


@settings(max_examples=15)
@given(trees().filter(lambda tree: "Random(" not in repr(tree.schedule)))
def test_composites_have_the_rates_of_plain_functions(tree: Any) -> None:
    language: Any
    for language in ("python", "numpy"):
        rate = executed(to_source(tree.schedule, language, horizon=200))
        got, wanted = [float(rate(t)) for t in range(201)], [tree.rate(t) for t in range(201)]
        assert np.allclose(got, wanted, rtol=1e-5, atol=1e-6 * max(map(abs, wanted)))


def test_only_what_has_no_formula_is_a_table() -> None:
    tables = [each for each in SCHEDULES if "bisect" in to_source(each, horizon=HORIZON)]
    assert {getattr(each, "name", type(each).__name__) for each in tables} == {"table", "BurnIn"}
    assert {each.name for each in SCHEDULES if isinstance(each, Named)} >= NAMED.keys() - {"restarts"}


@pytest.mark.parametrize("schedule", SCHEDULES[::7], ids=repr)
def test_a_text_needs_nothing_but_the_standard_library(schedule: Schedule) -> None:
    tree = ast.parse(to_source(schedule, horizon=HORIZON))
    imports = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    assert set(imports) <= {"bisect", "math"}
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]


def test_a_text_is_what_a_person_would_have_written() -> None:
    assert (
        to_source(warmup(500) * clamped(cosine(peak=0.1, horizon=20_000), low=0.01))
        == '''\
import math


def warmup(t, iterations=500):
    """A rise to peak, which stays."""
    x = min(t / iterations, 1)
    return x


def cosine(t, peak=0.1, horizon=20000):
    """Half a cosine from peak to final."""
    x = min(t / horizon, 1)
    return peak * (1 + math.cos(math.pi * x)) / 2


def clamped(t, low=0.01):
    """Within limits: cosine."""
    return max(cosine(t), low)


def learning_rate(t):
    """A product: warmup, clamped."""
    return warmup(t) * clamped(t)
'''
    )


def test_what_others_add_has_its_formula_where_it_can_be_read_and_else_a_table() -> None:
    def policy(text: str) -> Policy:
        class Line(Policy):
            KEY, FORMULA = "line", text

            def formula(self, t: Any) -> Any:
                return np.float32(self.learning_rate) * (1 - t.astype(np.float32) / np.float32(self.max_batches))

        return Line(learning_rate=0.5, max_batches=HORIZON)

    @naming.named
    def square(*, peak: Peak) -> Any:
        return lambda t: peak * (1 - t / HORIZON) ** 2

    for schedule, is_table in (
        (policy("learning_rate * (1 - t / max_batches) * cos(0 * pi)"), False),
        (policy("learning_rate at first, then less"), True),
        (policy("learning_rate * left"), True),
        (square(peak=0.5), True),
    ):
        text = to_source(schedule, horizon=HORIZON)
        assert ("bisect" in text) == is_table
        assert executed(text)(600) == pytest.approx(0.2 if schedule.dtype == np.float32 else 0.08)


def test_functions_become_tables_of_their_run() -> None:
    text = to_source(lambda t: 0.1 if t < 300 else 0.01 * (1 - (t - 300) / 700), horizon=HORIZON)
    assert "iterations=(0, 299, 300, 1000)" in text
    assert executed(text)(650) == pytest.approx(0.005)
    noise = np.random.default_rng(0).random(6000)
    with pytest.raises(ValueError, match="a table of it would have 6000 rows"):
        to_source(lambda t: noise[t], horizon=5999)
    with pytest.raises(ValueError, match="no last iteration; give horizon=N"):
        to_source(math.sqrt)


def test_what_has_no_text_is_refused() -> None:
    with pytest.raises(ValueError, match="random draws its rates"):
        to_source(Random(max_batches=10))
    with pytest.raises(ValueError, match="language must be one of"):
        to_source(cosine(peak=1, horizon=9), "fortran")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"to must be one of .*did you mean 'keras'"):
        export_source(cosine(peak=1, horizon=9), "kerras")


def test_long_tables_stay_within_the_width_of_a_page() -> None:
    text = to_source(table(list(range(500)), [0.1 / (t + 1) for t in range(500)]))
    assert max(map(len, text.splitlines())) <= 100
    assert executed(text)(250) == pytest.approx(0.1 / 251)


def test_the_digits_of_a_decay_that_is_applied_half_a_million_times_are_those_of_float32() -> None:
    net = Net(learning_rate=0.1, max_batches=500_200, policy="exp", gamma=0.99999)
    rate = executed(to_source(net))
    assert rate(500_000) == pytest.approx(float(net.schedule()(500_000)), rel=1e-6)


def test_what_counts_epochs_says_so_and_is_not_a_schedule_of_steps() -> None:
    args = Args(sched="cosine", epochs=90, lr=0.1)
    text = export_source(args, "torch")
    assert "t counts epochs" in text
    for to in ("optax", "keras", "transformers"):
        with pytest.raises(ValueError, match=rf"{to} counts steps, the schedule epochs; make it .*per_epoch"):
            export_source(args, to)
    with pytest.raises(ValueError, match="darknet counts iterations, the schedule epochs"):
        fit_cfg(args)
    with pytest.raises(ValueError, match="has no last iteration; give horizon=N"):
        fit_cfg(lambda t: 0.1)
    assert fit_cfg(per_epoch(args.schedules()["rate"], iterations=10)).horizon == 10 * args.total_epochs - 1

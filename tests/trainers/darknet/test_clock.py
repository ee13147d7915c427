"""The clock: what several GPUs visit, and round trips between its units."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrsched.trainers.darknet import ALEXEYAB, DIALECTS, HANK_AI, PJREDDIE, Clock, Dialect, Net, parse_cfg


def told(dialect: str, ngpus: int, start: int, end: int) -> list[tuple[int, int, list[int]]]:
    """The training loop as the forks' sources tell it, one counter per GPU."""
    lines = []
    counters, iteration = [start] * ngpus, start
    while iteration < end:
        counters = [c + 1 for c in counters]
        trained = list(counters)
        if dialect == "pjreddie":
            if ngpus > 1 and counters[0] % 4 == 0:
                counters = [counters[0] + 4 * (ngpus - 1)] * ngpus
            iteration = counters[0]
        else:
            iteration += ngpus
            counters[0] = iteration
            if ngpus > 1 and iteration % 4 == 0:
                counters = [iteration + 4 * (ngpus - 1)] * ngpus
        lines.append((iteration, counters[0], trained))
    return lines


@given(
    dialect=st.sampled_from(DIALECTS),
    ngpus=st.integers(1, 9),
    start=st.integers(0, 300),
    length=st.integers(0, 700),
)
def test_turns_are_those_of_the_trainers(dialect: Dialect, ngpus: int, start: int, length: int) -> None:
    clock = Clock(effective_batch=64, ngpus=ngpus, dialect=dialect)
    expected = told(dialect.name, ngpus, start, start + length)

    turns = list(clock.turns(start, start + length))
    assert [(turn.printed, turn.rate_at, list(turn.trained_at)) for turn in turns] == expected
    assert clock.last_turn(start, start + length) == (turns[-1] if turns else None)


def test_what_real_logs_show() -> None:
    four = Clock(effective_batch=64, ngpus=4, dialect=PJREDDIE)
    assert [turn.printed for turn in four.turns(0, 32)] == [1, 2, 3, 16, 17, 18, 19, 32]

    two = Clock(effective_batch=64, ngpus=2, dialect=ALEXEYAB)
    at_404 = next(turn for turn in two.turns(0, 500) if turn.printed == 404)
    assert (at_404.rate_at, at_404.synced) == (408, True)


def test_the_end_of_a_long_run_is_found_at_once() -> None:
    for dialect in DIALECTS:
        turn = Clock(effective_batch=1, ngpus=8, dialect=dialect).last_turn(0, 2_000_000_000)
        assert turn is not None
        assert turn.printed >= 2_000_000_000


def test_a_fork_may_burn_in_on_one_gpu() -> None:
    clock = Clock(effective_batch=64, ngpus=4, dialect=HANK_AI, burn_in=10)
    turns = list(clock.turns(0, 20))

    assert [turn.printed for turn in turns][:11] == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 14]
    assert [len(turn.trained_at) for turn in turns][:11] == [1] * 10 + [4]


@given(
    batch=st.integers(1, 512), images=st.integers(1, 10**6), iteration=st.integers(0, 10**8), ngpus=st.integers(1, 8)
)
def test_round_trips(batch: int, images: int, iteration: int, ngpus: int) -> None:
    clock = Clock(effective_batch=batch, ngpus=ngpus, images=images, seconds_per_iteration=2.0)

    assert clock.iteration_of_seen(clock.seen_at(iteration)) == iteration
    assert clock.iteration_of_seen(clock.seen_at(iteration) + batch - 1) == iteration
    assert clock.images_printed(iteration) == ngpus * clock.images_at(iteration)
    epochs = iteration // 7
    reached = clock.iteration_at_epoch(epochs)
    assert reached * batch >= epochs * images
    assert (reached - 1) * batch < epochs * images
    assert math.isclose(clock.epochs_at(iteration), iteration * batch / images)
    assert clock.hours(iteration) == iteration / 1800


def test_of_a_net() -> None:
    clock = Clock.of(parse_cfg("[net]\nbatch=64\nsubdivisions=12\nburn_in=5\n"), ngpus=2)

    assert (clock.effective_batch, clock.ngpus, clock.burn_in, clock.dialect) == (60, 2, 5, ALEXEYAB)


@pytest.mark.parametrize(
    "wrong", [{"effective_batch": 0}, {"ngpus": 0}, {"images": -1}, {"seconds_per_iteration": 0.0}]
)
def test_what_no_clock_can_show(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} must be above 0"):
        Clock(**{"effective_batch": 64, **wrong})
    with pytest.raises(ValueError, match="epochs need images="):
        Clock(effective_batch=64).epochs_at(5)
    with pytest.raises(ValueError, match="hours need seconds_per_iteration="):
        Clock(effective_batch=64).hours(5)


@pytest.mark.parametrize(
    ("dialect", "max_batches", "ngpus", "expected"),
    [
        (PJREDDIE, 21_000, 1, [*range(100, 1000, 100), 10_000, 20_000]),
        (ALEXEYAB, 21_000, 1, [10_000, 20_000]),
        (ALEXEYAB, 4_500, 1, [1000, 2000, 3000, 4000]),
        (ALEXEYAB, 4_500, 3, [1002, 2004, 3000, 4002]),
        (ALEXEYAB, 10_000, 1, [10_000]),
    ],
)
def test_weights_files(dialect: Dialect, max_batches: int, ngpus: int, expected: list[int]) -> None:
    clock = Clock(effective_batch=64, ngpus=ngpus, dialect=dialect)

    assert list(clock.weights_files("y", 0, max_batches, max_batches)) == [
        *(f"y_{n}.weights" for n in expected),
        "y_final.weights",
    ]


def test_the_clock_is_a_value() -> None:
    clock = Clock(effective_batch=64)

    assert clock == Clock(effective_batch=64)
    with pytest.raises(dataclasses.FrozenInstanceError):
        clock.ngpus = 2  # type: ignore[misc]
    assert Net().effective_batch == 1

"""The clock: what several GPUs visit, and when weights are saved."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lrsched.trainers.darknet import ALEXEYAB, DIALECTS, HANK_AI, PJREDDIE, Clock, Dialect, parse_cfg
from tests import factories


@given(
    dialect=st.sampled_from(DIALECTS),
    ngpus=st.integers(1, 9),
    start=st.integers(0, 300),
    length=st.integers(0, 3000) | st.sampled_from([10_000, 10_001, 20_500]),
    burn_in=st.sampled_from([0, 0, 7, 500, 1000]),
)
@example(dialect=ALEXEYAB, ngpus=5, start=0, length=1001, burn_in=0)
@example(dialect=ALEXEYAB, ngpus=6, start=1, length=933, burn_in=0)
@example(dialect=ALEXEYAB, ngpus=6, start=1, length=20_500, burn_in=0)
@example(dialect=HANK_AI, ngpus=2, start=0, length=10_000, burn_in=500)
def test_turns_are_those_of_the_trainers(dialect: Dialect, ngpus: int, start: int, length: int, burn_in: int) -> None:
    stop = start + length
    clock = Clock(dialect=dialect, ngpus=ngpus, max_batches=stop, burn_in=burn_in)
    turns = list(clock.turns(start, stop))
    expected = factories.turns(dialect.name, ngpus, start, stop, burn_in)
    assert [(turn.printed, turn.rate_at, list(turn.trained_at)) for turn in turns] == list(expected)
    assert clock.last_turn(start, stop) == (turns[-1] if turns else None)
    assert clock.rate_at(np.array([turn.printed for turn in turns], np.int64)).tolist() == [t.rate_at for t in turns]


def test_what_real_logs_show() -> None:
    four = Clock(dialect=PJREDDIE, ngpus=4)
    assert [turn.printed for turn in four.turns(0, 32)] == [1, 2, 3, 16, 17, 18, 19, 32]

    two = {turn.printed: turn for turn in Clock(dialect=ALEXEYAB, ngpus=2, max_batches=6000).turns(0, 500)}
    assert two[404].rate_at == 408
    # the save at 100 set back the counter of the first GPU
    assert [two[printed].trained_at for printed in (100, 102, 104)] == [(99, 102), (101, 105), (103, 106)]


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_the_end_of_a_long_run_is_found_at_once(dialect: Dialect) -> None:
    turn = Clock(dialect=dialect, ngpus=8, max_batches=2_000_000_000).last_turn(1, 2_000_000_000)
    assert turn is not None
    assert 2_000_000_000 <= turn.printed < 2_000_000_032


def test_a_fork_burns_in_on_one_gpu_unless_it_starts_from_weights() -> None:
    net = parse_cfg("[net]\nburn_in=10\nmax_batches=20\n", HANK_AI)
    alone, together = (list(net.clock(4, pretrained=pretrained).turns(0, 20)) for pretrained in (False, True))
    assert [turn.printed for turn in alone] == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 14, 18, 22]
    assert [len(turn.trained_at) for turn in alone] == [1] * 10 + [4] * 3
    assert [turn.printed for turn in together] == [4, 8, 12, 16, 20]

"""The clock: which iterations the GPUs of a run count."""

from __future__ import annotations

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from lrsched.trainers.darknet import ALEXEYAB, DIALECTS, HANK_AI, PJREDDIE, Clock, Dialect, parse_cfg
from tests.factories import turns


@given(
    dialect=st.sampled_from(DIALECTS),
    ngpus=st.integers(1, 9),
    start=st.integers(0, 300),
    length=st.integers(0, 900),
    burn_in=st.sampled_from([0, 0, 7, 500]),
)
@example(dialect=HANK_AI, ngpus=2, start=0, length=900, burn_in=500)
def test_counts_are_those_of_the_training_loop(
    dialect: Dialect, ngpus: int, start: int, length: int, burn_in: int
) -> None:
    horizon = start + length
    clock = Clock(dialect=dialect, ngpus=ngpus, burn_in=burn_in)
    loop = list(turns(dialect.name, ngpus, start, horizon, burn_in))
    assert clock.rate_at(np.array([printed for printed, *_ in loop], np.int64)).tolist() == [at for _, at, _ in loop]
    assert clock.furthest(start, horizon) == max([horizon, *(loop[-1][2] if loop else ())])


def test_what_real_logs_show() -> None:
    assert Clock(dialect=PJREDDIE, ngpus=4).rate_at(np.array([3, 16])).tolist() == [3, 16]
    assert Clock(dialect=ALEXEYAB, ngpus=2).rate_at(np.array([402, 404])).tolist() == [402, 408]


def test_a_fork_burns_in_on_one_gpu() -> None:
    clock = parse_cfg("[net]\nburn_in=10\nmax_batches=20\n", HANK_AI).clock(2)
    assert clock.rate_at(np.array([4, 8, 12])).tolist() == [4, 8, 16]

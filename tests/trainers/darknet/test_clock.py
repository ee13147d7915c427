"""The clock: what several GPUs visit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lrsched.trainers.darknet import ALEXEYAB, DIALECTS, HANK_AI, Clock, Dialect
from tests.factories import turns


@given(
    dialect=st.sampled_from(DIALECTS),
    ngpus=st.integers(1, 9),
    start=st.integers(0, 300),
    length=st.integers(0, 3000) | st.sampled_from([10_000, 10_001, 20_500]),
    burn_in=st.sampled_from([0, 0, 7, 500, 1000]),
)
@example(dialect=ALEXEYAB, ngpus=5, start=0, length=1001, burn_in=0)
@example(dialect=ALEXEYAB, ngpus=6, start=1, length=933, burn_in=0)
@example(dialect=HANK_AI, ngpus=2, start=0, length=10_000, burn_in=500)
def test_counts_are_those_of_the_trainers(dialect: Dialect, ngpus: int, start: int, length: int, burn_in: int) -> None:
    stop = start + length
    clock = Clock(dialect=dialect, ngpus=ngpus, burn_in=burn_in)
    told = list(turns(dialect.name, ngpus, start, stop, burn_in))
    assert clock.rate_at(np.array([printed for printed, _, _ in told], np.int64)).tolist() == [at for _, at, _ in told]
    last = clock.last_update(start, stop)
    assert (last if last > stop else 0) == max((at for at in (told[-1][2] if told else []) if at > stop), default=0)


def test_what_real_logs_show() -> None:
    assert [printed for printed, _, _ in turns("pjreddie", 4, 0, 32)] == [1, 2, 3, 16, 17, 18, 19, 32]
    assert Clock(dialect=ALEXEYAB, ngpus=2).rate_at(np.array([402, 404])).tolist() == [402, 408]
    assert Clock(dialect=HANK_AI, ngpus=2, burn_in=403).rate_at(np.array([400, 404])).tolist() == [400, 408]


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_the_end_of_a_long_run_is_found_at_once(dialect: Dialect) -> None:
    assert 1_999_999_968 <= Clock(dialect=dialect, ngpus=8).last_update(1, 2_000_000_000) < 2_000_000_032

"""Several logs of one run become one; a model that keeps a list of lines says what must be left."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrsched.logs import Log, LogError, Seam, read_log, rising, same_run, stitch
from lrsched.report.logs import log_report

LINE = "{}: {}.500000, 2.250000 avg, {} rate, 1.500000 seconds, {} images\n"
LAYER = "Region 82 Avg IOU: 0.250000, Class: 0.5, Obj: 0.5, No Obj: 0.5, .5R: 1.0, .75R: 0.0,  count: {}\n"


def log_of(iterations: list[int], mark: int = 2, batch: int = 64, rate: str = "0.001000") -> Log:
    lines = []
    for iteration in iterations:
        lines.append(LAYER.format(iteration) + LINE.format(iteration, mark, rate, iteration * batch))
        if iteration % 100 == 0:
            lines.append(f"Saving weights to a_{iteration}.weights\n")
    return read_log(["".join(lines).encode()])


def test_a_later_piece_replaces_what_it_repeats() -> None:
    log = stitch([log_of([*range(1, 151)], 2), log_of([*range(101, 301)], 3)])

    assert log.iteration.tolist() == [*range(1, 301)]
    assert log.loss.tolist() == [2.5] * 100 + [3.5] * 200
    assert log.layers.count.tolist() == [*range(1, 301)]
    assert log.layers.record.tolist() == [*range(300)]
    assert [event.text for event in log.events_of("saved")] == ["a_100.weights", "a_200.weights", "a_300.weights"]
    assert [event.record for event in log.events_of("saved")] == [100, 200, 300]
    assert log.seams == (Seam(kind="overlap", record=100, iteration=101, previous=150, dropped=50),)


def test_a_gap_a_continuation_and_a_restart_are_told_apart() -> None:
    gap = stitch([log_of([1, 2, 3]), log_of([7, 8, 9])])
    assert gap.seams == (Seam(kind="gap", record=3, iteration=7, previous=3, missing=3),)
    assert stitch([log_of([1, 2, 3]), log_of([4, 5])]).seams == (
        Seam(kind="continues", record=3, iteration=4, previous=3),
    )
    on_four_gpus = stitch([log_of([4, 8, 12]), log_of([16, 20])])
    assert [seam.kind for seam in on_four_gpus.seams] == ["continues"]
    again = stitch([log_of([1, 2, 3], 2), log_of([1, 2], 3)])
    assert again.seams == (Seam(kind="restart", record=0, iteration=1, previous=3, dropped=3),)
    assert again.loss.tolist() == [3.5, 3.5]
    assert stitch([log_of([1, 2, 3, 4, 3, 4, 5])]).iteration.tolist() == [1, 2, 3, 4, 5]
    three = stitch([log_of([1, 2, 3]), log_of([4, 5]), log_of([6])])
    assert [(seam.kind, seam.previous) for seam in three.seams] == [("continues", 3), ("continues", 5)]
    for twice in ([1, 2, 2, 3], [1, 2, 3, 2, 3]):
        assert rising(log_of(twice)).iteration.tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("pieces", "says"),
    [
        ([[1, 2, 3], [7, 8, 9]], "resumed at 7 after 3; 3 iterations missing"),
        ([[1, 2, 3], [1, 2]], "restarted at 1; 3 records before it left out"),
        ([[1, 2, 3], [3, 4]], "resumed at 3 after 3; 1 record of the earlier piece left out"),
        ([[1, 2, 3], [4, 5]], "continues at 4 after 3"),
    ],
)
def test_a_report_says_how_the_pieces_meet(pieces: list[list[int]], says: str) -> None:
    assert says in str(log_report(stitch([log_of(piece) for piece in pieces])))


def test_of_several_configs_and_horizons_the_last_one_counts() -> None:
    first, second, third = log_of([1, 2]), log_of([3]), log_of([4])
    first, second = replace(first, config="one", horizon=10), replace(second, config="two", horizon=20)
    joined = stitch([first, second, third])
    assert (joined.config, joined.horizon) == ("two", 20)
    assert (stitch([third]).config, stitch([third]).horizon) == (None, None)


def test_which_logs_look_like_one_run() -> None:
    first = log_of([*range(1, 331)])
    assert same_run([first, log_of([*range(301, 500)])])
    assert same_run([first, log_of([*range(331, 500)])])
    assert not same_run([log_of([*range(301, 500)]), first])
    assert same_run([first, log_of([*range(316, 500)])])  # up to 16 GPUs may go on from what was saved at 300
    assert same_run([first, log_of([*range(331, 500)], rate="0.000100")])
    assert not same_run([first, log_of([*range(331, 500)], rate="0.010000")])
    assert not same_run([first, log_of([*range(301, 500)], rate="0.000900")])  # 301 to 330 were logged with another
    assert not same_run([first, log_of([*range(317, 500)])])
    assert not same_run([first, log_of([*range(330, 500)])])
    for other in (
        log_of([*range(1, 100)]),
        log_of([*range(251, 500)]),
        log_of([*range(301, 500)], batch=32),
        log_of([*range(301, 500)], mark=40),
        log_of([*range(301, 500)], rate="0.010000"),
    ):
        assert not same_run([first, other])


def test_a_loss_of_zero_tells_no_runs_apart() -> None:
    zero = {"rate": [0.1] * 30, "loss": [0.0] * 30}
    logs = [Log.of({"iteration": range(at, at + 30), **zero}, trainer="table") for at in (1, 31)]
    assert same_run(logs)


def test_a_log_that_begins_late_says_where_it_was_resumed() -> None:
    text = "Learning Rate: 0.001, Momentum: 0.9, Decay: 0.0005\n" + LINE.format(6001, 2, "0.001000", 6001 * 64)
    assert "resumed     at 6001" in str(log_report(read_log([text.encode()])))


def test_several_paths_are_stitched(tmp_path: Path) -> None:
    paths = []
    for name, iterations in (("a.log", [1, 2, 3]), ("b.log", [3, 4])):
        path = tmp_path / name
        path.write_text("".join(LINE.format(i, 2, "0.001000", i * 64) for i in iterations))
        paths.append(path)
    log = read_log(paths)

    assert log.iteration.tolist() == [1, 2, 3, 4]
    assert log.source == f"{paths[0]} + {paths[1]}"
    with pytest.raises(LogError, match="no record to stitch"):
        stitch([])


RISING = st.lists(st.integers(1, 40), min_size=1, max_size=8, unique=True).map(sorted)


@given(st.lists(RISING, min_size=1, max_size=5))
def test_what_is_left_is_the_last_word_on_every_iteration(runs: list[list[int]]) -> None:
    left: list[tuple[int, int]] = []
    for mark, iterations in enumerate(runs, 1):
        left = [pair for pair in left if pair[0] < iterations[0]] + [(iteration, mark) for iteration in iterations]

    log = stitch([log_of(iterations, mark) for mark, iterations in enumerate(runs, 1)])
    assert list(zip(log.iteration.tolist(), (log.loss - 0.5).astype(int).tolist(), strict=True)) == left
    assert log.layers.count.tolist() == [iteration for iteration, _ in left]
    edges = [0, *(seam.record for seam in log.seams), len(log)]
    assert all(log.iteration[a] <= log.iteration[b - 1] for a, b in itertools.pairwise(edges))
    assert stitch([log]).iteration.tolist() == log.iteration.tolist()


@pytest.mark.parametrize(("last", "planned"), [(60, False), (200, True)])
def test_what_comes_is_planned_only_where_the_log_shows_the_peak(last: int, planned: bool) -> None:
    steps = np.arange(2, last + 1, 2)
    rates = np.where(steps < 100, 1e-6 * steps, 1e-4 * (1000 - steps) / 900)
    report = log_report(Log.of({"iteration": steps, "rate": rates}, trainer="huggingface", horizon=1000))
    assert (report.plan is not None) == planned
    assert ("the schedule to its end" in str(report)) == planned

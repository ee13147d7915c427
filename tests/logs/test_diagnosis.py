"""How a run ended, how it goes, and which weights are worth keeping."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrsched.logs import Log, diagnose, outcome
from tests.factories import log_lines, log_of, net_of, run_log, turns, with_column

STEPS = "batch=64 learning_rate=0.001 burn_in=1000 policy=steps steps=1600,1800 scales=.1,.1 max_batches=2000"
CONSTANT = "batch=64 learning_rate=0.001 policy=constant"


def losses(loss: Callable[[int], Any], last: int = 1000, text: str = CONSTANT) -> Log:
    return log_of(log_lines(net_of(text), turns("alexeyab", 1, 0, last), loss=loss))


def noise(seed: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.random.default_rng(seed).lognormal(0, 0.3, 5001)


ENDINGS = {
    "finished": ("Saving weights to backup/a_final.weights", "finished"),
    "crashed": ("CUDA Error: out of memory\ndarknet: ./src/utils.c:331: error: Assertion `0' failed.", "crashed"),
    "out of memory": ("CUDA status Error: file: ./src/dark_cuda.c : line: 373\nCUDA Error: out of memory", "crashed"),
    "killed": ("Killed", "crashed"),
    "stopped": ("^C", "stopped"),
    "open": ("Saving weights to backup/a_last.weights", "open"),
}


@pytest.mark.parametrize(("end", "kind"), ENDINGS.values(), ids=ENDINGS)
def test_how_a_run_ended(end: str, kind: str) -> None:
    lines = log_lines(net_of(CONSTANT), turns("alexeyab", 1, 0, 300))
    found = diagnose(log_of([*lines, end])).ending
    assert (found.kind, found.last) == (kind, 300)
    if kind == "crashed":
        assert next(line for line in end.splitlines() if "status" not in line) in str(found)


def test_a_run_that_reached_its_end_is_finished_and_one_that_was_cut_says_so() -> None:
    assert diagnose(run_log(net_of(STEPS), 2000), net_of(STEPS)).ending.kind == "finished"
    assert diagnose(run_log(net_of(STEPS), 1999), net_of(STEPS)).ending.kind == "open"
    titled = "\x1b]2;100/2000: loss=2.4 hours left=7.1\x07"
    lines = log_lines(net_of(STEPS), turns("alexeyab", 1, 900, 1200))
    ending = diagnose(log_of([titled + line for line in lines])).ending
    assert (ending.horizon, ending.first) == (2000, 901)
    assert "begins at iteration 901" in str(ending)


def test_a_log_begins_late_where_more_than_the_usual_distance_is_missing() -> None:
    lines = log_lines(net_of(CONSTANT), turns("alexeyab", 1, 0, 200))
    header = "Learning Rate: 0.001, Momentum: 0.9, Decay: 0.0005"
    for some, first in ((lines[9::10], None), (lines[19::10], 20), ([header, *lines[19:]], None), (lines[4:5], 5)):
        assert diagnose(log_of(some)).ending.first == first


def saved_run(*, maps: bool, best: bool = False, over: bool = True) -> Log:
    rough = noise(1)
    lines = log_lines(net_of(STEPS), turns("alexeyab", 1, 0, 2000), loss=lambda t: (1 + 500 / t) * float(rough[t]))
    texts = []
    for iteration, line in enumerate(lines, 1):
        texts.append(line)
        if iteration % 500 == 0:
            if maps:
                value = [0.3, 0.71, 0.6, 0.64][iteration // 500 - 1]
                texts.append(f" mean_average_precision (mAP@0.50) = {value:f} ")
            texts.append(f"Saving weights to backup/a_{iteration}.weights")
        if best and iteration == 1000:
            texts.append("Saving weights to backup/a_best.weights")
        if iteration % 100 == 0:
            texts.append("Saving weights to backup/a_last.weights")
    return log_of([*texts, *["Saving weights to backup/a_final.weights"] * over])


def test_with_map_the_best_weights_are_those_of_the_best_map() -> None:
    kept = [weights for weights in diagnose(saved_run(maps=True)).weights if weights.reason]
    assert [weights.file for weights in kept] == ["backup/a_1000.weights", "backup/a_final.weights"]
    kept = [weights for weights in diagnose(saved_run(maps=True, best=True)).weights if weights.reason]
    assert {weights.file for weights in kept} >= {"backup/a_best.weights"}
    by_loss = diagnose(saved_run(maps=False)).weights  # noise rejects no weights of the end
    assert "backup/a_final.weights" in [weights.file for weights in by_loss if weights.reason]
    assert len(by_loss) == 6
    going_on = diagnose(saved_run(maps=False, over=False)).weights  # from the last ones it will go on
    assert [weights.file for weights in going_on if weights.reason] == [f"backup/a_{n}.weights" for n in (2000, 1500)]
    assert re.match(r"backup/a_1000\.weights \(iteration 1000, avg loss 1\.\d+, mAP 71\.00%\): ", str(kept[0]))


def test_the_best_of_the_trainer_counts() -> None:
    lines = log_lines(net_of(STEPS), turns("alexeyab", 1, 5999, 6300))
    cut = log_of(
        text
        for line in lines
        for text in ("Last accuracy mAP@0.50 = 54.27 %, best = 61.53 %", line, "Saving weights to b/a_last.weights")
    )
    found = diagnose(cut)
    assert found.best_map == pytest.approx(0.6153)
    (kept,) = (str(weights) for weights in found.weights if weights.reason)
    assert kept == "b/a_best.weights (mAP 61.53%): the trainer saves the best mAP there"


@pytest.mark.parametrize("name", ["300", "best", "final"])
def test_no_weights_are_recommended_where_every_map_is_zero(name: str) -> None:
    lines = log_lines(net_of(STEPS), turns("alexeyab", 1, 0, 300))
    nothing = " mean_average_precision (mAP@0.50) = 0.000000 "
    found = diagnose(log_of([*lines, nothing, f"Saving weights to a_{name}.weights"]))
    assert any("no weights can be recommended" in warning for warning in found.warnings)
    assert [weights.reason for weights in found.weights] == [""]


def test_warnings_are_counted_and_gaps_are_named() -> None:
    lines = log_lines(net_of(CONSTANT), [*turns("alexeyab", 1, 0, 300), *turns("alexeyab", 1, 1800, 2000)])
    slow = "Loaded: 12.5 seconds - performance bottleneck on CPU or Disk HDD/SSD"
    found = diagnose(log_of([text for line in lines for text in (line, slow)]))
    assert "The trainer warned: performance bottleneck on CPU or Disk (500x)." in found.warnings
    missing = ["Cannot load image a.jpg", "Wrong annotation: class_id = 5. But class_id should be [from 0 to 1]"]
    assert len([one for one in diagnose(log_of([*missing, *lines])).warnings if one[-5:] == "(1x)."]) == 2
    assert "No record between iterations 300 and 1801." in found.warnings
    often = [pair for begin in range(0, 6000, 1000) for pair in turns("alexeyab", 1, begin, begin + 50)]
    warnings = diagnose(log_of(log_lines(net_of(CONSTANT), often))).warnings
    assert warnings[-2:] == ("No record between iterations 2050 and 3001.", "2 more gaps between records.")


def test_zero_rates() -> None:
    def zeros(log: Log) -> str:
        return "".join(warning for warning in diagnose(log).warnings if "zero" in warning)

    assert zeros(run_log(net_of(STEPS), 2000)).endswith("zero in iterations 1 to 149 (the normal burn-in).")
    poly = run_log(net_of("batch=64 learning_rate=0.001 policy=poly power=4 max_batches=1000"), 1000)
    # 0.001 * (1 - t / 1000) ** 4 < 5e-7 from t = 850.5 on
    assert zeros(poly).endswith("zero in iterations 851 to 1000.")
    # at eight decimals it is 5e-9, reached at 1000 * 5e-6 ** (1 / 4) = 47.3
    assert zeros(run_log(net_of(STEPS, "hank-ai"), 2000)).endswith("zero in iterations 1 to 47 (the normal burn-in).")
    twice = [*turns("alexeyab", 1, 0, 200), *turns("alexeyab", 1, 0, 300)]
    assert zeros(log_of(log_lines(net_of(STEPS), twice))).count("1 to 149 (the normal burn-in)") == 2


def test_a_log_of_ones_own_may_be_empty_or_repeat_iterations() -> None:
    empty = diagnose(Log.of({"iteration": [], "rate": []}, trainer="darknet"))
    assert (empty.ending.kind, empty.ending.last, empty.warnings, empty.pace) == ("open", 0, (), None)
    repeated = Log.of({"iteration": [1, 1, 1, 2, 2, 2, 3], "rate": [0.1] * 7}, trainer="darknet")
    assert not diagnose(repeated).warnings


@given(st.lists(st.floats(0.1, 100).map(lambda x: round(x, 3)), min_size=2, max_size=40), st.integers(1, 16))
def test_the_pace_is_the_median_however_few_records_are_kept(seconds: list[float], stride: int) -> None:
    log = log_of(log_lines(net_of(CONSTANT), [*turns("alexeyab", 1, 0, len(seconds) * stride)][::stride]))
    found = diagnose(with_column(log, "seconds", np.array(seconds))).pace
    assert found is not None
    assert found.seconds == pytest.approx(float(np.median(seconds)))


def test_the_time_left_is_that_of_the_run() -> None:
    log = run_log(net_of(STEPS), 1000)
    left = diagnose(log, net_of(STEPS)).pace
    assert left is not None
    assert left.hours_left == pytest.approx(1000 * 1.5 / 3600)
    for over in (run_log(net_of(STEPS), 2000), saved_run(maps=False)):
        pace = diagnose(over, net_of(STEPS)).pace
        assert pace is not None
        assert pace.hours_left is None
    several = diagnose(run_log(net_of(STEPS), 1000, ngpus=2), net_of(STEPS), 2).pace
    assert several is not None
    assert several.seconds == 0.75


def test_the_best_epoch_of_a_trainer_that_names_no_weights() -> None:
    log = Log.of({"iteration": range(4), "loss": [3.0, 1.0, 2.0, 1.0]}, trainer="table", unit="epoch")
    assert str(outcome(log)).splitlines() == [
        *("Best epoch: 3 (loss 1).", "Equal within rounding: epoch 1.", "Last epoch: 3 (loss 1)."),
        "Not enough epochs to see a trend.",
    ]


def test_the_first_nan() -> None:
    found = diagnose(losses(lambda t: math.nan if t >= 400 else 2.0, 600))
    assert "The loss is nan from iteration 400, at a rate of 0.001, in 201 records." in found.warnings
    assert "longer training" not in str(found)
    assert not diagnose(losses(lambda t: 1.0)).warnings


def verdict(log: Log) -> str:
    found = diagnose(log)
    assert found.curves is not None
    # one voice: what is said of the curves is the verdict with its advice
    assert found.curves.headline in str(found)
    assert all(str(advice) in str(found) for advice in found.curves.advice)
    return found.curves.verdict


def test_whether_the_loss_still_falls() -> None:
    rough = noise(0)
    assert verdict(losses(lambda t: (3 - t / 2500) * rough[t], 5000)) == "underfitted"
    assert verdict(losses(lambda t: (1 + t / 1000) * rough[t] ** 0.3, 5000)) == "diverging"
    assert verdict(losses(lambda t: (1 + 3 * math.exp(-t / 500)) * rough[t] ** 0.3, 5000)) == "converged"
    assert verdict(losses(lambda t: 2 * rough[t], 2000)) == "failed"
    assert verdict(losses(lambda t: 1 / t, 9)) == "cannot-tell"


def test_what_does_not_turn_the_verdict() -> None:
    outliers = losses(lambda t: 1e12 if t % 97 == 0 else math.inf if t % 101 == 0 else 3 - t / 2500, 5000)
    assert verdict(outliers) == "underfitted"
    text = "batch=64 learning_rate=0.01 policy=steps steps=4500 scales=.1"
    dropped = losses(lambda t: (2 if t < 4500 else 1.0) * float(noise(7)[t]) ** 0.3 + 9 / (t / 200 + 1), 5000, text)
    assert verdict(dropped) == "converged"


def test_a_loss_that_falls_while_the_map_does_too_is_overfitting() -> None:
    lines = log_lines(net_of(CONSTANT), turns("alexeyab", 1, 0, 3000), loss=lambda t: 3 - t / 2500)
    for place in range(20, 1, -1):
        map_ = min(place / 8, 1) * 0.56 - max(place - 8, 0) * 0.01
        lines.insert(150 * place - 1, f" mean_average_precision (mAP@0.50) = {map_:f} ")
    assert verdict(log_of(lines)) == "overfitted"

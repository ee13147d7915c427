"""detectron2: the rates of both versions from formulas restated here, what a metrics.json tells beside its rates."""

from __future__ import annotations

import io
import json
import math
from bisect import bisect_right
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from lrsched import plan
from lrsched.logs import audit, infer
from lrsched.sources import as_config
from lrsched.trainers import detectron2
from lrsched.trainers.detectron2 import Solver, read_config
from lrsched.trainers.yaml import ConfigError

CONFIG = """VERSION: 2
MODEL:
  ANCHOR: {odd: [yaml}
SOLVER:
  AMP:
    ENABLED: false
  BASE_LR: 0.02
  GAMMA: 0.5
  MAX_ITER: 400
  STEPS: !!python/tuple
  - 200
  - 300
  - 900
  WARMUP_FACTOR: 1e-2
  WARMUP_ITERS: 100
TEST:
  - {a
"""


def factor(solver: Solver, i: int) -> float:
    """The decay without a warm-up, as a share."""
    if solver.lr_scheduler_name == "WarmupCosineLR":
        end = solver.base_lr_end / solver.base_lr
        return end + 0.5 * (1 - end) * (1 + math.cos(math.pi * i / solver.max_iter))
    if solver.lr_scheduler_name == "WarmupPolyLR":
        return float((1 - i / solver.max_iter) ** solver.poly_lr_power)
    return float(solver.gamma ** bisect_right(solver.steps, i))


def expected(solver: Solver, i: int) -> float:
    """The rate of an iteration: one curve of warm-up and decay that meet, or the product of the two."""
    meets = solver.fvcore and solver.lr_scheduler_name != "WarmupPolyLR"
    length = min(solver.warmup_iters, solver.max_iter) if meets else solver.warmup_iters
    if i >= length:
        return solver.base_lr * factor(solver, i)
    a = 0.0 if solver.warmup_method == "constant" else i / length
    if meets:
        start, goal = solver.warmup_factor * factor(solver, 0), factor(solver, length)
        return solver.base_lr * (start * (1 - a) + goal * a)
    return solver.base_lr * (solver.warmup_factor * (1 - a) + a) * factor(solver, i)


@pytest.mark.parametrize("name", ["WarmupMultiStepLR", "WarmupCosineLR", "WarmupPolyLR"])
@pytest.mark.parametrize("fvcore", [True, False])
@pytest.mark.parametrize("method", ["linear", "constant"])
@pytest.mark.parametrize("warmup", [0, 1, 100, 250, 1000])
def test_rates_of_both_versions(name: str, fvcore: bool, method: str, warmup: int) -> None:
    solver = Solver(
        lr_scheduler_name=name, fvcore=fvcore, warmup_method=method, warmup_iters=warmup, base_lr=0.02,
        base_lr_end=0.001, steps=(200, 300), max_iter=400, gamma=0.3, warmup_factor=0.01,
    )  # fmt: skip
    rates = solver.schedules()["rate"](range(400))
    np.testing.assert_allclose(rates, [expected(solver, i) for i in range(400)], rtol=1e-12, atol=0)
    assert (solver.schedules()["rate"].horizon, "STEPS" in solver.caption()) == (400, name == "WarmupMultiStepLR")


def test_a_config_is_read_from_its_section_alone() -> None:
    solver = read_config(io.StringIO(CONFIG))
    assert (solver.steps, solver.warmup_factor, solver.fvcore) == ((200, 300, 900), 0.01, False)
    assert read_config(io.StringIO(CONFIG.replace("GAMMA", "BASE_LR_END: 0.0\n  GAMMA"))).fvcore
    by_hand = read_config(io.StringIO("SOLVER:\n  STEPS: (30, 40)\n  MAX_ITER: 5e1\n"))
    assert (by_hand.steps, by_hand.max_iter, by_hand.fvcore) == ((30, 40), 50, True)


def test_the_reference_world_size_scales_everything() -> None:
    solver = Solver(base_lr=0.02, steps=(60, 80), max_iter=90, warmup_iters=10, reference_world_size=8)
    half = solver.scaled(4)
    assert (half.base_lr, half.steps, half.max_iter, half.warmup_iters) == (0.01, (120, 160), 180, 20)
    assert solver.scaled(8) is solver


def metrics(solver: Solver, first: int = 0) -> bytes:
    rates = solver.schedules()["rate"]
    known = {"time": 0.5, "total_loss": 1.0}
    left = {i: 0.5 * (solver.max_iter - i - 1) for i in range(first + 19, solver.max_iter, 20)}
    rows = ({"eta_seconds": left[i], "iteration": i, "lr": float(rates(i)), **known} for i in left)
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


parse = partial(detectron2.parse, source="metrics.json")


def test_a_run_is_compared_and_explained() -> None:
    solver = Solver(base_lr=0.02, steps=(600, 800), max_iter=1000, warmup_iters=100)
    [log] = parse(metrics(solver))
    assert (audit(log, solver).ok, log.horizon) == (True, 1000)
    found = infer(log)
    assert (found.family, found.parameters["peak"], found.parameters["warmup"]) == ("multi-step", 0.02, 100)
    wrong = audit(log, Solver(base_lr=0.02, steps=(600, 700), max_iter=1000, warmup_iters=100))
    assert (wrong.ok, wrong.mismatches.iteration[0]) == (False, 719)


def test_of_a_run_that_never_leaves_the_warm_up_the_peak_follows_from_the_usual_factor_alone() -> None:
    short = Solver(base_lr=0.0025, max_iter=500, steps=(), fvcore=False)
    found = infer(parse(metrics(short))[0])
    known = {"peak": 0.0025, "warmup": 1000, "initial": pytest.approx(2.5e-6)}
    assert (found.family, dict(found.parameters), found.complete) == ("warmup", known, True)
    assert "WARMUP_FACTOR" in found.open["peak"]
    other = infer(parse(metrics(replace(short, warmup_factor=0.3)))[0])
    assert set(other.parameters) == {"initial", "slope"}


def test_without_the_seconds_that_are_left_the_length_of_the_run_is_not_known() -> None:
    data = metrics(Solver(max_iter=60, steps=()))
    odd = data.replace(b'"time": 0.5', b'"time": 0.37')  # no whole number of iterations is left
    for lost in (data.replace(b"eta_seconds", b"eta"), data.replace(b'"time": ', b'"time": -'), odd):
        assert [log.horizon for log in parse(lost)] == [None]


def test_a_run_begins_where_the_last_one_was_over() -> None:
    short, long = (Solver(max_iter=at, steps=(), warmup_iters=10) for at in (40, 100))
    logs = parse(metrics(short) + metrics(long, first=40))
    assert [log.iteration.tolist() for log in logs] == [[19, 39], [59, 79, 99]]
    assert [log.horizon for log in logs] == [40, 100]


def test_an_evaluation_stands_in_the_row_before_it() -> None:
    [log] = parse(metrics(Solver(max_iter=60, steps=())) + b'{"bbox/AP": 31.5, "iteration": 59}\n')
    assert log.iteration.tolist() == [19, 39, 59]
    assert log.column("bbox/AP")[2] == 31.5


def test_drops_beyond_the_run_are_found() -> None:
    [found] = plan(Solver(steps=(600, 900), max_iter=600, warmup_iters=10)).findings
    assert (found.code, found.severity) == ("steps-beyond-run", "warning")
    assert "STEPS 600 and 900 lie beyond MAX_ITER 600" in found.message
    assert not plan(Solver(steps=(400, 533), max_iter=600, warmup_iters=10)).findings


def write(folder: Path, **texts: str) -> Path:
    for name, text in texts.items():
        (folder / f"{name}.yaml").write_text(text)
    return folder / "config.yaml"


def test_a_config_has_the_keys_of_its_base_below_its_own(tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    write(tmp_path / "base", root="VERSION: 2\nSOLVER:\n  BASE_LR: 0.02\n  MAX_ITER: 90\n  GAMMA: 0.5\n")
    write(tmp_path / "base", half="_BASE_: ./root.yaml\nSOLVER:\n  MAX_ITER: 80\n  WARMUP_ITERS: 5\n")
    path = write(tmp_path, config='_BASE_: "base/half.yaml"\nMODEL:\n  - x\nSOLVER:\n  STEPS: (60,)\n')
    found = as_config(path)
    assert found == Solver(base_lr=0.02, max_iter=80, gamma=0.5, warmup_iters=5, steps=(60,))
    assert read_config(write(tmp_path, config="_BASE_:\n- base/root.yaml\n- base/half.yaml\n")).max_iter == 80


@pytest.mark.parametrize(
    ("texts", "sentence"),
    [
        ({"config": "_BASE_: a.yaml", "a": "_BASE_: config.yaml"}, "a.yaml, line 1: _BASE_ config.yaml is based on"),
        ({"config": "_BASE_: config.yaml"}, "config.yaml is based on this file again, so the circle has no end"),
        ({"config": "# x\n_BASE_: none.yaml"}, r"line 2: _BASE_ none.yaml cannot be read \(No such file"),
        ({"config": "_BASE_: https://x/y.yaml"}, "is not a local file, and nothing is loaded"),
        ({"config": "_BASE_: a.yaml", "a": "SOLVER:\n  BASE_LR: many"}, "config.yaml: base_lr must be a number"),
    ],
)
def test_a_base_that_is_not_there_is_named(tmp_path: Path, texts: dict[str, str], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        read_config(write(tmp_path, **texts))

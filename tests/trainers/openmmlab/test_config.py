"""The rates of configs of mmcv and mmengine, compared with their formulas; what is read, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrsched import plan
from lrsched.trainers.openmmlab import ConfigError, RunConfig, config_of, read_config
from tests.trainers.openmmlab import runs
from tests.trainers.openmmlab.runs import LR, MMCV, MMENGINE, NB, TOTAL, WARM, mmcv_settings, mmengine_settings

OLD, NEW = "optimizer = dict(lr=0.1)\n", "optim_wrapper = dict(lr=0.1)\n"
SHORT, STEP = "train_cfg = dict(max_iters=9)\n", "type='StepLR', step_size=1"


def rates(settings: dict[str, Any]) -> Any:
    return RunConfig(settings=settings, epoch_length=NB).schedules()["rate"]


@pytest.mark.parametrize("warmup", [None, *runs.WARMUPS])
@pytest.mark.parametrize("policy", MMCV)
def test_every_policy_of_mmcv_is_its_formula(policy: str, warmup: str | None) -> None:
    own, formula = MMCV[policy]
    extra, factor = ({}, lambda i: 1.0) if warmup is None else runs.WARMUPS[warmup]
    length = 0 if warmup is None else 80 if warmup == "epochs" else 60

    schedule = rates(mmcv_settings(own | extra))

    expected = [formula(i) * (factor(i) if i < length else 1) for i in range(TOTAL)]
    assert schedule(range(TOTAL)).tolist() == pytest.approx(expected, rel=1e-12, abs=0)
    assert schedule.horizon == TOTAL - 1


@pytest.mark.parametrize("name", [name for name, (_, formula) in MMENGINE.items() if formula])
def test_every_scheduler_of_mmengine_is_its_formula(name: str) -> None:
    schedulers, formula = MMENGINE[name]
    assert formula is not None

    found = rates(mmengine_settings(schedulers))(range(TOTAL)).tolist()

    assert found == pytest.approx([formula(i) for i in range(TOTAL)], rel=1e-12, abs=0)


def test_a_quadratic_warmup_adds_what_its_step_adds() -> None:
    found = rates(mmengine_settings([{"type": "mmdet.QuadraticWarmupLR", "end": 50, "by_epoch": False}]))
    assert found(range(60)).tolist() == pytest.approx([LR * min((i + 1) / 50, 1) ** 2 for i in range(60)], rel=1e-12)


def test_windows_know_where_they_begin_and_end() -> None:
    schedule = rates(mmengine_settings(MMENGINE["steps"][0]))
    assert (schedule.warmup, schedule.horizon) == (49, TOTAL - 1)
    assert list(schedule.milestones(0, TOTAL)) == [50, 8 * NB, 11 * NB, 12 * NB]


def test_of_several_optimizers_the_rates_are_those_of_the_first_and_momentum_is_none() -> None:
    momentum = {"type": "CosineAnnealingMomentum", "T_max": 9}
    schedule = rates(mmengine_settings([]) | {"param_scheduler": {"generator": [WARM, momentum], "critic": []}})
    assert schedule(range(TOTAL)).tolist() == rates(mmengine_settings([WARM]))(range(TOTAL)).tolist()
    assert schedule.caption == "LinearLR from 0 to 50"


def test_schedulers_of_epochs_never_step_in_a_loop_of_iterations() -> None:
    settings = mmengine_settings([WARM, {"type": "StepLR", "step_size": 1}]) | {"train_cfg": {"max_iters": 300}}
    assert rates(settings)([49, 299]).tolist() == pytest.approx([LR, LR])


def test_a_scaled_rate_counts_the_images_of_all_gpus() -> None:
    settings = mmengine_settings([]) | {"auto_scale_lr": {"enable": True, "base_batch_size": 16}}
    settings |= {"train_dataloader": {"batch_size": 4}}
    assert RunConfig(settings=settings).lr(8) == RunConfig(settings=settings, gpus=8).lr() == LR * 2


LATE = {"type": "MultiStepLR", "milestones": [8, 16]}


@pytest.mark.parametrize(
    ("settings", "code", "words"),
    [
        (mmcv_settings({"policy": "step", "step": [8, 16]}), "steps-beyond-run", "640 lies beyond the run of 480"),
        (mmengine_settings([LATE | {"by_epoch": True}]), "steps-beyond-run", "640 lies beyond the run of 480"),
        (mmengine_settings([LATE | runs.CONVERTED]), "steps-beyond-run", "640 lies beyond the run of 480"),
        (mmcv_settings({"policy": "fixed", "warmup": "linear", "warmup_iters": 999}), "warmup-covers-run", "warmup"),
        (mmcv_settings({"policy": "fixed", "warmup": "exp", "warmup_iters": 999}), "warmup-covers-run", "warmup"),
    ],
)
def test_the_planner_finds_what_is_wrong(settings: dict[str, Any], code: str, words: str) -> None:
    finding, *_ = plan(RunConfig(settings=settings, epoch_length=NB)).findings
    assert (finding.code, words in finding.message) == (code, True)


def test_a_file_is_read_and_never_executed(tmp_path: Path) -> None:
    path = tmp_path / "config.py"
    path.write_text("raise SystemExit\nmodel = build(\n    depth=50)\n" + runs.dumped(mmcv_settings(MMCV["step"][0])))
    config = read_config(path, {"optimizer.lr": "0.1 / 2", "iterations_per_epoch": "9"})
    assert config.caption() == f"mmcv · step · lr 0.05 · {runs.EPOCHS} epochs · 9 iterations per epoch"
    for key in ("model.depth", "optimizer_.lr", "runner.hook.lr"):
        with pytest.raises(ConfigError, match="decides no rate"):
            read_config(path, {key: "1"})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"_base_ = './base.py'\n{OLD}", "_base_ names other files"),
        ("import os\n", "not a config of mmcv or mmengine"),
        ("optimizer = dict(lr=base_lr * 2)\nlr_config = None\ntotal_iters = 9\n", "lr is 'base_lr \\* 2'"),
        (f"{OLD}lr_config = dict(policy='wave', by_epoch=False)\ntotal_iters = 9\n", "policy 'wave' are not known"),
        (f"{OLD}lr_config = dict(policy='step', step=[2])\ntotal_epochs = 9\n", "give iterations_per_epoch"),
        (f"{OLD}lr_config = dict(policy='step', step=[2])\ntotal_iters = 9\n", "lr_config counts in epochs, which are"),
        (f"{NEW}param_scheduler = [dict(type='WaveLR')]\n{SHORT}", "Wave"),
        (f"{NEW}param_scheduler = 'x'\n{SHORT}", "write each scheduler"),
        (f"{NEW}param_scheduler = dict({STEP}, convert_to_iter_based=True)\n{SHORT}", "StepLR counts iterations of"),
        (f"{NEW}param_scheduler = dict({STEP}, begin=3, end=3)\n{SHORT}", "the end of StepLR, 3, does not lie after"),
        (f"{NEW}train_cfg = dict(max_iters=1 << 30)\n", "max_iters is '1 << 30'"),
        (f"{NEW}train_cfg = dict(max_iters=99999999)\n", "a run has 1 to 16777216 iterations"),
    ],
)
def test_what_is_not_known_is_refused_with_a_sentence(text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=f"^mine.py: .*{words}.*\\.$"):
        config_of(text, "mine.py").schedules()


VALUES = st.recursive(
    st.none() | st.integers(-3, 99) | st.floats() | st.sampled_from(["linear", "cos", "x"]),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)
KEYS = ("step", "gamma", "min_lr", "power", "periods", "restart_weights", "warmup", "warmup_iters", "by_epoch")
OTHER_KEYS = ("begin", "end", "T_max", "milestones", "eta_min", "factor", "total_steps", "convert_to_iter_based")


@given(
    name=st.sampled_from([*MMCV, "LinearLR", "MultiStepLR", "CosineAnnealingLR", "CosineRestartLR", "OneCycleLR"]),
    values=st.dictionaries(st.sampled_from(KEYS + OTHER_KEYS), VALUES),
)
def test_strange_values_are_refused_or_have_rates(name: str, values: dict[str, Any]) -> None:
    given_name = {"policy": name, "type": name} | values
    for settings in (mmcv_settings(given_name), mmengine_settings([given_name])):
        try:
            found = rates(settings)
        except ConfigError:
            continue
        assert found(range(TOTAL)).shape == (TOTAL,)

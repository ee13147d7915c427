"""The logs of mmcv and mmengine: every row, its step, its precision; pieces, doubled lines, and what is no log."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrsched.fitting import Observed, printed_slack
from lrsched.log import Log
from lrsched.logs import audit, config_beside, infer, read_log, read_logs
from lrsched.trainers.openmmlab import RunConfig
from lrsched.trainers.openmmlab.reading import begins, parse, readings
from tests.trainers.openmmlab import runs
from tests.trainers.openmmlab.runs import MMENGINE, NB, TOTAL, dumped, flat, mmcv_text, mmengine_json, mmengine_settings

RATE = runs.MMCV["step"][1]
SETTINGS = runs.mmcv_settings(runs.MMCV["step"][0])
STEPS = list(range(10, TOTAL + 1, 10))


@pytest.mark.parametrize("write", [mmcv_text, runs.mmcv_json])
def test_mmcv_counts_within_epochs_and_dumps_its_config(write: object, tmp_path: Path) -> None:
    path = tmp_path / "20220301_100000.log"
    path.write_text(write(SETTINGS, RATE))  # type: ignore[operator]

    log = read_log(path)

    assert (log.trainer, log.iteration.tolist(), log.horizon) == ("openmmlab", STEPS, TOTAL)
    assert log.epoch.tolist() == [(step - 1) // NB for step in STEPS]
    assert np.isfinite(log.column("bbox_mAP")).sum() == TOTAL // NB
    compared = audit(log, config_beside(log))
    assert (compared.matched, compared.total) == (len(STEPS), len(STEPS))


def test_mmengine_counts_on_and_prints_all_digits(tmp_path: Path) -> None:
    (tmp_path / "scalars.json").write_text(mmengine_json(flat))
    (tmp_path / "config.py").write_text(dumped(mmengine_settings(MMENGINE["flat"][0])))

    log = read_log(tmp_path)

    assert log.iteration.tolist() == STEPS
    config = config_beside(log).of_log(log)
    assert config.epoch_length == NB
    assert audit(log, config).ok
    found = infer(log)
    assert (found.complete, found.parameters["peak"]) == (True, 0.02)
    assert found.schedule is not None
    assert found.schedule(STEPS).tolist() == pytest.approx([flat(step - 1) for step in STEPS])


OLD, NEW = "2020-05-08 18:56:16,649 - mm", "2022/08/22 18:42:22 - mmengine - INFO - "
SHORT = "05/08 18:56:16 - mmengine - "


@pytest.mark.parametrize(
    ("line", "step", "rate", "slack"),
    [
        (f"{NEW}Epoch(train) [2][ 5/7]  lr: 7.0000e-03  loss: 1.0", 12, 7e-3, 5e-8),
        (f"{SHORT}INFO - Iter(train) [  50/2000]  lr: 4.9841e-05  loss: 2.6", 50, 4.9841e-5, 5e-10),
        (f"{SHORT}INFO - Epoch(train)   [1][ 1/38]  base_lr: 5e-7 lr: 1e-7  loss: 1.0", 1, 5e-7, 5e-8),
        (f"{OLD}det - INFO - Epoch [1][2400/7517]\tlr: 0.00125, eta: 4:33:09", 2400, 1.25e-3, 5e-6),
        (f"{OLD}seg - INFO - Iter [50/900]\tlr: 9.799e-07, loss: 4.1", 50, 9.799e-7, 5e-11),
        (f"{OLD}gen - INFO - Iter [9/90]\tlr_G: 1.000e-04 lr_D: 4.000e-04, ", 9, 1e-4, 5e-8),
    ],
)
def test_every_form_of_a_line_is_read(line: str, step: int, rate: float, slack: float) -> None:
    assert begins(line.encode(), "run.log")
    (log,) = parse(line.encode(), "run.log")
    assert (log.iteration.tolist(), log.rate.tolist()) == ([step], [rate])
    assert log.column("rate_slack").tolist() == pytest.approx([slack], rel=0.02)
    assert log.column("lr_D").tolist() == pytest.approx([4e-4] if "lr_D" in line else [np.nan], nan_ok=True)


def test_several_optimizers_or_groups_in_json_are_columns() -> None:
    line = '{"mode": "train", "epoch": 1, "iter": 9, "lr": %s}\n'
    (log,) = parse((line % '{"G": 0.1, "D": 0.2}').encode(), "run.json")
    (other,) = parse((line % "[0.1, 0.3]").encode(), "run.json")
    assert (log.rate[0], log.column("lr_D")[0], other.rate[0], other.column("lr_1")[0]) == (0.1, 0.2, 0.1, 0.3)


def test_a_run_that_merge_markers_double_is_read_once() -> None:
    lines = mmcv_text({}, RATE).split("workflow: train\n")[1]
    lines = lines.replace("Epoch(val) [12][17]\t", "Epoch [12][40/40]\tlr: 1, ")
    for text in (mmengine_json(flat), lines):
        data = f"<<<<<<< HEAD\r\n{text}=======\n{text}>>>>>>> other\n{{torn".encode()
        assert begins(data, "file")
        (log,) = parse(data, "file")
        assert log.iteration.tolist() == STEPS
        assert log.rate[-1] < 0.01


def test_pieces_of_a_run_follow_one_another(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("1.log", "2.log")]
    paths[0].write_text(mmcv_text(SETTINGS, RATE, last=5 * NB + 20))
    paths[1].write_text(mmcv_text(SETTINGS, RATE, first=5 * NB))
    (tmp_path / "0.log").write_text(mmcv_text(SETTINGS, RATE, last=2 * NB))  # a start that was given up
    for source in (paths, tmp_path):
        assert read_log(source).iteration.tolist() == STEPS
    together = tmp_path / "both.log"
    together.write_text("".join(path.read_text() for path in paths))
    assert [len(each) for each in read_logs(together)] == [22, 28]


def test_a_loop_of_epochs_may_print_iterations() -> None:
    warm_up = {"type": "mmengine.optim.LinearLR", "start_factor": 1e-5, "begin": 0, "end": 0.03} | runs.CONVERTED
    config = dumped(mmengine_settings([warm_up]) | {"train_cfg": {"max_epochs": 1}})
    stamp = "06/06 16:12:11 - mmengine - INFO - "
    lines = [f"{stamp}Iter(train) [{i + 1:>5}/1545]  lr: {0.02 * (1e-5 + 0.99999 * i / 45):.4e}\n" for i in (9, 19, 45)]
    (log,) = parse(f"{stamp}Config:\n{config}\n{''.join(lines)}".encode(), "run.log")
    assert (log.horizon, log.config.epoch_length) == (1545, 1545)
    assert audit(log, log.config).ok


def test_a_log_of_one_epoch_does_not_know_the_length_of_the_run() -> None:
    text = "".join(f"{line}\n" for line in runs.mmcv_json(SETTINGS, RATE).splitlines()[:4])
    (log,) = parse(text.encode(), "run.log.json")
    assert (log.horizon, "at least 30 iterations" in log.config.caption()) == (None, True)


def test_a_config_whose_rates_are_not_known_is_a_warning() -> None:
    (log,) = parse(mmcv_text(runs.mmcv_settings({"policy": "wave"}), RATE).encode(), "run.log")
    assert log.config is None
    assert "'wave'" in log.events_of("warning")[0].text


def observed(log: Log) -> Observed:
    slack = log.column("rate_slack")
    slack = np.where(np.isnan(slack), printed_slack(log.rate), slack)
    return Observed(step=log.iteration, rate=log.rate, slack=slack)


SCALED = ", 4 times as much: it was scaled before the training, as auto_scale_lr does for the number of GPUs."
RESUMED = ": a resume goes on with the rate of the checkpoint, whatever the config says."


@pytest.mark.parametrize(
    ("first", "last", "given", "trained", "reason"),
    [
        (0, TOTAL, 0.005, 0.02, SCALED),
        (NB, TOTAL, 0.005, 0.02, RESUMED),
        (0, TOTAL, 0.02, 0.0123, "."),
        (NB, 3 * NB, 0.2, 0.02, "."),  # one level does not say why
    ],
)
def test_a_rate_that_is_not_the_one_of_the_config_is_named(
    first: int, last: int, given: float, trained: float, reason: str
) -> None:
    text = mmcv_text(SETTINGS, lambda i: RATE(i) * trained / 0.02, first=first, last=last)
    (log,) = parse(text.encode(), "run.log")
    ((other, sentence),) = readings(log.config.at_rate(given), log, observed(log))
    assert sentence == f"The rates are those of lr {trained:g}, not {given:g}{reason}"
    assert audit(log, other).ok
    assert audit(log, log.config.at_rate(given)).cause == sentence


def test_no_rate_at_all_has_no_reading() -> None:
    (log,) = parse(mmcv_text(SETTINGS, lambda i: 0.0).encode(), "run.log")
    assert not list(readings(log.config, log, observed(log)))


def test_a_rate_frozen_by_the_schedulers_of_the_checkpoint_is_named() -> None:
    (log,) = parse(mmengine_json(lambda i: 1e-3, first=6 * NB).encode(), "scalars.json")
    config = RunConfig(settings=mmengine_settings(MMENGINE["flat"][0]), epoch_length=NB)
    *_, (other, sentence) = readings(config, log, observed(log))
    assert sentence.startswith("The rate stays at 0.001: a resume loads the schedulers of the checkpoint")
    assert audit(log, other).ok


@pytest.mark.parametrize(
    "text", ["", '{"best_metric": null, "log_history": []}', "epoch,lr\n1,0.1\n", "\x80\x02}q\x00."]
)
def test_other_files_are_left_to_others(text: str) -> None:
    assert not begins(text.encode(), "file")
    assert parse(text.encode(), "file") == []


@given(
    text=st.sampled_from(
        [mmcv_text(SETTINGS, RATE)[:1500], runs.mmcv_json(SETTINGS, RATE)[:900], mmengine_json(flat)[:900]]
    ),
    at=st.integers(0, 1500),
    junk=st.sampled_from(["NaN", "\n", "{", '"lr": null, ', "1e999", "\x00", "\u2028", "[" * 2000, "-"]),
)
def test_damage_never_raises(text: str, at: int, junk: str) -> None:
    for data in (text[:at] + junk + text[at:], text[:at] + junk, text.replace("\n", "\r\n")[:at]):
        begins(data.encode(), "run.log")
        for log in parse(data.encode(), "run.log"):
            assert len(log)

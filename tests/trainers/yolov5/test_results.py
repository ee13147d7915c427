"""Results files of every version: what is read, what a run has come to, and the logged rates against the plan."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrsched.log import Log, LogError
from lrsched.logs import audit, infer, outcome
from lrsched.report.logs import log_report
from lrsched.trainers.yolov5 import ERAS, Hyp
from lrsched.trainers.yolov5.results import looks_like_results, parse_results
from tests.trainers.yolov5.files import metrics, results_csv, results_txt
from tests.trainers.yolov5.oracle import KINDS, LOOPS, Loop
from tests.trainers.yolov5.test_schedules import hyp_of

LOGGED = [kind for kind in KINDS if kind["era"].startswith(("yolov5-v6", "yolov9", "ultra"))]
LONG = [Loop(**{**kind, "epochs": 30, "nb": 600 if n % 3 else 8}) for n, kind in enumerate(LOGGED)]


def read(text: str) -> Log:
    [log] = parse_results(text.encode(), "results")
    return log


def loop_of(era: str, **others: object) -> Loop:
    kind = next(kind for kind in KINDS if kind["era"] == era)
    return Loop(**{**kind, "epochs": 30, "nb": 60, **others})


@pytest.mark.parametrize("era", ["yolov5-v6.2", "ultralytics-8.0", "ultralytics"])
def test_a_csv_is_read_with_every_column(era: str) -> None:
    text = results_csv(loop_of(era))
    log = read(text)

    assert looks_like_results(text.encode())
    origin = 0 if era.startswith("yolov5") else 1
    assert (log.unit, log.iteration.tolist()) == ("epoch", list(range(origin, 30 + origin)))
    assert log.epoch.tolist() == list(range(30))
    expected = np.array([metrics(epoch) for epoch in range(30)])
    np.testing.assert_allclose(log.column("loss"), expected[:, :3].sum(1), rtol=1e-4)
    np.testing.assert_allclose(log.column("fitness"), 0.1 * expected[:, 5] + 0.9 * expected[:, 6], rtol=1e-4)
    np.testing.assert_allclose(log.column("precision"), expected[:, 3], rtol=1e-4)
    assert [point.iteration for point in log.map_points] == log.iteration.tolist()
    assert 0 < log.rate[0] < log.rate[2]
    assert np.isnan(log.seconds).all() == (era != "ultralytics")
    assert era != "ultralytics" or log.seconds.tolist() == pytest.approx([60.5] * 30)


@pytest.mark.parametrize(("losses", "val", "width"), [(3, 3, 15), (5, 3, 17), (4, 5, 18)])
def test_a_text_is_read_at_every_width(losses: int, val: int, width: int) -> None:
    text = results_txt(12, losses, val)
    log = read(text)

    assert len(text.splitlines()[0].split()) == width
    assert looks_like_results(text.encode())
    assert (len(log), log.horizon) == (12, 12)
    np.testing.assert_allclose(log.column("map"), [metrics(epoch)[6] for epoch in range(12)], rtol=1e-3)
    np.testing.assert_allclose(log.column("val/box_loss"), 0.05)
    expected = [sum(0.1 / (e + n + 1) for n in range(losses)) for e in range(12)]
    np.testing.assert_allclose(log.column("loss"), expected, rtol=1e-3)


def test_what_is_torn_or_repeated_costs_no_other_row() -> None:
    text = results_csv(loop_of("yolov5-v6.2"))
    header, *rows = text.splitlines()
    whole = read(text)

    assert np.array_equal(read(text.replace("\n", "\r\n")).rate, whole.rate)
    for each in (text, results_txt(4)):
        spaced = read(each.replace("\n", "\n\n"))
        assert (len(spaced), bool(spaced.skipped)) == (len(read(each)), False)
    torn = read("\n".join([header, *rows[:20], rows[20][:150]]))
    assert (len(torn), torn.skipped.records) == (20, 1)
    again = read("\n".join([header, *rows[:20], header, *rows[15:]]))
    assert again.iteration.tolist() == [*range(20), *range(15, 30)]
    assert again.skipped.records == 0
    assert outcome(again).best_epoch == outcome(whole).best_epoch == 29
    assert len(read("\n".join([f"{header},x/new", *(f"{row},{row}" for row in rows)]))) == 0
    assert len(read("epoch, train/a, train/b\n0, 1, 7\n1, 2, 7")) == 2
    row = "/9 1G .1 .1 .1 .3 62 640 .1 .1 .1 .1 .1 .1 .1"
    assert read(f"0{row}\n{'1' * 20}{row}\n2{row}").iteration.tolist() == [0, 2]


def test_a_file_without_rates_and_one_of_a_classifier_are_read() -> None:
    log = read("epoch,train/loss,metrics/accuracy_top1,metrics/accuracy_top5\n1,0.5,0.75,0.75\n2,0.4,0.5,1.0\n")

    assert log.column("fitness").tolist() == [0.75, 0.75]
    assert np.isnan(log.rate).all()
    with pytest.raises(LogError, match="learning rates"):
        audit(log, Hyp(epochs=2))
    assert outcome(log).best_epoch == 2  # a later equal value replaces the earlier one
    assert outcome(log).trend == "unknown"
    assert outcome(log, "top1").best_epoch == 1
    assert outcome(log, "loss").best_epoch == 2
    with pytest.raises(LogError, match="did you mean 'fitness'"):
        outcome(log, "fitnes")


def of_fitness(values: list[float]) -> Log:
    head = "epoch,train/loss,metrics/mAP50(B),metrics/mAP50-95(B)\n"
    return read(head + "".join(f"{n},0.1,{value},{value}\n" for n, value in enumerate(values, 1)))


@pytest.mark.parametrize(
    ("values", "trend", "best", "written"),
    [
        ([0.1 * n for n in range(1, 11)], "improving", 10, 10),
        ([0.1, 0.3, 0.5, *[0.7, 0.701, 0.699] * 6], "flat", 20, 10),
        ([0.9 - 0.01 * n for n in range(40)], "worsening", 1, 1),
        ([0.5, float("nan"), *[0.6] * 10], "flat", 12, 11),
    ],
)
def test_a_run_is_judged_by_its_last_epochs(values: list[float], trend: str, best: int, written: int) -> None:
    found = outcome(of_fitness(values))

    assert (found.trend, found.best_epoch, len(found.written), found.last_epoch) == (trend, best, written, len(values))
    assert str(found).count("\n") >= 2


@pytest.mark.parametrize("loop", LONG, ids=lambda loop: f"{loop.era} {loop.decay} {loop.nb}")
def test_every_logged_rate_is_the_planned_one(loop: Loop) -> None:
    log = read(results_csv(loop))
    found = audit(log, replace(hyp_of(loop), iterations_per_epoch=None))

    assert (found.matched, found.total, set(found.groups.values())) == (90, 90, {30})
    [low, *_, high] = [int(number) for number in re.findall(r"\d+", found.notes[0])] * 2
    assert low <= loop.nb <= high
    for name, plan in found.plans.items():
        np.testing.assert_allclose(plan(log.iteration), log.column(name), rtol=6e-5)
    given = audit(log, hyp_of(loop))
    assert (given.ok, given.notes) == (True, ())


USUAL = [loop for loop in LONG if loop.decay not in ("fixed_lr", "flat_cos_lr")]


@pytest.mark.parametrize("loop", USUAL, ids=lambda loop: f"{loop.era} {loop.decay} {loop.nb}")
def test_without_a_config_the_run_is_inferred(loop: Loop) -> None:
    log = read(results_csv(loop))
    found = infer(log)
    if loop.era == "yolov5-v6.1" and loop.nb == 8:
        assert found.config is None  # the whole run is warm-up: no curve of a trainer, perhaps some other
        return

    assert found.complete
    assert (found.config.lr0, found.config.lrf, found.config.epochs) == (loop.lr0, loop.lrf, loop.epochs)
    assert found.config.decay_used.name == ERAS[loop.era].decay(loop.decay).name
    assert found.config.era.lags is not loop.step_first
    assert found.values["lr0"] == f"{loop.lr0:g}"
    assert str(ERAS[loop.era].title) in str(found)


def test_what_differs_is_named() -> None:
    loop = loop_of("yolov5-v6.2")
    log, hyp = read(results_csv(loop)), replace(hyp_of(loop), iterations_per_epoch=None)

    assert "YOLOv5 v6.2" in audit(log, replace(hyp, era=ERAS["yolov5-v6.1"])).cause
    other = audit(log, replace(hyp, lr0=0.02))
    assert "lr0 0.01 (given: 0.02)" in other.cause
    assert not other.ok
    assert "epoch 0 x/lr0: logged" in str(other)
    spoilt = read(results_csv(loop).replace(f"{metrics(3)[0]:20.5g}", f"{7:20.5g}", 1))
    assert audit(spoilt, hyp).ok  # a loss is no rate


def test_the_classes_behind_an_automatic_rate_are_found() -> None:
    loop = loop_of("ultralytics-8.3", lr0=0.001429, warmup_bias_lr=0.0, adam=True)
    hyp = replace(hyp_of(loop), optimizer="auto", lr0=0.01, iterations_per_epoch=None)
    found = audit(read(results_csv(loop)), hyp)

    assert found.ok
    assert found.notes[0] == "optimizer: auto stands for AdamW with a rate of 0.001429 (3 classes)."


CELLS = st.sampled_from(["0", "7.5", "-3", "nan", "inf", "1e999", "1e300", "1e-320", "", "x", "0.01", "0.02"])
TITLES = ("train/loss", "metrics/mAP50(B)", "metrics/mAP50-95(B)", "x/lr0", "x/lr1", "lr/pg0")
TEXTS = st.lists(st.tuples(st.sampled_from(["0/9", "3/9", "9/x"]), st.just("1G"), *[CELLS] * 13), max_size=6)


@settings(max_examples=25)
@given(st.lists(st.sampled_from(TITLES), max_size=4), st.data())
def test_any_table_is_read_or_refused_in_a_sentence(titles: list[str], data: st.DataObject) -> None:
    rows = data.draw(st.lists(st.tuples(st.sampled_from("0129x"), *[CELLS] * len(titles)), max_size=8))
    log = read("\n".join(",".join(row) for row in [("epoch", *titles), *rows]))

    with suppress(LogError):
        str(outcome(log))
    for config in (None, Hyp(epochs=3)) if len(log) else ():
        with suppress(LogError):
            str(log_report(log, config))


@given(TEXTS.map(lambda rows: "\n".join("  ".join(row) for row in rows)))
def test_any_text_is_read_or_refused_in_a_sentence(text: str) -> None:
    with suppress(LogError):
        str(outcome(read(text)))


def test_nothing_known_is_not_explained() -> None:
    rng = np.random.default_rng(3)
    rows = "".join(f"{n},{a:.5g},{a:.5g},{a:.5g}\n" for n, a in enumerate(rng.uniform(0.001, 0.1, 40)))
    assert infer(read("epoch,x/lr0,x/lr1,x/lr2\n" + rows)).schedule is None
    assert len(LOOPS) > 100

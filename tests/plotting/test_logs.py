"""Pictures of training logs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.lines import Line2D

from lrsched import plot
from lrsched.logs import Log, stitch
from lrsched.plotting.logs import Run
from lrsched.trainers.darknet import Net
from tests.factories import log_lines, log_of
from tests.plotting.conftest import assert_nothing_collides, labels, legend, net, verticals, xy

TIMES = "\N{MULTIPLICATION SIGN}"
STEPS = net("learning_rate=0.001 burn_in=100 policy=steps steps=600,800 scales=.1,.1 max_batches=1000")
POLY = net("learning_rate=0.004 burn_in=100 policy=poly power=2 max_batches=1000")


def log(
    plan: Net = STEPS,
    first: int = 1,
    last: int = 1000,
    losses: Any = None,
    layers: Any = (),
    saves: int = 0,
    maps: int = 0,
) -> Log:
    """The log of a run, with lines of layers, saved weights and mAPs among its records."""
    falling = losses or (lambda t: 500.0 * float(np.exp(-t / 50)) + 2.0)
    lines = []
    for t, record in enumerate(log_lines(plan, ((t, t) for t in range(first, last + 1)), loss=falling), first):
        for place, layer in enumerate(layers):
            iou, rest = (
                0.2 + 0.0005 * t + 0.1 * place,
                "Class: 0.5, Obj: 0.5, No Obj: 0.1, .5R: 0.5, .75R: 0.2,  count: 3",
            )
            lines.append(f"Region {layer} Avg IOU: {iou:f}, {rest}")
        lines.append(record)
        lines += [f" mean_average_precision (mAP@0.50) = {0.3 + 0.0003 * t:f} "] if maps and t % maps == 0 else []
        lines += [f"Saving weights to backup/net_{t}.weights"] if saves and t % saves == 0 else []
    return log_of(lines)


EPOCH = np.arange(1, 61)


def epochs(**columns: Any) -> Log:
    return Log.of({"iteration": EPOCH, **columns}, source="a", trainer="table", unit="epoch")


def panel(ax: Axes, name: str) -> Axes:
    [found] = [one for one in ax.figure.axes if one.get_label() == name]
    return found


def row(ax: Axes, words: str) -> Line2D:
    """The handle of a row of the legend."""
    for one in ax.figure.legends:
        for handle, shown in zip(one.legend_handles, one.get_texts(), strict=True):
            if shown.get_text().startswith(words):
                assert isinstance(handle, Line2D)
                return handle
    raise AssertionError(f"the legend does not say {words}: {legend(ax)}")


def test_an_explosion_does_not_flatten_the_losses() -> None:
    loss = np.r_[np.geomspace(1000, 2, 500), np.full(500, 2.0)]
    usual, tall = (plot(log(losses=lambda t, top=top: top if t == 990 else loss[t - 1])) for top in (2.0, 5e20))
    assert tall.get_yscale() == "log"
    assert tall.get_ylim()[0] == pytest.approx(usual.get_ylim()[0], rel=0.1)
    assert usual.get_ylim()[1] <= tall.get_ylim()[1] < 20_000
    assert "not shown: 1 loss, 5e+20 to 5e+20" in legend(tall)


@pytest.mark.parametrize(("start", "end"), [(3, 2), (1, -2)])
def test_losses_without_decades_are_linear_from_zero(start: float, end: float) -> None:
    ax = plot(log(losses=lambda t: start + (end - start) * t / 1000))
    low, high = ax.get_ylim()
    assert ax.get_yscale() == "linear"
    assert low == pytest.approx(min(end, 0), abs=0.01)
    assert start < high < start + 0.5


class TestFacts:
    @pytest.mark.parametrize(
        ("plan", "first", "last", "warmup"),
        [
            (STEPS, 1, 1000, 100),
            (STEPS, 50, 1000, 100),
            (POLY, 1, 1000, 100),
            (STEPS, 1, 95, 96),
            (STEPS, 200, 1000, 0),
            (POLY, 200, 1000, 0),
            (net("learning_rate=0.001 policy=constant"), 1, 300, 0),
            (net("learning_rate=0.1 burn_in=10 policy=constant"), 1, 300, 10),
        ],
    )
    def test_the_warm_up_is_read_off_the_rates(self, plan: Net, first: int, last: int, warmup: int) -> None:
        assert Run("", log(plan, first, last)).warmup == warmup

    def test_drops_are_found_with_their_factors(self) -> None:
        found = [(mark.x, mark.text) for mark in Run("", log()).drops]
        assert found == [(600, f"600 {TIMES}0.1"), (800, f"800 {TIMES}0.1")]
        assert Run("", log(POLY)).drops == []
        steep = [f"{t}: 1.0, 1.0 avg, {0.7**t:f} rate, 1.0 seconds, {t} images" for t in range(20)]
        assert Run("", log_of(steep)).drops == []

    def test_a_new_rate_that_several_gpus_print_twice_is_one_drop(self) -> None:
        rates = [0.001] * 40 + [0.0001, 0.001] + [0.0001] * 40
        lines = [f"{t}: 1.0, 1.0 avg, {rate:f} rate, 1.0 seconds, {t} images" for t, rate in enumerate(rates, 1)]
        [mark] = Run("", log_of(lines)).drops
        assert (mark.x, mark.text) == (41, f"41 {TIMES}0.1")

    def test_gaps(self) -> None:
        assert Run("", stitch([log(last=300), log(first=500)])).gaps == [(300, 500)]
        assert Run("", log()).gaps == []
        over = Run("", stitch([log(last=500), log(first=700)]))
        assert [mark.x for mark in over.drops] == [800], "what lies between 500 and 700 is not known"

    @pytest.mark.parametrize(("by_layer", "expected"), [(True, [0.2, 0.3]), (False, [0.2])])
    def test_iou_of_each_layer_or_of_all(self, by_layer: bool, expected: list[float]) -> None:
        curves = [points for _, points in Run("", log(layers=(82, 94))).iou(by_layer=by_layer)]
        assert len(curves) == len(expected)
        for (x, y), at in zip(curves, expected, strict=True):
            np.testing.assert_allclose(y, at + 0.0005 * x, atol=0.002 if by_layer else 0.11)


class TestOneRun:
    def test_the_panels_share_the_iterations(self) -> None:
        ax = plot(log(layers=(82,), maps=100))
        assert [one.get_label() for one in ax.figure.axes] == ["loss", "learning rate", "mAP in %", "IOU"]
        assert len({one.get_xlim() for one in ax.figure.axes}) == 1
        assert ax is ax.figure.axes[0]
        assert [one.get_label() for one in plot(log()).figure.axes] == ["loss", "learning rate"]

    @pytest.mark.parametrize(
        ("plan", "options"),
        [(STEPS, {}), (POLY, {"size": (480, 320)}), (STEPS, {"size": (1920, 1080)}), (POLY, {"images": 640})],
    )
    def test_nothing_collides(self, plan: Net, options: dict[str, Any]) -> None:
        ax = plot(log(plan, layers=(82, 94), maps=100, saves=100), POLY, **options)
        assert_nothing_collides(ax)
        boxes = [one.get_window_extent() for one in [*ax.figure.axes, *ax.figure.legends]]
        assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])

    def test_the_legend_names_everything(self) -> None:
        ax = plot(log(layers=(82,), maps=100, saves=500), labels=["a.log"])
        assert legend(ax) == [
            "loss of each iteration",
            "average loss, median of 2 records",
            "logged rate",
            "mAP, 10 values",
            "best mAP: 60.00% at iteration 1000",
            "IOU of layer 82, median",
            "warm-up: iterations 1 to 99",
            "weights saved 2 times, the last after 1000",
            "the curves: underfitted (confidence 99%), best metric at 900",
        ]
        drops = {f"600 {TIMES}0.1", f"800 {TIMES}0.1"}
        assert set(labels(ax)) == {"warm-up", "best metric", "its slope decided"} | drops
        assert ax.get_yscale() == panel(ax, "learning rate").get_yscale() == "log"
        assert ax.get_title(loc="left") == "a.log · 1000 records, iterations 1 to 1000"

    def test_the_first_nan_is_marked_in_every_panel(self) -> None:
        ax = plot(log(losses=lambda t: np.nan if t >= 700 else 3.0))
        assert "NaN 700" in labels(ax)
        assert "first NaN at iteration 700, in 301 of 1000 records" in legend(ax)
        assert all(700 in verticals(one) for one in ax.figure.axes)

    def test_a_map_that_is_no_number_is_no_point(self) -> None:
        lines = [*log_lines(STEPS, ((t, t) for t in range(1, 90)))]
        for at, value in ((60, "-nan"), (40, "0.5"), (20, "-nan")):
            lines.insert(at, f" mean_average_precision (mAP@0.50) = {value} ")
        assert {"mAP, 1 value", "best mAP: 50.00% at iteration 40"} <= set(legend(plot(log_of(lines))))

    def test_nothing_but_nan(self) -> None:
        assert "no loss is a number" in labels(plot(log(losses=lambda t: np.nan)))

    def test_resumes_and_gaps(self) -> None:
        ax = plot(stitch([log(last=420), log(first=401, last=500), log(first=700)]))
        assert {"resumed 401", "resumed 700"} <= set(labels(ax))
        assert {"resumed 2 times, the last at iteration 700", "no records from 500 to 700"} <= set(legend(ax))
        x, y = xy(next(line for line in ax.lines if line.get_linewidth() == 1.6))
        assert np.isnan(y[np.flatnonzero(x == 700)[0]])

    def test_a_part_of_the_run(self) -> None:
        ax = plot(log(), first=300, last=400)
        assert ax.get_title(loc="left").endswith("101 records, iterations 300 to 400")
        assert ax.get_xlim() == (299.0, 401.0)
        with pytest.raises(ValueError, match=r"no record lies between .*it has 1 to 1000"):
            plot(log(), first=2000, last=2100)

    @pytest.mark.parametrize("last", [1, 2, 7])
    def test_a_log_of_few_records(self, last: int) -> None:
        ax = plot(log(last=last, layers=(82,)))
        assert_nothing_collides(ax)
        assert "every rate is printed as 0.000000" in legend(ax)

    def test_axes_of_somebody_else_hold_no_panels(self) -> None:
        with pytest.raises(ValueError, match="leave out ax"):
            plot(log(last=5), ax=plot(STEPS))


class TestPlan:
    def test_the_plan_lies_under_what_was_logged(self) -> None:
        ax = plot(log(), STEPS)
        assert not [words for words in legend(ax) if "differ" in words]
        planned, logged = panel(ax, "learning rate").lines[1], panel(ax, "learning rate").lines[0]
        planned, logged = sorted((planned, logged), key=lambda line: -line.get_linewidth())
        assert planned.get_zorder() < logged.get_zorder()
        at = dict(zip(*(data.tolist() for data in xy(planned)), strict=True))
        assert (at[599], at[600]) == pytest.approx((1e-3, 1e-4))

    def test_what_differs_is_red(self) -> None:
        other = net("learning_rate=0.001 burn_in=100 policy=steps steps=600,700 scales=.1,.1 max_batches=1000")
        ax = plot(log(), other)
        red, green, blue = to_rgb(row(ax, "100 of 1000 logged rates differ").get_markerfacecolor())
        assert red > 3 * max(green, blue)
        [dots] = [line for line in panel(ax, "learning rate").lines if line.get_marker() == "."]
        assert xy(dots)[0].tolist() == list(range(700, 800))

    def test_the_warm_up_is_that_of_the_plan(self) -> None:
        assert "warm-up: iterations 40 to 99" in legend(plot(log(first=40), STEPS))


class TestEpochs:
    @pytest.mark.parametrize(("last", "best"), [(None, 40), (30, 30)])
    def test_the_best_epoch_of_those_drawn_is_marked(self, last: int | None, best: int) -> None:
        ax = plot(epochs(loss=2 - EPOCH / 100, val_loss=np.abs(EPOCH - 40) / 100 + 1), last=last)
        assert f"best {best}" in labels(ax)

    @pytest.mark.parametrize("unit", ["iteration", "epoch"])
    def test_a_log_of_rates_has_one_panel_and_nothing_that_is_best(self, unit: str) -> None:
        ax = plot(Log.of({"iteration": EPOCH, "rate": 0.1 - EPOCH / 1000}, source="a", trainer="table", unit=unit))
        assert [one.get_label() for one in ax.figure.axes] == ["learning rate"]
        assert legend(ax) == ["logged rate"]

    def test_iterations_and_epochs_have_no_common_axis(self) -> None:
        with pytest.raises(ValueError, match="no common axis"):
            plot(log(last=5), epochs(loss=EPOCH))


class TestSeveralRuns:
    def picture(self) -> Axes:
        nan = log(last=400, losses=lambda t: np.nan if t > 300 else 5.0, maps=100)
        return plot(log(layers=(82, 94), maps=100), log(POLY), nan, labels=["one.log", "two.log", "three.log"])

    def test_each_has_one_colour_in_all_panels(self) -> None:
        ax = self.picture()
        colours = [row(ax, name).get_color() for name in ("one.log", "two.log", "three.log")]
        assert len(set(colours)) == 3
        assert [line.get_color() for line in panel(ax, "learning rate").lines] == colours
        drawn = [line.get_color() for line in panel(ax, "mAP in %").lines if xy(line)[0].size]
        assert drawn == [colours[0], colours[2]]
        assert [line.get_color() for line in panel(ax, "IOU").lines] == [colours[0]]

    def test_the_legend_tells_them_apart(self) -> None:
        ax = self.picture()
        one, two, three, *rest = legend(ax)
        assert one.startswith("one.log: iterations 1 to 1000")
        assert "best mAP 60.0% at 1000" in one
        assert two == "two.log: iterations 1 to 1000"
        assert "NaN from 301 on" in three
        assert "warm-up: iterations 1 to 99" in rest

"""Pictures of training logs, told by their artists."""

from __future__ import annotations

import io
from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lrsched.logs import Log, read_log, stitch
from lrsched.plotting.captions import Mark
from lrsched.plotting.log_curves import (
    Span,
    broken,
    burn_in_of,
    drops_in,
    gaps_in,
    iou_curves,
    limits_of,
    placed_above,
    saved_at,
    smooth,
    thinned,
)
from lrsched.plotting.logs import draw_log
from lrsched.trainers.darknet import Net, parse_cfg

TIMES = "\N{MULTIPLICATION SIGN}"


def net(text: str) -> Net:
    return parse_cfg("[net]\nbatch=64\n" + text.replace(" ", "\n") + "\n")


STEPS = net("learning_rate=0.001 burn_in=100 policy=steps steps=600,800 scales=.1,.1 max_batches=1000")
POLY = net("learning_rate=0.004 burn_in=100 policy=poly power=2 max_batches=1000")


def text(
    plan: Net = STEPS,
    first: int = 1,
    last: int = 1000,
    *,
    losses: Any = None,
    layers: Sequence[int] = (),
    saves: int = 0,
    maps: int = 0,
) -> str:
    schedule = plan.schedule()
    lines, average = [], None
    for t in range(first, last + 1):
        loss = float(losses(t)) if losses else 500.0 * float(np.exp(-t / 50)) + 2.0
        average = loss if average is None else 0.9 * average + 0.1 * loss
        for place, layer in enumerate(layers):
            iou = 0.2 + 0.0005 * t + 0.1 * place
            lines.append(
                f"Region {layer} Avg IOU: {iou:f}, Class: 0.5, Obj: 0.5, No Obj: 0.1, .5R: 0.5, .75R: 0.2,  count: 3"
            )
        rate = float(schedule(t))
        lines.append(f"{t}: {loss:f}, {average:f} avg, {rate:f} rate, 3.500000 seconds, {64 * t} images")
        if maps and t % maps == 0:
            lines.append(f" mean_average_precision (mAP@0.50) = {0.3 + 0.0003 * t:f} ")
        if saves and t % saves == 0:
            lines.append(f"Saving weights to backup/net_{t}.weights")
    return "\n".join(lines) + "\n"


def log(plan: Net = STEPS, first: int = 1, last: int = 1000, **more: Any) -> Log:
    return read_log([text(plan, first, last, **more).encode()])


def panel(figure: Figure, name: str) -> Axes:
    [found] = [ax for ax in figure.axes if ax.get_label() == name]
    return found


def said(figure: Figure) -> list[str]:
    return [shown.get_text().replace("\n", " ") for legend in figure.legends for shown in legend.get_texts()]


def render(figure: Figure) -> None:
    figure.savefig(io.BytesIO(), format="png")


def labels(figure: Figure) -> list[str]:
    return [shown.get_text() for shown in panel(figure, "loss").texts]


def line_of(figure: Figure, words: str) -> Line2D:
    """The handle of a row of the legend."""
    for legend in figure.legends:
        for handle, shown in zip(legend.legend_handles, legend.get_texts(), strict=True):
            if shown.get_text().startswith(words):
                assert isinstance(handle, Line2D)
                return handle
    raise AssertionError(f"the legend does not say {words}: {said(figure)}")


class TestThinning:
    @given(st.lists(st.floats(-100, 100) | st.just(np.nan), min_size=1, max_size=300), st.integers(1, 20))
    def test_no_extreme_is_lost(self, values: list[float], bins: int) -> None:
        y = np.array(values)
        x, kept = thinned(np.arange(y.size), y, bins)
        assert kept.size <= max(4 * bins, 1)
        assert (np.diff(x) > 0).all()
        np.testing.assert_array_equal(kept, y[x])
        known = [value for value in values if not np.isnan(value)]
        if known:
            assert (np.nanmin(kept), np.nanmax(kept)) == (min(known), max(known))

    @given(st.lists(st.floats(-100, 100) | st.just(np.nan), min_size=1, max_size=60), st.integers(1, 9))
    def test_smoothing_takes_medians(self, values: list[float], width: int) -> None:
        y = np.array(values)
        x, medians = smooth(np.arange(y.size), y, width)
        assert x.size == medians.size == max(len(values) // width, 1)
        for i, median in enumerate(medians):
            end = len(values) if i == medians.size - 1 else (i + 1) * width
            known = sorted(value for value in values[i * width : end] if not np.isnan(value))
            if width == 1:
                np.testing.assert_equal(median, values[i])
            elif known:
                assert median == known[(len(known) - 1) // 2]
            else:
                assert np.isnan(median)

    def test_half_a_million_records_become_few_points_with_the_peak_among_them(self) -> None:
        t = np.arange(500_000)
        y = np.ones(t.size)
        y[123_457] = 99.0
        x, kept = thinned(t, y)
        assert x.size < 5000
        assert x[kept.argmax()] == 123_457

    def test_a_curve_breaks_in_a_gap(self) -> None:
        x, y = broken(np.array([1, 2, 8, 9]), np.ones(4), [Span(2, 8)])
        assert x.tolist() == [1, 2, 8, 8, 9]
        assert np.isnan(y).tolist() == [False, False, True, False, False]


class TestLimits:
    def test_an_explosion_is_cut_off_and_said(self) -> None:
        loss = np.r_[np.geomspace(1000, 2, 500), np.full(500, 2.0)]
        calm = limits_of([(np.arange(1000), loss, loss)])
        loss[700] = 5e20
        wild = limits_of([(np.arange(1000), loss, np.where(loss > 1e6, 3.0, loss))])
        assert calm is not None
        assert wild is not None
        assert wild.logarithmic
        assert 1000 <= wild.high < 20_000
        assert wild.low == pytest.approx(calm.low, rel=0.1)
        assert (wild.above, wild.highest, wild.highest_at) == (1, 5e20, 700)
        assert "1 record, the highest 5e+20 at 700" in wild.words
        assert calm.words == ""

    def test_a_loss_that_spans_no_decades_is_linear_from_zero(self) -> None:
        loss = np.linspace(3, 2, 100)
        limits = limits_of([(np.arange(100), loss, loss)])
        assert limits is not None
        assert not limits.logarithmic
        assert (limits.low, limits.words) == (0.0, "")
        assert 3.0 < limits.high < 3.5

    def test_a_loss_below_zero_is_seen(self) -> None:
        loss = np.linspace(1, -2, 100)
        limits = limits_of([(np.arange(100), loss, loss)])
        assert limits is not None
        assert limits.low <= -2.0

    def test_without_numbers_there_are_no_limits(self) -> None:
        nothing = np.full(5, np.nan)
        assert limits_of([(np.arange(5), nothing, nothing)]) is None


class TestMarks:
    @pytest.mark.parametrize(
        ("plan", "first", "last", "burn_in"),
        [
            (STEPS, 1, 1000, 100),
            (STEPS, 50, 1000, 100),
            (POLY, 1, 1000, 100),
            (STEPS, 1, 95, 96),
            (STEPS, 200, 1000, None),
            (POLY, 200, 1000, None),
            (net("learning_rate=0.001 policy=constant"), 1, 300, None),
            (net("learning_rate=0.1 burn_in=10 policy=constant"), 1, 300, 10),
        ],
    )
    def test_the_burn_in_is_read_off_the_rates(self, plan: Net, first: int, last: int, burn_in: int | None) -> None:
        assert burn_in_of(log(plan, first, last)) == burn_in

    def test_drops_are_found_with_their_factors(self) -> None:
        marks = drops_in(log(), 100)
        assert [(mark.x, mark.text) for mark in marks] == [(600, f"600 {TIMES}0.1"), (800, f"800 {TIMES}0.1")]

    def test_a_smooth_fall_has_no_drops(self) -> None:
        assert drops_in(log(POLY), 100) == []

    def test_a_new_rate_that_several_gpus_print_twice_is_one_drop(self) -> None:
        rates = [0.001] * 40 + [0.0001, 0.001] + [0.0001] * 40
        lines = [f"{t}: 1.0, 1.0 avg, {rate:f} rate, 1.0 seconds, {t} images" for t, rate in enumerate(rates, 1)]
        [mark] = drops_in(read_log(["\n".join(lines).encode() + b"\n"]), None)
        assert (mark.x, mark.text) == (41, f"41 {TIMES}0.1")

    def test_gaps(self) -> None:
        joined = stitch([log(last=300), log(first=500)])
        assert gaps_in(joined) == [Span(300, 500)]
        over = stitch([log(last=500), log(first=700)])
        assert [mark.x for mark in drops_in(over, 100)] == [800], "what lies between 500 and 700 is not known"
        assert gaps_in(log()) == []

    def test_of_too_many_saves_only_the_numbered_ones_count(self) -> None:
        lines = text().splitlines()
        for t in range(10, 1000, 10):
            lines[t] += "\nSaving weights to backup/net_last.weights"
        lines[500] += "\nSaving weights to backup/net_501.weights"
        assert saved_at(read_log(["\n".join(lines).encode()])) == [501]
        assert saved_at(log(saves=250)) == [250, 500, 750, 1000]

    @given(st.lists(st.integers(0, 1000), min_size=1, max_size=30, unique=True))
    def test_labels_do_not_lie_on_each_other(self, places: list[int]) -> None:
        placed = placed_above([Mark(x, f"{x} {TIMES}0.1", ":") for x in places], Span(0, 1000), 630.0)
        assert placed
        for one, other in combinations(placed, 2):
            assert one.lane != other.lane or one.right < other.left or other.right < one.left

    def test_iou_of_each_layer_and_of_all(self) -> None:
        found = {layer: (x, y) for layer, x, y in iou_curves(log(layers=(82, 94)), Span(1, 1000))}
        assert sorted(found) == [82, 94]
        x, y = found[94]
        np.testing.assert_allclose(y, 0.3 + 0.0005 * x, atol=0.002)
        [(number, x, y)] = iou_curves(log(layers=(82,)), Span(1, 1000), by_layer=False)
        assert number == -1
        np.testing.assert_allclose(y, 0.2 + 0.0005 * x, atol=0.002)


class TestOneRun:
    def test_the_panels_share_the_iterations(self) -> None:
        figure = draw_log([("a.log", log(layers=(82,), maps=100))])
        assert [ax.get_label() for ax in figure.axes] == ["loss", "learning rate", "mAP", "IOU"]
        assert len({ax.get_xlim() for ax in figure.axes}) == 1
        assert figure.get_size_inches()[0] * figure.dpi == 1000
        assert [ax.get_label() for ax in draw_log([("a.log", log())]).axes] == ["loss", "learning rate"]

    def test_panels_and_legends_lie_beside_each_other(self) -> None:
        figure = draw_log([("a.log", log(layers=(82, 94), maps=100, saves=100))], net=POLY)
        render(figure)
        boxes = [ax.get_tightbbox() for ax in figure.axes] + [legend.get_window_extent() for legend in figure.legends]
        inside = figure.bbox
        for box in boxes:
            assert box is not None
            assert inside.x0 <= box.x0 < box.x1 <= inside.x1
            assert inside.y0 <= box.y0 < box.y1 <= inside.y1
        panels, legends = figure.axes, figure.legends
        for one, other in combinations([ax.get_window_extent() for ax in panels], 2):
            assert one.y0 > other.y1 or other.y0 > one.y1
        lowest = min(ax.get_tightbbox().y0 for ax in panels if ax.get_tightbbox() is not None)  # type: ignore[union-attr]
        assert all(legend.get_window_extent().y1 < lowest for legend in legends)

    def test_the_legend_names_everything(self) -> None:
        figure = draw_log([("a.log", log(layers=(82,), maps=100, saves=500))])
        assert said(figure) == [
            "loss of an iteration",
            "average loss, median of 2 iterations",
            "logged rate",
            "mAP@0.50, 10 times",
            "best mAP: 60.00% at iteration 1000",
            "IOU of layer 82, median",
            "burn-in: iterations 1 to 99",
            "the rate changes 2 times",
            "weights saved 2 times, the last after 1000",
        ]
        assert labels(figure) == ["burn-in", f"600 {TIMES}0.1", f"800 {TIMES}0.1"]
        assert panel(figure, "loss").get_yscale() == "log"

    def test_a_title_is_plain_text(self) -> None:
        figure = draw_log([("$x_1$.log", log(last=50))])
        assert [shown.get_text() for shown in figure.texts] == [
            "$x_1$.log \N{MIDDLE DOT} 50 records, iterations 1 to 50"
        ]
        assert not figure.texts[0].get_parse_math()

    def test_the_first_nan_is_marked_in_every_panel(self) -> None:
        figure = draw_log([("a.log", log(losses=lambda t: np.nan if t >= 700 else 3.0))])
        assert "nan 700" in labels(figure)
        assert "first nan at iteration 700, 301 records in all" in said(figure)
        for ax in figure.axes:
            assert [line for line in ax.lines if np.asarray(line.get_xdata()).tolist() == [700, 700]]

    def test_nothing_but_nan(self) -> None:
        figure = draw_log([("a.log", log(losses=lambda t: np.nan))])
        assert "no loss is a number" in labels(figure)

    def test_an_explosion_does_not_flatten_the_curve(self) -> None:
        figure = draw_log([("a.log", log(losses=lambda t: 5e20 if t == 500 else 3.0))])
        assert panel(figure, "loss").get_ylim()[1] < 1000
        assert any("the highest 5e+20 at 500" in row for row in said(figure))

    def test_resumes_and_gaps(self) -> None:
        figure = draw_log([("a.log", stitch([log(last=420), log(first=401, last=500), log(first=700)]))])
        assert {"resumed 401", "resumed 700"} <= set(labels(figure))
        assert {"resumed 2 times", "no record: 500 to 700"} <= set(said(figure))
        average = next(line for line in panel(figure, "loss").lines if line.get_linewidth() == 1.5)
        x, y = np.asarray(average.get_xdata()), np.asarray(average.get_ydata())
        assert np.isnan(y[np.flatnonzero(x == 700)[0]])

    def test_a_log_that_goes_back_is_drawn_as_it_went_on(self) -> None:
        figure = draw_log([("a.log", read_log([(text(last=420) + text(first=401)).encode()]))])
        assert figure.texts[0].get_text().endswith("1000 records, iterations 1 to 1000")

    def test_smoothing(self) -> None:
        for smoothing, points in ((1, 1000), (10, 100)):
            figure = draw_log([("a.log", log())], smoothing=smoothing)
            average = next(line for line in panel(figure, "loss").lines if line.get_linewidth() == 1.5)
            assert np.size(average.get_xdata()) == points

    def test_a_part_of_the_run(self) -> None:
        figure = draw_log([("a.log", log())], first=300, last=400)
        assert figure.texts[0].get_text().endswith("101 records, iterations 300 to 400")
        assert panel(figure, "loss").get_xlim() == (299.0, 401.0)
        with pytest.raises(ValueError, match=r"no record lies between .*it has 1 to 1000"):
            draw_log([("a.log", log())], first=2000, last=2100)

    @pytest.mark.parametrize("last", [1, 2, 7])
    def test_a_log_of_few_records(self, last: int) -> None:
        figure = draw_log([("a.log", log(last=last, layers=(82,)))])
        render(figure)
        assert "every rate is printed as 0.000000" in said(figure)

    def test_many_drops_are_counted(self) -> None:
        plan = net("learning_rate=0.1 policy=step step=20 scale=0.7 max_batches=500")
        figure = draw_log([("a.log", log(plan, last=500))])
        [row] = [row for row in said(figure) if row.startswith("the rate changes")]
        assert row.startswith(f"the rate changes 25 times: 20 {TIMES}0.7, ")
        assert labels(figure) == []

    @pytest.mark.parametrize(("bad", "match"), [({"smoothing": 0}, "smoothing must be")])
    def test_wrong_arguments(self, bad: dict[str, Any], match: str) -> None:
        with pytest.raises(ValueError, match=match):
            draw_log([("a.log", log(last=5))], **bad)
        with pytest.raises(ValueError, match="at least one pair"):
            draw_log([])


class TestPlan:
    def test_the_plan_lies_under_what_was_logged(self) -> None:
        figure = draw_log([("a.log", log())], net=STEPS)
        assert "planned rate" in said(figure)
        assert not [row for row in said(figure) if "differ" in row]
        planned = next(line for line in panel(figure, "learning rate").lines if line.get_linewidth() == 6)
        x, y = np.asarray(planned.get_xdata()), np.asarray(planned.get_ydata())
        at = {int(t): rate for t, rate in zip(x, y, strict=True)}
        assert at[599] == pytest.approx(1e-3)
        assert at[600] == pytest.approx(1e-4)
        logged = [line for line in panel(figure, "learning rate").lines if line.get_linewidth() == 1.2]
        assert all(line.get_zorder() > planned.get_zorder() for line in logged)

    def test_what_differs_is_red(self) -> None:
        other = net("learning_rate=0.001 burn_in=100 policy=steps steps=600,700 scales=.1,.1 max_batches=1000")
        figure = draw_log([("a.log", log())], net=other)
        assert "100 of 1000 logged rates differ from the plan" in said(figure)
        red, green, blue = to_rgb(line_of(figure, "100 of 1000").get_markerfacecolor())
        assert red > 3 * max(green, blue)
        [dots] = [line for line in panel(figure, "learning rate").lines if line.get_marker() == "."]
        assert np.asarray(dots.get_xdata()).tolist() == list(range(700, 800))

    def test_a_plan_above_the_logged_rates_is_seen(self) -> None:
        figure = draw_log([("a.log", log())], net=net("learning_rate=0.01 policy=constant max_batches=1000"))
        assert panel(figure, "learning rate").get_ylim()[1] > 0.01

    def test_the_burn_in_is_that_of_the_plan(self) -> None:
        assert "burn-in: iterations 40 to 99" in said(draw_log([("a.log", log(first=40))], net=STEPS))


class TestSeveralRuns:
    def figure(self) -> Figure:
        nan = log(last=400, losses=lambda t: np.nan if t > 300 else 5.0, maps=100)
        return draw_log([("one.log", log(layers=(82, 94), maps=100)), ("two.log", log(POLY)), ("three.log", nan)])

    def test_each_has_a_colour_and_dashes_of_its_own_in_all_panels(self) -> None:
        figure = self.figure()
        handles = [line_of(figure, name) for name in ("one.log", "two.log", "three.log")]
        colours = [handle.get_color() for handle in handles]
        assert len(set(colours)) == 3
        assert len({str(handle._dash_pattern) for handle in handles}) == 3  # type: ignore[attr-defined]
        greys = sorted(sum(np.array(to_rgb(colour)) * (0.299, 0.587, 0.114)) for colour in colours)
        assert min(np.diff(greys)) > 0.04
        assert [line.get_color() for line in panel(figure, "learning rate").lines] == colours
        assert [line.get_color() for line in panel(figure, "mAP").lines] == [colours[0], colours[2]]
        assert [line.get_color() for line in panel(figure, "IOU").lines] == [colours[0]]

    def test_the_legend_tells_them_apart(self) -> None:
        rows = said(self.figure())
        assert rows[0].startswith("one.log: 1 to 1000")
        assert f"600 {TIMES}0.1" in rows[0]
        assert "best mAP 60.0% at 1000" in rows[0]
        assert rows[1] == "two.log: 1 to 1000"
        assert "nan from 301 on (cross)" in rows[2]
        assert "burn-in: iterations 1 to 99" in rows

    def test_a_cross_stands_where_the_numbers_end(self) -> None:
        [cross] = [line for line in panel(self.figure(), "loss").lines if line.get_marker() == "X"]
        assert np.asarray(cross.get_xdata()).tolist() == [301]

"""Pictures of schedules and plans."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from lrsched import plan, plot
from lrsched.plotting.labels import Mark, placed
from lrsched.sources import as_schedule
from lrsched.trainers.darknet import Constant, Net, Random, Sgdr, Steps, read_cfg
from tests.plotting.conftest import assert_nothing_collides, labels, legend, legend_texts, net, spans, verticals, xy

TIMES = "\N{MULTIPLICATION SIGN}"
YOLOV3 = Path(__file__).parents[2] / "docs" / "examples" / "yolov3.cfg"
STORY = net("learning_rate=0.01 policy=poly power=4 max_batches=392480")


def steps(*at: int, max_batches: int) -> Net:
    listed, scales = ",".join(map(str, at)), ",".join(["0.5"] * len(at))
    return net(f"learning_rate=0.01 burn_in=100 policy=steps steps={listed} scales={scales} max_batches={max_batches}")


def curve(ax: Axes) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    return xy(ax.lines[0])


def said(ax: Axes) -> str:
    return "\n".join(legend(ax))


class TestCurve:
    def test_a_cfg_is_drawn_at_the_trainers_own_rates(self) -> None:
        at = dict(zip(*(data.tolist() for data in curve(plot(YOLOV3))), strict=True))
        rates = [at[t] for t in (999, 1000, 399_999, 400_000, 449_999, 450_000)]
        assert rates == pytest.approx([1e-3 * 0.999**4, 1e-3, 1e-3, 1e-4, 1e-4, 1e-5])
        assert (min(at), max(at)) == (0, 500_200)

    @pytest.mark.parametrize(
        ("source", "options"),
        [
            (str(YOLOV3), {}),
            (read_cfg(YOLOV3), {}),
            (read_cfg(YOLOV3).schedule(), {}),
            (read_cfg(YOLOV3).schedules(), {}),
            (read_cfg(YOLOV3).schedule().__call__, {"last": 500_200}),
            (read_cfg(YOLOV3).schedule().__call__, {"horizon": 500_200}),
            (plan(YOLOV3), {}),
        ],
    )
    def test_everything_that_has_a_rate_is_welcome(self, source: Any, options: dict[str, Any]) -> None:
        x, y = curve(plot(source, **options))
        assert (x[-1], y[-1]) == (500_200, pytest.approx(1e-5))

    def test_what_the_trainer_never_reaches_is_dotted(self) -> None:
        ax = plot(STORY, target=592_480)
        dotted = next(line for line in ax.lines[1:] if line.get_linestyle() == ":")
        assert curve(ax)[0][-1] == 392_480
        assert xy(dotted)[0][[0, -1]].tolist() == [392_480, 592_480]
        assert dotted.get_color() == ax.lines[0].get_color()

    def test_a_window_of_the_run(self) -> None:
        ax = plot(YOLOV3, first=399_000, last=401_000)
        assert curve(ax)[0][[0, -1]].tolist() == [399_000, 401_000]
        assert ax.get_xlim() == pytest.approx((399_000, 401_000), abs=30)
        assert not spans(ax, hatched=False)
        assert labels(ax) == [f"400k {TIMES}0.1"]

    @pytest.mark.parametrize("last", [0, 1])
    def test_a_run_of_one_iteration(self, last: int) -> None:
        assert curve(plot(Constant(), last=last))[0].tolist() == list(range(last + 1))

    def test_nan_is_a_gap(self) -> None:
        ax = plot(as_schedule(lambda t: np.where(t < 50, 0.1, np.nan)), last=100)
        assert np.isnan(curve(ax)[1][50:]).all()
        assert "first at iteration 50" in said(ax)

    def test_no_finite_rate_is_said(self) -> None:
        ax = plot(net("policy=poly"), last=1000)
        assert labels(ax) == ["no finite rate: NaN or infinity at every iteration"]

    def test_random_draws_its_median_and_its_band(self) -> None:
        ax = plot(net("learning_rate=0.01 policy=random power=2 burn_in=100 max_batches=1000"))
        covered = [path.get_paths()[0].get_extents() for path in ax.collections]
        assert curve(ax)[1][-1] == pytest.approx(0.01 * 0.5**2)
        assert [(box.x0, box.x1) for box in covered] == [(100, 1000)] * 2
        assert [box.y1 for box in covered] == pytest.approx([0.01, 0.01 * 0.75**2])
        assert [box.y0 for box in covered] == pytest.approx([0, 0.01 * 0.25**2])
        assert ax.get_ylim()[1] > 0.01
        assert "median" in said(ax)
        assert plot(Random(learning_rate=0.01), last=10).get_ylim()[1] > 0.01

    def test_thousands_of_restarts_are_counted(self) -> None:
        ax = plot(net("policy=sgdr sgdr_cycle=666 sgdr_mult=1 max_batches=2000000 burn_in=10"))
        assert "the rate jumps 3002 times" in said(ax) or "the rate jumps 3003 times" in said(ax)
        assert not any(TIMES in label for label in labels(ax))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (STORY, "poly (alexeyab) · learning_rate 0.01 · power 4 · max_batches 392480"),
        (net("burn_in=9 power=2 max_batches=99"), "burn_in 9 (power 2)"),
        (net("policy=POLY max_batches=99"), "constant (alexeyab, where policy=POLY is unknown)"),
        (net("max_batches=99", "pjreddie"), "constant (pjreddie) · learning_rate 0.001 · max_batches 99"),
        (Steps(steps=tuple(range(1, 9)), scales=(0.5,) * 8), "steps 1,2,3,4,5,…,8 · scales 0.5,"),
        (lambda t: t, "a function of the iteration"),
    ],
)
def test_the_title_names_the_policy_and_what_matters(source: Any, expected: str) -> None:
    assert expected in plot(source, last=200).get_title(loc="left").replace("\n", " · ")


@pytest.mark.parametrize(("length", "end"), [(300, 300), (3000, 1000)])
def test_a_warm_up_is_shaded_and_named(length: int, end: int) -> None:
    ax = plot(net(f"burn_in={length} max_batches=1000"))
    assert spans(ax, hatched=False) == [(0, end)]
    assert "warm-up" in labels(ax)
    assert f"warm-up: iterations 0 to {min(length - 1, 1000)}" in said(ax)


class TestPrintedZero:
    @pytest.mark.parametrize("burn_in", [0, 1000])
    def test_the_last_stretch_is_hatched_and_named(self, burn_in: int) -> None:
        source = net(f"learning_rate=0.01 policy=poly max_batches=50000 burn_in={burn_in}")
        printed = [f"{rate:f}" for rate in source.schedule()(np.arange(50_001))]
        begin = 50_000
        while printed[begin - 1] == "0.000000":
            begin -= 1
        ax = plot(source)
        assert spans(ax, hatched=True) == [(begin, 50_000)]
        assert f"0.000000 from iteration {begin} on, the last {(50_001 - begin) / 50_001:.2%}" in said(ax)
        assert "0.000000" in labels(ax)

    @pytest.mark.parametrize(
        ("options", "expected"),
        [
            ({"target": 380_000}, [(359_477, 380_000)]),
            ({"target": 300_019}, []),
            ({"target": 592_480}, [(359_477, 392_480)]),
            ({"first": 370_000, "last": 380_000}, [(370_000, 380_000)]),
        ],
    )
    def test_it_ends_with_the_run_and_the_picture(self, options: dict[str, Any], expected: list[Any]) -> None:
        assert spans(plot(STORY, **options), hatched=True) == expected

    def test_a_single_iteration_can_be_seen(self) -> None:
        ax = plot(net("learning_rate=0.01 policy=poly power=1 max_batches=19000"))
        [(begin, end)] = spans(ax, hatched=True)
        assert begin < 19_000 < end
        pixels = ax.transData.transform([(begin, 0), (end, 0)])
        assert 2 < np.diff(pixels[:, 0]).item() < 5

    @pytest.mark.parametrize("last", [20_000, 50_000_000])
    def test_a_function_that_dies_and_one_that_lives(self, last: int) -> None:
        # 0.1 * exp(-t / 1000) is under 5e-7 from 12207 on: 1000 * ln(200000) = 12206.07
        ax = plot(as_schedule(lambda t: 0.1 * np.exp(-t / 1000)), last=last)
        [(begin, end)] = spans(ax, hatched=True)
        assert (begin, end) == (12_207, last)
        assert not spans(plot(lambda t: np.where(t == 7, 0, 0.1), last=20_000), hatched=True)


class TestMarks:
    def test_drops_carry_their_iteration_and_factor(self) -> None:
        ax = plot(YOLOV3)
        assert set(labels(ax)) == {f"400k {TIMES}0.1", f"450k {TIMES}0.1", "last iteration 500200", "warm-up"}
        assert verticals(ax) == {400_000: ":", 450_000: ":", 500_200: "-"}

    @pytest.mark.parametrize(
        ("text", "options", "expected"),
        [
            ("policy=step step=2500 scale=0.5 max_batches=9000", {}, [f"2.5k {TIMES}0.5", f"7.5k {TIMES}0.5"]),
            ("policy=steps steps=500,300 scales=0.1,0.1 max_batches=900", {}, [f"500 {TIMES}0.01"]),
            ("policy=steps steps=50,500 scales=1,.1 burn_in=100 max_batches=900", {}, [f"500 {TIMES}0.1"]),
            ("policy=steps steps=50,5000 scales=10,0.1 max_batches=900", {"target": 9000}, [f"50 {TIMES}10"]),
        ],
    )
    def test_only_what_happens_is_a_drop(self, text: str, options: dict[str, Any], expected: list[str]) -> None:
        found = [label for label in labels(plot(net(text), **options)) if TIMES in label]
        assert set(expected) <= set(found)
        assert len(found) <= 3

    @pytest.mark.parametrize("at", [(40_000, 40_500, 41_000, 41_500, 42_000), (40_000, 48_000, 48_500)])
    def test_close_drops_are_all_named(self, at: tuple[int, ...]) -> None:
        assert sum(TIMES in label for label in labels(plot(steps(*at, max_batches=50_000)))) == len(at)

    def test_a_curve_has_none(self) -> None:
        assert "jumps" not in said(plot(net("policy=step step=1 scale=0.9999999 max_batches=20000000")))
        assert labels(plot(net("policy=sig step=500 gamma=0.01 max_batches=1000"))) == ["last iteration 1000"]

    def test_target_and_last_iteration(self) -> None:
        ax = plot(STORY, target=592_480)
        assert {"last iteration 392480", "target 592480"} <= set(labels(ax))
        assert {392_480: "-", 592_480: "--"}.items() <= verticals(ax).items()
        same = plot(STORY, target=392_480)
        assert "last iteration = target 392480" in labels(same)
        assert list(verticals(same)) == [392_480]

    @given(st.lists(st.integers(0, 1000), min_size=1, max_size=30, unique=True))
    def test_labels_do_not_lie_on_each_other(self, places: list[int]) -> None:
        found = placed([Mark(t, f"{t} {TIMES}0.1", ":") for t in places], [], lambda t: t * 0.63, 630.0, 8.0)
        assert found
        for place, one in enumerate(found):
            for other in found[:place]:
                assert one.lane != other.lane or one.right < other.left or other.right < one.left
                upper, lower = sorted((one, other), key=lambda found: -found.lane)
                assert upper.lane == lower.lane or not lower.left < upper.x < lower.right


class TestAxes:
    @pytest.mark.parametrize("source", [YOLOV3, STORY, "warm-up for ever"])
    def test_a_logarithmic_axis_is_not_spent_on_the_smallest_rates(self, source: Any) -> None:
        source = net("learning_rate=0.01 burn_in=5000 max_batches=1000") if source == "warm-up for ever" else source
        ax = plot(source, log_scale=True)
        low, high = ax.get_ylim()
        assert ax.get_yscale() == "log"
        assert curve(ax)[1].max() < high < 10 * curve(ax)[1].max()
        assert 10 < high / low < 1e6

    def test_epochs(self) -> None:
        ax = plot(YOLOV3, images=117_266, ngpus=2)
        ax.figure.canvas.draw()
        [epochs] = ax.child_axes
        # two GPUs reach an iteration with half of the updates each: the images are those of one
        assert np.array(epochs.get_xlim()) == pytest.approx(np.array(ax.get_xlim()) * 64 / 117_266)
        assert epochs.get_xlabel() == "epochs of 117266 images"
        assert curve(ax)[1].max() == pytest.approx(2e-3)


class TestSeveral:
    def three(self, **options: Any) -> Axes:
        sources = read_cfg(YOLOV3), STORY, Sgdr(max_batches=450_000)
        return plot(*sources, labels=["yolov3.cfg", "$x_1.cfg", "_sgdr.cfg"], **options)

    def test_one_curve_each_up_to_its_own_end(self) -> None:
        ax = self.three()
        assert [xy(line)[0][-1] for line in ax.lines if xy(line)[0].size > 2] == [500_200, 392_480, 450_000]
        assert labels(ax) == []
        assert not spans(ax, hatched=False)

    def test_a_list_is_what_it_holds(self) -> None:
        assert len(legend(plot([YOLOV3, STORY], labels=["a", "b"]))) == 2
        assert len(legend(plot((YOLOV3,), [STORY, Constant()], labels=["a", "b", "c"]))) == 3

    def test_each_row_names_its_curve_and_parameters(self) -> None:
        first, second, third = legend(self.three())
        assert first.startswith("yolov3.cfg: steps (alexeyab) · learning_rate 0.001")
        assert second.startswith("$x_1.cfg: poly (alexeyab) · learning_rate 0.01")
        assert "0.000000 from 359477" in second
        assert third.startswith("_sgdr.cfg: sgdr")

    @pytest.mark.parametrize("dark", [False, True])
    def test_curves_differ_in_grey_and_from_the_ground(self, dark: bool) -> None:
        ax = plot(*(Constant(learning_rate=0.1 * n) for n in range(1, 6)), last=100, dark=dark)
        grey = [float(np.dot(to_rgb(line.get_color()), (0.299, 0.587, 0.114))) for line in ax.lines]
        ground = float(np.dot(to_rgb(ax.get_facecolor()), (0.299, 0.587, 0.114)))
        assert (ground < 0.2) == dark
        assert min(abs(one - ground) for one in grey) > 0.25
        assert min(abs(a - b) for a, b in pairwise(grey)) > 0.03
        assert len({str(line._unscaled_dash_pattern) for line in ax.lines}) == 5  # type: ignore[attr-defined]

    def test_equal_curves_are_named_together(self) -> None:
        other = net("learning_rate=0.001 burn_in=1000 policy=steps steps=400000,450000 scales=.1,.1 max_batches=500200")
        ax = plot(YOLOV3, STORY, other, labels=["a", "b", "c"])
        assert len([line for line in ax.lines if xy(line)[0].size > 2]) == 2
        assert [row.partition(":")[0] for row in legend(ax)] == ["a, c", "b"]
        assert legend(plot(STORY, STORY, labels=["a", "b"]))[0] == "a, b"
        fork = replace(STORY, dialect=net("", "pjreddie").dialect)
        assert legend(plot(STORY, fork, labels=["a", "b"]))[0].startswith("a, b: poly (alexeyab)")

    def test_what_all_share_is_marked(self) -> None:
        ax = plot(YOLOV3, read_cfg(YOLOV3).schedule(2), target=600_000)
        assert set(labels(ax)) == {"last iteration 500200", "target 600000", "warm-up"}
        assert spans(ax, hatched=False) == [(0, 1000)]

    @pytest.mark.parametrize("name", ["$x_1.cfg", r"$\frac{$.cfg", "_x.cfg", "a\nb.cfg", "\udc80.cfg", "\0"])
    def test_a_name_is_plain_text(self, name: str) -> None:
        ax = plot(STORY, YOLOV3, labels=[name, "b"], title=name)
        ax.figure.canvas.draw()
        shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in name)
        assert legend(ax)[0].startswith(f"{shown}: poly")


class TestPlan:
    def test_options_for_extending_begin_where_the_run_is_resumed(self) -> None:
        story = net("learning_rate=0.01 policy=poly power=4 max_batches=39248")
        planned = plan(story, 59_248, start=30_001)
        ax = plot(planned)
        curves = {str(line.get_label()): line for line in ax.lines if xy(line)[0].size > 10}
        assert list(curves) == ["as written", *(one.name for one in planned.extensions)]
        for one in planned.extensions:
            x, y = xy(curves[one.name])
            assert (x[0], x[-1]) == (30_001, 59_248)
            assert y[-1] == pytest.approx(one.rate_at_target, rel=1e-6)
            if one.run.start:
                assert y[0] == pytest.approx(one.after, rel=1e-6)
            else:
                assert y[0] == 0
        assert {"resumed at 30001", "target 59248"} <= set(labels(ax))

    def test_a_plan_that_needs_none_is_its_run_with_its_target(self) -> None:
        ax = plot(plan(STORY, 300_000, ngpus=4), labels=["mine"])
        assert "target 300000" in labels(ax)
        assert curve(ax)[1].max() == pytest.approx(0.04)
        assert legend(ax)[0] == "mine"


PICTURES: dict[str, tuple[Any, dict[str, Any]]] = {
    "yolov3": (YOLOV3, {}),
    "story": (STORY, {"target": 592_480, "ngpus": 4, "dark": True}),
    "close drops": (steps(40_000, 40_500, 41_000, 41_500, 42_000, max_batches=50_000), {}),
    "many drops": (steps(*range(1000, 40_000, 1000), max_batches=40_000), {}),
    "logarithmic": (STORY, {"log_scale": True}),
    "epochs": (YOLOV3, {"images": 117_266, "ngpus": 2}),
    "huge": (net("policy=poly max_batches=2000000000 burn_in=3000"), {"images": 100}),
    "nothing finite": (net("policy=poly"), {"last": 1000}),
    "all printed as zero": (net("learning_rate=1e-7 policy=poly max_batches=900 power=1"), {}),
    "long name": (YOLOV3, {"labels": ["very/long/folder/" * 12 + "yolov3.cfg"]}),
    "larger than any picture": (lambda t: np.where(t % 2 == 0, 1.7e308, -1.7e308), {"last": 100_000}),
    "small": (YOLOV3, {"size": (480, 320)}),
    "small, with epochs": (STORY, {"size": (480, 320), "images": 5000, "dark": True}),
    "large": (STORY, {"size": (1920, 1080), "dpi": 150}),
}


@pytest.mark.parametrize(("source", "options"), PICTURES.values(), ids=PICTURES)
def test_no_text_meets_another_or_leaves_the_picture(source: Any, options: dict[str, Any]) -> None:
    assert_nothing_collides(plot(source, **{"labels": ["a.cfg"]} | options))


class TestAxesOfSomebodyElse:
    def test_they_are_drawn_into_and_keep_their_style(self) -> None:
        ax = Figure().subplots()
        ax.set_prop_cycle(color=["#123456"])
        before = ax.yaxis.label.get_fontsize()
        assert plot(YOLOV3, ax=ax) is ax
        assert ax.lines[0].get_color() == "#123456"
        assert ax.yaxis.label.get_fontsize() == before
        assert ax.get_legend() is None
        assert {f"400k {TIMES}0.1", "last iteration 500200"} <= set(labels(ax))

    def test_several_curves_have_a_legend_inside(self) -> None:
        ax = plot(YOLOV3, STORY, ax=Figure().subplots(), labels=["a", "b"])
        assert legend(ax) == ["a", "b"]

    @pytest.mark.parametrize("size", [(11, 8), (7, 5)])
    def test_labels_stay_free_in_a_grid(self, size: tuple[float, float]) -> None:
        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasAgg(figure)
        panels = [plot(YOLOV3, ax=ax, title="") for ax in figure.subplots(2, 2).flat]
        figure.canvas.draw()
        for ax in panels:
            boxes = [text.get_window_extent() for text in ax.texts]
            assert len(boxes) >= 3
            assert all(box.y0 >= ax.bbox.y1 for box in boxes)
            assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


@pytest.mark.parametrize(
    ("sources", "options", "match"),
    [
        ([], {}, "there is nothing to draw"),
        ([lambda t: 0.1], {}, "no schedule has a last iteration; give horizon=N"),
        ([STORY], {"labels": ["a", "b"]}, "labels must name each"),
        ([STORY], {"first": 6, "last": 5}, "got first=6 and last=5"),
        ([Constant(max_batches=99)], {"images": 100}, "needs a config or a log"),
        ([STORY], {"images": 0}, "images must be at least 1"),
        ([STORY], {"size": (10, 10)}, "size two numbers"),
        ([STORY], {"dpi": 0}, "dpi must be"),
    ],
)
def test_what_does_not_fit_is_refused(sources: list[Any], options: dict[str, Any], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        plot(*sources, **options)


def test_rows_of_the_legend_go_before_the_panel_does() -> None:
    ax = plot(*[Constant(learning_rate=n, max_batches=9) for n in range(1, 30)], size=(700, 400))
    assert 0 < len(legend_texts(ax)) < 29
    assert ax.bbox.height > 0.4 * ax.figure.bbox.height

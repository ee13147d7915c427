"""Pictures, told by their artists: lines, texts, patches and axes."""

from __future__ import annotations

import subprocess
import sys
import warnings
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.text import Text

from lrsched.plotting import draw, plot_schedule, save, show
from lrsched.schedule import LAST_ITERATION
from lrsched.sources import as_schedule
from lrsched.trainers.darknet import BurnIn, Constant, Net, Poly, Random, Sgdr, Steps, parse_cfg, read_cfg

TIMES = "\N{MULTIPLICATION SIGN}"
YOLOV3 = Path(__file__).parents[2] / "docs" / "examples" / "yolov3.cfg"


def net(text: str, dialect: str = "alexeyab") -> Net:
    return parse_cfg("[net]\n" + text.replace(" ", "\n") + "\n", dialect)


def yolov3() -> Net:
    return read_cfg(YOLOV3)


def story(max_batches: int = 392_480) -> Net:
    return net(f"learning_rate=0.01 policy=poly power=4 max_batches={max_batches}")


def steps(*at: int, max_batches: int) -> Net:
    listed, scales = ",".join(map(str, at)), ",".join(["0.5"] * len(at))
    return net(f"learning_rate=0.01 burn_in=100 policy=steps steps={listed} scales={scales} max_batches={max_batches}")


def axes(figure: Figure) -> Axes:
    [ax] = figure.axes
    return ax


def words(ax: Axes) -> list[str]:
    """The texts inside the axes."""
    return [text.get_text() for text in ax.texts]


def legend_of(ax: Axes) -> Legend:
    found = ax.get_legend()
    assert found is not None
    return found


def legend_texts(ax: Axes) -> list[Text]:
    return legend_of(ax).get_texts() if ax.get_legend() else []


def legend(ax: Axes) -> list[str]:
    return [text.get_text().replace("\n", " ") for text in legend_texts(ax)]


def curve(ax: Axes) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    line = ax.lines[0]
    return np.asarray(line.get_xdata()), np.asarray(line.get_ydata())


def verticals(ax: Axes) -> dict[float, str]:
    """The vertical lines of an axes and their style."""
    lines = [(np.asarray(line.get_xdata()), line) for line in ax.lines]
    return {float(x[0]): str(line.get_linestyle()) for x, line in lines if len(x) == 2 and x[0] == x[1]}


def spans(ax: Axes, *, hatched: bool = False) -> list[tuple[float, float]]:
    """The iterations that shaded (or hatched) bands cover."""
    found = []
    for patch in ax.patches:
        if bool(patch.get_hatch()) == hatched:
            box = patch.get_path().transformed(patch.get_patch_transform()).get_extents()
            found.append((float(box.x0), float(box.x1)))
    return found


class TestCurve:
    def test_a_cfg_is_drawn_at_the_trainers_own_rates(self) -> None:
        iterations, rates = curve(plot_schedule(yolov3()))
        by_iteration = dict(zip(iterations.tolist(), rates.tolist(), strict=True))
        assert by_iteration[399_999] == pytest.approx(1e-3)
        assert by_iteration[400_000] == pytest.approx(1e-4)
        assert by_iteration[449_999] == pytest.approx(1e-4)
        assert by_iteration[450_000] == pytest.approx(1e-5)
        assert by_iteration[999] == pytest.approx(1e-3 * 0.999**4)
        assert by_iteration[1000] == pytest.approx(1e-3)
        assert (iterations[0], iterations[-1]) == (0, 500_200)

    def test_gpus_multiply_the_rate_of_a_net(self) -> None:
        assert curve(plot_schedule(yolov3(), ngpus=4))[1].max() == pytest.approx(4e-3)

    def test_a_schedule_and_a_function_are_welcome(self) -> None:
        assert curve(plot_schedule(Constant(learning_rate=0.3), last=10))[1].tolist() == pytest.approx([0.3] * 11)
        assert curve(plot_schedule(lambda t: 2.0 * t, target=3))[1].tolist() == [0, 2, 4, 6]

    def test_what_the_trainer_never_reaches_is_dotted(self) -> None:
        ax = plot_schedule(story(), target=592_480)
        trained, never = ax.lines[:2]
        assert np.asarray(trained.get_xdata())[-1] == 392_480
        assert (np.asarray(never.get_xdata())[0], np.asarray(never.get_xdata())[-1]) == (392_480, 592_480)
        assert (trained.get_linestyle(), never.get_linestyle()) == ("-", ":")
        assert "past max_batches 392480 the trainer has stopped" in legend(ax)

    def test_a_window_of_the_run(self) -> None:
        ax = plot_schedule(yolov3(), first=399_000, last=401_000)
        assert curve(ax)[0][[0, -1]].tolist() == [399_000, 401_000]
        assert ax.get_xlim() == pytest.approx((399_000, 401_000), abs=30)
        assert not spans(ax)
        assert words(ax) == ["400k \N{MULTIPLICATION SIGN}0.1"]

    def test_past_the_end_of_the_run(self) -> None:
        ax = plot_schedule(story(), first=500_000, last=600_000)
        assert curve(ax)[0][[0, -1]].tolist() == [500_000, 600_000]
        assert "past max_batches 392480 the trainer has stopped" in legend(ax)

    def test_without_decoration_there_is_nothing_but_the_curve(self) -> None:
        ax = plot_schedule(yolov3(), decorate=False, label="a")
        assert len(ax.lines) == 1
        assert ax.lines[0].get_label() == "a"
        assert not [*ax.texts, *ax.patches]
        assert ax.get_legend() is None
        assert ax.get_title(loc="left") == ""

    def test_a_given_axes_is_drawn_into_and_returned(self) -> None:
        ax = Figure().subplots()
        assert plot_schedule(yolov3(), ax=ax) is ax
        assert len(curve(ax)[0]) > 100

    def test_nan_is_a_gap(self) -> None:
        ax = plot_schedule(as_schedule(lambda t: np.where(t < 50, 0.1, np.nan)), last=100)
        assert np.isnan(curve(ax)[1][50:]).all()
        assert "no finite rate (NaN or infinity) from iteration 50 on" in legend(ax)

    def test_random_draws_its_median_and_its_band(self) -> None:
        ax = plot_schedule(net("learning_rate=0.01 policy=random power=2 burn_in=100 max_batches=1000"))
        assert curve(ax)[1][-1] == pytest.approx(0.01 * 0.5**2)
        covered = [path.get_paths()[0].get_extents() for path in ax.collections]
        assert [(box.x0, box.x1) for box in covered] == [(100, 1000)] * 2
        assert [box.y1 for box in covered] == pytest.approx([0.01, 0.01 * 0.75**2])
        assert [box.y0 for box in covered] == pytest.approx([0, 0.01 * 0.25**2])
        assert {"median draw", "half of the draws lie here", "all draws lie here"} <= set(legend(ax))
        assert ax.get_ylim()[1] > 0.01

    def test_the_band_of_random_fits_in(self) -> None:
        assert plot_schedule(Random(learning_rate=0.01), last=10).get_ylim()[1] > 0.01

    def test_another_quantile_is_not_called_the_median(self) -> None:
        assert "draw at quantile 0.9" in legend(plot_schedule(Random(u=0.9), last=10))


class TestTitle:
    @pytest.mark.parametrize(
        ("source", "expected"),
        [
            (story(), "poly · learning_rate 0.01 · power 4 · max_batches 392480"),
            (
                yolov3(),
                "steps · learning_rate 0.001 · steps 400000,450000 · scales 0.1,0.1 · max_batches 500200 · "
                "burn_in 1000",
            ),
            (
                net("burn_in=9 power=2 max_batches=99"),
                "constant · learning_rate 0.001 · max_batches 99 · burn_in 9 (power 2)",
            ),
            (
                net("policy=POLY max_batches=99"),
                "constant (as policy=POLY is not known) · learning_rate 0.001 · max_batches 99",
            ),
            (net("max_batches=99", "pjreddie"), "constant · learning_rate 0.001 · max_batches 99 · pjreddie"),
            (
                Steps(steps=tuple(range(1, 9)), scales=(0.5,) * 8),
                "steps · learning_rate 0.001 · steps 1,2,3,4,5,…,8 · scales 0.5,0.5,0.5,0.5,0.5,…,0.5",
            ),
            (
                Sgdr(sgdr_cycle=5, max_batches=20),
                "sgdr · learning_rate 0.001 · learning_rate_min 1e-05 · sgdr_cycle 5 · sgdr_mult 2 · max_batches 20",
            ),
        ],
    )
    def test_it_names_the_policy_and_what_matters(self, source: Any, expected: str) -> None:
        title = plot_schedule(source, last=200).get_title(loc="left")
        assert title.replace("\n", " · ") == expected

    def test_a_changed_net_is_called_by_its_policy(self) -> None:
        title = plot_schedule(replace(yolov3(), policy="constant")).get_title(loc="left")
        assert title == "constant · learning_rate 0.001 · max_batches 500200 · burn_in 1000"

    def test_it_has_the_learning_rate_of_the_cfg_and_the_number_of_gpus(self) -> None:
        title = plot_schedule(story(), ngpus=4).get_title(loc="left")
        assert title == "poly · learning_rate 0.01 · power 4 · max_batches 392480 · 4 GPUs"

    def test_a_long_title_is_broken_between_its_parts(self) -> None:
        source = steps(*(t * 111_111 for t in range(1, 7)), max_batches=2_000_000)
        lines = plot_schedule(source).get_title(loc="left").splitlines()
        assert len(lines) > 1
        assert all(not line.startswith("·") and not line.endswith("·") for line in lines)

    def test_a_function_is_called_by_its_name(self) -> None:
        def warm_up(t: Any) -> Any:
            return t / 10

        assert plot_schedule(warm_up, last=10).get_title(loc="left") == "warm_up"
        assert plot_schedule(lambda t: t, last=10).get_title(loc="left") == "a function of the iteration"

    def test_several_schedules_are_counted(self) -> None:
        assert axes(draw([("a", yolov3()), ("b", story())])).get_title(loc="left") == "learning rates of 2 schedules"


class TestBurnIn:
    def test_it_is_shaded_and_named(self) -> None:
        ax = plot_schedule(net("burn_in=300 max_batches=1000"))
        assert spans(ax) == [(0, 300)]
        assert "burn-in" in words(ax)
        assert "burn-in: iterations 0 to 299" in legend(ax)

    def test_it_may_be_longer_than_the_run(self) -> None:
        ax = plot_schedule(net("burn_in=3000 max_batches=1000"))
        assert spans(ax) == [(0, 1000)]
        assert "burn-in: iterations 0 to 1000" in legend(ax)

    @pytest.mark.parametrize(("rate", "until"), [("0.001", 149), ("0.00261", 117)])
    def test_its_first_zeros_are_told_in_small_letters(self, rate: str, until: int) -> None:
        ax = plot_schedule(net(f"learning_rate={rate} burn_in=1000 max_batches=9000"))
        told = f"a log prints 0.000000 up to iteration {until} of it, which is normal"
        sizes = {text.get_text(): float(text.get_fontsize()) for text in legend_texts(ax)}
        assert sizes[told] < sizes["burn-in: iterations 0 to 999"]

    def test_it_is_not_called_normal_when_the_zeros_never_end(self) -> None:
        ax = plot_schedule(net("learning_rate=1e-7 burn_in=100 max_batches=900"))
        assert legend(ax) == ["burn-in: iterations 0 to 99", "a log prints 0.000000 all the time"]

    def test_without_zeros_nothing_is_told(self) -> None:
        ax = plot_schedule(net("learning_rate=0.1 burn_in=3 max_batches=100"))
        assert legend(ax) == ["burn-in: iterations 0 to 2"]

    def test_none(self) -> None:
        ax = plot_schedule(net("max_batches=1000"))
        assert not spans(ax)
        assert "burn-in" not in words(ax)


class TestPrintedZero:
    @pytest.mark.parametrize("burn_in", [0, 1000])
    def test_the_last_stretch_is_hatched_and_told(self, burn_in: int) -> None:
        source = net(f"learning_rate=0.01 policy=poly max_batches=50000 burn_in={burn_in}")
        printed = [f"{rate:f}" for rate in source.schedule().rates(0, 50_001)]
        begin = 50_000
        while printed[begin - 1] == "0.000000":
            begin -= 1
        ax = plot_schedule(source)
        assert spans(ax, hatched=True) == [(begin, 50_000)]
        share = (50_001 - begin) / 50_001
        assert f"a log prints 0.000000 from iteration {begin} on, the last {share:.2%} of the run" in legend(ax)
        assert "0.000000" in words(ax)

    def test_the_run_ends_at_the_target_when_that_comes_first(self) -> None:
        ax = plot_schedule(story(), target=380_000)
        assert spans(ax, hatched=True) == [(359_477, 380_000)]

    def test_a_target_before_the_stretch_has_none(self) -> None:
        assert not spans(plot_schedule(story(), target=300_019), hatched=True)

    def test_the_run_ends_at_max_batches_when_that_comes_first(self) -> None:
        assert spans(plot_schedule(story(), target=592_480), hatched=True) == [(359_477, 392_480)]

    def test_a_window_shows_its_part(self) -> None:
        ax = plot_schedule(story(), first=370_000, last=380_000)
        assert spans(ax, hatched=True) == [(370_000, 380_000)]
        assert any("from iteration 359477 on" in text for text in legend(ax))

    def test_a_rate_of_nothing(self) -> None:
        ax = plot_schedule(net("learning_rate=0 max_batches=1000"))
        assert spans(ax, hatched=True) == [(0, 1000)]
        assert "a log prints 0.000000 all the time" in legend(ax)

    @pytest.mark.parametrize("last", [20_000, 50_000_000])
    def test_a_function_that_dies(self, last: int) -> None:
        # 0.1 * exp(-t / 1000) is under 5e-7 from 12207 on: 1000 * ln(200000) = 12206.07
        ax = plot_schedule(as_schedule(lambda t: 0.1 * np.exp(-t / 1000)), last=last)
        assert spans(ax, hatched=True) == [(12_207, last)]

    def test_a_function_of_nothing(self) -> None:
        assert spans(plot_schedule(as_schedule(lambda t: t * 0.0), last=LAST_ITERATION), hatched=True) == [
            (0, LAST_ITERATION)
        ]

    def test_a_function_that_lives(self) -> None:
        assert not spans(plot_schedule(as_schedule(lambda t: np.where(t == 7, 0, 0.1)), last=20_000), hatched=True)


class TestMarks:
    def test_drops_carry_their_iteration_and_factor(self) -> None:
        ax = plot_schedule(yolov3())
        assert {"400k \N{MULTIPLICATION SIGN}0.1", "450k \N{MULTIPLICATION SIGN}0.1", "max_batches 500200"} <= set(
            words(ax)
        )
        assert verticals(ax) == {400_000: ":", 450_000: ":", 500_200: "-"}

    def test_drops_of_step(self) -> None:
        ax = plot_schedule(net("policy=step step=2500 scale=0.5 max_batches=9000"))
        assert {
            "2.5k \N{MULTIPLICATION SIGN}0.5",
            "5k \N{MULTIPLICATION SIGN}0.5",
            "7.5k \N{MULTIPLICATION SIGN}0.5",
        } <= set(words(ax))

    def test_two_drops_at_one_iteration_are_one(self) -> None:
        ax = plot_schedule(net("policy=steps steps=500,300 scales=0.1,0.1 max_batches=900"))
        assert "500 \N{MULTIPLICATION SIGN}0.01" in words(ax)

    def test_drops_inside_the_burn_in_never_happen(self) -> None:
        ax = plot_schedule(net("policy=steps steps=50,500 scales=10,0.1 burn_in=100 max_batches=900"))
        assert [text for text in words(ax) if TIMES in text] == ["500 \N{MULTIPLICATION SIGN}0.1"]

    def test_drops_past_the_end_never_happen(self) -> None:
        ax = plot_schedule(net("policy=steps steps=50,5000 scales=10,0.1 max_batches=900"), target=9000)
        assert [text for text in words(ax) if TIMES in text] == ["50 \N{MULTIPLICATION SIGN}10"]

    def test_close_drops_are_all_named(self) -> None:
        ax = plot_schedule(steps(40_000, 40_500, 41_000, 41_500, 42_000, max_batches=50_000))
        assert sum(TIMES in text for text in words(ax)) == 5

    def test_close_drops_near_the_end_are_all_named(self) -> None:
        ax = plot_schedule(steps(400_000, 480_000, 485_000, max_batches=500_200))
        assert sum(TIMES in text for text in words(ax)) == 3

    def test_too_many_drops_are_counted(self) -> None:
        ax = plot_schedule(net("policy=step step=100 scale=0.99 max_batches=90050"))
        assert not any(TIMES in text for text in words(ax))
        assert (
            "900 drops: the first 100 \N{MULTIPLICATION SIGN}0.99, the last 90k \N{MULTIPLICATION SIGN}0.99"
            in legend(ax)
        )

    def test_more_drops_than_anybody_counts(self) -> None:
        ax = plot_schedule(net("policy=step step=1 scale=0.9999999 max_batches=2000000000"))
        assert any(text.startswith("more than 10000 drops") for text in legend(ax))

    def test_pjreddie_never_gets_past_a_negative_step(self) -> None:
        text = "policy=steps steps=-1,100,20000 scales=.1,10,.1 max_batches=40000"
        ax = plot_schedule(net(text, "pjreddie"))
        assert set(curve(ax)[1].tolist()) == {float(np.float32(0.001))}
        assert "no step is reached, the rate never drops" in legend(ax)
        other = plot_schedule(net(text))
        assert {"100 \N{MULTIPLICATION SIGN}10", "20k \N{MULTIPLICATION SIGN}0.1"} <= set(words(other))

    def test_the_target_is_a_line_of_its_own(self) -> None:
        ax = plot_schedule(story(), target=592_480)
        assert {"max_batches 392480", "target 592480"} <= set(words(ax))
        assert {392_480: "-", 592_480: "--"}.items() <= verticals(ax).items()

    def test_a_target_at_the_end_is_the_same_line(self) -> None:
        ax = plot_schedule(story(), target=392_480)
        assert "max_batches = target 392480" in words(ax)
        assert list(verticals(ax)) == [392_480]

    def test_thousands_of_restarts_are_counted(self) -> None:
        ax = plot_schedule(net("policy=sgdr sgdr_cycle=666 sgdr_mult=1 max_batches=2000000 burn_in=10"))
        assert any(text.startswith("3003 restarts") for text in legend(ax))
        iterations, rates = curve(ax)
        assert iterations[:11].tolist() == list(range(11))
        assert rates[rates.size // 2 :].max() == pytest.approx(0.001, rel=1e-4)
        assert rates[rates.size // 2 :].min() == pytest.approx(0.00001, rel=1e-4)


class TestAxes:
    def test_iterations_are_counted_in_thousands(self) -> None:
        ax = plot_schedule(yolov3())
        assert ax.get_xlabel() == "iteration"
        assert ax.get_ylabel() == "learning rate"
        labels = [label.get_text() for label in ax.get_xticklabels()]
        assert {"0", "100k", "200k", "300k", "400k", "500k"} <= set(labels)

    @pytest.mark.parametrize(
        ("last", "expected"),
        [(10, "8"), (1200, "1k"), (3_000_000, "1.5M"), (2_000_000_000, "1.5G")],
    )
    def test_long_and_short_runs(self, last: int, expected: str) -> None:
        ax = plot_schedule(Constant(max_batches=last))
        assert expected in [label.get_text() for label in ax.get_xticklabels()]

    def test_a_logarithmic_axis(self) -> None:
        ax = plot_schedule(yolov3(), log_scale=True)
        assert ax.get_yscale() == "log"
        low, high = ax.get_ylim()
        assert 1e-9 < low < 1e-7
        assert 1e-3 < high < 1e-1

    def test_no_logarithm_of_what_is_never_above_zero(self) -> None:
        ax = plot_schedule(Constant(learning_rate=-1.0), last=10, log_scale=True)
        assert ax.get_yscale() == "linear"
        assert ax.get_ylabel() == "learning rate (never above 0: no logarithm)"

    def test_epochs(self) -> None:
        ax = plot_schedule(yolov3(), images=117_266, ngpus=2)
        ax.figure.canvas.draw()
        [epochs] = ax.child_axes
        # two GPUs reach an iteration with half of the updates each: the images are those of one
        assert np.array(epochs.get_xlim()) == pytest.approx(np.array(ax.get_xlim()) * 64 / 117_266)
        assert epochs.get_xlabel() == "epochs of 117266 images"

    def test_epochs_of_cfgs_that_count_alike(self) -> None:
        ax = axes(draw([("a", yolov3()), ("b", yolov3())], images=64))
        assert [child.get_xlabel() for child in ax.child_axes] == ["epochs of 64 images"]

    def test_epochs_of_cfgs_that_do_not(self) -> None:
        ax = axes(draw([("f", lambda t: 0.1), ("$a$", yolov3()), ("b", story())], images=64))
        ax.figure.canvas.draw()
        assert [child.get_xlabel() for child in ax.child_axes] == ["epochs of 64 images ($a$)"]
        assert ax.child_axes[0].get_xlim()[1] == pytest.approx(ax.get_xlim()[1])

    def test_no_finite_rate_is_said_in_words(self) -> None:
        ax = plot_schedule(net("policy=poly"), last=1000)
        assert words(ax) == ["no finite rate: NaN or infinity at every iteration\n(max_batches is 0 or missing)"]
        assert np.isnan(curve(ax)[1]).all()


class TestSeveral:
    def three(self) -> list[tuple[str, Any]]:
        return [("yolov3.cfg", yolov3()), ("$x_1.cfg", story()), ("_sgdr.cfg", Sgdr(max_batches=450_000))]

    def test_one_curve_each_up_to_its_own_end(self) -> None:
        ax = axes(draw(self.three()))
        ends = [np.asarray(line.get_xdata())[-1] for line in ax.lines if len(np.asarray(line.get_xdata())) > 2]
        assert ends == [500_200, 392_480, 450_000]

    def test_each_entry_names_its_curve_and_parameters(self) -> None:
        found = legend(axes(draw(self.three())))
        assert found[0].startswith("yolov3.cfg: steps · learning_rate 0.001")
        assert found[1].startswith("$x_1.cfg: poly · learning_rate 0.01")
        assert found[1].endswith("from 359477 on (cross) a log prints 0.000000")
        assert found[2].startswith("_sgdr.cfg: sgdr")

    def test_the_cross_stands_where_the_zeros_begin(self) -> None:
        ax = axes(draw(self.three()))
        crosses = [np.asarray(line.get_xdata()).tolist() for line in ax.lines if line.get_marker() == "X"]
        assert crosses == [[359_477]]

    def test_curves_differ_in_grey(self) -> None:
        ax = axes(draw([(str(n), Constant(learning_rate=0.1 * n)) for n in range(1, 6)], last=100))
        grey = [float(np.dot(to_rgb(line.get_color()), (0.299, 0.587, 0.114))) for line in ax.lines]
        assert len({line.get_linewidth() for line in ax.lines}) >= 4
        handles = [line for line in legend_of(ax).get_lines() if line.get_linestyle() != "None"]
        assert len({str(line._unscaled_dash_pattern) for line in handles}) == 5  # type: ignore[attr-defined]
        assert min(abs(a - b) for a, b in pairwise(grey)) > 0.1

    def test_what_all_share_is_marked(self) -> None:
        ax = axes(draw([("a", yolov3()), ("b", yolov3().schedule(2))], target=600_000))
        assert {"max_batches 500200", "target 600000", "burn-in"} <= set(words(ax))
        assert spans(ax) == [(0, 1000)]

    def test_what_they_do_not_share_is_not(self) -> None:
        ax = axes(draw(self.three()))
        assert words(ax) == []
        assert not spans(ax)

    def test_no_finite_rate(self) -> None:
        ax = axes(draw([("a", yolov3()), ("b", net("policy=poly"))]))
        assert legend(ax)[1].endswith("no finite rate")

    def test_many(self) -> None:
        figure = draw([(f"{n}.cfg", Constant(learning_rate=0.1, max_batches=100 * n)) for n in range(1, 31)])
        assert len(legend(axes(figure))) == 30
        assert axes(figure).get_position().height * figure.get_figheight() > 3

    def test_no_schedule_at_all(self) -> None:
        with pytest.raises(ValueError, match="schedules must hold at least one pair"):
            draw([])


class TestNames:
    @pytest.mark.parametrize("name", ["$x_1.cfg", r"$\frac{$.cfg", "_x.cfg", "a_b^c.cfg", "$$", "{}%"])
    def test_a_name_is_plain_text(self, name: str, tmp_path: Path) -> None:
        for schedules in ([(name, yolov3())], [(name, yolov3()), ("b", story())]):
            figure = draw(schedules)
            save(figure, tmp_path / "x.svg")
            entry = legend_texts(axes(figure))[0]
            assert entry.get_text().startswith(name)
            assert not entry.get_parse_math()

    @pytest.mark.parametrize("name", ["a\nb.cfg", "\udc80.cfg", "\x1b[31m.cfg", "\0"])
    def test_what_cannot_be_drawn_is_replaced(self, name: str, tmp_path: Path) -> None:
        figure = draw([(name, yolov3())])
        save(figure, tmp_path / "x.svg")
        assert "\N{REPLACEMENT CHARACTER}" in legend(axes(figure))[0]

    def test_a_letter_the_font_lacks_is_no_warning(self, tmp_path: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            save(draw([("\N{CJK UNIFIED IDEOGRAPH-914D}.cfg", yolov3())]), tmp_path / "x.png")


PICTURES: dict[str, tuple[Any, dict[str, Any]]] = {
    "yolov3": (yolov3(), {}),
    "story": (story(), {"target": 592_480, "ngpus": 4}),
    "target at the end": (story(), {"target": 392_480}),
    "close drops": (steps(40_000, 40_500, 41_000, 41_500, 42_000, max_batches=50_000), {}),
    "drops near the end": (steps(400_000, 480_000, 485_000, max_batches=500_200), {}),
    "even drops": (net("policy=step step=10000 scale=.5 max_batches=90000 burn_in=3000"), {}),
    "many drops": (steps(*range(1000, 40_000, 1000), max_batches=40_000), {}),
    "logarithmic": (story(), {"log_scale": True}),
    "epochs": (yolov3(), {"images": 117_266, "ngpus": 2}),
    "constant": (net("max_batches=50000"), {}),
    "constant, logarithmic": (net("max_batches=50000"), {"log_scale": True}),
    "cycles": (net("policy=sgdr sgdr_cycle=666 sgdr_mult=1 max_batches=2000000 burn_in=10"), {}),
    "tiny": (net("policy=poly max_batches=10 burn_in=3"), {}),
    "one step": (net("max_batches=1"), {}),
    "huge": (net("policy=poly max_batches=2000000000 burn_in=3000"), {"images": 100}),
    "negative": (net("learning_rate=-0.5 max_batches=50000"), {}),
    "nothing finite": (net("policy=poly"), {"last": 1000}),
    "zeros": (net("learning_rate=0 max_batches=900"), {}),
    "all printed as zero": (net("learning_rate=1e-7 policy=poly max_batches=900 power=1"), {}),
    "long name": (yolov3(), {"label": "very/long/folder/" * 12 + "yolov3.cfg"}),
    "larger than any picture": (lambda t: np.where(t % 2 == 0, 1.7e308, -1.7e308), {"last": 100_000}),
    "largest": (Poly(learning_rate=3e38, max_batches=100), {}),
}


def assert_labels_are_free(ax: Axes) -> None:
    """No text inside the axes lies on the curve, or on a line that stands for an iteration."""
    points = ax.transData.transform(np.column_stack(curve(ax)))
    across = np.arange(int(ax.bbox.x0), int(ax.bbox.x1))
    for text in ax.texts:
        box = text.get_window_extent()
        inside = points[(points[:, 0] >= box.x0) & (points[:, 0] <= box.x1), 1]
        between = np.interp(across, points[:, 0], points[:, 1])[(across >= box.x0) & (across <= box.x1)]
        heights = np.concatenate([inside, between])
        heights = heights[np.isfinite(heights)]
        assert not ((heights > box.y0) & (heights < box.y1)).any(), text.get_text()
        for line in ax.lines if text.get_bbox_patch() is None else ():
            if float(np.ptp(np.asarray(line.get_xdata()))) == 0:
                stands = line.get_window_extent()
                assert not (box.x0 < stands.x0 < box.x1 and stands.y1 > box.y0), text.get_text()


@pytest.mark.parametrize(("source", "options"), PICTURES.values(), ids=PICTURES)
def test_no_text_meets_another_or_the_curve_or_leaves_the_picture(source: Any, options: dict[str, Any]) -> None:
    label = options.get("label", "a.cfg")
    figure = draw([(label, source)], **{key: value for key, value in options.items() if key != "label"})
    figure.canvas.draw()
    ax = axes(figure)
    low, high = ax.get_xlim()
    ticks = [text for at, text in zip(ax.get_xticks(), ax.get_xticklabels(), strict=True) if low <= at <= high]
    bottom, top = ax.get_ylim()
    ticks += [text for at, text in zip(ax.get_yticks(), ax.get_yticklabels(), strict=True) if bottom <= at <= top]
    texts = [*ax.texts, *ticks, ax.xaxis.label, ax.yaxis.label, *legend_texts(ax)]
    texts += [child.xaxis.label for child in ax.child_axes]
    texts += [text for text in ax.get_children() if isinstance(text, Text) and text not in ax.texts]
    boxes = [(text.get_text(), text.get_window_extent()) for text in texts if text.get_text()]
    for i, (name, box) in enumerate(boxes):
        assert box.x0 >= 0, name
        assert box.y0 >= 0, name
        assert box.x1 <= figure.bbox.x1, name
        assert box.y1 <= figure.bbox.y1, name
        for other, meets in boxes[i + 1 :]:
            assert not box.overlaps(meets), (name, other)
    assert_labels_are_free(ax)
    shown = ax.get_legend()
    assert shown is None or shown.get_window_extent().y1 < ax.bbox.y0


def test_labels_stay_free_where_a_layout_engine_shrinks_the_axes() -> None:
    figure = Figure(figsize=(11, 8), layout="constrained")
    FigureCanvasAgg(figure)
    for ax in figure.subplots(2, 2).flat:
        plot_schedule(yolov3(), ax=ax, images=117_266)
    figure.canvas.draw()
    for ax in figure.axes:
        assert {"400k \N{MULTIPLICATION SIGN}0.1", "max_batches 500200"} <= set(words(ax))
        assert_labels_are_free(ax)


class TestEndOfThePicture:
    @pytest.mark.parametrize("source", [Constant(), lambda t: 0.1, net("policy=poly")])
    def test_an_unknown_end_is_refused(self, source: Any) -> None:
        with pytest.raises(
            ValueError, match=r"^the end of the run is not known, .* give last=\.\.\. or target=\.\.\.$"
        ):
            plot_schedule(source)

    @pytest.mark.parametrize(("first", "last"), [(5, 5), (6, 5), (-1, 5)])
    def test_an_empty_picture_is_refused(self, first: int, last: int) -> None:
        with pytest.raises(ValueError, match=f"got first={first} and last={last}$"):
            plot_schedule(yolov3(), first=first, last=last)

    def test_a_window_past_the_end_needs_a_last(self) -> None:
        with pytest.raises(ValueError, match=r"got first=600000 and last=500200$"):
            plot_schedule(yolov3(), first=600_000)

    def test_images_need_a_net(self) -> None:
        with pytest.raises(ValueError, match=r"^images needs a Net"):
            plot_schedule(BurnIn(then=Constant(max_batches=99), burn_in=9), images=100)

    def test_images_need_an_image(self) -> None:
        with pytest.raises(ValueError, match=r"^images must be at least 1, got 0$"):
            plot_schedule(yolov3(), images=0)


class TestSave:
    @pytest.mark.parametrize(
        ("name", "begins"),
        [
            ("x.png", b"\x89PNG"),
            ("x.PNG", b"\x89PNG"),
            ("x.svg", b"<?xml"),
            ("x.pdf", b"%PDF"),
            ("a.b.png", b"\x89PNG"),
        ],
    )
    def test_the_ending_decides(self, name: str, begins: bytes, tmp_path: Path) -> None:
        path = tmp_path / name
        assert save(draw([("a", yolov3())]), path) == path
        assert path.read_bytes().startswith(begins)
        assert list(tmp_path.iterdir()) == [path]

    def test_a_picture_is_1000_pixels_wide(self, tmp_path: Path) -> None:
        path = save(draw([("a", yolov3())]), tmp_path / "x.png")
        assert int.from_bytes(path.read_bytes()[16:20], "big") == 1000

    @pytest.mark.parametrize("name", ["x.gif", "x", "x.", ".png", "png"])
    def test_another_ending_is_refused(self, name: str, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match=r"x?: a picture must end in \.png, \.svg or \.pdf, got "):
            save(draw([("a", yolov3())]), tmp_path / name)
        assert not list(tmp_path.iterdir())

    def test_a_picture_that_is_there_is_replaced(self, tmp_path: Path) -> None:
        path = tmp_path / "x.svg"
        path.write_text("old")
        save(draw([("a", yolov3())]), str(path))
        assert "old" not in path.read_text()

    def test_a_picture_that_fails_leaves_the_old_one(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = tmp_path / "x.svg"
        path.write_text("old")
        figure = draw([("a", yolov3())])

        def torn(target: Any, **options: Any) -> None:
            Path(target).write_text("half")
            raise OSError("no space left")

        monkeypatch.setattr(figure, "savefig", torn)
        with pytest.raises(OSError, match="no space left"):
            save(figure, path)
        assert path.read_text() == "old"
        assert list(tmp_path.iterdir()) == [path]

    @pytest.mark.parametrize("ending", ["svg", "pdf", "png"])
    def test_no_date_goes_in(self, ending: str, tmp_path: Path) -> None:
        content = save(draw([("a", yolov3())]), tmp_path / f"x.{ending}").read_bytes()
        assert b"dc:date" not in content
        assert b"CreationDate" not in content


def test_pyplot_is_left_alone(tmp_path: Path) -> None:
    code = (
        "import sys; from lrsched.plotting import draw, save\n"
        "from lrsched.trainers.darknet import Constant\n"
        "save(draw([('a', Constant(max_batches=9))]), sys.argv[1])\n"
        "sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    path = tmp_path / "x.png"
    assert subprocess.run([sys.executable, "-c", code, str(path)], check=False).returncode == 0
    assert path.exists()


class TestShow:
    @pytest.fixture(autouse=True)
    def without_windows(self) -> Iterator[None]:
        before = mpl.rcParams["backend"]
        mpl.use("agg")
        yield
        from matplotlib import pyplot  # noqa: PLC0415

        pyplot.close("all")
        mpl.rcParams["backend"] = before

    def test_no_window_can_be_opened(self) -> None:
        with pytest.raises(RuntimeError, match=r"backend agg cannot open a window here; save the picture"):
            show(draw([("a", yolov3())]))

    def test_the_figure_gets_the_canvas_of_a_window(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from matplotlib import pyplot  # noqa: PLC0415

        shown: list[int] = []
        monkeypatch.setattr(pyplot, "get_backend", lambda: "qtagg")
        monkeypatch.setattr(pyplot, "show", lambda: shown.extend(pyplot.get_fignums()))
        figure = draw([("a", yolov3())])
        show(figure)
        assert len(shown) == 1
        assert figure.canvas.figure is figure
        assert figure.canvas.manager is not None

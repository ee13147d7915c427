"""The picture of a run that goes on."""

from __future__ import annotations

import numpy as np
import pytest

from lrsched import plan
from lrsched.plotting import draw_going_on
from lrsched.trainers.darknet import parse_cfg

STORY = parse_cfg("[net]\nbatch=64\nlearning_rate=0.01\npolicy=poly\npower=4\nmax_batches=39248\n")


def test_old_and_new_curves_meet_at_the_seam() -> None:
    planned = plan(STORY, 59248, start=30001)
    [ax] = draw_going_on(planned).axes
    curves = {str(line.get_label()): line for line in ax.lines if len(np.atleast_1d(line.get_xdata())) > 10}

    assert list(curves) == ["as written", "stretch", "continuous", "hold", "re-warm"]
    for way in planned.extensions:
        at, rates = (np.asarray(data, float) for data in curves[way.name].get_data())
        shown = ~np.isnan(rates)
        assert at[shown][0] == 30001
        assert at[shown][-1] == 59248
        assert rates[shown][-1] == pytest.approx(way.rate_at_target, rel=1e-6)
        if way.name != "re-warm":
            assert rates[shown][0] == pytest.approx(way.after, rel=1e-6)
        else:
            assert rates[shown][0] == 0
            assert np.interp(31001, at[shown], rates[shown]) == pytest.approx(way.after, rel=1e-2)
    assert ax.get_title(loc="left") == "ways to go on from iteration 30001 to 59248"
    assert {text.get_text() for text in ax.texts} >= {"goes on from 30.001k", "target 59248"}


def test_the_jump_is_said() -> None:
    [ax] = draw_going_on(plan(STORY, 59248, start=30001)).axes
    legend = ax.get_legend()
    assert legend is not None
    told = " ".join(text.get_text().replace("\n", " ") for text in legend.get_texts())

    assert "stretch: the same curve over the longer run" in told
    assert told.count("no jump") == 2


def test_nothing_to_go_on_with() -> None:
    with pytest.raises(ValueError, match="there is nothing to go on with"):
        draw_going_on(plan(STORY, start=30001))


def test_a_plan_draws_itself() -> None:
    ax = plan(STORY, 59248).plot(label="mine")

    assert "poly" in ax.get_title(loc="left")
    assert "1 error and 1 warning." in plan(STORY, 59248)._repr_html_()

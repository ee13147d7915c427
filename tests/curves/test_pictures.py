"""The picture of a log has the marks of its verdict."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from lrsched import plot
from lrsched.curves import verdict_of
from lrsched.logs import Log
from lrsched.plotting import plot_verdict


def marked(unit: str, **options: Any) -> tuple[set[str], list[float]]:
    t = np.arange(300.0)
    val = np.exp(-t / 20) + np.clip(t - 100, 0, None) / 200
    columns = {"iteration": t, "loss": np.exp(-t / 60), "val_loss": val, "rate": np.where(t < 200, 0.1, 0.01)}
    axes: Axes = plot(Log.of(columns, source="a", trainer="table", unit=unit), **options)
    assert axes.figure is not None
    texts = {text.get_text() for legend in axes.figure.legends for text in legend.get_texts()}
    texts |= {text.get_text() for each in axes.figure.axes for text in each.texts}
    along = [np.atleast_1d(np.asarray(line.get_xdata(), float)) for line in axes.lines]
    return texts, [float(x[0]) for x in along if np.unique(x).size == 1]


def test_the_picture_of_a_log_has_the_marks_of_its_verdict() -> None:
    for unit in ("iteration", "epoch"):
        texts, lines = marked(unit)
        (said,) = (text for text in texts if text.startswith("the curves:"))
        assert "overfitted (confidence 99%), best validation loss at" in said
        best = float(said.rpartition(" ")[2])
        assert abs(best - 100) < 5  # where the rise begins
        assert best in lines
        assert 200.0 in lines  # the drop of the rate


def test_a_part_of_a_log_has_the_marks_of_the_whole() -> None:
    texts, lines = marked("iteration", first=150)
    assert any("overfitted" in text for text in texts)
    assert not any(x < 150 for x in lines)


def test_what_is_too_short_to_be_judged_is_drawn_as_it_was_logged() -> None:
    five, nothing = np.arange(5.0), np.full(5, np.nan)
    for columns in ({"train": five, "metric": nothing}, {"metric": five}):
        axes = plot_verdict(verdict_of(five, **columns), five, **columns)
        assert np.asarray(axes.lines[0].get_ydata()).tolist() == [0, 1, 2, 3, 4]
        assert axes.get_title(loc="left").startswith("cannot-tell")

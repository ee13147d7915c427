"""Lines as the trainers print them, from numbers that the tests know: C's printf by Python's ``%``."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from hypothesis import strategies as st

__all__ = ["LAYER_FORMS", "RECORD_FORMS", "Printed", "garbage", "layer_lines", "records"]


@dataclass(frozen=True)
class Printed:
    """A line and the numbers that it shows."""

    line: str
    shows: Mapping[str, float]
    kind: str = field(default="record")


def written(value: float, decimals: int = 6, nan: str = "-nan") -> str:
    if math.isnan(value):
        return nan
    return f"{value:.{decimals}f}"


def seen(text: str) -> float:
    """What a spelling means, without any code of the project."""
    return math.nan if "nan" in text else float(text)


FLOATS = st.one_of(
    st.floats(0, 40, width=32),
    st.floats(0, 2.0**80, width=32),
    st.sampled_from([0.0, 9.9999995, 10.0, 99999.99, 1e7, 123456789.0, 5e20, math.inf, -math.inf, math.nan, -1.5]),
)
RATES = st.floats(0, 1, width=32)
SECONDS = st.floats(0, 4000)
ITERATIONS = st.integers(0, 600_000) | st.sampled_from([9_999_999, 10_000_000, 2**31 - 1])
IMAGES = st.integers(0, 10**9) | st.sampled_from([99_999_999, 100_000_000, 2**40])
NANS = st.sampled_from(["nan", "-nan", "-nan(ind)", "nan(snan)"])


def _detector(draw: st.DrawFn, word: str, tail: str, before: str = "") -> Printed:
    nan = draw(NANS)
    loss, average = (written(draw(FLOATS), nan=nan) for _ in range(2))
    rate, seconds = written(draw(RATES)), written(draw(SECONDS))
    iteration, images = draw(ITERATIONS), draw(IMAGES)
    shows = {
        "iteration": iteration,
        "loss": seen(loss),
        "avg_loss": seen(average),
        "rate": float(rate),
        "rate_decimals": 6,
        "seconds": float(seconds),
        "images": images,
    }
    line = f"{before}{iteration}: {loss}, {average} {word}, {rate} rate, {seconds} seconds, {images} images"
    if tail:
        hours = written(draw(st.floats(0, 5000) | st.just(-1.0)))
        shows["hours_left"] = float(hours)
        line += f", {hours} {tail} left"
    return Printed(line, shows)


def pjreddie(draw: st.DrawFn) -> Printed:
    return _detector(draw, "avg", "")


def alexeyab_2018(draw: st.DrawFn) -> Printed:
    return _detector(draw, "avg loss", "", " ")


def alexeyab_time_left(draw: st.DrawFn) -> Printed:
    return _detector(draw, "avg loss", "time", " ")


def alexeyab(draw: st.DrawFn) -> Printed:
    return _detector(draw, "avg loss", "hours", " ")


def classifier(draw: st.DrawFn) -> Printed:
    detector = _detector(draw, "avg", draw(st.sampled_from(["", "hours"])))
    epoch = f"{draw(st.floats(0, 1000)):.3f}"
    line = detector.line.replace(": ", f", {epoch}: ", 1)
    return Printed(line, {**detector.shows, "epoch": float(epoch)})


def rnn(draw: st.DrawFn) -> Printed:
    detector = _detector(draw, "avg", "")
    line = detector.line.rpartition(", ")[0]
    shows = {name: value for name, value in detector.shows.items() if name != "images"}
    if draw(st.booleans()):
        epochs = written(draw(st.floats(0, 100)))
        return Printed(f"{line}, {epochs} epochs", {**shows, "epoch": float(epochs)})
    return Printed(line, shows)


def gan(draw: st.DrawFn) -> Printed:
    detector = _detector(draw, "avg", "")
    shows = dict(detector.shows)
    second, second_average = (written(draw(FLOATS)) for _ in range(2))
    head, _, rest = detector.line.partition(": ")
    loss, average = rest.split(" avg, ")[0].split(", ")
    rest = rest.split(" avg, ")[1]
    line = f"{head}: gen: {loss}, adv: {second} | gen_avg: {average}, adv_avg: {second_average}, {rest}"
    return Printed(line, {**shows, "second_loss": seen(second), "second_avg_loss": seen(second_average)})


def attention(draw: st.DrawFn) -> Printed:
    line = classifier(draw)
    second, second_average = (written(draw(FLOATS)) for _ in range(2))
    head, _, rest = line.line.partition(": ")
    text = f"{head}: Att: {second}, {second_average} avg, Class: {rest}"
    return Printed(text, {**line.shows, "second_loss": seen(second), "second_avg_loss": seen(second_average)})


UNITS = {"microseconds": 1e-6, "milliseconds": 1e-3, "seconds": 1.0}
LEFT = {"seconds": 1 / 3600, "minutes": 1 / 60, "hours": 1.0, "days": 24.0, "weeks": 168.0}


def hank_ai(draw: st.DrawFn) -> Printed:
    version = draw(st.sampled_from([2, 5, 6]))
    coloured = draw(st.booleans())

    def in_colour(text: str) -> str:
        return f"\x1b[1;37m{text}\x1b[0m" if coloured else text

    iteration, images = draw(ITERATIONS), draw(IMAGES)
    loss, average = (f"{draw(st.floats(0, 1e6)):.3f}" for _ in range(2))
    decimals = 6 if version == 2 else 8
    rate = f"{draw(RATES):.{decimals}f}"
    amount, unit = f"{draw(st.floats(0, 900)):.3f}", draw(st.sampled_from(sorted(UNITS)))
    left, left_unit = str(draw(st.integers(0, 59))), draw(st.sampled_from(sorted(LEFT)))
    last = draw(st.sampled_from(["none", "46.21%", "0.00%"]))
    following = draw(st.sampled_from(["mAP=DISABLED", "mAP=1100", "next=1100"]))
    middle = "" if version == 2 else f", last={in_colour(last)}, best={in_colour('none')}, {following}"
    duration = f"{amount} {unit}" if version == 2 else f"load 64=89.7 milliseconds, train={amount} {unit}"
    known = draw(st.booleans())
    line = (
        f"{in_colour(str(iteration))}: loss={in_colour(loss)}, avg loss={in_colour(average)}{middle}, rate={rate}, "
        f"{duration}, {images} images, time remaining={f'{left} {left_unit}' if known else 'unknown'}"
    )
    shows = {
        "iteration": iteration,
        "loss": float(loss),
        "avg_loss": float(average),
        "rate": float(rate),
        "rate_decimals": decimals,
        "images": images,
    }
    return Printed(line, shows)


RECORD_FORMS: tuple[Callable[[st.DrawFn], Printed], ...] = (
    pjreddie,
    alexeyab_2018,
    alexeyab_time_left,
    alexeyab,
    classifier,
    rnn,
    gan,
    attention,
    hank_ai,
)


@st.composite
def records(draw: st.DrawFn) -> Printed:
    """A line that sums up an iteration, of any dialect."""
    return draw(st.sampled_from(RECORD_FORMS))(draw)


PARTS = st.floats(0, 1, width=32) | st.just(math.nan)
LOSSES = st.floats(0, 2.0**20, width=32) | st.sampled_from([49152.003906, 5e20, math.inf])
COUNTS = st.integers(0, 400)
LAYERS = st.integers(0, 300)

LAYER_FORMS: Mapping[str, tuple[str, ...]] = {
    "Region Avg IOU: {}, Class: {}, Obj: {}, No Obj: {}, Avg Recall: {},  count: {}": (
        *("iou", "class_probability", "obj", "no_obj", "avg_recall", "count"),
    ),
    "Region {} Avg IOU: {}, Class: {}, Obj: {}, No Obj: {}, .5R: {}, .75R: {},  count: {}": (
        *("layer", "iou", "class_probability", "obj", "no_obj", "recall_50", "recall_75", "count"),
    ),
    "v3 (iou loss, Normalizer: (iou: 0.07, obj: 1.00, cls: 1.00) Region {} Avg (IOU: {}), count: {}, "
    "class_loss = {}, iou_loss = {}, total_loss = {} ": (
        *("layer", "iou", "count", "class_loss", "iou_loss", "total_loss"),
    ),
    "v3 (mse loss, Normalizer: (iou: 0.75, cls: 1.00) Region {} Avg (IOU: {}, GIOU: {}), Class: {}, Obj: {}, "
    "No Obj: {}, .5R: {}, .75R: {}, count: {}, class_loss = {}, iou_loss = {}, total_loss = {} ": (
        *("layer", "iou", "giou", "class_probability", "obj", "no_obj", "recall_50", "recall_75", "count"),
        *("class_loss", "iou_loss", "total_loss"),
    ),
    "v3 (mse loss, Normalizer: (iou: 0.750000, cls: 1.000000) Region {} Avg (IOU: {}, GIOU: {}), Class: {}, Obj: {}, "
    "No Obj: {}, .5R: {}, .75R: {}, count: {}, loss = {}, class_loss = {}, iou_loss = {}": (
        *("layer", "iou", "giou", "class_probability", "obj", "no_obj", "recall_50", "recall_75", "count"),
        *("loss", "class_loss", "iou_loss"),
    ),
}


@st.composite
def layer_lines(draw: st.DrawFn) -> Printed:
    """A line of a region or yolo layer, of any dialect."""
    form = draw(st.sampled_from(sorted(LAYER_FORMS)))
    nan = draw(NANS)
    shows: dict[str, float] = {"layer": -1}
    texts = []
    for name in LAYER_FORMS[form]:
        if name in ("layer", "count"):
            text = str(draw(LAYERS if name == "layer" else COUNTS))
        elif name == "giou":
            text = written(draw(st.floats(-1, 1, width=32)), nan=nan)
        else:
            text = written(draw(LOSSES if name.endswith("loss") else PARTS), nan=nan)
        texts.append(text)
        shows[name] = seen(text)
    return Printed(form.format(*texts), shows, "layer")


TITLES = (
    "\x1b]2;410/6000: loss=2.4 hours left=7.1\x07",
    "\x1b[H\x1b[J1/4000: loss=1970.4 hours left=-1.0\x07",
    "\x1b[0m",
    " rank = 100 of ranks = 385 ",
    "Loaded: 0.249344 seconds ",
    "Loaded: 12.249344 seconds - performance bottleneck on CPU or Disk HDD/SSD ",
    " (next mAP calculation at 1000 iterations) ",
    " total_bbox = 394, rewritten_bbox = 0.070914 % ",
    "Region 82 Avg IOU: 0.5, Cla ",
    "12: 1.5, 1.25 avg, 0.0010 ",
    "12: 1.500000, 1.250000 avg, 0.001000 rate, 3.5 seco ",
    "3, 0.5: 1.500000, 1.250000 avg, 0.001000 rate, 3.500000 seconds, 64 ima ",
    "12: loss=1.395, avg loss=32.521, rate=0.00261000, load 64= ",
    "learning rate, seconds, images, hours left ",
    "CUDA Error: out of memory ",
)


def garbage() -> st.SearchStrategy[bytes]:
    """Anything else: pieces of real text, any bytes without digits; it ends so that no number grows by it."""
    known = st.sampled_from([title.encode() for title in TITLES])
    anything = st.binary(max_size=12).map(
        lambda piece: bytes(b for b in piece if not 0x30 <= b <= 0x39 and b != 0x1B) + b" "
    )
    return known | anything


def same(found: float, expected: float) -> bool:
    return bool(np.float64(found) == np.float64(expected) or (math.isnan(found) and math.isnan(expected)))

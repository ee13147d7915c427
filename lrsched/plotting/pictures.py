"""One picture of anything that has a learning rate: drawn and saved."""

import os
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lrsched.files import write_file
from lrsched.log import Log
from lrsched.plotting.canvas import WIDTH, Canvas
from lrsched.plotting.curves import RATE, panel_of
from lrsched.plotting.labels import Mark
from lrsched.plotting.schedules import Curve, draw_curves
from lrsched.plotting.style import DARK, INCH, LIGHT, own_settings
from lrsched.sources import as_config, as_schedules
from lrsched.text import counted, spanned
from lrsched.trainers import planning_of

__all__ = ["plot", "save"]

# the endings of pictures; no date goes in, so that the same schedule gives the same file
METADATA: dict[str, dict[str, Any]] = {".png": {}, ".svg": {"Date": None}, ".pdf": {"CreationDate": None}}

# panels, first and last iteration, what is drawn, the usual title, epochs per iteration of each source, what t counts
Scene: TypeAlias = tuple[Sequence[str], int, int, Callable[[Canvas], None], str, Sequence[float | None], str]

NO_JUMP = 1e-4  # a smaller relative change where a run is resumed is the rounding of the numbers


def plot(
    *sources: Any,
    ax: Axes | None = None,
    target: int | None = None,
    ngpus: int | None = None,
    images: int | None = None,
    first: int = 0,
    last: int | None = None,
    horizon: int | None = None,
    log_scale: bool = False,
    best: str | None = None,
    labels: Sequence[str] | None = None,
    title: str | None = None,
    size: tuple[float, float] | None = None,
    dpi: float = 100,
    dark: bool = False,
    **options: Any,
) -> Axes:
    r"""Draw the learning rate over the iterations: of paths, configs, schedules, callables, of a plan, of logs.

    What else a run schedules is drawn as well: the rates of parameter groups, momentum below them.
    A plan is drawn with its target, and with its options for extending the run where it has some. A log is drawn in
    panels (loss, learning rate, metrics, IOU); a config, a schedule or an audit beside it is what was planned.

    >>> from lrsched.trainers.darknet import parse_cfg
    >>> net = parse_cfg("[net]\nlearning_rate=0.01\npolicy=poly\nmax_batches=392480\nburn_in=1000\n")
    >>> plot(net, ngpus=4).get_title(loc="left")
    'poly (alexeyab) · learning_rate 0.01 · power 4 · max_batches 392480 · burn_in 1000 · 4 GPUs'

    Args:
        sources: what to draw, also as a list; a mapping has the schedules of one run.
        ax: where to draw, in the style of its owner; a new figure when None, of pyplot where that is used.
        target: the iteration you want to reach.
        ngpus: the number of GPUs, for paths and configs; 1, or what a log shows, when None.
        images: the number of training images, for an axis of epochs; needs a config or a log.
        first: the first iteration to draw.
        last: the last iteration to draw; the end of the longest run, or the target, when None.
        horizon: the last iteration of the runs that do not say theirs, such as those of functions and schedulers.
        log_scale: a logarithmic axis of rates.
        best: the column by which the best epoch of a log of epochs is found, where it is not the usual one.
        labels: the names of the sources; of files their names when None.
        title: instead of one that says what is drawn.
        size: width and height in pixels; 10 inches wide and as high as needed when None.
        dpi: pixels per inch: letters and lines grow with it.
        dark: light lines on dark ground.
        options: options of the trainer that reads the paths, such as ``dialect`` or ``iterations_per_epoch``.

    Raises:
        OSError, TypeError, ValueError: for what cannot be read or has no rate, an empty range, options that do not fit.
    """
    sources = tuple(one for given in sources for one in (given if type(given) in (list, tuple) else [given]))
    if not sources:
        raise ValueError("there is nothing to draw: give a path, a config, a schedule, a callable, a plan or a log")
    if labels is not None and len(labels) != len(sources):
        raise ValueError(f"labels must name each of the {len(sources)} sources, got {len(labels)} names")
    if not 10 <= dpi <= 2400 or (size is not None and min(size) < 100):
        raise ValueError(f"dpi must be from 10 to 2400, and size two numbers of at least 100, got {dpi:g} and {size}")
    named = list(zip(labels or map(_name, sources), sources, strict=True))
    with own_settings() if ax is None else nullcontext():
        if any(isinstance(source, Log) for source in sources):
            if ax is not None:
                raise ValueError("a log is drawn in several panels, which make a figure of their own; leave out ax")
            scene = _logs(named, first, last, ngpus, images, best)
        else:
            known = [(label, as_config(one, data={"images": images}, **options) or one) for label, one in named]
            scene = _schedules(known, (first, last, horizon), target, ngpus, log_scale, images)
        panels, first, last, draw, usual, epochs, unit = scene
        points = (WIDTH, None) if size is None else (size[0] / dpi * INCH, size[1] / dpi * INCH)
        # a low picture has no room for all panels of a log
        panels = panels[:1] if ax is not None else panels
        panels = panels if points[1] is None else panels[: 2 + int(max(points[1] - 230, 0) / 70)]
        canvas = Canvas(panels, first, last, ax, points, dpi, DARK if dark else LIGHT, unit)
        canvas.epochs = _epochs(epochs, images)
        draw(canvas)
        return canvas.finished(usual if title is None else title)


def save(picture: Axes | Figure, path: str | os.PathLike[str]) -> Path:
    """Write a picture as PNG, SVG or PDF, by the ending of ``path``, in the place of a picture that is there.

    Raises:
        ValueError: for another ending.
        OSError: when the file cannot be written.
    """
    ending, figure = Path(path).suffix.lower(), picture.figure
    if ending not in METADATA:
        raise ValueError(f"{path}: a picture must end in .png, .svg or .pdf, got {Path(path).suffix or 'no ending'}")
    options: dict[str, Any] = {"format": ending[1:], "metadata": METADATA[ending], "dpi": figure.dpi}
    with own_settings():
        return write_file(path, lambda file: figure.savefig(file, **options), force=True)  # type: ignore[union-attr]


def _name(source: Any) -> str:
    """The name of the file behind a source, empty where there is none."""
    path = source.source if isinstance(source, Log) else source
    return Path(path).name if isinstance(path, (str, os.PathLike)) else ""


def _curves(label: str, source: Any, ngpus: int | None, target: int | None = None) -> list[Curve]:
    """The curves of a source; a plan, the only thing with a run, is drawn as its run."""
    if (run := getattr(source, "run", None)) is not None:
        source, ngpus = run.schedule if run.config is None else run.config, run.ngpus
    config, schedules = as_config(source), as_schedules(source, ngpus=ngpus or 1, target=target)
    caption = next(iter(schedules.values())).caption if config is None else config.caption(ngpus or 1)
    return [
        Curve(
            label=label,
            caption=caption,
            schedule=schedule,
            part=name if len(schedules) > 1 else "",
            panel=panel_of(name) if place else RATE,
            first_rate=not place,
            first=getattr(config, "start", 0),
            prints=config is None or planning_of(config).terms.zero_below is not None,
            batch=getattr(config, "effective_batch", None),
            per_epoch=getattr(config, "iterations_per_epoch", None),
        )
        for place, (name, schedule) in enumerate(schedules.items())
    ]


def _schedules(
    named: Sequence[tuple[str, Any]],
    span: tuple[int, int | None, int | None],
    target: int | None,
    ngpus: int | None,
    log: bool,
    images: int | None,
) -> Scene:
    """Curves of schedules; of a single plan the options for extending the run as well."""
    first, last, horizon = span
    curves = [one for label, source in named for one in _curves(label, source, ngpus, horizon or last or target)]
    captions = {one.caption for one in curves}
    epochs = [1 / one.per_epoch if one.per_epoch else _share(one.batch, images) for one in curves]
    title = curves[0].caption if len(captions) == 1 else f"learning rates of {len(named)} schedules"
    plan, marks = named[0][1], []
    if len(named) == 1 and hasattr(plan, "extensions"):
        target = plan.run.target if target is None else target
        if plan.extensions:
            written = replace(curves[0], label=f"{curves[0].label} as written".lstrip(), part="")
            curves = [written, *_extensions(plan)]
            title = f"options for extending the run from iteration {plan.run.start} to {target}"
            marks, last = [Mark(plan.run.start, f"resumed at {plan.run.start}", "-")], target if last is None else last
    if last is None:
        horizons = (target, horizon, *(one.schedule.horizon for one in curves))
        last = max([t for t in horizons if t is not None], default=None)
    if last is None:
        raise ValueError("no schedule has a last iteration; give horizon=N")
    if not 0 <= first <= last:
        raise ValueError(f"first must be 0 or more and at most last, got first={first} and last={last}")
    first = first or min(one.first for one in curves)
    shown = [replace(one, first=max(first, one.first), last=last, target=target) for one in curves]
    others = [one.panel for one in shown if one.panel != RATE and np.ptp(one.line[1]) > 0]
    panels = [RATE, *dict.fromkeys(others)]
    draw = partial(draw_curves, every=shown, marks=marks, log=log)
    return panels, first, last, draw, title, epochs, curves[0].schedule.unit


def _share(batch: int | None, images: int | None) -> float | None:
    return batch / images if batch and images and images > 0 else None


def _extensions(plan: Any) -> list[Curve]:
    """Each option for extending the run of a plan, from where it is resumed."""
    curves, start = [], plan.run.start
    for one in plan.extensions:
        jump = "no jump" if abs(one.jump - 1) < NO_JUMP else f"a jump of \N{MULTIPLICATION SIGN}{one.jump:.3g}"
        where = f"{one.before:.3g} to {one.after:.3g}" + f", {jump}" * bool(one.jump)
        schedule, restarts = one.run.schedule, one.run.start != start
        schedule = plan.run.schedule.then(schedule, at=start) if restarts else schedule
        curves.append(Curve(label=one.name, caption=f"{one.text} · {where}", schedule=schedule, first=start))
    return curves


def _logs(
    named: Sequence[tuple[str, Any]],
    first: int,
    last: int | None,
    ngpus: int | None,
    images: int | None,
    best: str | None,
) -> Scene:
    """Logs, with the rates that the other sources plan under those that were logged."""
    from lrsched.logs import Audit, audit  # noqa: PLC0415 (slow to import; a picture of a cfg does not wait for it)
    from lrsched.plotting.epochs import draw_epochs, epoch_panels  # noqa: PLC0415
    from lrsched.plotting.logs import Run, draw_logs, panels_of, within  # noqa: PLC0415
    from lrsched.plotting.verdicts import mark_verdict  # noqa: PLC0415

    logs = [source for _, source in named if isinstance(source, Log)]
    runs = [Run(label, within(log, label, first, last)) for label, log in named if isinstance(log, Log)]
    unit, *more = {log.unit for log in logs}
    if more:
        raise ValueError("a log of iterations and a log of epochs have no common axis; draw them one by one")
    others = [(label, source) for label, source in named if not isinstance(source, Log)]
    audited = next((source for _, source in others if isinstance(source, Audit)), None)
    config: Any = as_config(others[0][1]) if audited is None and len(others) == len(runs) == 1 else None
    if config is not None and np.isfinite(runs[0].log.rate).any():
        audited = audit(runs[0].log, config, ngpus)
    planned = [] if audited is None else list(dict.fromkeys(audited.plans.values()))
    if not planned and unit != "epoch":
        gpus = ngpus if audited is None else audited.ngpus
        planned = [_curves(label, one, gpus)[0].schedule for label, one in others if not isinstance(one, Audit)]
    t, title = np.concatenate([run.log.iteration for run in runs]), f"{len(runs)} training runs"
    if len(runs) == 1:
        title = f"{runs[0].label} · {counted(t.size, 'record')}, {spanned(t[0], t[-1], unit)}"
    if last is None:
        last = max([int(t.max()), *((one.horizon or 0) * (unit == "epoch") for one in planned)])

    def draw(canvas: Canvas) -> None:
        if unit == "epoch":
            draw_epochs(canvas, runs, planned, audited, best)
        else:
            draw_logs(canvas, runs, planned, audited)
        if len(logs) == 1:
            mark_verdict(canvas, logs[0])  # on the whole log, of which a part may be drawn

    epochs = [_share(run.log.effective_batch, images) for run in runs]
    panels = epoch_panels(runs) if unit == "epoch" else panels_of(runs)
    return panels, first or int(t.min()), last, draw, title, epochs, unit


def _epochs(known: Sequence[float | None], images: int | None) -> tuple[float, str] | None:
    """Epochs per iteration, and the name of their axis; None where nobody asked and no config counts them."""
    found = [each for each in known if each is not None]
    if images is not None and (images < 1 or not found):
        raise ValueError(f"images must be at least 1, and needs a config or a log that counts them, got {images}")
    name = "epochs" if images is None else f"epochs of {images} images"
    return (found[0], name + " (first source)" * (len(set(found)) > 1)) if found else None

"""Schedules that rise once at most and then fall to their end."""

from dataclasses import dataclass, field, replace
from fractions import Fraction

from lrsched.schedule import Schedule
from lrsched.schedules.combinators import held, then
from lrsched.schedules.parameters import DecayForm, Horizon, Length, Level, Positive, Power, WarmUp
from lrsched.schedules.primitives import Flat, RootDecay
from lrsched.schedules.ramps import Ramp, Shape, below_peak, horizon_after
from lrsched.schedules.stretch import Words, rebuilt
from lrsched.schedules.units import half_up

__all__ = ["Cosine", "Exponential", "InverseSqrt", "Linear", "OneCycle", "Polynomial", "WarmupStableDecay"]


@dataclass(frozen=True, kw_only=True, repr=False, slots=True)
class Linear(Shape):
    r"""A straight line: :math:`\eta_0 + (\eta_T - \eta_0)\,t/T`, then :math:`\eta_T`.

    ``start`` is the rate at iteration 0, ``end`` that at ``horizon`` and after it; it may rise.

    >>> Linear(start=0.1, end=0.0, horizon=4)([0, 1, 2, 4, 5]).tolist()
    [0.1, 0.07500000000000001, 0.05, 0.0, 0.0]
    """

    FORMULA = "start + (end - start) * t / horizon, then end"

    start: Level
    end: Level = 0.0
    horizon: Horizon = field()

    def _check(self) -> None:
        pass

    def _rule(self) -> Schedule:
        return Ramp(start=self.start, end=self.end, length=self.horizon)


@dataclass(frozen=True, kw_only=True, repr=False, slots=True)
class Exponential(Shape):
    r"""Equal factors: :math:`\eta_0\,(\eta_T/\eta_0)^{t/T}`, then :math:`\eta_T`.

    ``start`` is the rate at iteration 0, ``end`` that at ``horizon`` and after it; both lie above 0.

    >>> Exponential(start=1.0, end=0.0625, horizon=4)([0, 1, 2, 4, 5]).tolist()
    [1.0, 0.5, 0.25, 0.0625, 0.0625]
    """

    FORMULA = "start * (end / start) ** (t / horizon), then end"

    start: Positive
    end: Positive
    horizon: Horizon = field()

    def _check(self) -> None:
        pass

    def _rule(self) -> Schedule:
        return Ramp(start=self.start, end=self.end, length=self.horizon, form="geometric")


@dataclass(frozen=True, kw_only=True, repr=False, slots=True)
class Polynomial(Shape):
    r"""Polynomial decay: :math:`\eta_T + (\eta_0 - \eta_T)(1 - t/T)^p`, then :math:`\eta_T`.

    ``start`` is the rate at iteration 0, ``end`` that at ``horizon`` and after it: it neither rises again nor leaves
    the real numbers there.

    >>> Polynomial(start=1.0, power=2.0, horizon=4)([0, 2, 4, 5]).tolist()
    [1.0, 0.25, 0.0, 0.0]

    Source: Liu et al., ParseNet, arXiv:1506.04579 (2015), "poly".
    """

    FORMULA = "end + (start - end) * (1 - t / horizon) ** power, then end"

    start: Level
    end: Level = 0.0
    power: Power = 1.0
    horizon: Horizon = field()

    def _check(self) -> None:
        if self.end > self.start:
            raise ValueError(f"Polynomial: end must not be above start, got {self.end:g} > {self.start:g}")

    def _rule(self) -> Schedule:
        return Ramp(start=self.start, end=self.end, length=self.horizon, form="power", power=self.power)


@dataclass(frozen=True, kw_only=True, repr=False, slots=True)
class Cosine(Shape):
    r"""Half a cosine: :math:`\eta_T + \frac{\eta - \eta_T}{2}(1 + \cos(\pi\,(t - W)/(T - W)))`, then :math:`\eta_T`.

    With a warm-up W the rate rises in a straight line from ``start`` at iteration 0 to ``peak`` at iteration W;
    without one it begins at the peak. ``end`` is reached at ``horizon``, the warm-up counted in, and stays.

    >>> Cosine(peak=1.0, horizon=8)([0, 4, 8, 9]).tolist()
    [1.0, 0.5, 0.0, 0.0]
    >>> Cosine(peak=1.0, end=0.5, horizon=10, warmup=2)([0, 1, 2, 6, 10, 11]).tolist()
    [0.0, 0.5, 1.0, 0.75, 0.5, 0.5]

    Source: Loshchilov and Hutter, SGDR, arXiv:1608.03983 (2016), one cycle; warm-up as in Goyal et al.,
    arXiv:1706.02677 (2017).
    """

    FORMULA = (
        "start + (peak - start) * t / warmup while t < warmup, "
        "then end + (peak - end) / 2 * (1 + cos(pi * (t - warmup) / (horizon - warmup))), then end"
    )
    LENGTHS = ("warmup", None)

    peak: Level
    end: Level = 0.0
    horizon: Horizon = field()
    warmup: WarmUp = 0
    start: Level = 0.0

    def _check(self) -> None:
        below_peak(self, "end", "start")
        horizon_after(self, self.warmup)

    def _rule(self) -> Schedule:
        decay = Ramp(start=self.peak, end=self.end, length=self.horizon - self.warmup, form="cosine")
        return _warmed_up(self.start, self.peak, self.warmup, decay)


@dataclass(frozen=True, kw_only=True, repr=False, slots=True)
class OneCycle(Shape):
    r"""One cycle: half a cosine up from ``start`` to ``peak``, half a cosine down to ``end``.

    The peak is reached at iteration ``warmup`` (0: it begins there), ``end`` at ``horizon``, where it stays.

    >>> OneCycle(peak=1.0, start=0.5, end=0.0, horizon=8, warmup=4)([0, 2, 4, 6, 8, 9]).tolist()
    [0.5, 0.75, 1.0, 0.5, 0.0, 0.0]

    Source: Smith and Topin, Super-Convergence, arXiv:1708.07120 (2017); cosines as in fastai.
    """

    FORMULA = (
        "peak + (start - peak) / 2 * (1 + cos(pi * t / warmup)) while t < warmup, "
        "then end + (peak - end) / 2 * (1 + cos(pi * (t - warmup) / (horizon - warmup))), then end"
    )
    LENGTHS = ("warmup", None)

    peak: Level
    start: Level
    end: Level
    horizon: Horizon = field()
    warmup: WarmUp

    def _check(self) -> None:
        below_peak(self, "end", "start")
        horizon_after(self, self.warmup)

    def _rule(self) -> Schedule:
        decay = Ramp(start=self.peak, end=self.end, length=self.horizon - self.warmup, form="cosine")
        if not self.warmup:
            return decay
        rise = Ramp(start=self.start, end=self.peak, length=self.warmup, form="cosine")
        return then(rise, decay, at=[self.warmup], count_from="boundary")


@dataclass(frozen=True, kw_only=True, repr=False, slots=True)
class WarmupStableDecay(Shape):
    r"""A warm-up, a long stretch at the peak, a decay: the run can be made longer without changing what is done.

    In a straight line from ``start`` at iteration 0 to ``peak`` at iteration ``warmup`` (0: it begins there), the
    peak up to iteration ``horizon - decay``, then down to ``end`` at ``horizon``, where it stays. With x from 0 to 1
    along the decay, the share of the peak is :math:`1 - x` (``linear``), :math:`(1 + \cos \pi x)/2` (``cosine``) or
    :math:`1 - \sqrt x` (``root``).

    >>> run = WarmupStableDecay(peak=1.0, horizon=20, warmup=4, decay=4)
    >>> run([0, 2, 4, 16, 17, 20, 21]).tolist()
    [0.0, 0.5, 1.0, 1.0, 0.75, 0.0, 0.0]

    Source: Hu et al., MiniCPM, arXiv:2404.06395 (2024); the root in Hagele et al., arXiv:2405.18392 (2024).
    """

    FORMULA = (
        "start + (peak - start) * t / warmup while t < warmup, then peak while t < horizon - decay, "
        "then end + (peak - end) * form((t - horizon + decay) / decay), then end"
    )
    LENGTHS = ("warmup", None, "decay")

    peak: Level
    end: Level = 0.0
    horizon: Horizon = field()
    warmup: WarmUp = 0
    decay: Length
    form: DecayForm = "linear"
    start: Level = 0.0

    def _check(self) -> None:
        below_peak(self, "end", "start")
        horizon_after(self, self.warmup + self.decay - 1)

    def _rule(self) -> Schedule:
        rest: Schedule = Ramp(start=self.peak, end=self.end, length=self.decay, form=self.form)
        stable = self.horizon - self.warmup - self.decay
        if stable:
            rest = then(Flat(rate=self.peak), rest, at=[stable], count_from="boundary")
        return _warmed_up(self.start, self.peak, self.warmup, rest)


@dataclass(frozen=True, kw_only=True, repr=False, slots=True)
class InverseSqrt(Shape):
    r"""Inverse square root: :math:`\eta\,\sqrt{W/t}` after a warm-up of W iterations.

    In a straight line from ``start`` at iteration 0 to ``peak`` at iteration ``warmup``, which is at least 1; the rate
    at ``horizon``, the lowest after the warm-up, stays.

    >>> InverseSqrt(peak=1.0, warmup=4, horizon=64)([0, 2, 4, 16, 64, 100]).tolist()
    [0.0, 0.5, 1.0, 0.5, 0.25, 0.25]

    Source: Vaswani et al., Attention Is All You Need, arXiv:1706.03762 (2017), section 5.3.
    """

    FORMULA = (
        "start + (peak - start) * t / warmup while t < warmup, then peak * sqrt(warmup / t), then its rate at horizon"
    )
    LENGTHS = ()

    peak: Level
    warmup: Length
    horizon: Horizon = field()
    start: Level = 0.0

    def _check(self) -> None:
        below_peak(self, "start")
        horizon_after(self, self.warmup)

    def _rule(self) -> Schedule:
        tail = RootDecay(peak=self.peak, scale=self.warmup)
        return held(_warmed_up(self.start, self.peak, self.warmup, tail), self.horizon)


@rebuilt.register
def _(schedule: InverseSqrt, horizon: int, was: int, words: Words) -> Schedule | None:
    if was != schedule.horizon or words is not None:
        return None
    return replace(schedule, warmup=half_up(Fraction(schedule.warmup * horizon, was)), horizon=horizon)


def _warmed_up(start: float, peak: float, warmup: int, rest: Schedule) -> Schedule:
    if not warmup:
        return rest
    rise = Ramp(start=start, end=peak, length=warmup)
    return then(rise, rest, at=[warmup], count_from="boundary")

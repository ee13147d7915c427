"""The rules about any schedule: where a run begins and ends, and rates that are no use; each with its fix beside it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from lrsched.rules import SHORTEST, Finding, Fix, Offer, Planning, Rule, Run, change, error, note, rule, warning
from lrsched.text import counted
from lrsched.trainers import TRAINERS

__all__ = ["RULES", "all_rules", "find", "serious"]

ZERO_NOTED, ZERO_WARNING, ZERO_ERROR = 0.001, 0.01, 0.5  # shares of the run
LONG_WARMUP = 0.3  # a share of the run
EARLY_RATE, EARLY_SHARE = 0.011, 0.5  # a tenth more than 1 %, so that two drops by about 0.1 count
DECAY = 100.0  # the decay that an offer aims at where the trainer has no usual one
ROUNDING = 1e-6  # rates that differ by less are the same but for their rounding to float32
SEVERITIES = ("error", "warning", "note")


def serious(findings: Iterable[Finding]) -> frozenset[str]:
    """The codes of the findings that are more than notes."""
    return frozenset(finding.code for finding in findings if finding.serious)


def find(run: Run, code: str | None = None, *, notes: bool = True) -> tuple[Finding, ...]:
    """What the rules find in a run, the most serious first; with a code only the rules that may find it are asked.

    A finding that another one explains is left out, and beside a config that was misread there is nothing else to say.
    """
    found: list[tuple[Rule, Finding]] = []
    for misread in (True, False):
        asked = (r for r in run.planning.rules + RULES if r.misread is misread and code in (None, r.code_in(run.terms)))
        asked = (r for r in asked if (notes or not r.notes) and (run.length >= SHORTEST or not r.shape))
        found += ((r, finding) for r in asked for finding in r.findings(run))
        if any(finding.severity == "error" for _, finding in found):
            break
    hidden = {code for r, finding in found if finding.serious or r.notes for code in r.hides}
    shown = [finding for _, finding in found if finding.code not in hidden]
    return tuple(sorted(shown, key=lambda finding: SEVERITIES.index(finding.severity)))


def all_rules() -> dict[str, list[Rule]]:
    """Every rule under the code of its findings, those of the trainers included."""
    known: dict[str, list[Rule]] = {}
    kinds: list[type[Planning]] = [*(each.configs().planning for each in TRAINERS if each.configs), Planning]
    for planning in kinds:
        for each in (*planning.rules, *RULES):
            same = known.setdefault(each.code_in(planning.terms), [])
            same += [each] if each not in same else []
    return known


def longer_run(run: Run, _: Finding) -> Iterator[Offer]:
    """The same curve over a run that lasts until the target, or as long again."""
    goal = run.target if run.target is not None and run.target > run.start else run.start + (run.horizon or run.start)
    if offer := run.planning.stretched(goal):
        yield offer


def usual_decay(run: Run, _: Finding) -> Iterator[Offer]:
    """A usual decay until the last iteration, else a rate that is still of use there; or a decay until the horizon."""
    if run.length:
        if changes := run.planning.decaying(run.final):
            yield Offer(changes, "a usual decay over the whole run")
        if run.start and (changes := run.planning.decaying(run.final, run.start)):
            yield Offer(changes, "a usual decay over what is left of the run")
        useful = max(run.peak[0] / (run.terms.decay or DECAY), 2 * (run.terms.zero_below or 0.0))
        yield from run.planning.reaching(useful, run.final, run.ngpus)
        if run.horizon is not None and run.final < run.horizon and (changes := run.planning.decaying(run.horizon)):
            yield Offer(changes, f"a usual decay until {run.horizon}")


shorter_warmup: Fix = change("a warm-up of at most a tenth of the run", lambda run: run.planning.warmed(run.final))


@rule("target-passed")
def target_passed(run: Run) -> Iterator[Finding]:
    """A target before the start has been reached already."""
    if run.target is not None and run.target < run.start:
        passed = f"The target {run.target} lies before the start {run.start} of the run, so it has been passed"
        yield error(f"{passed}. Give a later target, or none.", run.target, run.start)


@rule("already-finished", longer_run, hides="ends-before-target")
def already_finished(run: Run) -> Iterator[Finding]:
    """Training ends at once: a weights file stores the iteration, and it is not below the horizon.

    AlexeyAB/darknet#2633, #2891.
    """
    if run.horizon is not None and run.start >= run.horizon and run.start > 0:
        message = (
            f"The run resumes at iteration {run.start}, but ends at {run.terms.horizon}{run.horizon}: training stops "
            f"at once. Make the run longer, or {run.terms.again}."
        )
        yield error(message, run.horizon, run.start)


@rule("ends-before-target", longer_run, hides="rate-reaches-zero decays-early step-never-reached never-decays")
def ends_before_target(run: Run) -> Iterator[Finding]:
    """The trainer stops at the horizon, so a later target is never reached.

    AlexeyAB/darknet#2891 "stopped at max_batches", #7935.
    """
    if run.target is not None and run.horizon is not None and run.target > run.horizon:
        missing = counted(run.target - run.horizon, "iteration")
        ends = f"The run ends at {run.terms.horizon}{run.horizon}, {missing} before the target {run.target}"
        yield error(f"{ends}, which is never reached.", run.horizon, run.target)


@rule("rate-not-finite", usual_decay, hides="rate-negative decays-early never-decays")
def rate_not_finite(run: Run) -> Iterator[Finding]:
    """A rate that is NaN or infinite turns every weight into NaN at its first update."""
    for first, last in run.curve.stretches(lambda rates: ~np.isfinite(rates))[:1] if run.length else ():
        yield error(f"At iteration {first} the rate is {run.rate(first)}, so every weight becomes NaN.", first, last)


@rule("rate-negative", hides="never-decays decays-too-little decays-early")
def rate_negative(run: Run) -> Iterator[Finding]:
    """A negative rate climbs the loss instead of descending it."""
    for first, last in run.curve.stretches(lambda rates: rates < 0)[:1] if run.length else ():
        alternates = last > first and run.rate(first + 1) >= 0
        message = f"At iteration {first} the rate is negative ({run.rate(first):g}): the loss will increase."
        yield error(message, first, first if alternates else last)


@rule("rate-reaches-zero", usual_decay, hides="decays-early decays-too-little", shape=True)
def rate_reaches_zero(run: Run) -> Iterator[Finding]:
    """The rate is (printed as) 0 up to the end: those iterations are wasted. A single one is how a decay ends.

    AlexeyAB/darknet#332 "Learning rate turns to 0", ultralytics/yolov3#18.
    """
    first = run.tail(run.is_zero, ZERO_NOTED / run.margin)
    if first is not None and first < run.final:
        yield _zero(run, first, run.final, f"to the end at {run.final}")


@rule("rate-zero-stretch", usual_decay, hides="decays-early", shape=True)
def rate_zero_stretch(run: Run) -> Iterator[Finding]:
    """A long stretch at zero in the middle of a run is wasted as well; in a warm-up it is normal."""
    inside = [(end - first + 1, first, end) for first, end in run.zeros if end != run.last]
    longest, first, end = max(inside, default=(0, 0, 0))
    if longest / run.length >= ZERO_WARNING / run.margin:
        yield _zero(run, first, end, f"to {end}")


def _zero(run: Run, first: int, last: int, until: str) -> Finding:
    count = last - first + 1
    share = count / run.length
    make = error if share >= ZERO_ERROR / run.margin else warning if share >= ZERO_WARNING / run.margin else note
    have = "has" if count == 1 else "have"
    wasted = f"{counted(count, 'iteration')} ({share:.1%} of the training time) {have} almost no effect"
    return make(f"From iteration {first} {until} the rate is {run.terms.zero}: {wasted}.", first, last)


@rule(
    "{warmup}-covers-run",
    shorter_warmup,
    hides="step-never-reached never-decays decays-too-little decays-early rate-reaches-zero rate-raised "
    "burn-in-hides-first-cycle burn-in-prints-zero sgdr-ends-mid-cycle",
    shape=True,
)
def warmup_covers_run(run: Run) -> Iterator[Finding]:
    """A warm-up as long as the run leaves no training at the full rate."""
    warmup, last = run.schedule.warmup, run.final
    end = min(warmup - 1, last)
    if run.start < warmup and warmup >= last and run.rate(run.start) <= run.rate(end):
        covers = f"The {run.terms.warmup} of {warmup} iterations covers the whole run up to {last}"
        make = error if run.horizon is None or warmup >= run.horizon else warning
        yield make(f"{covers}: until iteration {end} the rate only rises.", run.start, end)


@rule("{warmup}-long", shorter_warmup, shape=True)
def warmup_long(run: Run) -> Iterator[Finding]:
    """A warm-up over a large part of the run leaves little training at the full rate."""
    warmup, last = run.schedule.warmup, run.final
    if run.start < warmup < last and warmup > LONG_WARMUP * last / run.margin:
        message = f"The {run.terms.warmup} takes {warmup} of {last} iterations, {warmup / last:.0%} of the run."
        yield warning(message, run.start, warmup - 1)


@rule("decays-early", usual_decay, hides="decays-too-little", shape=True)
def decays_early(run: Run) -> Iterator[Finding]:
    """At about 1 % of its peak for more than half of the run, the rate leaves most of the time without effect."""
    peak = float(np.abs(run.curve.rates).max())
    first = run.tail(lambda rates: np.abs(rates) < EARLY_RATE * peak, EARLY_SHARE / run.margin)
    if first is not None and not run.is_zero(np.array([peak]))[0]:
        share = f"{(run.final - first + 1) / run.length:.0%} of the run"
        yield warning(f"From iteration {first} on the rate is at most about 1% of its peak {peak:g}: {share}.", first)


@rule("never-decays", usual_decay, shape=True)
def never_decays(run: Run) -> Iterator[Finding]:
    """By the end of training the rate should have decayed; a policy that could decay and does not is a mistake."""
    (peak, _), size, last = run.peak, abs(run.last_rate), run.final
    if peak > 0 and size >= peak * (1 - ROUNDING):
        message = f"The rate never decays: at iteration {last} it is still at its peak {peak:g}."
        yield warning(message) if run.planning.decaying(last) else note(message)


@rule("decays-too-little", notes=True, shape=True)
def decays_too_little(run: Run) -> Iterator[Finding]:
    """Where a usual decay is known, a much smaller one is worth knowing."""
    (peak, at), size, usual = run.peak, abs(run.last_rate), run.terms.decay
    if usual and 0 < size < peak * (1 - ROUNDING) and size * usual > peak * (1 + ROUNDING):
        decays = f"From its peak {peak:g} the rate decays to {size:g} at iteration {run.final}"
        yield note(f"{decays}, by a factor of {peak / size:.3g}; {usual:g} or more is usual.", at)


RULES: tuple[Rule, ...] = (target_passed, already_finished, ends_before_target, rate_not_finite, rate_negative)
RULES += (rate_reaches_zero, rate_zero_stretch, warmup_covers_run, warmup_long, decays_early, never_decays)
RULES += (decays_too_little,)
"""In the order in which findings of one severity are shown, after those of the trainer."""

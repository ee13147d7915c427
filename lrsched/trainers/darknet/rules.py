"""The rules about the curve of a cfg, each with its fixes; those about any schedule are in ``lrsched.planner``."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from lrsched.numbers import LAST_ITERATION
from lrsched.rules import SHORTEST, Finding, Fix, Offer, Rule, Run, change, error, note, rule, warning
from lrsched.schedule import Schedule, printed_zero
from lrsched.search import curve_of, first_where, least
from lrsched.text import counted, plain
from lrsched.trainers.darknet.cfg import CfgError
from lrsched.trainers.darknet.dialects import DIALECTS
from lrsched.trainers.darknet.key_rules import BATCH_RULES, KEY_RULES
from lrsched.trainers.darknet.net import Net
from lrsched.trainers.darknet.numbers import shortest
from lrsched.trainers.darknet.policies import Exp, Poly, Sgdr, Sigmoid, Step, Steps
from lrsched.trainers.darknet.usual import DETECTOR_RATE, decay_keys, iterations_for, usual_rates

__all__ = ["FIXES", "RULES"]

RULE = "the usual rule is max(6000, 2000 x classes, images) ="
MANY_NOTED, MANY_WARNED = 1.5, 3.5  # COCO itself is trained for 3.1 times the rule
FAR, LATE_RAISE, LARGE_DIFFERENCE = 10, 0.1, 1e-4
HIGHEST_RATE = {"poly": 0.1, "steps": 0.003}  # up to these one GPU is used as well, so several need no advice


def policy_of(run: Run) -> Any:
    """The policy after the burn-in."""
    return getattr(run.schedule, "policy", run.schedule)


def steps_of(run: Run) -> list[tuple[int, float, int]]:
    """Each step with its scale and the iteration it is reached at; none of another policy than steps."""
    policy = policy_of(run)
    return list(zip(policy.steps, policy.scales, policy.reached_at(), strict=True)) if isinstance(policy, Steps) else []


def _usual_length(run: Run, _: Finding) -> Iterator[Offer]:
    horizon = iterations_for(run.classes, run.images)
    decay = {} if run.config.policy == "poly" else run.planning.decaying(horizon) or {}
    yield Offer({"max_batches": horizon, **decay}, "the usual length", None if run.target is None else horizon)


@rule("too-few-iterations", _usual_length)
def too_few_iterations(run: Run) -> Iterator[Finding]:
    """A run should have max(6000, 2000 x classes, images) iterations (AlexeyAB/darknet#5508)."""
    needed, known = iterations_for(run.classes, run.images), run.classes or run.images
    if run.horizon is not None and run.horizon < (needed if known else SHORTEST):
        short = f"{counted(run.horizon, 'iteration')} {'is' if run.horizon == 1 else 'are'} too few"
        yield warning(f"{short}{' for this data set' if known else ''}; {RULE} {needed}.")


@rule("too-many-iterations", _usual_length)
def too_many_iterations(run: Run) -> Iterator[Finding]:
    """A cfg made for COCO trains a small data set for weeks, and its steps never come (AlexeyAB/darknet#5508)."""
    needed = iterations_for(run.classes, run.images)
    times = (run.horizon or 0) / max(needed, run.target or 0)
    if (run.classes or run.images) and times > MANY_NOTED:
        usual = f"{(run.horizon or 0) / needed:.3g} times what this data set usually needs"
        make = warning if times > MANY_WARNED and run.start < needed else note
        yield make(f"{run.horizon} iterations are {usual}; {RULE} {needed}.")


def _move_steps(run: Run, _: Finding) -> Iterator[Offer]:
    decay, latest = run.planning.decaying(run.final) or {}, max((step for step, *_ in steps_of(run)), default=0)
    yield Offer(decay, "steps at the usual 80% and 90%")
    if run.target is not None:
        for offer in filter(None, [run.planning.stretched(run.final)]):
            yield offer._replace(changes={**offer.changes, **decay})
    elif latest > 0:
        yield Offer({"max_batches": latest * 10 // 9}, "a run with the last step at 90%")


@rule("step-never-reached", _move_steps, hides="never-decays decays-too-little", shape=True)
def step_never_reached(run: Run) -> Iterator[Finding]:
    """A step at or past the end of the run changes nothing: the recipe that edits max_batches only (18 of 423 cfgs)."""
    policy, last = policy_of(run), run.final
    missed = [step for step, _, t in steps_of(run) if t >= last]
    if isinstance(policy, Step) and abs(policy.step) > last and policy.scale != 1:
        missed = [policy.step]
    if missed:
        huge = " (this fork takes a negative step for a huge one)" if min(missed) < 0 else ""
        yield warning(f"{_steps(missed)} not reached before the end of the run at {last}{huge}.", last)


def _steps(steps: list[int]) -> str:
    listed = ", ".join(map(str, steps[:4])) + (" and others" if len(steps) > 4 else "")
    return f"Step {listed} is" if len(steps) == 1 else f"Steps {listed} are"


def _early_burn_in(run: Run) -> Mapping[str, Any]:
    return {"burn_in": min((step for step, *_ in steps_of(run) if step > 0), default=0) // 2}


@rule(
    "step-never-reached",
    change("a burn-in that ends before the first step", _early_burn_in),
    _move_steps,
    hides="never-decays",
)
def step_inside_burn_in(run: Run) -> Iterator[Finding]:
    """The burn-in hides whatever the policy does meanwhile, so the rate jumps when it is over."""
    warmup = run.schedule.warmup
    hidden = [step for step, scale, t in steps_of(run) if 0 < t < warmup and scale != 1]
    if hidden and run.start < warmup < run.final:
        inside = f"{_steps(hidden)} inside the burn-in of {warmup} iterations, which hides it"
        yield warning(f"{inside}: the rate jumps at iteration {warmup} instead.", min(hidden), warmup - 1)


def _sorted(run: Run) -> Mapping[str, Any]:
    steps, scales, _ = zip(*sorted(steps_of(run)), strict=True)
    return {"steps": steps, "scales": scales}


@rule("steps-unsorted", change("each step at its own iteration", _sorted))
def steps_unsorted(run: Run) -> Iterator[Finding]:
    """The walk through steps stops at the first that lies ahead, so a smaller step after it waits."""
    pairs = pairwise(step for step, *_ in steps_of(run))
    for before, after in [(one, next_one) for one, next_one in pairs if next_one < one][:1]:
        waits = f"{after} comes after {before}, so its scale waits until iteration {before}"
        yield warning(f"The steps are not in ascending order: {waits}.", max(after, 0), max(before - 1, 0))


def _falling(run: Run) -> Mapping[str, Any]:
    policy = policy_of(run)
    if isinstance(policy, Steps):
        return {"scales": tuple(shortest(1 / scale) if scale > 1 else scale for scale in policy.scales)}
    return {"scale": shortest(1 / policy.scale)} if getattr(policy, "scale", 0) else {}


@rule(
    "rate-raised",
    change("factors above 1 inverted", _falling),
    change("a usual decay over the whole run", lambda run: run.planning.decaying(run.final)),
    hides="never-decays decays-too-little",
    shape=True,
)
def rate_raised(run: Run) -> Iterator[Finding]:
    """A scale above 1 multiplies the rate: early it is a warm-up, later a mistake (AlexeyAB/darknet#1095)."""
    policy, last = policy_of(run), run.final
    raised = [(t, scale) for _, scale, t in steps_of(run) if scale > 1 and max(run.start, 1) <= t < last]
    late = [(t, scale) for t, scale in raised if t > LATE_RAISE * last]
    for t, scale in (late or raised)[:1]:
        make, why = (warning, ": this late it can undo progress.") if late else (note, " (manual warm-up).")
        yield make(f"At iteration {t} the rate is multiplied by {scale:g}, to {run.rate(t):g}{why}", t)
    if isinstance(policy, Step) and abs(policy.step) <= last:
        # a negative step counts its drops below zero, so its scale works the other way round
        rises = policy.scale > 1 if policy.step > 0 else 0 < policy.scale < 1
    else:
        rises = isinstance(policy, Exp) and policy.gamma > 1
    if rises:
        yield warning(f"The rate rises during the whole run, to {run.last_rate:g} at iteration {last}.")


@rule("burn-in-prints-zero", notes=True)
def burn_in_prints_zero(run: Run) -> Iterator[Finding]:
    """In the burn-in a log prints 0.000000 at first, which is healthy (AlexeyAB/darknet#1082, #2449, pjreddie#701)."""
    end = min(run.schedule.warmup, run.final)
    if run.start < end and printed_zero(run.rate(max(run.start, 1))) and run.tail(run.is_zero) != run.start:
        first = first_where(run.schedule, run.start, end, lambda rates: ~printed_zero(rates))
        if first is not None:
            normal = f"this is the normal burn-in; from iteration {first} it shows a non-zero rate"
            yield note(f"Until iteration {first - 1} the log shows 0.000000: {normal}.", run.start, first - 1)


def _end_a_cycle(run: Run, _: Finding) -> Iterator[Offer]:
    policy, last = policy_of(run), run.final
    near = min((n for n in range(1, 65) if last % n == 0), key=lambda n: abs(last // n - policy.first_cycle))
    equal, text = {"sgdr_cycle": last // near, "sgdr_mult": 1}, f"{counted(near, 'equal cycle')} until {last}"
    yield Offer(equal, text)
    if run.target is not None:
        yield Offer({**equal, "max_batches": last}, text)
    start, size = list(policy.cycles(last, last))[-1]
    yield Offer({"max_batches": start + size}, "a run that ends with its last cycle")


@rule("sgdr-ends-mid-cycle", _end_a_cycle, hides="never-decays decays-too-little", shape=True)
def sgdr_ends_mid_cycle(run: Run) -> Iterator[Finding]:
    """A run that stops in the middle of a cycle stops at a high rate."""
    policy, last = policy_of(run), run.final
    if isinstance(policy, Sgdr):
        start, size = list(policy.cycles(last, last))[-1]
        share = abs(run.last_rate) / (run.peak[0] or 1.0)
        if start + size != last:
            ends = f"The run ends at {last}, {counted(last - start, 'iteration')} into a cycle of {size}"
            make = warning if share > LATE_RAISE / run.margin else note
            yield make(f"{ends}: its last rate is {run.last_rate:g}, {share:.0%} of the peak.", start)


@rule("burn-in-hides-first-cycle", change("a shorter burn-in", lambda r: r.planning.warmed(policy_of(r).first_cycle)))
def burn_in_hides_first_cycle(run: Run) -> Iterator[Finding]:
    """A burn-in as long as the first cycle ends at the minimum, and the peak is never seen again."""
    policy, warmup = policy_of(run), run.schedule.warmup
    if isinstance(policy, Sgdr) and run.length and warmup >= policy.first_cycle:
        hides = f"The burn-in of {warmup} iterations hides the first cycle of {policy.first_cycle}"
        yield warning(f"{hides}: its peak is never reached.", 0, policy.first_cycle)


def _usual_rate(run: Run, finding: Finding) -> Iterator[Offer]:
    if finding.serious:
        low, high = usual_rates(run.config.policy)
        rate = shortest(min(max(DETECTOR_RATE, low), high) / run.config.gpu_factor(run.ngpus))
        yield Offer({"learning_rate": rate}, "a common rate to start from")


@rule("learning-rate-unusual", _usual_rate)
def learning_rate_unusual(run: Run) -> Iterator[Finding]:
    """A rate far from what the policy is used with is mostly a slip of the decimal point."""
    rate, (low, high) = abs(policy_of(run).learning_rate), usual_rates(run.config.policy)
    if not low <= rate <= high and not printed_zero(rate) and math.isfinite(rate):
        starts = f"The rate starts from {rate:g}{f' ({run.ngpus} GPUs included)' if run.ngpus > 1 else ''}"
        make = warning if rate > FAR * high or rate * FAR < low else note
        yield make(f"{starts}; {low:g} to {high:g} is usual with policy {run.config.policy}.")


@rule("learning-rate-zero", _usual_rate, hides="rate-reaches-zero rate-zero-stretch")
def learning_rate_zero(run: Run) -> Iterator[Finding]:
    """With a learning_rate that is printed as zero nothing is ever trained."""
    rate = policy_of(run).learning_rate
    if printed_zero(rate) and printed_zero(run.peak[0]):
        yield error(f"learning_rate={plain(rate)} is printed as 0.000000: nothing is learned.")


def _positive(run: Run) -> Mapping[str, Any]:
    signed = {key: getattr(run.config, key) for key in ("learning_rate", "learning_rate_min", "scale", "gamma")}
    scales = {"scales": tuple(map(abs, run.config.scales))} if min(run.config.scales, default=0) < 0 else {}
    return {key: -value for key, value in signed.items() if value < 0} | scales


def _whole_power(run: Run) -> Mapping[str, Any] | None:
    power, whole = run.config.power, max(round(run.config.power), 1) if math.isfinite(run.config.power) else 1
    return None if power == whole else {"power": float(whole)}


def _steps_instead(run: Run) -> Mapping[str, Any] | None:
    # a sigmoid that wraps is 0, or at its peak, before its step
    wraps = isinstance(policy_of(run), Sigmoid) and run.config.dialect.arithmetic.unsigned
    return {"policy": "steps", **decay_keys("steps", run.final, 0.0)} if wraps else None


@rule("rate-not-finite", change("a burn-in that rises", _whole_power), misread=True)
def burn_in_falls(run: Run) -> Iterator[Finding]:
    """With a power below 0 the burn-in begins at infinity and falls."""
    power, warmup = run.config.power, run.schedule.warmup
    if power < 0 and run.start < warmup:
        falls = f"power={plain(power)} is below 0, so the burn-in begins at an infinite rate and falls"
        yield error(f"{falls}: every weight becomes NaN.", run.start, warmup - 1)


def _furthest(run: Run) -> int:
    """The last iteration any GPU takes its rate from, which may be past the end of the run."""
    turn = run.config.clock(run.ngpus).last_turn(run.start, run.final) if run.ngpus > 1 else None
    return min(max(run.final, *turn.trained_at), LAST_ITERATION) if turn else run.final


@rule("rate-not-finite")
def overshoot_not_finite(run: Run) -> Iterator[Finding]:
    """A fractional power past max_batches is NaN, where several GPUs overshoot."""
    past = _furthest(run)
    if past > run.final and not math.isfinite(run.rate(past)):
        count = f"On {run.ngpus} GPUs the last updates count past the end at {run.final}, to {past}"
        yield error(f"{count}, where the rate is {run.rate(past)}: every weight becomes NaN.", run.final + 1, past)


@rule("rate-rises-after-end", change("a steeper end", lambda run: {"power": policy_of(run).power + 2}))
def rate_rises_after_end(run: Run) -> Iterator[Finding]:
    """Past max_batches poly with an even power rises again; only several GPUs ever count that far."""
    past = _furthest(run)
    horizon = run.horizon or past
    beyond = isinstance(policy_of(run), Poly) and past > max(run.final, horizon)
    if beyond and run.rate(past) > run.rate(horizon) and not printed_zero(run.rate(past)):
        count = f"On {run.ngpus} GPUs the last updates count past max_batches={horizon}"
        yield warning(f"{count}, where poly rises again, to {run.rate(past):f}.", horizon + 1, past)


@rule("gpu-factor", notes=True)
def gpu_factor(run: Run) -> Iterator[Finding]:
    """Several GPUs multiply the rate in some forks, and the iteration counts them all (AlexeyAB#1165, #2095)."""
    net: Net = run.config
    if run.ngpus == 1 or not run.length:
        return
    rate, advice = policy_of(run).learning_rate, ""
    if net.dialect.gpus_multiply_rate and rate > HIGHEST_RATE.get(net.policy, 0.01):
        longer = min(net.burn_in * run.ngpus, run.final // 10)
        advice = f" If the loss becomes NaN, write learning_rate={plain(shortest(net.learning_rate / run.ngpus))}"
        advice += f" and burn_in={longer}." if longer > net.burn_in > 0 else "."
    alone = min(net.burn_in, run.final) if net.dialect.burn_in_on_one_gpu else 0
    becomes = f"{'becomes' if net.dialect.gpus_multiply_rate else 'stays'} {rate:g} on {run.ngpus} GPUs"
    updates = f"each GPU makes about {(run.final - alone) // run.ngpus} updates"
    yield note(f"learning_rate={plain(net.learning_rate)} {becomes}; {updates}.{advice}")


@rule("dialects-differ", notes=True)
def dialects_differ(run: Run) -> Iterator[Finding]:
    """The same cfg trains differently in another fork, or not at all."""
    net: Net = run.config
    others = [dialect for dialect in DIALECTS if dialect.name != net.dialect.name]
    for dialect in others if net.text is not None and run.length else ():
        try:
            other = net.read_by(dialect)
            schedule = other.schedule(run.ngpus)
        except CfgError as problem:
            line = "" if problem.line is None else f"line {problem.line}: "
            yield note(f"In {dialect.title}, {line}{problem.args[0]}")
            continue
        meant = (dialect.arithmetic.unsigned, other.gpu_factor(run.ngpus), replace(other, dialect=net.dialect))
        if meant == (net.dialect.arithmetic.unsigned, net.gpu_factor(run.ngpus), net):
            continue  # the same numbers, which mean the same, so that only the rounding can differ
        if (first := _first_difference(run, schedule)) is not None:
            rates = f"with rate {float(schedule(first)):g} instead of {run.rate(first):g}"
            would = f"{dialect.title} would train this cfg differently: policy {other.policy}"
            yield note(f"{would}, at iteration {first} {rates}.", first, first)


def _first_difference(run: Run, other: Schedule) -> int | None:
    """The first iteration at which another schedule differs by more than rounding, as far as its milestones show."""

    def differs(t: Any) -> Any:
        mine, theirs = run.schedule(t).astype(np.float64), other(t).astype(np.float64)
        return ~np.isclose(mine, theirs, rtol=LARGE_DIFFERENCE, atol=0.0, equal_nan=True)

    both = {*run.curve.iterations.tolist(), *curve_of(other, run.start, run.final).iterations.tolist()}
    where = np.array(sorted(both))  # np.union1d would load numpy.ma, a tenth of the time a plan takes to start
    found = np.flatnonzero(differs(where))
    if not found.size:
        return None
    before, at = where[[max(found[0] - 1, 0), found[0]]].tolist()
    return least(lambda t: bool(differs(np.array([t]))[0]), before, at)


RULES: tuple[Rule, ...] = (*KEY_RULES, burn_in_falls, too_few_iterations, too_many_iterations, step_never_reached)
RULES += (step_inside_burn_in, steps_unsorted, rate_raised, sgdr_ends_mid_cycle, burn_in_hides_first_cycle)
RULES += (overshoot_not_finite, rate_rises_after_end, learning_rate_zero, learning_rate_unusual, *BATCH_RULES)
RULES += (burn_in_prints_zero, gpu_factor, dialects_differ)
"""In the order in which their findings are shown."""

FIXES: dict[str, tuple[Fix, ...]] = {
    "rate-negative": (change("the value without the minus sign", _positive),),
    "rate-not-finite": (change("a whole power above 0 is never NaN or infinite", _whole_power), _usual_rate),
    **dict.fromkeys(("rate-zero-stretch", "never-decays"), (change("the usual policy", _steps_instead),)),
}
"""What darknet can do against findings about any schedule."""

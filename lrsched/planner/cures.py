"""What to write against each finding: one small function a cure, every suggestion of which is proven."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from lrsched.planner.facts import Facts, Finding, facts_of
from lrsched.planner.findings import find
from lrsched.planner.levers import round_number
from lrsched.planner.rules_cfg import meant_number
from lrsched.planner.suggestions import MISREAD, ROUNDING, Suggestion, longer, offer, proven, raised, reaching
from lrsched.planner.usual import (
    DETECTOR_RATE,
    USUAL_BURN_IN,
    USUAL_DECAY,
    decay_keys,
    iterations_for,
    usual_rates,
    usual_steps,
)
from lrsched.schedule import PRINTED_ZERO_BELOW, params, printed_zero
from lrsched.trainers.darknet import BurnIn, Net, Poly, Sgdr, Step, Steps
from lrsched.trainers.darknet.arithmetic import single
from lrsched.trainers.darknet.numbers import shortest

__all__ = ["CURES", "cures"]

CURED_AS_NOTES = frozenset({"rate-reaches-zero"})
"""What is cured even where it is only worth knowing: people ask for it by name."""


def cures(facts: Facts, findings: tuple[Finding, ...]) -> tuple[Suggestion, ...]:
    """What to write instead, for every finding that numbers can cure."""
    offered: dict[str, Suggestion] = {}
    misread = [f.code for f in findings if f.severity == "error" and f.code in MISREAD]
    if misread:
        # what else is found may be gone once the right numbers stand there
        findings = tuple(f for f in findings if f.code in misread)
    codes = dict.fromkeys(f.code for f in findings if f.severity != "note" or f.code in CURED_AS_NOTES)
    if "ends-before-target" in codes and "rate-reaches-zero" not in codes:
        codes["rate-reaches-zero"] = None
    for code in codes:
        for suggestion in CURES.get(code, _nothing)(facts):
            offered.setdefault(repr(sorted(suggestion.changes.items())), suggestion)
    return tuple(offered.values())


def _nothing(_: Facts) -> Iterator[Suggestion]:
    return iter(())


def _alive_at_target(facts: Facts) -> Iterator[Suggestion]:
    run = facts.run
    goal = run.goal
    if goal is None or run.policy is None or (run.max_batches or goal) < run.start:
        return
    too_short = run.max_batches is not None and run.max_batches < goal
    code = "ends-before-target" if too_short else "rate-reaches-zero"
    aimed, long_enough = replace(run, target=goal), reaching(run, goal)
    # a longer run has a tail of its own, so one that was to end here is to be stopped here
    stop = f": stop there, and check it with --target {goal}" if run.target is None else ""
    if printed_zero(long_enough.rate(goal)):
        why = "the rate at the target is not printed as zero"
        for changes, rate in raised(run, long_enough, goal, PRINTED_ZERO_BELOW, lambda rate: not printed_zero(rate)):
            yield offer(aimed, changes, why + (stop if "max_batches" in changes else ""), code, rate)
    elif too_short:
        yield offer(aimed, longer(run, goal), "the run reaches the target", code)
        if isinstance(run.policy, Steps) and len(run.policy.steps):
            changes = {"max_batches": goal, "steps": usual_steps(goal, len(run.policy.steps))}
            yield offer(aimed, changes, "the run reaches the target, its steps where they usually are", code)
    if isinstance(run.policy, Poly):
        wanted = abs(run.policy.learning_rate) / USUAL_DECAY
        if wanted > PRINTED_ZERO_BELOW:
            for changes, rate in raised(run, long_enough, goal, wanted, lambda rate: rate >= wanted):
                if list(changes) == ["max_batches"]:
                    yield offer(aimed, changes, f"the target gets learning_rate/{USUAL_DECAY}{stop}", code, rate)


def _start_again(facts: Facts) -> Iterator[Suggestion]:
    run = facts.run
    if run.max_batches is None or run.policy is None:
        return
    code = "already-finished"
    for end, why in (
        (run.start + 1, "the smallest value with which training goes on at all"),
        (run.start + run.max_batches, "as many iterations again"),
    ):
        yield from proven(replace(run, target=None), {"max_batches": end}, why, code)


def _give_an_end(facts: Facts) -> Iterator[Suggestion]:
    needed = iterations_for(facts.run.classes, facts.run.images)
    end = facts.run.target or facts.run.start + needed
    yield from proven(facts.run, {"max_batches": end}, "the trainer gets an end to reach", "max-batches-missing")


def _move_steps(facts: Facts) -> Iterator[Suggestion]:
    run, end = facts.run, facts.end
    if end is None:
        return
    code = "step-never-reached"
    policy = run.policy
    if isinstance(policy, Step):
        yield from proven(run, {"step": max(end // 3, 1)}, "three drops in the run", code)
    if not isinstance(policy, Steps):
        return
    count = len(policy.steps)
    last = max(policy.steps)
    if last > 0:
        moved = tuple(max(step * end * 9 // (last * 10), 1) if step > 0 else step for step in policy.steps)
        yield from proven(run, {"steps": moved}, "the steps in proportion, the last at 90% of the run", code)
    yield from proven(run, {"steps": usual_steps(end, count)}, "the steps where they usually are", code)
    if run.max_batches is not None and last >= run.max_batches:
        aimless = replace(run, target=None)
        yield from proven(aimless, {"max_batches": last + 1}, "the smallest run that reaches every step", code)
        rounded = round_number(last * 10 // 9)
        yield from proven(aimless, {"max_batches": rounded}, "a run with the last step at about 90%", code)


def _sort_steps(facts: Facts) -> Iterator[Suggestion]:
    policy = facts.run.policy
    if isinstance(policy, Steps):
        pairs = sorted(zip(policy.steps, policy.scales, strict=True))
        changes = {"steps": tuple(s for s, _ in pairs), "scales": tuple(c for _, c in pairs)}
        yield from proven(facts.run, changes, "every drop at its own iteration", "steps-unsorted")


def _match_scales(facts: Facts) -> Iterator[Suggestion]:
    net, code = facts.run.net, "steps-scales-mismatch"
    if net is not None:
        given = [scale for scale in net.scales if scale] or [0.1]
        padded = (tuple(given) + (given[-1],) * len(net.steps))[: len(net.steps)]
        yield from proven(facts.run, {"scales": padded}, "one scale per step", code)


def _shorten_burn_in(code: str) -> Callable[[Facts], Iterator[Suggestion]]:
    def cure(facts: Facts) -> Iterator[Suggestion]:
        run, end = facts.run, facts.end
        if end is None or not isinstance(run.schedule, BurnIn):
            return
        bound = run.policy.first_cycle if isinstance(run.policy, Sgdr) and code.endswith("cycle") else end
        short = min(USUAL_BURN_IN, round_number(bound // 10, up=False, digits=1))
        yield from proven(run, {"burn_in": short}, "a warm-up of at most a tenth", code)

    return cure


def _end_a_cycle(facts: Facts) -> Iterator[Suggestion]:
    run, end, policy, code = facts.run, facts.end, facts.run.policy, "sgdr-ends-mid-cycle"
    if end is None or not isinstance(policy, Sgdr):
        return
    near = min((n for n in range(1, 65) if end % n == 0), key=lambda n: abs(end // n - policy.first_cycle))
    why = f"{near} cycles of one length, the last ends at {end}" if near > 1 else f"one cycle that ends at {end}"
    yield from proven(run, {"sgdr_cycle": end // near, "sgdr_mult": 1}, why, code)
    factor = policy.sgdr_mult
    for cycles in range(6, 1, -1) if factor > 1 else ():
        total = (factor**cycles - 1) // (factor - 1)
        if end % total == 0:
            yield from proven(run, {"sgdr_cycle": end // total}, f"{cycles} cycles, the last ends at {end}", code)
    start, size = list(policy.cycles(end, end))[-1]
    if run.target is None or start + size > run.target:
        aimless = replace(run, target=None)
        yield from proven(aimless, {"max_batches": start + size}, "the run lasts until its last cycle ends", code)


def _lift_early_decay(facts: Facts) -> Iterator[Suggestion]:
    """Values with which the rate is at 1 % of its peak only at the end, instead of before half of the run."""
    run, end, policy, code = facts.run, facts.end, facts.run.policy, "decays-early"
    if end is None or policy is None:
        return
    wanted = abs(policy.learning_rate) / USUAL_DECAY
    if isinstance(policy, Steps):
        yield from proven(run, {"steps": usual_steps(end, len(policy.steps))}, "the steps where they usually are", code)
    aimed, bound = replace(run, target=end), wanted * (1 - ROUNDING)
    for changes, rate in raised(run, aimed, end, wanted, lambda rate: rate >= bound):
        if "learning_rate" in changes:
            continue  # the peak rises with the end
        # a rate of 1 % of the peak at the end is not under it before
        cured = abs(rate) >= facts.peak / USUAL_DECAY * (1 - ROUNDING)
        if isinstance(run.schedule, BurnIn) and run.schedule.power < 0:
            # this burn-in begins above the rate, so that the new curve is looked at whole
            cured = not find(facts_of(run.with_keys(changes), search_zero=False), code)
        if cured:
            yield offer(aimed, changes, f"the end gets learning_rate/{USUAL_DECAY}", code, rate)


def _batch(code: str) -> Callable[[Facts], Iterator[Suggestion]]:
    def cure(facts: Facts) -> Iterator[Suggestion]:
        net = facts.run.net
        if net is None:
            return
        if code == "batch-one":
            changes: dict[str, Any] = {"batch": 64, "subdivisions": 16}
            why = "the batch detectors are trained with"
        elif code == "subdivisions-exceed-batch":
            changes, why = {"subdivisions": max(net.batch, 1)}, "one image per part, the batch as written"
        else:
            fitting = next(n for n in range(abs(net.subdivisions), abs(net.batch) + 1) if net.batch % n == 0)
            changes, why = {"subdivisions": fitting}, "the whole batch counts"
        yield from proven(facts.run, changes, why, code)

    return cure


def _meant_values(facts: Facts) -> Iterator[Suggestion]:
    net = facts.run.net
    if net is None or net.section is None:
        return
    changes: dict[str, Any] = {}
    for key in params(Net):
        entry, value = net.section.first(key), getattr(net, key)
        if entry is None or entry.value is None or isinstance(value, tuple):
            continue
        meant = meant_number(entry.value.partition("#")[0])
        if meant is None or meant == value:
            continue
        if not isinstance(value, int):
            changes[key] = meant
        elif meant == int(meant):
            changes[key] = int(meant)
    if changes:
        yield from proven(facts.run, changes, "the numbers that were meant", "value-not-a-number")


def _known_policy(facts: Facts) -> Iterator[Suggestion]:

    net = facts.run.net
    entry = net.section.first("policy") if net is not None and net.section is not None else None
    if net is None or entry is None or entry.value is None:
        return
    written = entry.value.partition("#")[0].lower()
    for near in difflib.get_close_matches(written, sorted(net.dialect.policies), 1):
        yield from proven(facts.run, {"policy": near}, "the policy that was meant", "unknown-policy")


def _more_iterations(facts: Facts) -> Iterator[Suggestion]:
    run, code = facts.run, "too-few-iterations"
    needed = iterations_for(run.classes, run.images)
    changes: dict[str, Any] = {"max_batches": needed}
    if isinstance(run.policy, Steps):
        changes["steps"] = usual_steps(needed, len(run.policy.steps))
    if run.policy is not None:
        yield from proven(replace(run, target=needed), changes, "as many iterations as the field takes", code)


def _usual_rate(facts: Facts) -> Iterator[Suggestion]:
    run = facts.run
    if run.policy is not None:
        factor = run.ngpus if run.net is not None and run.net.dialect.gpus_multiply_rate else 1
        low, high = usual_rates(run.policy.KEY)
        rate = shortest(single(min(max(DETECTOR_RATE, low), high) / factor))
        yield from proven(run, {"learning_rate": rate}, "a rate one usually starts from", "learning-rate-unusual")


def _fall_instead(facts: Facts) -> Iterator[Suggestion]:
    run, policy, code = facts.run, facts.run.policy, "rate-raised"
    if isinstance(policy, Steps):
        turned = tuple(shortest(single(1 / scale)) if scale > 1 else scale for scale in policy.scales)
        yield from proven(run, {"scales": turned}, "every factor above 1 turned over", code)
    elif isinstance(policy, Step):
        yield from proven(run, {"scale": shortest(single(1 / policy.scale))}, "the factor turned over", code)
    elif policy is not None and facts.end:
        changes = decay_keys(policy.KEY, facts.end, policy.learning_rate)
        yield from proven(run, changes, f"a fall by {USUAL_DECAY} times by the end", code)


def _decay_at_all(facts: Facts) -> Iterator[Suggestion]:
    run, policy = facts.run, facts.run.policy
    if policy is not None and facts.end:
        changes = decay_keys(policy.KEY, facts.end, policy.learning_rate)
        if changes:
            yield from proven(run, changes, f"a decay by about {USUAL_DECAY} times by the end", "never-decays")


def _finite_power(facts: Facts) -> Iterator[Suggestion]:
    run, policy, code = facts.run, facts.run.policy, "rate-not-finite"
    if run.max_batches is None:
        end = run.target or iterations_for(run.classes, run.images)
        yield from proven(run, {"max_batches": end}, "the trainer gets an end to reach", code)
    elif isinstance(policy, Poly):
        yield from proven(run, {"power": float(max(round(policy.power), 1))}, "a whole power is never NaN", code)


def _positive_rate(facts: Facts) -> Iterator[Suggestion]:
    run, code = facts.run, "rate-negative"
    rate = run.net.learning_rate if run.net is not None else getattr(run.policy, "learning_rate", 0.0)
    if rate < 0:
        yield from proven(run, {"learning_rate": -rate}, "the rate without its minus", code)


CURES: dict[str, Callable[[Facts], Iterator[Suggestion]]] = {
    "already-finished": _start_again,
    "max-batches-missing": _give_an_end,
    "rate-reaches-zero": _alive_at_target,
    "step-never-reached": _move_steps,
    "steps-unsorted": _sort_steps,
    "steps-scales-mismatch": _match_scales,
    "burn-in-covers-run": _shorten_burn_in("burn-in-covers-run"),
    "burn-in-long": _shorten_burn_in("burn-in-long"),
    "burn-in-hides-first-cycle": _shorten_burn_in("burn-in-hides-first-cycle"),
    "sgdr-ends-mid-cycle": _end_a_cycle,
    "decays-early": _lift_early_decay,
    "learning-rate-unusual": _usual_rate,
    "never-decays": _decay_at_all,
    "rate-negative": _positive_rate,
    "rate-not-finite": _finite_power,
    "rate-raised": _fall_instead,
    "batch-one": _batch("batch-one"),
    "batch-not-divisible": _batch("batch-not-divisible"),
    "subdivisions-exceed-batch": _batch("subdivisions-exceed-batch"),
    "value-not-a-number": _meant_values,
    "unknown-policy": _known_policy,
    "too-few-iterations": _more_iterations,
}

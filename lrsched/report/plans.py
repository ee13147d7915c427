"""Values in, text and JSON out: what the commands print and what scripts read."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from html import escape
from itertools import islice
from typing import Any

from lrsched.planner import Finding, Plan, Suggestion
from lrsched.schedule import BLOCK, LAST_ITERATION, Schedule, params, printed_zero
from lrsched.search import first_where, zero_from
from lrsched.trainers.darknet import POLICIES, BurnIn, Net, Policy, cfg_value

__all__ = [
    "Row",
    "changed_lines",
    "key_rows",
    "net_text",
    "plan_html",
    "plan_json",
    "plan_text",
    "policies_json",
    "policies_text",
    "rows_at",
    "rows_csv",
    "rows_json",
    "rows_text",
    "suggestions_json",
    "suggestions_text",
    "summary",
]

NO_JUMP = 1e-4
"""A smaller relative change at a seam is the rounding of the numbers that were written."""

MOST_MILESTONES = 20
"""More bends than this are counted instead of listed."""


@dataclass(frozen=True)
class Row:
    """One line of ``lrsched show``: an iteration, its exact rate, and what happens there."""

    iteration: int
    rate: float
    what: str = ""


def summary(net: Net, ngpus: int = 1) -> str:
    """A cfg in one line: the policy and the parameters that matter."""
    policy = next(p for p in POLICIES if net.policy == p.KEY)
    shown = {name: getattr(net, name) for name in params(policy) if hasattr(net, name)}
    if net.burn_in:
        shown["burn_in"] = net.burn_in
    parts = [net.policy, *(f"{key} {cfg_value(value)}" for key, value in shown.items() if value is not None)]
    if ngpus > 1:
        parts.append(f"{ngpus} GPUs")
    return " · ".join([*parts, net.dialect.name])


def key_rows(schedule: Schedule, end: int | None) -> Iterator[Row]:
    """The iterations one would look at: the beginning, every bend with the iteration before it, the end."""
    last = end if end is not None else BLOCK
    what: dict[int, list[str]] = {0: [], min(1, last): ["the first update"]}

    def tell(iteration: int, words: str) -> None:
        what.setdefault(iteration, []).extend([words] if words else [])

    bends = list(islice(schedule.milestones(0, last), MOST_MILESTONES + 1))
    for bend in bends[:MOST_MILESTONES]:
        tell(max(bend - 1, 0), "")
        tell(bend, _bend(schedule, bend))
    if len(bends) > MOST_MILESTONES:
        tell(bends[MOST_MILESTONES], "and so on: more bends follow than are listed")
    if isinstance(schedule, BurnIn) and schedule.end > 1:
        printed = first_where(schedule, 1, min(schedule.end, last), lambda rates: ~printed_zero(rates))
        if printed is not None and printed > 1:
            tell(printed, "burn-in: printed above 0.000000 from here on")
    dead = zero_from(schedule, 0, last)
    if dead is not None and dead > 0:
        tell(dead, "printed as 0.000000 from here to the end")
    tell(last, "the end of the run" if end is not None else "")
    words = {iteration: "; ".join(told) for iteration, told in what.items()}
    return rows_at(schedule, sorted(words), words)


def _bend(schedule: Schedule, bend: int) -> str:
    if isinstance(schedule, BurnIn) and bend == schedule.end:
        return "burn-in ends"
    before, after = (float(rate) for rate in schedule([bend - 1, bend]))
    if before and after and math.isfinite(after / before) and abs(after / before - 1) > 0.02:
        return f"x {after / before:.3g}"
    return ""


def rows_at(schedule: Schedule, iterations: Iterable[int], what: Mapping[int, str] | None = None) -> Iterator[Row]:
    """The exact rates at any iterations, evaluated a block at a time."""
    waiting = iter(iterations)
    while block := list(islice(waiting, BLOCK)):
        for iteration, rate in zip(block, schedule(block).tolist(), strict=True):
            yield Row(iteration, rate, (what or {}).get(iteration, ""))


def rows_text(rows: Iterable[Row]) -> Iterator[str]:
    """Rows as a table: the rate as a log prints it, and exactly."""
    yield f"{'iteration':>10}  {'printed':>10}  {'exact':>16}"
    for row in rows:
        yield f"{row.iteration:>10}  {row.rate:>10f}  {row.rate:>16.9g}  {row.what}".rstrip()


def rows_csv(rows: Iterable[Row]) -> Iterator[str]:
    """Rows as CSV with nine significant digits, which give back every float32."""
    yield "iteration,rate"
    for row in rows:
        yield f"{row.iteration},{row.rate:.9g}"


def rows_json(rows: Iterable[Row], source: Net | Schedule, ngpus: int) -> dict[str, Any]:
    """Rows with the cfg or schedule they belong to, for scripts."""
    return {
        **_where(source, ngpus),
        "rates": [{"iteration": row.iteration, "rate": _number(row.rate), "what": row.what} for row in rows],
    }


def plan_text(plan: Plan) -> str:
    """A plan for a person: the verdict first, then the findings, then what to write."""
    run = plan.run
    lines = []
    if run.net is not None:
        lines.append(f"{run.net.source}: {summary(run.net, run.ngpus)}")
    else:
        lines.append(f"{run.schedule!r}")
    lines += [_verdict(plan), ""]
    for finding in plan.findings:
        lines += [f"{finding.severity:<8} {finding.code}", _wrapped(finding.message, 9), ""]
    lines += _what_to_write(plan)
    if plan.extensions:
        lines += _ways_to_go_on(plan)
    if run.end is not None:
        lines.append(f"Rate at the end, iteration {run.end}: {_rate(run.rate(run.end))}")
    return "\n".join(lines)


def _what_to_write(plan: Plan) -> Iterator[str]:
    for code in dict.fromkeys(suggestion.cures for suggestion in plan.suggestions):
        yield f"What to write against {code} (each line was tried on the exact rates):"
        for suggestion in plan.suggestions:
            if suggestion.cures == code:
                yield from changed_lines(suggestion.changes)
                goal = suggestion.run.goal
                rate = "" if goal is None else f"; {_rate(suggestion.rate_at_target)} at {goal}"
                yield _wrapped(f"{suggestion.why}{rate}", 8)
        yield ""


def suggestions_text(suggestions: Sequence[Suggestion]) -> str:
    """Suggestions as lines to paste."""
    if not suggestions:
        return "No value of a key of this policy gives that rate."
    lines: list[str] = []
    for suggestion in suggestions:
        lines += changed_lines(suggestion.changes, 0)
        lines.append(_wrapped(f"{suggestion.why}: {_rate(suggestion.rate_at_target)}", 8))
    return "\n".join(lines)


def suggestions_json(suggestions: Sequence[Suggestion]) -> list[dict[str, Any]]:
    """Suggestions for scripts; the keys are stable, numbers that are not finite are null."""
    return [
        {
            "changes": dict(suggestion.changes),
            "why": suggestion.why,
            "rate_at_target": _number(suggestion.rate_at_target),
            "cures": suggestion.cures,
            "target": suggestion.run.goal,
        }
        for suggestion in suggestions
    ]


def net_text(net: Net) -> str:
    """A ``[net]`` section with the numbers of the rate, as one would write it."""
    policy = next(p for p in POLICIES if net.policy == p.KEY)
    first = ("batch", "subdivisions", "learning_rate", "burn_in", "max_batches", "policy")
    keys = [*first, *(name for name in params(policy) if name not in first and hasattr(net, name))]
    lines = [f"{key}={cfg_value(value)}" for key in keys if (value := getattr(net, key)) is not None]
    return "\n".join(["[net]", *lines])


def _ways_to_go_on(plan: Plan) -> Iterator[str]:
    run = plan.run
    yield f"Ways to go on from iteration {run.start} to {run.target}:"
    for way in plan.extensions:
        jump = "no jump" if abs(way.jump - 1) < NO_JUMP else f"x {way.jump:.3g}"
        if not math.isfinite(way.jump):
            jump = "no number tells the jump"
        yield f"    {way.name}: {way.why}"
        yield _wrapped(
            f"{_rate(way.before)} before, {_rate(way.after)} after the seam ({jump}); "
            f"{_rate(way.rate_at_target)} at {way.run.goal}",
            8,
        )
        yield from changed_lines(way.changes, 8)
    yield ""


def changed_lines(changes: Mapping[str, Any], indent: int = 4) -> Iterator[str]:
    """Changes as the lines to paste into ``[net]``."""
    for key, value in changes.items():
        yield " " * indent + f"{key}={cfg_value(value)}"


def _wrapped(sentence: str, indent: int) -> str:
    return textwrap.fill(sentence, 96, initial_indent=" " * indent, subsequent_indent=" " * indent)


def _verdict(plan: Plan) -> str:
    if plan.ok:
        return "OK: nothing will go wrong with the rate." if not plan.findings else "OK, with notes."
    counts = {"error": 0, "warning": 0}
    for finding in plan.findings:
        if finding.severity in counts:
            counts[finding.severity] += 1
    named = [f"{n} {severity}{'s' if n > 1 else ''}" for severity, n in counts.items() if n]
    return f"Not as meant: {' and '.join(named)}."


def _rate(rate: float) -> str:
    return f"{rate:f}" if not printed_zero(rate) or rate == 0 else f"{rate:f} (exactly {rate:.3g})"


def plan_json(plan: Plan) -> dict[str, Any]:
    """A plan for scripts; the keys are stable, numbers that are not finite are null."""
    run = plan.run
    return {
        **_where(run.schedule if run.net is None else run.net, run.ngpus),
        "start": run.start,
        "target": run.target,
        "end": run.end,
        "ok": plan.ok,
        "zero_from": plan.zero_from,
        "rate_at_target": _number(plan.rate_at_target),
        "findings": [_finding(finding) for finding in plan.findings],
        "suggestions": suggestions_json(plan.suggestions),
        "extensions": [
            {
                "name": way.name,
                "changes": {key: _number(v) if isinstance(v, float) else v for key, v in way.changes.items()},
                "why": way.why,
                "before": _number(way.before),
                "after": _number(way.after),
                "rate_at_target": _number(way.rate_at_target),
            }
            for way in plan.extensions
        ],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {f.name: getattr(finding, f.name) for f in fields(finding)}


def _where(source: Net | Schedule, ngpus: int) -> dict[str, Any]:
    if isinstance(source, Schedule):
        return {"schedule": repr(source)}
    return {"cfg": source.source, "dialect": source.dialect.name, "policy": source.policy, "ngpus": ngpus}


def _number(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def policies_json(name: str | None = None) -> list[dict[str, Any]]:
    """The policies with their formula and keys, from the declared parameters.

    Raises:
        ValueError: for an unknown name.
    """
    return [
        {
            "name": key,
            "about": _first_line(kind),
            "formula": kind.FORMULA,
            "keys": [
                {
                    "key": field.name,
                    "needed": field.default is MISSING,
                    "default": None if field.default is MISSING else field.default,
                    "lowest": _number(param.low),
                    "highest": _number(param.high),
                    "zero": param.zero,
                    "typical": list(param.typical),
                    "about": param.doc,
                }
                for field in fields(kind)
                if (param := params(kind).get(field.name))
            ],
        }
        for key, kind in _chosen(name).items()
    ]


def policies_text(name: str | None = None) -> str:
    """The policies as one reads them in a terminal.

    Raises:
        ValueError: for an unknown name.
    """
    lines = []
    for policy in policies_json(name):
        lines += [f"{policy['name']}: {policy['about']}", f"    {policy['formula']}"]
        for key in policy["keys"]:
            default = "needed" if key["needed"] else f"default {cfg_value(key['default'])}"
            usual = "usually {} to {}".format(*(cfg_value(float(bound)) for bound in key["typical"]))
            lines.append(f"    {key['key']:<18} {default:<16} {_range(key):<16} {usual:<26} {key['about']}")
        lines.append("")
    return "\n".join(lines).rstrip()


def _range(key: Mapping[str, Any]) -> str:
    low, high = key["lowest"], key["highest"]
    if low is None:
        return "any number"
    if high == LAST_ITERATION:
        return ("any integer" if low < 0 else f"at least {low:g}") + ("" if key["zero"] or low > 0 else " but 0")
    return f"{low:g} to {high:g}"


def _chosen(name: str | None) -> dict[str, type[Policy] | type[BurnIn]]:
    known: dict[str, type[Policy] | type[BurnIn]] = {policy.KEY: policy for policy in POLICIES}
    known["burn_in"] = BurnIn
    if name is None:
        return known
    if name not in known:
        raise ValueError(f"policy must be one of {', '.join(known)}, got {name!r}")
    return {name: known[name]}


def _first_line(kind: type) -> str:
    return (kind.__doc__ or "").partition("\n")[0].partition(": :math:")[0].replace("``", "").rstrip(".:")


def plan_html(plan: Plan) -> str:
    """A plan for a notebook: the text, findings coloured by their severity."""
    colours = {"error": "#b00020", "warning": "#9a6700", "note": "#57606a"}
    rows = "".join(
        f'<tr><td style="color:{colours[finding.severity]};font-weight:bold">{finding.severity}</td>'
        f'<td><code>{escape(finding.code)}</code></td><td style="text-align:left">{escape(finding.message)}</td></tr>'
        for finding in plan.findings
    )
    lines = "".join(
        f"<tr><td><code>{'<br>'.join(escape(line) for line in changed_lines(suggestion.changes, 0))}</code></td>"
        f'<td style="text-align:left">{escape(suggestion.why)}; {escape(_rate(suggestion.rate_at_target))}</td></tr>'
        for suggestion in plan.suggestions
    )
    what = f"<p>What to write instead:</p><table>{lines}</table>" if lines else ""
    return f"<p><b>{escape(_verdict(plan))}</b></p><table>{rows}</table>{what}"

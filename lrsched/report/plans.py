"""Plans and suggestions for scripts: JSON with stable keys, and the annotations of a CI run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import Any

from lrsched.planner import Extension, Finding, Plan, Suggestion
from lrsched.report import source_json

__all__ = ["changes_json", "github_lines", "plan_json"]

GITHUB = {"error": "error", "warning": "warning", "note": "notice"}


def plan_json(plan: Plan) -> dict[str, Any]:
    """A plan for scripts."""
    return {
        **source_json(plan.run.config, plan.run.schedule, plan.run.ngpus),
        **{name: getattr(plan.run, name) for name in ("start", "target", "horizon", "last")},
        **{name: getattr(plan, name) for name in ("ok", "zero_from", "rate_at_target", "findings")},
        "suggestions": changes_json(plan.suggestions),
        "extensions": changes_json(plan.extensions),
    }


def changes_json(offered: Sequence[Suggestion | Extension]) -> list[dict[str, Any]]:
    """Suggestions and extensions for scripts: all but the run they lead to."""
    return [{f.name: getattr(each, f.name) for f in fields(each) if f.name != "run"} for each in offered]


def github_lines(plan: Plan) -> Iterator[str]:
    """Findings as workflow commands of GitHub Actions, which shows them beside the line of the file."""
    file = "" if plan.run.config is None else f"file={_escaped(plan.run.config.source, '%:,')},"
    for finding in plan.findings:
        line = _line(plan, finding)
        place = file if line is None else f"{file}line={line},"
        yield f"::{GITHUB[finding.severity]} {place}title={finding.code}::{_escaped(finding.message, '%')}"


def _line(plan: Plan, finding: Finding) -> int | None:
    """The line of the file that a finding is about: the one it names, or that of the first key it names."""
    if named := re.search(r"\bline (\d+)", finding.message):
        return int(named[1])
    code = finding.code.split("-")  # burn-in-long is about burn_in
    words = ["_".join(code[:end]) for end in range(len(code), 0, -1)] + re.findall(r"\w+", finding.message.lower())
    if plan.run.config is None:
        return None
    lines = (plan.run.config.line_of(key) for word in words for key in (word, f"{word}s"))
    return next((line for line in lines if line is not None), None)


def _escaped(text: str, characters: str) -> str:
    return "".join(f"%{ord(char):02X}" if char in characters + "\r\n" else char for char in text)

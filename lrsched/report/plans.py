"""Plans and suggestions for scripts: JSON with stable keys, and the annotations of a CI run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from lrsched.planner import Plan, Suggestion
from lrsched.schedule import Schedule

__all__ = ["github_lines", "plan_json", "source_json", "suggestions_json"]

GITHUB = {"error": "error", "warning": "warning", "note": "notice"}


def plan_json(plan: Plan) -> dict[str, Any]:
    """A plan for scripts."""
    run = plan.run
    return {
        **source_json(run.config, run.schedule, run.ngpus),
        "start": run.start,
        "target": run.target,
        "horizon": run.horizon,
        "last": run.last,
        "ok": plan.ok,
        "zero_from": plan.zero_from,
        "rate_at_target": plan.rate_at_target,
        "findings": plan.findings,
        "suggestions": suggestions_json(plan.suggestions),
        "extensions": [
            {
                "name": way.name,
                "changes": way.changes,
                "text": way.text,
                "before": way.before,
                "after": way.after,
                "rate_at_target": way.rate_at_target,
            }
            for way in plan.extensions
        ],
    }


def suggestions_json(suggestions: Sequence[Suggestion]) -> list[dict[str, Any]]:
    """Suggestions for scripts."""
    return [
        {
            "changes": suggestion.changes,
            "text": suggestion.text,
            "rate_at_target": suggestion.rate_at_target,
            "fixes": suggestion.fixes,
            "target": suggestion.target,
            "exact": suggestion.exact,
        }
        for suggestion in suggestions
    ]


def source_json(config: Any, schedule: Schedule, ngpus: int) -> dict[str, Any]:
    """Where rates come from: a cfg and how it is trained, or a schedule."""
    if config is None:
        return {"schedule": repr(schedule)}
    return {"cfg": config.source, "dialect": config.dialect.name, "policy": config.policy, "ngpus": ngpus}


def github_lines(plan: Plan) -> Iterator[str]:
    """Findings as workflow commands of GitHub Actions, which shows them beside the file."""
    file = "" if plan.run.config is None else f"file={_escaped(plan.run.config.source, '%:,')},"
    for finding in plan.findings:
        yield f"::{GITHUB[finding.severity]} {file}title={finding.code}::{_escaped(finding.message, '%')}"


def _escaped(text: str, characters: str) -> str:
    return "".join(f"%{ord(char):02X}" if char in characters + "\r\n" else char for char in text)

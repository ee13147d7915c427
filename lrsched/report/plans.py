"""Plans and suggestions for scripts: JSON with stable keys, and the annotations of a CI run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import Any

from lrsched.planner import Extension, Plan, Suggestion
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
    """Findings as workflow commands of GitHub Actions, which shows them beside the file."""
    file = "" if plan.run.config is None else f"file={_escaped(plan.run.config.source, '%:,')},"
    for finding in plan.findings:
        yield f"::{GITHUB[finding.severity]} {file}title={finding.code}::{_escaped(finding.message, '%')}"


def _escaped(text: str, characters: str) -> str:
    return "".join(f"%{ord(char):02X}" if char in characters + "\r\n" else char for char in text)

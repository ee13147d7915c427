"""Plans and suggestions for scripts: JSON with stable keys, and the annotations of a CI run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import Any

from lrsched.planner import Extension, Finding, Plan, Suggestion
from lrsched.report import source_json

__all__ = ["changes_json", "github_error", "github_lines", "plan_json"]

GITHUB = {"error": "error", "warning": "warning", "note": "notice"}


def plan_json(plan: Plan) -> dict[str, Any]:
    """A plan for scripts."""
    run = plan.run
    return {
        **source_json(run.schedule if run.config is None else run.config, run.ngpus),
        **{name: getattr(run, name) for name in ("start", "target", "horizon", "last")},
        **{name: getattr(plan, name) for name in ("ok", "zero_from", "rate_at_target", "findings")},
        "suggestions": changes_json(plan.suggestions),
        "extensions": changes_json(plan.extensions),
    }


def changes_json(offered: Sequence[Suggestion | Extension]) -> list[dict[str, Any]]:
    """Suggestions and extensions for scripts: all but the run they lead to."""
    return [{f.name: getattr(each, f.name) for f in fields(each) if f.name != "run"} for each in offered]


def github_lines(plan: Plan) -> Iterator[str]:
    """Findings as workflow commands of GitHub Actions, which shows them beside the line of the file."""
    for finding in plan.findings:
        yield _annotation(GITHUB[finding.severity], *_place(plan, finding), finding.code, finding.message)


def github_error(name: str, message: str) -> str:
    """Why there is no plan of a file, in the same form: in its line, where the message begins with ``name:line:``."""
    line = re.match(re.escape(name) + r":(\d+):", message)
    return _annotation("error", name, line and int(line[1]), "unreadable", message)


def _annotation(severity: str, file: str, line: int | None, title: str, message: str) -> str:
    place = f"file={_escaped(file, '%:,')}," * bool(file) + f"line={line}," * bool(line)
    return f"::{severity} {place}title={title}::{_escaped(message, '%')}"


def _place(plan: Plan, finding: Finding) -> tuple[str, int | None]:
    """The file and line that a finding is about: the line it names, or that of the first key it names."""
    if plan.run.config is None:
        return "", None
    if named := re.search(r"\bline (\d+)", finding.message):
        return plan.run.config.source, int(named[1])
    code = finding.code.split("-")  # burn-in-long is about burn_in
    words = ["_".join(code[:end]) for end in range(len(code), 0, -1)] + re.findall(r"\w+", finding.message.lower())
    places = (plan.run.planning.place_of(key) for word in words for key in (word, f"{word}s"))
    return next((place for place in places if place is not None), (plan.run.config.source, None))


def _escaped(text: str, characters: str) -> str:
    return "".join(f"%{ord(char):02X}" if char in characters + "\r\n" else char for char in text)

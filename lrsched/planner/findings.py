"""All rules in the order in which their findings are told; each says what goes wrong, from where, and why."""

from __future__ import annotations

from lrsched.planner.facts import Facts, Finding, Rule
from lrsched.planner.rules_cfg import CFG_RULES, READING_RULES
from lrsched.planner.rules_curve import CURVE_RULES
from lrsched.planner.rules_end import END_RULES

__all__ = ["RULES", "find"]

RULES: tuple[Rule, ...] = READING_RULES + END_RULES + CURVE_RULES + CFG_RULES

ORDER = ("error", "warning", "note")


def find(facts: Facts, code: str | None = None) -> tuple[Finding, ...]:
    """What every rule says of a run, the most serious first; with a code only the rule that may find it is asked."""
    asked = [rule for rule in RULES if code is None or code in rule.codes]
    found = [finding for rule in asked for finding in rule.look(facts) if code in (None, finding.code)]
    return tuple(sorted(found, key=lambda finding: ORDER.index(finding.severity)))

"""The planner: what will go wrong in a run, and which numbers to write instead."""

from lrsched.planner.facts import Finding
from lrsched.planner.plan import Plan, plan
from lrsched.planner.search import zero_from
from lrsched.planner.suggestions import Suggestion, suggest

__all__ = ["Finding", "Plan", "Suggestion", "plan", "suggest", "zero_from"]

"""The planner: what will go wrong in a run, and which numbers to write instead."""

from lrsched.planner.fixing import Extension, Suggestion
from lrsched.planner.plan import Plan, plan, suggest
from lrsched.rules import Finding
from lrsched.search import zero_from

__all__ = ["Extension", "Finding", "Plan", "Suggestion", "plan", "suggest", "zero_from"]

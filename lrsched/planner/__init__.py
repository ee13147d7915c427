"""The planner: what will go wrong in a run, and which numbers to write instead."""

from lrsched.planner.findings import Finding
from lrsched.planner.plan import Plan, plan
from lrsched.planner.search import zero_from
from lrsched.planner.suggestions import Suggestion

__all__ = ["Finding", "Plan", "Suggestion", "plan", "zero_from"]

"""The planner: what will go wrong in a run, and which numbers to write instead."""

from lrsched.planner.facts import Finding
from lrsched.planner.plan import Plan, plan
from lrsched.planner.resume import Extension
from lrsched.planner.suggestions import Suggestion
from lrsched.planner.wishes import suggest
from lrsched.search import zero_from
from lrsched.trainers.darknet.usual import usual_net as design

__all__ = ["Extension", "Finding", "Plan", "Suggestion", "design", "plan", "suggest", "zero_from"]

"""What loss curves say: a verdict with its confidence, the evidence in numbers, and changes of the schedule."""

from lrsched.curves.advice import Advice, Evidence, Mark
from lrsched.curves.measures import Course, Turn
from lrsched.curves.verdicts import VERDICTS, Verdict, verdict_of

__all__ = ["VERDICTS", "Advice", "Course", "Evidence", "Mark", "Turn", "Verdict", "verdict_of"]

"""What loss curves say: a verdict with its confidence, the evidence in numbers, and changes of the schedule."""

from lrsched.curves.advice import Advice
from lrsched.curves.course import Course
from lrsched.curves.evidence import Evidence, Mark
from lrsched.curves.verdicts import VERDICTS, Verdict, verdict_of

__all__ = ["VERDICTS", "Advice", "Course", "Evidence", "Mark", "Verdict", "verdict_of"]

"""Which schedule explains observed rates: curves whose times are tried, whose rates are solved, by which clock."""

from lrsched.fitting.clocks import Clock, clock_sentence
from lrsched.fitting.explanations import Fit, Forms, fit
from lrsched.fitting.forms import Guess
from lrsched.fitting.observed import Observed, printed_slack
from lrsched.fitting.resumes import beginning, clock_of, pieces, shifts
from lrsched.fitting.solving import sampled, slopes

__all__ = [
    "Clock",
    "Fit",
    "Forms",
    "Guess",
    "Observed",
    "beginning",
    "clock_of",
    "clock_sentence",
    "fit",
    "pieces",
    "printed_slack",
    "sampled",
    "shifts",
    "slopes",
]

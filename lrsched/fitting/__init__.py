"""Which schedule explains observed rates: curves whose times are tried, whose rates are solved, by which clock."""

from lrsched.fitting.clocks import Clock
from lrsched.fitting.explanations import Fit, Forms, beginning, clock_of, fit, pieces, shifts
from lrsched.fitting.forms import Guess
from lrsched.fitting.observed import Observed, printed_slack
from lrsched.fitting.sentences import clock_sentence, resume_sentences
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
    "resume_sentences",
    "sampled",
    "shifts",
    "slopes",
]

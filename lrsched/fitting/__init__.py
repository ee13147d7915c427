"""Which schedule explains observed rates: curves whose times are tried, whose rates are solved, by which clock."""

from lrsched.fitting.clocks import Clock
from lrsched.fitting.explanations import Fit, clock_of, fit, pieces
from lrsched.fitting.observed import Observed, printed_slack
from lrsched.fitting.sentences import clock_sentence, resume_sentences

__all__ = [
    "Clock",
    "Fit",
    "Observed",
    "clock_of",
    "clock_sentence",
    "fit",
    "pieces",
    "printed_slack",
    "resume_sentences",
]

"""Which schedule explains observed rates: curves whose times are tried, whose rates are solved, by which clock."""

from lrsched.fitting.clocks import Clock, clock_sentence
from lrsched.fitting.explanations import Fit, Forms, fit
from lrsched.fitting.forms import Guess
from lrsched.fitting.observed import Observed, printed_slack, slopes
from lrsched.fitting.resumes import beginning, clock_of, pieces, shifts

__all__ = ["Clock", "Fit", "Forms", "Guess", "Observed", "beginning", "clock_of", "clock_sentence", "fit"]
__all__ += ["pieces", "printed_slack", "shifts", "slopes"]

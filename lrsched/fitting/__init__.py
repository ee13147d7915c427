"""Which schedule explains observed rates: curves whose times are tried, whose rates are solved, by which clock."""

from lrsched.fitting.clocks import Clock
from lrsched.fitting.observed import Observed, printed_slack
from lrsched.fitting.search import Fit, clock_of, fit, pieces

__all__ = ["Clock", "Fit", "Observed", "clock_of", "fit", "pieces", "printed_slack"]

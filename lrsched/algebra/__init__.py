"""Schedules made of schedules: one after another, products, later, longer, again, held, within limits.

Every function takes schedules or plain functions of the iteration and returns a schedule, which can be combined again.
Rates are float64; those of darknet's policies keep their exact values.
"""

from lrsched.algebra.base import Float64Schedule, Imported
from lrsched.algebra.clocks import Held, Repeated, Shifted, held, repeated, shifted
from lrsched.algebra.sequence import Then, then
from lrsched.algebra.stretch import Stretched, stretched
from lrsched.algebra.table import Table, table
from lrsched.algebra.values import Clamped, Scaled, Times, clamped, scaled, times

__all__ = [
    "Clamped",
    "Float64Schedule",
    "Held",
    "Imported",
    "Repeated",
    "Scaled",
    "Shifted",
    "Stretched",
    "Table",
    "Then",
    "Times",
    "clamped",
    "held",
    "repeated",
    "scaled",
    "shifted",
    "stretched",
    "table",
    "then",
    "times",
]

"""Schedules made of schedules: one after another, products, later, longer, again, held, within limits.

Every function takes schedules or plain functions of the iteration and returns a schedule, which can be combined again.
Rates are float64; those of darknet's policies keep their exact values.
"""

from lrsched.schedules.base import Float64Schedule, Imported
from lrsched.schedules.combine import Clamped, Scaled, Times, clamped, scaled, times
from lrsched.schedules.retime import Held, Repeated, Shifted, held, repeated, shifted
from lrsched.schedules.sequence import Then, then
from lrsched.schedules.stretch import Stretched, stretched
from lrsched.schedules.table import Table, table

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

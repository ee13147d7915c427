"""Schedules of other libraries to lrsched and back: ``from_...`` reads one, ``to_...`` makes one to train with."""

from lrsched.convert.fitting import fit_cfg
from lrsched.frameworks.tables import from_table

__all__ = ["fit_cfg", "from_table"]

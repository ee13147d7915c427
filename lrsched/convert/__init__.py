"""Schedules of other libraries to lrsched and back: ``from_...`` reads one, ``to_...`` makes one to train with."""

from lrsched.frameworks.tables import from_table

__all__ = ["from_table"]

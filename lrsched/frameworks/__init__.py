"""Other libraries' schedules, one module a framework: recognised, read, made. None is imported before it is needed."""

from lrsched.frameworks.recognition import schedule_of

__all__ = ["schedule_of"]

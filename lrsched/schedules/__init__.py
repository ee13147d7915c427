"""Schedules people compose: named ones, combinators, time units."""

__all__: list[str] = []

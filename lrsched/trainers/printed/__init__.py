"""What logs of printed numbers have in common: text and tables, their rounding, their runs, their settings."""

__all__: list[str] = []

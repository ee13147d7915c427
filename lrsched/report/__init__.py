"""Plans and logs as text and JSON."""

__all__: list[str] = []

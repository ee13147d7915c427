"""What darknet prints while it trains: lines become records, layers and events."""

__all__: list[str] = []

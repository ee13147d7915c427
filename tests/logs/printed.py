"""Old names of tests.factories, until every test uses the new ones."""

from tests.factories import Line as Printed
from tests.factories import garbage, layer_lines, same
from tests.factories import record_lines as records

__all__ = ["Printed", "garbage", "layer_lines", "records", "same"]

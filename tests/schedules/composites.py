"""Old names of tests.factories, until every test uses the new ones."""

from tests.factories import LONG, harmonic, staircase
from tests.factories import Tree as Drawn
from tests.factories import named_schedules as drawn_shapes
from tests.factories import trees as drawn_trees

__all__ = ["LONG", "Drawn", "drawn_shapes", "drawn_trees", "harmonic", "staircase"]

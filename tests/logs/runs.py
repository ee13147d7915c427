"""Old names of tests.factories, until every test uses the new ones."""

from tests.factories import log_lines as lines_of
from tests.factories import log_of
from tests.factories import net_of as cfg
from tests.factories import run_log as run
from tests.factories import turns as loop

__all__ = ["cfg", "lines_of", "log_of", "loop", "run"]

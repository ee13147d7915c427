"""Old names of tests.factories, until every test uses the new ones."""

from tests.factories import run_texts as nets

__all__ = ["LONGEST", "nets"]

LONGEST = 3000

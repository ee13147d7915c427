"""Old names of tests.factories, until every test uses the new ones."""

from tests.factories import Run, damaged, iterations_of, runs
from tests.factories import cfg_texts as cfgs

__all__ = ["Run", "cfgs", "damaged", "iterations_of", "runs"]

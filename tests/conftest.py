"""What holds for every test here."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest
from hypothesis import settings

pytest_plugins = ["pytester"]

# the same examples each time, and a busy machine is no reason to fail
settings.register_profile("lrsched", derandomize=True, database=None, deadline=None, max_examples=60)
settings.load_profile("lrsched")
# `pytest --hypothesis-profile=hunt` looks further, at other examples every time; a failure prints how to repeat it
settings.register_profile("hunt", database=None, deadline=None, max_examples=400, print_blob=True)


@pytest.fixture(autouse=True)
def closed_figures() -> Iterator[None]:
    """Figures belong to pyplot where some other test has loaded it."""
    yield
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close("all")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Fail where CI is set and a test did not run: a skipped test checks nothing."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or not os.environ.get("CI"):
        return
    missing = [outcome for outcome in ("skipped", "deselected", "xfailed") if reporter.stats.get(outcome)]
    if missing and exitstatus == pytest.ExitCode.OK:
        reporter.ensure_newline()
        reporter.write_line(f"CI is set, so every test must run, but some are {' and '.join(missing)}.", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED

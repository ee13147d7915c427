"""A folder with two cfgs and a function, and the command line as a function of its arguments."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeAlias

import pytest

from docs.pages import ROOT
from lrsched.cli import main

CFG = "[net]\nlearning_rate=0.01\npolicy=poly\npower=4\nmax_batches=1000\nburn_in=10\n"
STEPS = "[net]\nmax_batches=500\npolicy=steps\nsteps=400\nscales=.1\n"
FUNCTIONS = """\
def mine(t):
    return 0.001 * (t < 500) + 0.0001 * (t >= 500)

def broken(t):
    return {}[0]
"""


class Done(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str


Command: TypeAlias = Callable[..., Done]


def documented_keys(command: str, part: str) -> set[str]:
    """The keys that docs/json.md names for each item of a part of what a command prints."""
    section = (ROOT / "docs" / "json.md").read_text("utf-8").partition(f"## {command}\n")[2].partition("\n## ")[0]
    rows = re.findall(rf"^\| (`{part}[^|]+) \|", section, re.MULTILINE)
    return set(re.findall(r"\.(\w+)`", "".join(rows)))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: ``a.cfg`` (poly), ``steps.cfg`` and ``my_rates:mine``."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "my_rates", raising=False)
    for name, text in (("a.cfg", CFG), ("steps.cfg", STEPS), ("my_rates.py", FUNCTIONS)):
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.fixture
def command(folder: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run ``lrsched`` with some arguments in the folder."""

    def run(*argv: str) -> Done:
        try:
            code = main(argv)
        except SystemExit as stop:
            code = int(stop.code or 0)
        captured = capsys.readouterr()
        return Done(code, captured.out, captured.err)

    return run

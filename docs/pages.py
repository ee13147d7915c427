"""The examples that stand in README.md and the pages: find them, run them, say what they print today."""

from __future__ import annotations

import contextlib
import doctest
import io
import os
import re
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lrsched.cli import main

__all__ = [
    "ROOT",
    "Block",
    "aligned",
    "blocks",
    "commands",
    "copy_of_docs",
    "failures",
    "pages",
    "run",
    "transcribed",
    "transcript",
    "translations",
]

ROOT = Path(__file__).resolve().parent.parent

FENCE = re.compile(r"^(?P<fence>`{3,})(?P<language>[^\n`]*)\n(?P<text>.*?)^(?P=fence)[ \t]*$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block of a page: its language, its text and the line its text begins at."""

    page: Path
    line: int
    language: str
    text: str

    @property
    def place(self) -> str:
        """Where it stands, for messages."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def pages() -> list[Path]:
    """README.md and the pages of docs/ that people write."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def translations() -> dict[Path, Path]:
    """The Chinese pages, each with the page it says in Chinese; only their index is their own."""
    pages = (page for page in sorted((ROOT / "docs" / "zh").glob("*.md")) if page.stem != "index")
    chinese = {page: ROOT / "docs" / page.name for page in pages}
    return {ROOT / "README.zh.md": ROOT / "README.md", **chinese}


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page, from top to bottom."""
    text = page.read_text("utf-8")
    for match in FENCE.finditer(text):
        line = text.count("\n", 0, match.start("text")) + 1
        yield Block(page, line, match["language"].strip(), match["text"])


def commands(text: str) -> list[str]:
    """The lines of a console block that a person types."""
    return [line[2:] for line in text.splitlines() if line.startswith("$ ")]


def transcript(text: str, folder: Path) -> str:
    """A console block as a terminal in ``folder`` shows it today.

    Raises:
        ValueError: for a command other than lrsched, ``cat FILE`` and ``echo $?``.
    """
    shown, code = "", 0
    with contextlib.chdir(folder):
        for command in commands(text):
            shown += f"$ {command}\n"
            words = shlex.split(command)
            if words == ["echo", "$?"]:
                shown += f"{code}\n"
            elif words[0] == "cat":
                shown += "".join(Path(name).read_text("utf-8") for name in words[1:])
            elif words[0] == "lrsched":
                code, printed = run(words[1:])
                shown += printed
            else:
                raise ValueError(f"{command}: a console block may hold lrsched, cat and echo $? only; use sh instead")
    return shown


def run(arguments: list[str]) -> tuple[int, str]:
    """Run lrsched here: its exit code, and all that it prints."""
    printed = io.StringIO()
    os.environ["COLUMNS"] = "96"
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        try:
            code = main(arguments)
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
    return code, printed.getvalue()


def transcribed(page: Path, folder: Path) -> str:
    """The text of a page with every console block as a terminal shows it today."""

    def today(match: re.Match[str]) -> str:
        if match["language"].strip() != "console":
            return match[0]
        return f"{match['fence']}console\n{transcript(match['text'], folder)}{match['fence']}"

    return FENCE.sub(today, page.read_text("utf-8"))


def aligned(page: Path, original: Path) -> str:
    """The text of a translated page with the blocks of the original, one for one.

    Raises:
        ValueError: when it has more blocks than the original, or fewer.
    """
    same = list(blocks(original))
    if len(same) != len(list(blocks(page))):
        raise ValueError(f"{page.relative_to(ROOT)}: other blocks than in {original.relative_to(ROOT)}")
    theirs = iter(same)

    def copied(match: re.Match[str]) -> str:
        block = next(theirs)
        return f"{match['fence']}{block.language}\n{block.text}{match['fence']}"

    return FENCE.sub(copied, page.read_text("utf-8"))


def failures(page: Path, folder: Path) -> str:
    """Run the Python examples of a page one after the other, in one namespace; what is not as written, or ""."""
    names: dict[str, Any] = {}
    report = io.StringIO()
    runner = doctest.DocTestRunner(verbose=False)
    with contextlib.chdir(folder):
        for block in blocks(page):
            if block.language == "python":
                test = doctest.DocTestParser().get_doctest(block.text, names, block.place, str(page), block.line - 1)
                if not test.examples:
                    raise ValueError(
                        f"{block.place}: a python block needs examples that begin with >>>; use text instead"
                    )
                runner.run(test, out=report.write, clear_globs=False)
                names = test.globs
    return report.getvalue()


def copy_of_docs(folder: Path) -> Path:
    """Make ``folder`` look like a checkout to the examples: it gets the cfgs and pictures of docs/."""
    for name in ("examples", "images"):
        shutil.copytree(ROOT / "docs" / name, folder / "docs" / name)
    return folder

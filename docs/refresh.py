"""Write what the commands print today into README.md and the pages: ``python -m docs.refresh``, then read the diff."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from docs.pages import ROOT, aligned, copy_of_docs, pages, transcribed, translations


def main() -> None:
    for page in pages():
        with tempfile.TemporaryDirectory() as folder:
            _write(page, transcribed(page, copy_of_docs(Path(folder))))
    for page, original in translations().items():
        _write(page, aligned(page, original))


def _write(page: Path, text: str) -> None:
    if text != page.read_text("utf-8"):
        page.write_text(text, "utf-8")
        sys.stdout.write(f"{page.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()

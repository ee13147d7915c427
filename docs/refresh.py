"""Write what the commands print today into README.md and the pages: ``python -m docs.refresh``, then read the diff."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from docs.pages import ROOT, copy_of_docs, pages, transcribed


def main() -> None:
    for page in pages():
        with tempfile.TemporaryDirectory() as folder:
            text = transcribed(page, copy_of_docs(Path(folder)))
        if text != page.read_text("utf-8"):
            page.write_text(text, "utf-8")
            sys.stdout.write(f"{page.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()

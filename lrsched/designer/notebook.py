"""The same page in a notebook: in a sandboxed frame, without a port; its questions are messages of a widget."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from lrsched.designer.server import page_files
from lrsched.designer.session import RefusedError, Session
from lrsched.designer.state import State, asked

__all__ = ["design", "frame", "reply"]

# the frame asks nothing of any network
POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"


def design(*sources: Any, log: Any = None, height: int = 760, **options: Any) -> Any:
    """Shape a schedule on a page inside a notebook; the value is a widget, whose ``config`` is what was made.

    Args:
        sources: a config, its path, a schedule or a function; several are compared.
        log: the log of a run, or its path, whose rates and loss lie under the curve.
        height: the pixels of the page.
        options: ``ngpus``, ``target``, ``classes``, ``images``, ``dialect``, as for ``lrsched.plan``.

    Raises:
        ImportError: where anywidget is not installed.
        OSError, ValueError: for what cannot be read.
    """
    return _widget()(Session.of(sources, log=log, **options), height)


def reply(session: Session, content: Any) -> dict[str, Any]:
    """The answer to a message of the page."""
    given: Mapping[str, Any] = content if isinstance(content, Mapping) else {}
    told = {name: given.get(name) for name in ("lrsched", "view")}
    try:
        return {**told, "status": 200, "body": session.ask(str(given.get("method")), given.get("body") or {})}
    except RefusedError as refused:
        return {**told, "status": refused.status, "body": refused.body}


def frame() -> str:
    """The page as one document."""
    page = {path: content.decode() for path, content in page_files().items()}
    style, script = page["/style.css"].replace("</", "<\\/"), page["/designer.js"].replace("</", "<\\/")
    text = page["/"].replace('<script src="designer.js" defer></script>', "")
    text = text.replace('<link rel="stylesheet" href="style.css">', f"<style>{style}</style>")
    meta = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    return text.replace("<head>", f"<head>{meta}", 1).replace("</body>", f"<script>{script}</script></body>", 1)


def _widget() -> Any:
    try:
        import anywidget  # noqa: PLC0415 (an extra)
        import traitlets  # noqa: PLC0415
    except ImportError:
        how = "pip install 'lrsched-designer[notebook]'"
        raise ImportError(f"the page in a notebook needs anywidget; {how}, or run lrsched design CFG") from None

    class Designer(anywidget.AnyWidget):  # type: ignore[misc]
        """The page of a session in a notebook."""

        _esm = (files("lrsched.designer") / "page" / "widget.js").read_text("utf-8")
        page = traitlets.Unicode().tag(sync=True)
        height = traitlets.Int().tag(sync=True)

        def __init__(self, session: Session, height: int) -> None:
            super().__init__(page=frame(), height=height)
            self.session = session
            self.on_msg(lambda _, content, buffers: self.send(reply(session, content)))

        @property
        def config(self) -> Any:
            """The first config as it stands on the page.

            Raises:
                ValueError: where its trainer would not train it.
            """
            first = self.session.files[0]
            return asked(first.document, State.of(first.latest))

    return Designer

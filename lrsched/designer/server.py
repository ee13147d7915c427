"""The page's server on this machine: the standard library's, for one person, who has the token."""

from __future__ import annotations

import hmac
import json
import re
import secrets
from collections.abc import Mapping
from contextlib import AbstractContextManager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from threading import Lock
from typing import Any

from lrsched.designer.session import RefusedError, Session

__all__ = ["Server", "page_files"]

LARGEST = 1 << 20  # bytes of a request that are read
PATIENCE = 60.0  # seconds that a connection may be silent
KINDS = {"html": "text/html", "css": "text/css", "js": "text/javascript"}

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data: blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

# what Host may be: a name of this machine, so that no other name can be made to point here; a tunnel has any port
LOOPBACK = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?", re.IGNORECASE)


def page_files() -> dict[str, bytes]:
    """The files of the page by their paths."""
    folder = files("lrsched.designer") / "page"
    names = {"/": "index.html", "/style.css": "style.css", "/designer.js": "designer.js"}
    return {path: (folder / name).read_bytes() for path, name in names.items()}


class Server(ThreadingHTTPServer):
    """Answers the page of one session, on this machine only; OSError where the port is taken."""

    daemon_threads: bool = True

    def __init__(self, session: Session, port: int = 0, page: Mapping[str, bytes] | None = None) -> None:
        self.session: Session = session
        self.token: str = secrets.token_urlsafe(24)
        self.lock: AbstractContextManager[Any] = Lock()
        self.page: Mapping[str, bytes] = page_files() if page is None else page
        super().__init__(("127.0.0.1", port), _Handler)

    @property
    def address(self) -> str:
        """What to open; a browser keeps what stands behind the # to itself."""
        return f"http://127.0.0.1:{self.server_port}/#token={self.token}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a browser that went away."""


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "lrsched", ""
    timeout = PATIENCE
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        if why := self._stranger():
            self._refuse(RefusedError(403, why))
        elif self.path not in self.server.page:
            self._refuse(RefusedError(404, "there is no such file"))
        else:
            kind = KINDS[(self.path.rpartition(".")[2] if "." in self.path else "html")]
            self._send(200, self.server.page[self.path], f"{kind}; charset=utf-8")

    def do_POST(self) -> None:
        try:
            told = self._answer()
        except RefusedError as refused:
            self._refuse(refused)
            return
        self._send(200, _json(told), "application/json")

    def _answer(self) -> Any:
        if why := self._stranger():
            raise RefusedError(403, why)
        given = self.headers.get("X-Lrsched-Token", "")
        if not hmac.compare_digest(given.encode("utf-8", "replace"), self.server.token.encode()):
            raise RefusedError(403, "the token is not that of this page; open the address that lrsched printed")
        if self.headers.get_content_type() != "application/json":
            raise RefusedError(415, "a request must be application/json")
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal():
            raise RefusedError(411, "a request needs a Content-Length")
        if int(length) > LARGEST:
            raise RefusedError(413, f"a request may have at most {LARGEST} bytes")
        if not self.path.startswith("/api/"):
            raise RefusedError(404, "there is no such method")
        content, self.read = self.rfile.read(int(length)), True
        try:
            body = json.loads(content, parse_constant=_no_number)
        except (ValueError, RecursionError):
            raise RefusedError(400, "this is not JSON") from None
        with self.server.lock:
            try:
                return self.server.session.ask(self.path.removeprefix("/api/"), body)
            except RefusedError:
                raise
            except Exception as why:  # a page must be able to say that something is wrong
                raise RefusedError(500, f"internal error, please report it: {type(why).__name__}: {why}") from None

    read = False

    def _stranger(self) -> str:
        """Why whoever asks is not the page of this machine; empty where it may be."""
        host, origin = self.headers.get("Host", ""), self.headers.get("Origin")
        if not LOOPBACK.fullmatch(host):
            return "Host must be a name of this machine: 127.0.0.1, localhost or [::1]"
        if origin is not None and origin.lower() != f"http://{host.lower()}":
            return "a page of another origin may not ask"
        # a link to the page may stand anywhere, such as in a notebook's terminal
        if self.command != "GET" and self.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
            return "another site may not ask"
        return ""

    def _refuse(self, refused: RefusedError) -> None:
        self.close_connection = self.close_connection or not self.read  # a body that was not read is no next request
        self._send(refused.status, _json(refused.body), "application/json")

    def _send(self, status: int, content: bytes, kind: str) -> None:
        self.read = False
        self.send_response(HTTPStatus(status))
        for name, value in {**HEADERS, "Content-Type": kind, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the name of the base)
        """Print nothing: the terminal is the person's."""


def _json(document: Any) -> bytes:
    return json.dumps(document, allow_nan=False, separators=(",", ":")).encode()


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no JSON")

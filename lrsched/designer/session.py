"""What a page asks, and what it gets: the documents of one session, and the files that may be written."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from lrsched.designer.answer import answer, rate_at, text_of
from lrsched.designer.document import Document
from lrsched.designer.state import Json, RequestError, State, wanted
from lrsched.files import write_file
from lrsched.log import Log
from lrsched.plotting.curves import thinned
from lrsched.text import json_ready

__all__ = ["RefusedError", "Session", "Shaped"]

LOG_COLUMNS = 1000  # the log is drawn with the extremes of so many columns


class RefusedError(Exception):
    """What is not done, with the status that says so."""

    def __init__(self, status: int, why: str, **more: Any) -> None:
        super().__init__(why)
        self.status: int = status
        self.body: Json = {"error": why, **more}


@dataclass
class Shaped:
    """A document that is shaped."""

    document: Document  # as it was read
    state: Json  # the one it begins with
    read: Callable[[], Document] | None  # reads it anew; None for what came from no file, and is not saved
    latest: Json = field(init=False)  # the state that was answered last
    written: str = field(init=False)  # a digest of what was read or written last

    def __post_init__(self) -> None:
        self.latest, self.written = self.state, _digest(self.document.files)

    @property
    def why_not(self) -> str:
        """Why it cannot be saved; empty where it can."""
        if self.document.why_not:
            return self.document.why_not
        if self.read is None:
            return "It came from no file; download it instead."
        for name in self.document.files:
            if Path(name).exists() and not os.access(name, os.W_OK):
                return f"{name} is read-only; download it instead."
        return ""

    @property
    def on_disk(self) -> str | None:
        """What is on disk now: its digest, empty where a file is gone; None for what came from no file."""
        if self.read is None or not self.document.files:
            return None
        try:
            return _hash(Path(name).read_bytes() for name in self.document.files)
        except OSError:
            return ""


@dataclass
class Session:
    """The documents that a page shapes, and the log that lies under the curve."""

    files: list[Shaped]
    log: Log | None = None

    @classmethod
    def of(cls, sources: Sequence[Any], *, log: Any = None, ngpus: int = 1, dialect: Any = None, **run: Any) -> Session:
        """A session for paths, configs, schedules or functions.

        Raises:
            OSError, ValueError: for what cannot be read.
        """
        options: dict[str, Any] = {"dialect": dialect} if dialect else {}
        options["data"] = {name: run.get(name) for name in ("classes", "images")}
        state, files = json_ready(State.of({"ngpus": ngpus, **run})), []
        for source in sources:
            name = "<stdin>" if isinstance(source, str) and "\n" in source else ""
            read = partial(Document.of, source, name, ngpus=ngpus, **options)
            document = read()
            on_file = bool(document.files) and all(Path(name).is_file() for name in document.files)
            files.append(Shaped(document, state, read if on_file else None))
        if log is not None and not isinstance(log, Log):
            from lrsched.logs import read_log  # noqa: PLC0415 (most pages have no log)

            log = read_log(log)
        return cls(files, log)

    def ask(self, method: str, body: Any) -> Json:
        """The answer to a request; RefusedError, with its status, for what is not done."""
        if method not in ("open", "answer", "rate", "text", "save", "reload"):
            raise RefusedError(404, f"there is no method {method}")
        answering: Callable[[Mapping[str, Any]], Json] = getattr(self, f"_{method}")
        try:
            return answering(wanted(body, "the request"))
        except RequestError as why:
            raise RefusedError(400, str(why)) from None

    def _open(self, body: Mapping[str, Any]) -> Json:
        files = [
            {
                "name": file.document.name,
                "path": os.path.abspath(file.document.config.source) if file.read else "",
                "writable": not file.why_not,
                "why": file.why_not,
            }
            for file in self.files
        ]
        log = None if self.log is None else log_json(self.log)
        return {"files": files, "states": [file.state for file in self.files], "log": json_ready(log)}

    def _place(self, body: Mapping[str, Any]) -> tuple[Shaped, Any, list[tuple[int, Document, Any]]]:
        """The document that a request is about with its state, and the others."""
        index, states = body.get("file", 0), body.get("states", [file.state for file in self.files])
        if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < len(self.files):
            raise RequestError(f"there is no file {index!r}")
        if not isinstance(states, list) or len(states) != len(self.files):
            raise RequestError(f"states must be a list with one for each of the {len(self.files)} files")
        others = [(i, file.document, states[i]) for i, file in enumerate(self.files) if i != index]
        return self.files[index], states[index], others

    def _answer(self, body: Mapping[str, Any]) -> Json:
        file, state, others = self._place(body)
        asked = {name: body.get(name) for name in ("view", "do", "at")}
        told = answer(file.document, state, **asked, others=[other[1:] for other in others])
        for drawn, (place, *_) in zip(told["others"], others, strict=False):
            drawn["file"] = place
        text = "" if told["refused"] or file.document.why_not else _digest(text_of(file.document, told["state"]))
        file.latest, disk = told["state"], file.on_disk
        return told | {
            "hash": file.written,
            "saved": text == file.written,
            "dirty": bool(told["diff"]),
            "disk": "same" if disk in (file.written, None) else "changed" if disk else "gone",
        }

    def _rate(self, body: Mapping[str, Any]) -> Json:
        file, state, _ = self._place(body)
        return rate_at(file.document, state, body.get("at"))

    def _texts(self, body: Mapping[str, Any]) -> tuple[Shaped, Mapping[str, str]]:
        file, state, _ = self._place(body)
        try:
            return file, text_of(file.document, state)
        except (ValueError, TypeError) as why:
            raise RefusedError(400, str(why)) from None

    def _text(self, body: Mapping[str, Any]) -> Json:
        _, texts = self._texts(body)
        name, text = next(iter(texts.items()))
        return {"name": Path(name).name, "base64": base64.b64encode(_bytes(text)).decode()}

    def _save(self, body: Mapping[str, Any]) -> Json:
        file, texts = self._texts(body)
        if why := file.why_not:
            raise RefusedError(403, why)
        disk = file.on_disk
        if disk != body.get("seen"):
            what = "has changed on disk since it was read" if disk else "is gone"
            raise RefusedError(409, f"{file.document.name} {what}; nothing was written.", hash=disk)
        for name, text in texts.items():
            if not Path(name).exists() or Path(name).read_bytes() != _bytes(text):
                try:
                    write_file(name, _bytes(text), force=True)
                except OSError as problem:
                    raise RefusedError(403, f"{problem.filename}: {problem.strerror}; nothing was written.") from None
        file.written = _digest(texts)
        return {"saved": True}

    def _reload(self, body: Mapping[str, Any]) -> Json:
        file, _, _ = self._place(body)
        if file.read is None:
            raise RefusedError(400, "It came from no file.")
        try:
            file.document = file.read()
        except (OSError, ValueError) as why:
            said = f"{why.filename}: {why.strerror}" if isinstance(why, OSError) else str(why)
            raise RefusedError(409, said) from None
        file.written = _digest(file.document.files)
        return self._open(body)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _digest(files: Mapping[str, str]) -> str:
    return _hash(map(_bytes, files.values()))


def _hash(contents: Iterable[bytes]) -> str:
    return hashlib.sha256(b"\0".join(contents)).hexdigest()


def log_json(log: Log) -> Json:
    """A log for the page: its rates and the loss that people look at."""
    known = log.records.columns
    loss = next((name for name in ("avg_loss", "loss", *known) if name in known and "loss" in name), None)
    told: Json = {"name": Path(log.source).name, "loss_name": loss and loss.replace("_", " ")}
    for key, name in (("rate", "rate"), ("loss", loss)):
        x, y = thinned(log.iteration, log.records.column(name or ""), LOG_COLUMNS)
        told[key] = None if name not in known else {"t": x, "y": y}
    return told

"""What a page asks, and what it gets: the documents of one session, and the files that may be written."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from lrsched.designer.answer import answer, rate_at, text_of
from lrsched.designer.document import Document
from lrsched.designer.state import RequestError, State, wanted
from lrsched.files import write_file
from lrsched.log import Log
from lrsched.plotting.curves import thinned
from lrsched.text import json_ready

__all__ = ["RefusedError", "Session"]

LOG_COLUMNS = 1000
"""The log is drawn with the extremes of so many columns."""

Json = dict[str, Any]


class RefusedError(Exception):
    """What is not done, with the status that says so."""

    def __init__(self, status: int, why: str, **more: Any) -> None:
        super().__init__(why)
        self.status: int = status
        self.body: Json = {"error": why, **more}


@dataclass
class Session:
    """The documents that a page shapes.

    Attributes:
        documents: what is shaped.
        states: the state that each begins with.
        reread: reads a document anew; None for one that came from no file, and is not saved.
        log: the log that lies under the curve.
        notebook: whether the page is in a notebook.
        written: a digest of what was read or written last.
        latest: the states that were answered last.
    """

    documents: list[Document]
    states: list[Json]
    reread: list[Callable[[], Document] | None]
    log: Log | None = None
    notebook: bool = False
    written: list[str] = field(init=False)
    latest: list[Json] = field(init=False)

    def __post_init__(self) -> None:
        self.written = [_digest(document.files) for document in self.documents]
        self.latest = [*self.states]

    @classmethod
    def of(
        cls,
        sources: Sequence[Any],
        *,
        log: Any = None,
        ngpus: int = 1,
        dialect: Any = None,
        notebook: bool = False,
        **run: Any,
    ) -> Session:
        """A session for paths, configs, schedules or functions.

        Raises:
            OSError, ValueError: for what cannot be read.
        """
        options: dict[str, Any] = {"dialect": dialect} if dialect else {}
        options["data"] = {name: run.get(name) for name in ("classes", "images")}
        makers = [partial(_opened, source, ngpus, options) for source in sources]
        documents = [make() for make in makers]
        given = {name: value for name, value in run.items() if value is not None}
        states = [json_ready(State.of({"ngpus": document.ngpus, **given})) for document in documents]
        onfile: list[Callable[[], Document] | None] = [
            make if _is_file(document) else None for make, document in zip(makers, documents, strict=True)
        ]
        if log is not None and not isinstance(log, Log):
            from lrsched.logs import read_log  # noqa: PLC0415 (most pages have no log)

            log = read_log(log)
        return cls(documents, states, onfile, log, notebook)

    def ask(self, method: str, body: Any) -> Json:
        """The answer to a request.

        Raises:
            RefusedError: with the status, for what is not done.
        """
        known: Mapping[str, Callable[[Mapping[str, Any]], Json]] = {
            "open": self._open,
            "answer": self._answer,
            "rate": self._rate,
            "text": self._text,
            "save": self._save,
            "reload": self._reload,
        }
        if method not in known:
            raise RefusedError(404, f"there is nothing called {method}")
        try:
            return known[method](wanted(body, "the request"))
        except RequestError as why:
            raise RefusedError(400, str(why)) from None

    def _open(self, body: Mapping[str, Any]) -> Json:
        files = [
            {
                "name": document.name,
                "path": os.path.abspath(document.config.source) if reread else "",
                "writable": not (why := self._why_not(index)),
                "why": why,
            }
            for index, (document, reread) in enumerate(zip(self.documents, self.reread, strict=True))
        ]
        log = None if self.log is None else log_json(self.log)
        return {
            **json_ready(
                {
                    "version": 1,
                    "notebook": self.notebook,
                    "files": files,
                    "states": self.states,
                    "log": log,
                    "saved": [True for _ in files],
                }
            )
        }

    def _why_not(self, index: int) -> str:
        """Why a document cannot be saved; empty where it can."""
        document = self.documents[index]
        if document.why_not:
            return document.why_not
        if self.reread[index] is None:
            return "It came from no file; download it instead."
        for name in document.files:
            if Path(name).exists() and not os.access(name, os.W_OK):
                return f"{name} is read-only; download it instead."
        return ""

    def _place(self, body: Mapping[str, Any]) -> tuple[int, list[Any]]:
        """The document that a request is about, and the states of all."""
        index, states = body.get("file", 0), body.get("states", self.states)
        if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < len(self.documents):
            raise RequestError(f"there is no file {index!r}")
        if not isinstance(states, list) or len(states) != len(self.documents):
            raise RequestError(f"states are a list with one for each of the {len(self.documents)} files")
        return index, states

    def _answer(self, body: Mapping[str, Any]) -> Json:
        index, states = self._place(body)
        others = [(document, states[i]) for i, document in enumerate(self.documents) if i != index]
        document = self.documents[index]
        told = answer(
            document, states[index], view=body.get("view"), do=body.get("do"), at=body.get("at"), others=others
        )
        for other, place in zip(told["others"], (i for i in range(len(states)) if i != index), strict=False):
            other["file"] = place
        text = "" if told["refused"] or document.why_not else _digest(text_of(document, told["state"]))
        self.latest[index] = told["state"]
        disk = self._on_disk(index)
        return told | {
            "hash": self.written[index],
            "saved": text == self.written[index],
            "dirty": bool(told["diff"]),
            "disk": "same" if disk in (self.written[index], None) else "changed" if disk else "gone",
        }

    def _rate(self, body: Mapping[str, Any]) -> Json:
        index, states = self._place(body)
        return rate_at(self.documents[index], states[index], body.get("at"))

    def _texts(self, body: Mapping[str, Any]) -> tuple[int, Mapping[str, str]]:
        index, states = self._place(body)
        try:
            return index, text_of(self.documents[index], states[index])
        except (ValueError, TypeError) as why:
            raise RefusedError(400, str(why)) from None

    def _text(self, body: Mapping[str, Any]) -> Json:
        _, texts = self._texts(body)
        name, text = next(iter(texts.items()))
        return {"name": Path(name).name, "text": text, "base64": base64.b64encode(_bytes(text)).decode()}

    def _save(self, body: Mapping[str, Any]) -> Json:
        index, texts = self._texts(body)
        if why := self._why_not(index):
            raise RefusedError(403, why)
        disk = self._on_disk(index)
        if disk != body.get("seen"):
            what = "has changed on disk since it was read" if disk else "is gone"
            raise RefusedError(409, f"{self.documents[index].name} {what}; nothing was written.", hash=disk)
        for name, text in texts.items():
            if not Path(name).exists() or Path(name).read_bytes() != _bytes(text):
                try:
                    write_file(name, _bytes(text), force=True)
                except OSError as problem:
                    raise RefusedError(403, f"{problem.filename}: {problem.strerror}; nothing was written.") from None
        self.written[index] = _digest(texts)
        return {"saved": True, "hash": self.written[index]}

    def _on_disk(self, index: int) -> str | None:
        """What is on disk now: its digest, empty where a file is gone; None for what came from no file."""
        if self.reread[index] is None:
            return None
        names = self.documents[index].files
        try:
            return hashlib.sha256(b"\0".join(Path(name).read_bytes() for name in names)).hexdigest() if names else None
        except OSError:
            return ""

    def _reload(self, body: Mapping[str, Any]) -> Json:
        index, _ = self._place(body)
        reread = self.reread[index]
        if reread is None:
            raise RefusedError(400, "It came from no file.")
        try:
            self.documents[index] = reread()
        except OSError as why:
            raise RefusedError(409, f"{why.filename}: {why.strerror}") from None
        except ValueError as why:
            raise RefusedError(409, str(why)) from None
        self.written[index] = _digest(self.documents[index].files)
        return self._open(body)


def _opened(source: Any, ngpus: int, options: Mapping[str, Any]) -> Document:
    """A source as a document; the JSON of a composed schedule is one, too, and so is a text."""
    if isinstance(source, str) and "\n" in source:
        return Document.of(source, "<stdin>", ngpus=ngpus, **options)
    if isinstance(source, (str, os.PathLike)) and Path(source).suffix == ".json" and Path(source).is_file():
        text = Path(source).read_bytes().decode("utf-8", "surrogateescape")
        return Document.of(f"{text}\n" * ("\n" not in text) or text, str(source), ngpus=ngpus)
    name = Path(source).name if isinstance(source, (str, os.PathLike)) else ""
    return Document.of(source, name, ngpus=ngpus, **options)


def _is_file(document: Document) -> bool:
    return bool(document.files) and all(Path(name).is_file() for name in document.files)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _digest(files: Mapping[str, str]) -> str:
    return hashlib.sha256(b"\0".join(map(_bytes, files.values()))).hexdigest()


def log_json(log: Log) -> Json:
    """A log for the page: its rates and the loss that people look at."""
    known = log.records.columns
    loss = next((name for name in ("avg_loss", "loss", *known) if name in known and "loss" in name), None)
    told: Json = {"name": Path(log.source).name, "unit": log.unit, "loss_name": loss and loss.replace("_", " ")}
    for key, name in (("rate", "rate"), ("loss", loss)):
        x, y = thinned(log.iteration, log.records.column(name or ""), LOG_COLUMNS)
        told[key] = None if name not in known else {"t": x, "y": y}
    return told

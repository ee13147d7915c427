"""What is shaped: a config or a schedule as it was opened, and a composed schedule as a config."""

from __future__ import annotations

import copy
import io
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from lrsched.numbers import declarations
from lrsched.schedule import Schedule
from lrsched.serialize import KIND, from_dict, maker_of, to_dict
from lrsched.shaping import Key, Points, Shaping, key_of
from lrsched.sources import as_config, as_schedule, is_config, read_config
from lrsched.text import did_you_mean
from lrsched.trainers import planning_of, shaping_of

__all__ = ["Composed", "Document", "files_of", "shaping"]

FUNCTION = "A function has no text to write; copy what you see by hand."
NO_TEXT = "Configs of this trainer are not rewritten; copy the changed values by hand."


@dataclass(frozen=True, eq=False)  # equal configs may have different texts
class Document:
    """A config or a schedule as it was opened.

    Attributes:
        config: the config; a schedule that cannot be stored stands here itself.
        name: what it is called on the page.
        ngpus: the number of GPUs it was opened for.
    """

    config: Any
    name: str
    ngpus: int = 1

    @classmethod
    def of(cls, source: Any, name: str = "", *, ngpus: int = 1, **options: Any) -> Document:
        """A document of a text, a path, a config, a schedule or a function.

        Raises:
            OSError, ValueError: for what cannot be read.
        """
        path = Path(source) if isinstance(source, (str, os.PathLike)) and "\n" not in str(source) else None
        text = source if isinstance(source, str) and path is None else ""
        if path is not None and path.suffix == ".json" and path.is_file():
            text = path.read_bytes().decode("utf-8", "surrogateescape")
        if text.lstrip().startswith("{") and f'"{KIND}"' in text:
            config: Any = Composed.of_text(text, str(path or name or "<text>"))
        elif text and path is None:
            file = io.BytesIO(text.encode("utf-8", "surrogateescape"))
            file.name = name or "<text>"
            config = read_config(file, **options)
        elif (read := as_config(source, **options)) is not None:
            config = shaping_of(read).read({})
        else:
            config = Composed.of_schedule(as_schedule(source), name)
        name = name or (path.name if path else "") or str(getattr(config, "source", "schedule"))
        return cls(config, name, ngpus)

    @cached_property
    def files(self) -> Mapping[str, str]:
        """Its texts by the names of their files."""
        return files_of(self.config)

    @property
    def why_not(self) -> str:
        """Why its text cannot be written, in a sentence; empty where it can."""
        return "" if self.files else NO_TEXT if is_config(self.config) else FUNCTION

    def read(self, options: Mapping[str, str]) -> Any:
        """The config as it was opened, read with other options of its trainer."""
        return _reread(self, tuple(sorted(options.items())))


@lru_cache(32)
def _reread(document: Document, options: tuple[tuple[str, str], ...]) -> Any:
    own = shaping(document.config)
    known = own.options()
    for name, _ in options:
        if name not in known:
            raise ValueError(f"{document.name} has no option {name}{did_you_mean(name, known)}")
    same = all(known[name].value == value for name, value in options)
    return document.config if same else own.read(dict(options))


def files_of(config: Any) -> Mapping[str, str]:
    """The texts of a config by the names of their files; none where they cannot be written."""
    if isinstance(config, Composed):
        return {config.source: config.text}
    return planning_of(config).files() if is_config(config) else {}


def shaping(config: Any) -> Shaping:
    """What can be shaped of a config."""
    if isinstance(config, Composed):
        return ComposedShaping(config, Points("peak", "warmup", "final", "horizon"))
    return shaping_of(config)


@dataclass(frozen=True)
class Composed:
    """A composed schedule as a config, whose keys are the paths of its numbers."""

    data: Mapping[str, Any] = field(hash=False, repr=False)
    source: str = field(default="<schedule>", compare=False)
    text: str = field(default="", compare=False, repr=False)

    @classmethod
    def of_text(cls, text: str, source: str) -> Composed:
        """The schedule that a JSON document of ``lrsched.serialize`` describes; ValueError for any other."""
        try:
            data = json.loads(text)
        except (ValueError, RecursionError) as why:
            raise ValueError(f"{source}: the JSON is broken ({why}).") from None
        made = cls(data, source, text)
        _ = made.schedule
        return made

    @classmethod
    def of_schedule(cls, schedule: Schedule, source: str = "") -> Any:
        """A schedule as a config; one that cannot be stored, such as a lambda, is returned as it is."""
        try:
            data = to_dict(schedule)
            return cls(data, source or "schedule.json", _text(data))
        except ValueError:
            return schedule

    @cached_property
    def schedule(self) -> Schedule:
        """The schedule that the data describe."""
        return from_dict(self.data)

    def caption(self, ngpus: int = 1) -> str:
        """The schedule in one line."""
        return self.schedule.caption

    def schedules(self, ngpus: int = 1) -> Mapping[str, Schedule]:
        """The one schedule."""
        return {"rate": self.schedule}

    def with_values(self, changes: Mapping[str, Any]) -> Composed:
        """The same with other numbers; ValueError for one that it does not have, or that does not fit."""
        data = copy.deepcopy(self.data)
        numbers = dict(_numbers(data, ""))
        for path, value in changes.items():
            if path not in numbers:
                raise ValueError(f"{self.source} has no number {path}{did_you_mean(path, numbers)}")
            owner, name = numbers[path]
            owner[name] = list(value) if isinstance(value, tuple) else value
        made = replace(self, data=data, text=_text(data))
        _ = made.schedule
        return made


def _text(data: Any) -> str:
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def _numbers(data: Any, path: str) -> Iterator[tuple[str, tuple[Any, str]]]:
    """Every number of a description: its path, and the dictionary and key where it stands."""
    if isinstance(data, list):
        for index, each in enumerate(data):
            yield from _numbers(each, f"{path}{index}.")
        return
    for name, value in data.items() if isinstance(data, dict) else ():
        if isinstance(value, dict) or (isinstance(value, list) and any(isinstance(each, dict) for each in value)):
            yield from _numbers(value, f"{path}{name}.")
        elif name != KIND and (value is None or isinstance(value, (int, float, list)) or _declared(data, name)):
            yield f"{path}{name}", (data, name)


def _declared(data: Mapping[str, Any], name: str) -> Any:
    return declarations(maker_of(data.get(KIND))).get(name)


def _is_chosen(owner: Mapping[str, Any]) -> bool:
    """Whether people choose numbers that nobody declared: those of a schedule or a config, not how a trainer rounds."""
    made = maker_of(owner.get(KIND))
    return bool(declarations(made)) or not isinstance(made, type) or issubclass(made, Schedule)


class ComposedShaping(Shaping):
    """What can be shaped of a composed schedule: its numbers; of one with a name, its points."""

    config: Composed

    def shown(self) -> Iterator[Key]:
        for path, (owner, name) in _numbers(self.config.data, ""):
            value, known = owner[name], _declared(owner, name)
            value = tuple(value) if isinstance(value, list) else value
            place = path.rpartition(".")[0]
            group = f"{owner.get(KIND)} ({place})" if place else ""
            if known and known[1].text != "schedule":
                yield key_of(path, value, value, *known)._replace(group=group)
            elif isinstance(value, (bool, int, float)) and _is_chosen(owner):
                yield Key(path, value, type(value), default=value, group=group)

    def facts(self) -> tuple[str, ...]:
        return ()

"""What each trainer's config means and what its log says, one package per trainer.

A trainer is a package that offers one ``Trainer``: how to recognise its files, and how to read them. Everything else in
lrsched asks these records and the values they return; it names no trainer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lrsched.log import Explanation, Floats, Integers, Log
from lrsched.rules import Config, Planning
from lrsched.schedule import Schedule
from lrsched.trainers import darknet
from lrsched.trainers.darknet import solving
from lrsched.trainers.darknet.log import explanations, rates, reader

__all__ = ["TRAINERS", "Config", "Trainer", "TrainerLogs", "trainer_of"]


@dataclass(frozen=True, kw_only=True)
class TrainerLogs:
    """What a trainer's logs say, for reading and judging them.

    Attributes:
        begins: whether a file that begins so is its log.
        reader: makes a reader: ``take(piece)``, ``finish()``, ``log(source)``, ``records``; ``layers`` says whether to
            keep the lines of layers.
        rates: the lowest and the highest rate that the record of each iteration can show, for a config and ngpus.
        explanations: what may explain the rates of a log.
        likely_gpus: numbers of GPUs on which a log of this config may have been written.
        readings: the same config on other GPUs or by another version of the trainer, each with a sentence.
        contradictions: what else of a config a log contradicts, a sentence each.
        values: the keys and values of a config that decide its rate.
    """

    begins: Callable[[bytes], bool]
    reader: Callable[..., Any]
    rates: Callable[[Any, Integers, int], tuple[Floats, Floats]]
    explanations: Callable[[Log], Iterator[Explanation]]
    likely_gpus: Callable[[Any, Log], Iterator[int]]
    readings: Callable[[Any, int], Iterator[tuple[Any, int, str]]]
    contradictions: Callable[[Any, Log, int], Iterator[str]]
    values: Callable[[Any], Mapping[str, str]]


@dataclass(frozen=True)
class Trainer:
    """One trainer.

    Attributes:
        name: what people call it.
        config: the class of its config values.
        read_config: reads a config from a path or an open file; options are the trainer's own (a dialect).
        schedules: the classes its schedules are made of, by whose names they are stored.
        config_of: the config that one of its schedules would come from; None for other schedules.
        planning: what its configs know about themselves, for the planner: rules, and keys that bend the curve.
        logs: what its logs say.
    """

    name: str
    config: type[Config]
    read_config: Callable[..., Any]
    schedules: tuple[type, ...]
    config_of: Callable[[Schedule], Config | None]
    planning: type[Planning]
    logs: TrainerLogs


TRAINERS: tuple[Trainer, ...] = (
    Trainer(
        "darknet",
        darknet.Net,
        darknet.read_cfg,
        (*darknet.POLICIES, darknet.BurnIn, darknet.Arithmetic),
        darknet.net_of,
        solving.Planning,
        TrainerLogs(
            begins=lambda begin: False,
            reader=reader.LogReader,
            rates=rates.printed_rates,
            explanations=explanations.explanations,
            likely_gpus=rates.likely_gpus,
            readings=rates.other_readings,
            contradictions=rates.contradictions,
            values=rates.net_values,
        ),
    ),
)
"""The first is the one whose log is looked for where none is recognised by its beginning."""


def trainer_of(thing: Config | Log) -> Trainer:
    """The trainer that a config or a log belongs to."""
    return next(
        trainer
        for trainer in TRAINERS
        if (thing.trainer == trainer.name if isinstance(thing, Log) else isinstance(thing, trainer.config))
    )

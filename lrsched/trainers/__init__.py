"""What each trainer's config means and what its log says, one package per trainer.

A trainer is a package named in ``TRAINERS``: how to recognise its files, and how to read them. Everything else in
lrsched asks these records and the values they return; it names no trainer. A package is loaded when it is needed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

from lrsched.rules import Config, Configs, Planning

if TYPE_CHECKING:
    from lrsched.log import Log, TrainerLogs
    from lrsched.shaping import Shaping

__all__ = ["TRAINERS", "Config", "Trainer", "configs_of", "home_of", "planning_of", "shaping_of", "trainer_of"]


class Trainer(NamedTuple):
    """One trainer; one without configs gives only its name and its logs.

    Attributes:
        name: what people call it, and its package.
        logs: what its logs say, loaded when a log is read.
        detect: whether a path (with the beginning of its text, empty for a folder) leads to one of its configs.
        configs: what its configs are; None for a trainer that is known by its logs alone.
        marks: a pattern of what stands in such a config and in no other file, for searches through folders.
        strategies: the module with which Hypothesis draws its schedules.
    """

    name: str
    logs: Callable[[], TrainerLogs]
    detect: Callable[[str, bytes], bool] = lambda path, begin: False
    configs: Callable[[], Configs] | None = None
    marks: bytes | None = None
    strategies: str = ""


def _logs(package: str, name: str = "LOGS") -> Callable[[], Any]:
    """What a package says about its logs, or of another name, loaded when it is asked."""
    return lambda: getattr(import_module(f"{__name__}.{package}"), name)


_configs = partial(_logs, name="CONFIGS")


def _detect(
    pattern: bytes, *, all_of: Sequence[str] = (), any_of: Sequence[str] = (), endings: tuple[str, ...] = ()
) -> Callable[[str, bytes], bool]:
    """How a config is known: a file by a pattern or the end of its name, a folder by files that lie in it."""

    def detect(path: str, begin: bytes) -> bool:
        if os.path.isdir(path):
            there = [os.path.exists(os.path.join(path, name)) for name in all_of or any_of]
            return all(there) if all_of else any(there)
        return path.lower().endswith(endings) or re.search(pattern, begin, re.MULTILINE) is not None

    return detect


PICKLED = (".bin", ".pt", ".pth", ".pkl", ".ckpt")  # whatever is pickled is refused in the same sentence
ARGUMENTS = rb"\b(lr_scheduler_type|per_device_train_batch_size|warmup_num_steps)\"? *:"
YOLOV5 = ("args.yaml", "hyp.yaml", "opt.yaml", "results.csv", "results.txt")

TRAINERS: tuple[Trainer, ...] = (
    Trainer(
        "darknet",
        _logs("darknet.log"),
        lambda path, begin: not os.path.isdir(path),
        _configs("darknet.configs"),
        marks=rb"^\s*\[net(work)?\]",
        strategies=f"{__name__}.darknet.strategies",
    ),
    Trainer(
        "huggingface", _logs("huggingface"), _detect(ARGUMENTS, endings=PICKLED), _configs("huggingface"), ARGUMENTS
    ),
    Trainer("llm.c", _logs("llmc")),
    Trainer("nanoGPT", _logs("llmc", "NANOGPT_LOGS")),
    Trainer("PaddleClas", _logs("paddle", "CLAS_LOGS")),
    Trainer("PaddlePaddle", _logs("paddle")),
    Trainer("fairseq", _logs("fairseq")),
    Trainer("Keras", _logs("table", "KERAS_LOGS")),
    Trainer("Lightning", _logs("table", "LIGHTNING_LOGS")),
    Trainer(
        "detectron2",
        _logs("detectron2"),
        _detect(rb"^(SOLVER|CUDNN_BENCHMARK|DATALOADER|_BASE_) *:", all_of=("config.yaml", "metrics.json")),
        _configs("detectron2"),
        marks=rb"^SOLVER *:",
    ),
    Trainer(
        "timm",
        _logs("timm"),
        # the keys are in alphabetical order; Ultralytics calls its own file args.yaml, too
        _detect(rb"^(aug_repeats|decay_rate|sched) *:", all_of=("args.yaml", "summary.csv")),
        _configs("timm"),
        marks=rb"^warmup_lr *:",
    ),
    Trainer("fair", _logs("fair")),
    Trainer("yolox", _logs("yolox"), configs=_configs("yolox")),
    Trainer(
        "yolov5",
        _logs("yolov5.log"),
        _detect(rb"^(lr0|lrf|epochs) *:", any_of=YOLOV5, endings=(".yaml", ".yml")),
        _configs("yolov5.rules"),
        marks=rb"^lr0 *:",
    ),
    Trainer("openmmlab", _logs("openmmlab"), lambda path, begin: path.endswith(".py"), _configs("openmmlab")),
    Trainer("tensorboard", _logs("tensorboard")),
    Trainer("table", _logs("table")),
    Trainer("text", _logs("printed.lines")),
)
"""In the order in which they are asked whether a file is theirs; the first, asked last, takes what no other knows."""


def home_of(thing: Any) -> Trainer | None:
    """The trainer in whose package the class of a value stands, or that it names; None where there is none."""
    name, module = getattr(thing, "trainer", None), f"{type(thing).__module__}."
    return next((one for one in TRAINERS if name == one.name or module.startswith(f"{__name__}.{one.name}.")), None)


def trainer_of(thing: Config | Log) -> Trainer:
    """The trainer that a config or a log belongs to.

    Raises:
        TypeError: where it belongs to none.
    """
    trainer = home_of(thing)
    if trainer is None:
        raise TypeError(f"{thing!r} belongs to no trainer that lrsched knows")
    return trainer


def configs_of(thing: Any) -> Configs | None:
    """What the configs are of the trainer that a config or a schedule belongs to; None where it belongs to none."""
    trainer = home_of(thing)
    return None if trainer is None or trainer.configs is None else trainer.configs()


def planning_of(config: Config) -> Planning:
    """What a config knows about itself."""
    configs = configs_of(config)
    return (Planning if configs is None else configs.planning)(config)


def shaping_of(config: Config) -> Shaping:
    """What can be shaped of a config by hand."""
    from lrsched.shaping import Points, Shaping  # noqa: PLC0415 (no command but the designer loads it)

    configs = configs_of(config)
    if configs is not None and configs.shaping is not None:
        return configs.shaping(config)
    return Shaping(config, Points(*configs.points if configs else ()))

"""From the files of a run to its numbers: hyp.yaml and opt.yaml, args.yaml, or the folder that holds them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from lrsched.numbers import params, whole
from lrsched.text import did_you_mean, joined
from lrsched.trainers.records import as_numbers, text_of, values_of
from lrsched.trainers.yaml import ConfigError, Entry, entries, scalar
from lrsched.trainers.yolov5.eras import DECAY_KEYS, Era, era_named, era_of
from lrsched.trainers.yolov5.hyp import Hyp

__all__ = ["CONFIG_NAMES", "GIVEN", "RESULT_NAMES", "parse_config", "read_config"]

CONFIG_NAMES = ("args.yaml", "hyp.yaml", "opt.yaml")
RESULT_NAMES = ("results.csv", "results.txt")

_OPTION_KEYS = {"batch_size": "batch", "total_batch_size": "batch", "nc": "classes"}
NUMBERS = frozenset(params(Hyp))
# what no file of the trainer has: it is given, or counted
FACTS = frozenset({"era", "images", "iterations_per_epoch", "classes", "checkpoint", "resumed"})
GIVEN = FACTS | {each.name for each in fields(Hyp) if each.compare}  # what may be given beside the files


def read_config(source: Any, changes: Mapping[str, Any] | None = None, *, era: str | None = None, **given: Any) -> Hyp:
    """Read a run folder, one of its files (hyp.yaml and opt.yaml belong together), or an open file.

    Iterations per epoch that nobody gives are taken from a results file beside the config, where it has the rates of
    the warm-up.

    Args:
        source: the path, or an open text or binary file.
        changes: other values of keys, as texts of a command line or as they are; also what only can be given.
        era: the name of the era, where the keys of the files do not tell.
        given: numbers that the files do not have or that replace theirs: epochs, iterations_per_epoch, images, ...

    Raises:
        ConfigError: for what cannot be read, with file and line.
        OSError: when a file cannot be opened.
    """
    values = _changed(changes or {})
    keys = {key: value for key, value in values.items() if key not in FACTS}
    given |= {key: value for key, value in values.items() if key in GIVEN}
    era = given.pop("era", era)
    if hasattr(source, "read"):
        text, name = text_of(source)
        return parse_config({name: text}, era=era, **given).with_values(keys)
    path = Path(source)
    texts = {str(each): text_of(each)[0] for each in _files(path)}
    found = parse_config(texts, era=era, source=str(path), **given)
    return _counted(found.with_values(keys), path if path.is_dir() else path.parent)


def _files(path: Path) -> list[Path]:
    """The files of the config at a path."""
    if path.is_dir() or path.name in RESULT_NAMES:
        folder = path if path.is_dir() else path.parent
        paths = [folder / name for name in CONFIG_NAMES if (folder / name).exists()]
        if not paths:
            missing = joined(CONFIG_NAMES, "or")
            raise ConfigError(f"{path}: there is no {missing}, so the plan is not known; see lrsched log.")
        return paths
    pair = {"hyp.yaml": "opt.yaml", "opt.yaml": "hyp.yaml"}.get(path.name, "")
    beside = path.with_name(pair) if pair else path
    return sorted({path, beside} if beside.exists() else {path})


def _changed(changes: Mapping[str, Any]) -> dict[str, Any]:
    """The values of keys on the command line, numbers where they are texts."""
    known = (GIVEN - {"decay"}) | {*DECAY_KEYS}
    read = {key: scalar(value) if isinstance(value, str) else value for key, value in changes.items()}
    for key, value in changes.items():
        if key not in known:
            raise ConfigError(f"--set {key}={value}: {key} decides no rate of this trainer{did_you_mean(key, known)}")
        if key in DECAY_KEYS and not isinstance(read[key], bool):
            raise ConfigError(f"--set {key}={value}: {key} is on or off; write {key}=true or {key}=false.")
    declared = {key: Entry(value, 0) for key, value in read.items() if key in NUMBERS or key == "resumed"}
    images = {"images": as_numbers(read["images"], int)} if "images" in read else {}
    return read | values_of(Hyp, declared, "--set") | images


def _counted(hyp: Hyp, folder: Path) -> Hyp:
    """The run completed from the rows of a results file: iterations per epoch, classes."""
    results = next((folder / name for name in RESULT_NAMES if (folder / name).exists()), None)
    known = hyp.iterations_per_epoch is not None
    if results is None or (known and (hyp.classes is not None or not hyp.is_auto)):
        return hyp
    from lrsched.trainers.yolov5.comparing import Rows, compared  # noqa: PLC0415 (a config alone needs no logs)
    from lrsched.trainers.yolov5.results import parse_results  # noqa: PLC0415

    try:
        found = compared(Rows.of(parse_results(results.read_bytes(), results.name)[0]), hyp)
    except ValueError:
        return hyp
    classes = hyp.classes or found.hyp.classes
    if known and found.good.mean() > 0.5:
        return replace(hyp, classes=classes)
    if found.per_epoch is None:
        return hyp
    low, high = found.per_epoch
    said = results.name if low == high else f"{low} to {high} by {results.name}"
    return replace(hyp, iterations_per_epoch=found.hyp.nb, classes=classes, counted_by=said)


def parse_config(texts: Mapping[str, str], *, era: str | None = None, source: str = "", **given: Any) -> Hyp:
    r"""The numbers of a run from the texts of its files, by their names.

    >>> hyp = parse_config({"args.yaml": "lr0: 0.02\nepochs: 80\ncos_lr: true"}, iterations_per_epoch=40)
    >>> hyp.lr0, hyp.epochs, hyp.decay, hyp.iterations
    (0.02, 80, 'cos_lr', 3200)

    Raises:
        ConfigError: for what is not readable, a value of the wrong type, or a run whose epochs are not known.
    """
    found: dict[str, tuple[Entry, str]] = {}
    for name, text in texts.items():
        keys = entries(text, name)
        below = keys.pop("hyp", None)  # the numbers that opt.yaml repeats
        if below is not None and isinstance(below.value, dict):
            found = {**{key: (entry, name) for key, entry in below.value.items()}, **found}
        found |= {key: (entry, name) for key, entry in keys.items()}
    label = source or joined(texts)
    chosen = era_named(era) if era else era_of(found)
    values: dict[str, Any] = {"lrf": chosen.lrf}
    as_text: list[str] = []
    for key, (entry, name) in found.items():
        field = _OPTION_KEYS.get(key, key)
        chosen_later = field == "batch" and isinstance(entry.value, int | float) and entry.value < 1  # by the trainer
        filtered = key == "classes" and isinstance(entry.value, list)  # those that are trained, not their number
        if field in NUMBERS and not chosen_later and not filtered:
            values |= values_of(Hyp, {field: entry}, name)
            as_text += [field] if isinstance(entry.value, str) else []
    values |= _options(found, chosen)
    images = given.pop("images", None)
    values |= {key: value for key, value in given.items() if value is not None}
    if "epochs" not in values:
        ways = "write a line epochs: N, give epochs=N (on the command line --set epochs=N), or put the opt.yaml of the"
        raise ConfigError(f"{label}: the epochs of the run are not known; {ways} run beside hyp.yaml.")
    try:
        if images is not None:
            values["iterations_per_epoch"] = math.ceil(whole("images", images, low=1) / values.get("batch", 16))
        return Hyp(era=chosen, source=label, files=tuple(texts.items()), texts=tuple(as_text), **values)
    except (TypeError, ValueError) as problem:
        raise ConfigError(f"{label}: {str(problem).removeprefix('Hyp: ')}") from None


def _options(found: Mapping[str, tuple[Entry, str]], era: Era) -> dict[str, Any]:
    """What is not a number: the decay, the optimizer, whether the run was resumed."""
    value = {key: entry.value for key, (entry, _) in found.items()}
    options: dict[str, Any] = {"resumed": bool(value.get("resume"))}
    options["decay"] = next((key for key in DECAY_KEYS if value.get(key) is True and key in era.decays), "")
    if isinstance(value.get("optimizer"), str):
        options["optimizer"] = value["optimizer"]
    elif value.get("adam") is True:
        options["optimizer"] = "Adam"
    return options

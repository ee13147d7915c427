"""scan(): every config and log below a folder, a line each, with what is wrong first."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from contextlib import ExitStack, nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any, Literal

import numpy as np

from lrsched.log import Log, LogError
from lrsched.logs import config_beside, read_logs
from lrsched.planner import Finding, Plan, plan
from lrsched.report.logs import LogReport, log_report
from lrsched.sources import read_config
from lrsched.text import counted
from lrsched.trainers import TRAINERS, trainer_of

__all__ = ["Scanned", "scan"]

BEGINNING = 1 << 16  # by so many bytes a trainer knows its files
# files that are searched for the records of a trainer that does not say who it is
TEXTS = (".log", ".txt", ".out", ".ipynb", ".gz")
FEW = 32  # so few files are looked at without other processes


@dataclass(frozen=True, kw_only=True)
class Scanned:
    """One config, or one run in a log.

    Attributes:
        path: the file.
        kind: what it is; ``unreadable`` where it cannot be read.
        trainer: whose it is, or empty.
        schedule: the schedule of the rate, as planned or as the log shows it.
        done: the last iteration (or epoch) that is logged; None for a config.
        planned: how many there are to be, or None where nobody says.
        rate: the last rate that is logged, or None.
        verdict: one sentence: the worst that was found, or that nothing is wrong.
        problem: whether something is wrong.
    """

    path: str
    kind: Literal["config", "log", "unreadable"]
    trainer: str = ""
    schedule: str = ""
    done: int | None = None
    planned: int | None = None
    rate: float | None = None
    verdict: str
    problem: bool = False


def scan(
    folder: str | os.PathLike[str],
    *,
    executor: Executor | None = None,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> list[Scanned]:
    """Look at every config and log below a folder; what is wrong comes first, then by path.

    One broken file is a row that says so; files that are neither config nor log are left out.

    Args:
        folder: a folder, or a URL that fsspec knows, such as ``s3://bucket/runs``.
        executor: where the files are looked at: any ``concurrent.futures.Executor``, as the one that
            ``distributed.Client.get_executor()`` gives; processes on all cores when None.
        progress: called with the number of files that are done, and of all.

    Raises:
        OSError: for a folder that cannot be read.
        ValueError: for a URL where fsspec is not installed.
    """
    paths = list(_files(os.fspath(folder)))
    rows: list[Scanned] = []
    with ExitStack() as stack:
        if executor is None and len(paths) > FEW:
            executor = stack.enter_context(ProcessPoolExecutor())
        results = map(look_at, paths) if executor is None else _results(executor, paths)
        for done, found in enumerate(results, 1):
            rows += found
            progress(done, len(paths))
    return sorted(rows, key=lambda row: (not row.problem, row.path))


def _results(executor: Executor, paths: Sequence[str]) -> Iterator[list[Scanned]]:
    """What comes back, as it comes; a file whose process died, perhaps by another one, gets a process of its own."""
    futures = {executor.submit(look_at, path): path for path in paths}
    for future in as_completed(futures):
        path = futures[future]
        try:
            yield future.result()
        except Exception:  # whatever killed the worker
            try:
                with ProcessPoolExecutor(1) as own:
                    yield own.submit(look_at, path).result()
            except Exception as problem:
                yield [_unreadable(path, f"reading it killed the process ({type(problem).__name__})")]


def _files(folder: str) -> Iterator[str]:
    """Every file below a folder, without those in hidden ones, in order."""
    if "://" in folder:
        system, root = _fsspec().core.url_to_fs(folder)
        yield from sorted(system.unstrip_protocol(path) for path in system.find(root))
        return
    if not os.path.isdir(folder):
        raise NotADirectoryError(20, "scan looks through a folder, and this is not one", folder)
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (os.path.join(place, name) for name in sorted(names))


def _fsspec() -> Any:
    try:
        import fsspec  # noqa: PLC0415 (an extra: only URLs need it)
    except ImportError:
        message = "a URL is read with fsspec, which is not installed; install 'lrsched-designer[cluster]'"
        raise ValueError(message) from None
    return fsspec


def look_at(path: str) -> list[Scanned]:
    """What a file is: the config in it, or its runs; nothing where it is neither."""
    try:
        with _opened(path) as file:
            beginning = file.read(BEGINNING)
            file.seek(0)
            text = b"\0" not in beginning
            marks = (trainer.marks for trainer in TRAINERS if trainer.marks is not None)
            if text and any(re.search(each, beginning, re.MULTILINE) for each in marks):
                return [_config_row(path, read_config(path if "://" not in path else file))]  # with what lies beside
            known = (trainer.logs() for trainer in TRAINERS)
            sure = any(each.begins(beginning, path) for each in known)
            if beginning and (sure or (PurePosixPath(path).suffix in TEXTS and text)):
                with nullcontext() if sure else suppress(LogError):
                    return [_log_row(path, log) for log in read_logs(file)]
    except Exception as problem:  # one broken file is a row, not the end
        return [_unreadable(path, _sentence(problem, path))]
    return []


def _unreadable(path: str, why: str) -> Scanned:
    return Scanned(path=path, kind="unreadable", verdict=why, problem=True)


def _sentence(problem: Exception, path: str) -> str:
    """The message of an exception without the file, which stands in the row already."""
    return re.sub(r"^:(\d+)", r"line \1", str(problem).removeprefix(path)).lstrip(": ") or type(problem).__name__


def _opened(path: str) -> Any:
    return _fsspec().open(path, "rb") if "://" in path else open(path, "rb")


def _config_row(path: str, config: Any) -> Scanned:
    row = Scanned(path=path, kind="config", trainer=trainer_of(config).name, schedule=config.caption(), verdict="")
    try:
        planned = plan(config)
    except ValueError as unknown:  # something that only a log or a person knows
        return replace(row, verdict=f"cannot tell: {_sentence(unknown, config.source)}")
    serious = _serious(planned)
    verdict = f"{serious[0].severity}: {serious[0].code}" if serious else "no problems found"
    more = f" and {counted(len(serious) - 1, 'more finding')}" if len(serious) > 1 else ""
    return replace(row, planned=planned.run.horizon, verdict=verdict + more, problem=bool(serious))


def _log_row(path: str, log: Log) -> Scanned:
    found = log_report(log, config_beside(log) if "://" not in path else log.config, curves=False)
    rates = log.rate[np.isfinite(log.rate)]
    return Scanned(
        path=path,
        kind="log",
        trainer=log.trainer,
        schedule=_schedule(found),
        done=int(log.iteration[-1]),
        planned=log.horizon,
        rate=float(rates[-1]) if rates.size else None,
        verdict=_verdict(found),
        problem=found.problem or bool(_serious(found.plan)),
    )


def _schedule(found: LogReport) -> str:
    """The schedule of a run as its config says it, or one that has the same rates."""
    inferred = found.inference
    config = found.config if inferred is None or found.config is not None else inferred.config
    if config is not None:
        return config.caption()
    return "" if inferred is None or inferred.schedule is None else repr(inferred.schedule)


def _serious(planned: Plan | None) -> list[Finding]:
    """What is more than worth a note."""
    return [] if planned is None else [finding for finding in planned.findings if finding.serious]


def _verdict(found: LogReport) -> str:
    """The worst that was found in a run, in one sentence."""
    log, audit = found.log, found.audit
    if found.diagnosis.ending.kind == "crashed":
        return str(found.diagnosis.ending)
    if log.first_nan is not None:
        return f"the loss is NaN from {log.unit} {log.first_nan} on"
    if audit is not None and not audit.ok:
        summary = f"{audit.matched} of {audit.total} rates are as planned"
        return f"{summary}: {audit.cause or '; '.join(audit.contradictions)}".removesuffix(": ")
    if serious := _serious(found.plan):
        return f"{serious[0].severity}: {serious[0].code}: {serious[0].message}"
    if audit is not None:
        return f"all {audit.total} rates are as planned"
    if found.inference is None:
        return "no rates are logged"
    if found.inference.schedule is None:
        return "nothing simple explains the rates"
    clock = f", {found.inference.clock}" if found.inference.clock else ""
    return f"{found.inference.matched} of {found.inference.total} rates are explained{clock}"

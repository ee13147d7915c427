"""Logs of whole runs, printed line by line from a cfg: the loops of the forks, plainly."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from lrsched.logs import Log, read_log
from lrsched.trainers.darknet import Net, parse_cfg

__all__ = ["cfg", "lines_of", "log_of", "loop", "run"]


def cfg(text: str, dialect: str = "alexeyab") -> Net:
    """A cfg from ``key=value`` words."""
    return parse_cfg("\n".join(["[net]", *text.split(), ""]), dialect)


def loop(dialect: str, ngpus: int, start: int, end: int, burn_in: int = 0) -> Iterator[tuple[int, int]]:
    """Every printed iteration with the one whose rate is printed, one counter per GPU."""
    iteration = start
    counters = [start] * ngpus
    while iteration < end:
        if dialect == "hank-ai" and ngpus > 1 and iteration < burn_in:
            iteration += 1
            counters = [iteration] * ngpus
            yield iteration, iteration
            continue
        counters = [count + 1 for count in counters]
        if dialect == "pjreddie":
            if ngpus > 1 and counters[0] % 4 == 0:
                counters = [counters[0] + 4 * (ngpus - 1)] * ngpus
            iteration = counters[0]
        else:
            iteration += ngpus
            counters[0] = iteration
            if ngpus > 1 and iteration % 4 == 0:
                counters = [iteration + 4 * (ngpus - 1)] * ngpus
        yield iteration, counters[0]


def lines_of(
    net: Net,
    pairs: Iterable[tuple[int, int]],
    ngpus: int = 1,
    loss: Callable[[int], float] = lambda iteration: 2.0 + 10.0 / (iteration + 1),
    batch: int = 64,
) -> list[str]:
    """One line per turn; ``pairs`` are printed iterations and those whose rate is shown."""
    schedule = net.schedule(ngpus)
    lines = []
    for printed, at in pairs:
        value, rate, images = loss(printed), float(schedule(at)), printed * batch * ngpus
        if net.dialect.name == "hank-ai":
            lines.append(
                f"{printed}: loss={value:.3f}, avg loss={value + 0.1:.3f}, last=none, best=none, mAP=DISABLED, "
                f"rate={rate:.8f}, load 64=89.7 milliseconds, train=1.1 seconds, {images} images, "
                f"time remaining=8 seconds"
            )
        elif net.dialect.name == "alexeyab":
            lines.append(
                f" {printed}: {value:f}, {value + 0.1:f} avg loss, {rate:f} rate, 1.500000 seconds, {images} images, "
                f"3.000000 hours left"
            )
        else:
            lines.append(f"{printed}: {value:f}, {value + 0.1:f} avg, {rate:f} rate, 1.500000 seconds, {images} images")
    return lines


def log_of(lines: Iterable[str]) -> Log:
    """What is read of some lines."""
    return read_log([("\n".join(lines) + "\n").encode()])


def run(net: Net, end: int, *, start: int = 0, ngpus: int = 1) -> Log:
    """The log of a run."""
    return log_of(lines_of(net, loop(net.dialect.name, ngpus, start, end, net.burn_in), ngpus))

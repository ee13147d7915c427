"""Net: the numbers a trainer holds after it has read the ``[net]`` section of a cfg."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import partial
from typing import IO, Annotated, Any

import numpy as np

from lrsched.numbers import GPU_LIMIT, declarations, whole
from lrsched.schedule import Param, Schedule, params
from lrsched.text import did_you_mean, joined, plain
from lrsched.trainers.darknet import policy as p
from lrsched.trainers.darknet.arithmetic import single
from lrsched.trainers.darknet.cfg import Section, cfg_text, read_sections
from lrsched.trainers.darknet.clock import Clock
from lrsched.trainers.darknet.dialects import ALEXEYAB, DIALECTS, Dialect, as_dialect
from lrsched.trainers.darknet.edit import USUAL_ORDER, with_values
from lrsched.trainers.darknet.numbers import shortest
from lrsched.trainers.darknet.policies import POLICIES
from lrsched.trainers.darknet.policy import BurnIn, Policy
from lrsched.trainers.darknet.reader import Reader, give_up

__all__ = ["Net", "get_current_rate", "net_of", "parse_cfg", "read_cfg"]

ALWAYS_WRITTEN = ("batch", "subdivisions", "learning_rate", "burn_in", "max_batches", "policy")


@dataclass(frozen=True, kw_only=True)
class Net:
    """The numbers of ``[net]`` that decide the learning rate, as one fork of darknet has read them.

    Keys that the policy does not read keep darknet's defaults. ``policy`` is the policy in force: where a fork falls
    back to ``constant``, it says so. ``text`` is the whole cfg that the numbers were read from, ``sections`` are its
    lines, read or not; a net that was made otherwise, or changed with ``replace``, has none.

    >>> print(Net(batch=64, subdivisions=16, max_batches=6000, policy="poly", power=2.0))
    [net]
    batch=64
    subdivisions=16
    learning_rate=0.001
    burn_in=0
    max_batches=6000
    policy=poly
    power=2
    """

    batch: Annotated[int, Param("images between two updates of the weights", *p.INT, (1, 128))] = 1
    subdivisions: Annotated[int, Param("parts a batch is loaded in", *p.INT, (1, 64))] = 1
    time_steps: Annotated[int, Param("frames of a sequence (recurrent networks)", *p.INT, (1, 16))] = 1
    learning_rate: p.LearningRate = 0.001
    learning_rate_min: p.LearningRateMin = 0.00001
    max_batches: p.MaxBatches = 0
    burn_in: p.BurnInLength = 0
    power: p.Power = 4.0
    policy: str = "constant"
    step: Annotated[int, Param("iterations between drops, or the midpoint", *p.INT, (1, 400_000))] = 1
    scale: p.Scale = 1.0
    gamma: Annotated[float, Param("base of exp, or steepness of sigmoid", *p.FLOAT, (1e-5, 1.0))] = 1.0
    steps: p.StepList = ()
    scales: p.ScaleList = ()
    sgdr_cycle: p.Cycle = None
    sgdr_mult: p.CycleMult = 2
    dialect: Dialect = field(default=ALEXEYAB, repr=False)
    source: str = field(default="<cfg>", compare=False)
    text: str | None = field(default=None, init=False, compare=False, repr=False)
    sections: tuple[Section, ...] = field(default=(), init=False, compare=False, repr=False)

    def __str__(self) -> str:
        """The numbers as a ``[net]`` section; what is left out is the default."""
        defaults = {f.name: f.default for f in fields(self)}
        read = self.dialect.reads(self.policy, adam=False)
        keys = [
            key
            for key in USUAL_ORDER
            if key in ALWAYS_WRITTEN or key in params(self._policy()) or getattr(self, key) != defaults[key]
            if key in read and getattr(self, key) not in (None, ())
        ]
        return "\n".join(["[net]", *(f"{key}={plain(getattr(self, key))}" for key in keys)])

    @property
    def section(self) -> Section | None:
        """Every line of ``[net]``, read or not; None without a cfg."""
        return self.sections[0] if self.sections else None

    def line_of(self, key: str) -> int | None:
        """The line of the cfg that gives a key of ``[net]`` its value; None where there is none."""
        entry = None if self.section is None else self.section.first(key)
        return None if entry is None else entry.line

    @property
    def effective_batch(self) -> int:
        """Images per iteration and GPU, after the integer division of ``batch`` by ``subdivisions``."""
        part = int(self.batch / self.subdivisions) * self.time_steps
        if self.dialect.batch_at_least_one:
            part = max(part, self.time_steps, 1)
        return part * self.subdivisions

    def gpu_factor(self, ngpus: int) -> int:
        """What the fork multiplies ``learning_rate`` by on this many GPUs."""
        return ngpus if self.dialect.gpus_multiply_rate else 1

    def clock(self, ngpus: int = 1, *, pretrained: bool = False) -> Clock:
        """How the iterations of a run on this many GPUs are counted."""
        return Clock(self.dialect, ngpus, self.max_batches, self.burn_in, pretrained)

    def caption(self, ngpus: int = 1) -> str:
        """The run in one line: the policy and the fork, the numbers of the cfg, the number of GPUs."""
        written = self.section.value("policy") if self.section else None
        known = written is None or written in self.dialect.policies
        unknown = "" if known else f", where policy={written} is unknown"
        name, *rest = self.schedule().caption.split(" · ")
        return " · ".join([f"{name} ({self.dialect.name}{unknown})", *rest, *([f"{ngpus} GPUs"] if ngpus > 1 else [])])

    def read_by(self, dialect: Dialect) -> "Net":
        """The same cfg as another fork reads it; without a text the same numbers.

        Raises:
            CfgError: when that fork would not train it.
        """
        return parse_cfg(self.text, dialect, source=self.source) if self.text else replace(self, dialect=dialect)

    def with_values(self, changes: Mapping[str, Any]) -> "Net":
        """The cfg with other values, written into its text and read again; a value of None deletes the key.

        ``classes`` and ``filters`` are those of every detection layer and of the convolution in front of it. What the
        policy does not read is not written; what a fork refuses beside another policy is deleted.

        Raises:
            ValueError: when the trainer would not read it, or would read other numbers.
        """
        policy, defaults = changes.get("policy", self.policy), {f.name: f.default for f in fields(self)}
        read = self.dialect.reads(policy, adam=False)
        written = {key: value for key, value in changes.items() if key in read or key not in defaults or value is None}
        if self.section is None or self.text is None:
            if unknown := joined(sorted(written.keys() - defaults)):
                what = f"{unknown} can only be changed in a cfg, and this net does not come from one"
                raise ValueError(f"{what}. Read the cfg with read_cfg first, or leave {unknown} out.")
            values: dict[str, Any] = {key: defaults[key] if value is None else value for key, value in written.items()}
            net = replace(self, **values)
        else:
            if self.dialect.strict_keys and policy != self.policy:
                unread = {entry.key for entry in self.section.entries} & self.dialect.all_keys() - read
                written |= dict.fromkeys(unread)  # the fork would refuse them
            net = parse_cfg(with_values(self.text, self.sections, written), self.dialect, source=self.source)
        for name, value in written.items():
            if hasattr(net, name) and value is not None and not _same_number(getattr(net, name), value):
                raise ValueError(f"{name}={plain(value)} is read as {getattr(net, name)!r}")
        return net

    def schedules(self, ngpus: int = 1) -> dict[str, Schedule]:
        """The schedules of a run by name; darknet has one, the learning rate."""
        return {"learning rate": self.schedule(ngpus)}

    def schedule(self, ngpus: int = 1) -> Schedule:
        """The learning rates of this cfg as a Schedule, for a run on ``ngpus`` GPUs.

        Forks that multiply ``learning_rate`` by the number of GPUs do so in one float32 product, before anything else.

        Raises:
            TypeError, ValueError: for a number of GPUs that is not a whole number from 1 to 4096.
            CfgError: for numbers with which the trainer crashes or hangs.
        """
        ngpus, policy = whole("ngpus", ngpus, low=1, high=GPU_LIMIT), self._policy()
        _check_runs(self)
        values = _shared(self, policy)
        if (factor := self.gpu_factor(ngpus)) > 1:
            with np.errstate(all="ignore"):
                values["learning_rate"] = shortest(np.float32(self.learning_rate) * np.float32(factor))
        if self.policy == "sgdr" and self.sgdr_mult < 1:
            values["sgdr_mult"] = 1  # the run ends within the first cycle, or it could not end
        then = policy(**values, arithmetic=self.dialect.arithmetic)
        burn_in = BurnIn(policy=then, burn_in=self.burn_in, power=self.power)
        return burn_in if burn_in.warmup else then

    def _policy(self) -> type[Policy]:
        known = {policy.KEY: policy for policy in POLICIES}
        if self.policy not in known:
            meant = did_you_mean(self.policy, known)
            raise ValueError(f"Net: policy must be one of {', '.join(known)}, got {self.policy!r}{meant}")
        return known[self.policy]


def net_of(schedule: Schedule) -> Net | None:
    """The numbers of a cfg that one of darknet's schedules would come from; None for any other, or without an end."""
    policy = schedule.policy if isinstance(schedule, BurnIn) else schedule
    if not isinstance(policy, Policy) or policy.horizon is None:
        return None
    values = _shared(policy, type(policy))
    if isinstance(schedule, BurnIn):
        values |= {"burn_in": schedule.burn_in, "power": schedule.power}
    dialect = next((known for known in DIALECTS if known.arithmetic == policy.arithmetic), ALEXEYAB)
    return Net(**values, policy=policy.KEY, dialect=dialect, source=policy.KEY)


def _shared(value: Net | Policy, policy: type[Policy]) -> dict[str, Any]:
    """The fields that a cfg has in common with a policy, with their values in one of the two."""
    names = {f.name for f in fields(Net)}
    return {f.name: getattr(value, f.name) for f in fields(policy) if f.name in names}


def get_current_rate(net: Net, batch_num: Any, ngpus: int = 1) -> Any:
    r"""The learning rate the trainer uses at an iteration (an int or an array of ints): float32, of the same shape.

    It has the bits of pjreddie and AlexeyAB, and is within 2 units in the last place of hank-ai, whose compiler uses
    the float functions of the C library at hand.

    >>> net = parse_cfg("[net]\nlearning_rate=0.01\npolicy=poly\npower=4\nmax_batches=392480\n")
    >>> f"{get_current_rate(net, 300019):f}"
    '0.000031'

    Raises:
        TypeError, ValueError: for what is not a net or not an iteration (negative, past 2**31 - 1, float, bool).
        CfgError: for numbers with which the trainer crashes or hangs.

    Source: ``get_current_rate`` in ``src/network.c`` (pjreddie, AlexeyAB) and ``src-lib/network.cpp`` (hank-ai).
    """
    if not isinstance(net, Net):
        raise TypeError(f"get_current_rate takes what read_cfg returns, got {type(net).__name__}")
    return net.schedule(ngpus)(batch_num)


def read_cfg(path_or_file: str | os.PathLike[str] | IO[Any], dialect: str | Dialect = "alexeyab") -> Net:
    """Read a cfg (a path, or an open file) as a fork of darknet would: "pjreddie", "alexeyab", "hank-ai" or a Dialect.

    Raises:
        CfgError: where the trainer refuses, crashes or hangs; it says which, where and what to write.
        OSError: when the file cannot be opened.
        TypeError, ValueError: for what is neither a path nor an open file; for an unknown dialect.
    """
    text, source = cfg_text(path_or_file)
    return parse_cfg(text, dialect, source=source)


def parse_cfg(text: str, dialect: str | Dialect = "alexeyab", *, source: str = "<cfg>") -> Net:
    r"""Read the text of a cfg as a fork of darknet would; ``source`` is its name in messages.

    >>> net = parse_cfg("[net]\nlearning_rate=1e-3\nmax_batches=5e5\npolicy=poly\n")
    >>> net.learning_rate, net.max_batches  # C's atoi stops at the e
    (0.001, 5)

    Raises:
        CfgError: where the trainer refuses, crashes or hangs; it says which, where and what to write.
        TypeError, ValueError: for what is not text; for an unknown dialect.
    """
    if not isinstance(text, str):
        raise TypeError(f"parse_cfg takes the text of a cfg (str), got {type(text).__name__}; read_cfg takes a path")
    fork = as_dialect(dialect)
    sections = read_sections(text, fork, source)
    net = Net(**Reader(sections[0], fork, source).values(declarations(Net)), dialect=fork, source=source)
    vars(net).update(text=text, sections=sections)
    _check_runs(net)
    return net


def _check_runs(net: Net) -> None:
    """Raise CfgError for numbers that end the trainer with a division by zero or an endless loop."""
    fail = partial(give_up, net.section, net.source, outcome="crashes")
    zero, hangs = "crashes (division by zero)", "the trainer hangs in an endless loop"
    if net.subdivisions == 0:
        fail("subdivisions", f"subdivisions=0; every fork {zero}. Write subdivisions=1.")
    if net.effective_batch == 0:
        key, why, fix = "subdivisions", f"={net.subdivisions} is more than batch={net.batch}", "at most batch"
        for empty in ("batch", "time_steps"):
            if getattr(net, empty) == 0:
                key, why, fix = empty, "=0 leaves an iteration without images", "at least 1"
        fail(key, f"{key}{why}; {net.dialect.title} {zero}. Write {key} with {fix}.")
    if net.policy == "step" and net.step == 0:
        fail("step", f"step=0; every fork {zero}. Write the iterations between two drops.")
    if net.policy == "sgdr":
        cycle = net.max_batches if net.sgdr_cycle is None else net.sgdr_cycle
        if cycle < 1:
            why = f"the first cycle of sgdr is {cycle} iterations long (sgdr_cycle, or max_batches without it)"
            fail("sgdr_cycle", f"{why}; {hangs}. Write sgdr_cycle with at least 1.", outcome="hangs")
        if net.sgdr_mult < 1 and not 0 < net.max_batches <= cycle:
            why = f"sgdr_mult={net.sgdr_mult}; {hangs} after the first cycle, at iteration {cycle + 1}"
            fail("sgdr_mult", f"{why}. Write sgdr_mult=1 for cycles of one length, 2 to double them.", outcome="hangs")


def _same_number(one: Any, other: Any) -> bool:
    """Whether two values are the same float32 number, or list of them."""
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(_same_number, one, other))
    return bool(one == other) or (isinstance(one, float) and single(one) == single(float(other)))

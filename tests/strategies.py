"""What Hypothesis draws here: the parameters of a run, iterations worth asking for, and texts of cfgs."""

from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from lrsched.schedule import BLOCK, LAST_ITERATION, Schedule
from lrsched.trainers.darknet import DIALECTS, POLICIES, BurnIn, Policy

__all__ = ["Run", "cfgs", "damaged", "iterations_of", "runs"]

SMALLEST_INT = -(2**31)
ARITHMETICS = {dialect.name: dialect.arithmetic for dialect in DIALECTS}

NAMED_FLOATS = (0.0, -0.0, 1.0, -1.0, 0.5, 0.1, 2.0, 1e-45, -1e-45, 1.1754944e-38, 1e-20, 1e20, 3.4e38, 1e300)
NOT_FINITE = (float("inf"), float("-inf"), float("nan"))
NAMED_INTS = (0, 1, -1, 2, 7, 1000, BLOCK - 1, BLOCK, BLOCK + 1, 2**24, 2**24 + 1, LAST_ITERATION, SMALLEST_INT)


@dataclass(frozen=True)
class Run:
    """A policy by its parameters: for the oracle as they are, for lrsched as a schedule."""

    dialect: str
    policy: str
    values: dict[str, Any]
    burn_in: int = 0
    power: float = 4.0
    oracle_values: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "oracle_values", {"power": self.power, **self.values, "burn_in": self.burn_in})

    @property
    def schedule(self) -> Schedule:
        kind = next(policy for policy in POLICIES if self.policy == policy.KEY)
        then: Policy = kind(**self.values, arithmetic=ARITHMETICS[self.dialect])
        return BurnIn(then=then, burn_in=self.burn_in, power=self.power) if self.burn_in else then


def floats(*, sane: bool, low: float, high: float) -> st.SearchStrategy[float]:
    usual = st.floats(low, high, width=32) | st.floats(low, high)
    if sane:
        return usual
    return usual | st.sampled_from(NAMED_FLOATS + NOT_FINITE) | st.floats(width=32) | st.floats()


def ints(*, sane: bool, low: int, high: int) -> st.SearchStrategy[int]:
    usual = st.integers(low, high)
    if sane:
        return usual
    return usual | st.sampled_from(NAMED_INTS) | st.integers(SMALLEST_INT, LAST_ITERATION)


@st.composite
def runs(draw: st.DrawFn, policy: str | None = None, *, sane: bool | None = None, longest: int = 600_000) -> Run:
    """The parameters of any run; sane ones are those that people use."""
    policy = draw(st.sampled_from([known.KEY for known in POLICIES])) if policy is None else policy
    sane = draw(st.booleans()) if sane is None else sane
    rates = floats(sane=sane, low=2.0**-20, high=0.5)
    length = ints(sane=sane, low=1, high=longest)
    exponent = st.sampled_from([1.0, 2.0, 3.0, 4.0, 8.0, 0.5, 1.5]) | floats(sane=sane, low=0.25, high=9.0)
    values: dict[str, Any] = {"learning_rate": draw(rates), "max_batches": draw(length)}
    if policy == "step":
        values |= {"step": draw(length.filter(bool)), "scale": draw(floats(sane=sane, low=0.0625, high=1.0))}
    elif policy == "steps":
        listed = draw(st.lists(length, max_size=6))
        at = tuple(sorted(listed)) if sane else tuple(listed)
        each = floats(sane=sane, low=0.0625, high=1.0)
        values |= {"steps": at, "scales": tuple(draw(st.lists(each, min_size=len(at), max_size=len(at))))}
    elif policy == "exp":
        values["gamma"] = draw(st.floats(0.9990234375, 1.0) | floats(sane=sane, low=0.5, high=1.0))
    elif policy == "poly":
        values["power"] = draw(exponent)
    elif policy == "random":
        values |= {"power": draw(exponent), "u": draw(st.floats(0, 1))}
    elif policy == "sigmoid":
        values |= {"gamma": draw(floats(sane=sane, low=0.0, high=0.5)), "step": draw(length)}
    elif policy == "sgdr":
        cycle = st.integers(1, min(longest, 5_000)) | (st.integers(1, longest if sane else LAST_ITERATION))
        values |= {
            "learning_rate_min": draw(floats(sane=sane, low=0.0, high=2.0**-10)),
            "sgdr_cycle": draw(cycle | st.none() if values["max_batches"] >= 1 else cycle),
            "sgdr_mult": draw(st.integers(1, 3 if sane else LAST_ITERATION) | st.just(1)),
        }
    burn_in = draw(st.just(0) | ints(sane=sane, low=0, high=min(longest, 4_000)))
    power = values.get("power", draw(exponent))
    return Run(
        dialect=draw(st.sampled_from(list(ARITHMETICS))), policy=policy, values=values, burn_in=burn_in, power=power
    )


@st.composite
def iterations_of(draw: st.DrawFn, run: Run) -> int:
    """An iteration of a run, mostly one where something happens or where numbers get coarse."""
    values = run.values
    step, cycle = values.get("step") or 1, values.get("sgdr_cycle") or values["max_batches"] or 1
    drops = draw(st.integers(0, 40))
    landmarks = [
        0,
        run.burn_in,
        values["max_batches"],
        step,
        step * drops,
        cycle,
        cycle * drops,
        sum(cycle * values.get("sgdr_mult", 1) ** k for k in range(drops % 12)),
        *values.get("steps", ()),
        BLOCK * drops,
        2**24,
        2**31,
    ]
    near = st.builds(
        lambda landmark, shift: abs(landmark + shift) % 2**31, st.sampled_from(landmarks), st.integers(-3, 3)
    )
    return draw(near | st.integers(0, LAST_ITERATION) | st.integers(0, 2_000))


KEYS = ["batch", "subdivisions", "time_steps", "learning_rate", "burn_in", "max_batches", "power", "angle", "B1"]
KEYS_OF_POLICY = {
    "step": ["step", "scale"],
    "steps": ["steps", "scales", "seq_scales"],
    "exp": ["gamma"],
    "sigmoid": ["gamma", "step"],
    "sgdr": ["sgdr_cycle", "sgdr_mult", "learning_rate_min", "steps"],
}
PLAIN_NUMBERS = st.integers(-2, 600_000).map(str) | st.floats(0, 2).map(lambda x: f"{x:.7f}".rstrip("0"))
ODD_NUMBERS = st.sampled_from(
    [
        "1e-3",
        "1e0",
        "5e5",
        ".1",
        "1.",
        ".",
        "-",
        "+",
        "0x10",
        "0x",
        "0x1p4",
        "inf",
        "-inf",
        "nan",
        "infinity",
        "NaN(1)",
        "500,200",
        "1_000",
        "1.5.5",
        "--1",
        "-0",
        "1e999",
        "1e-999",
        "00000000000000000012",
        "99999999999",
        "4294967296",
        "-2147483648",
        "2147483648",
        "9223372036854775808",
        "1e-45",
        "junk",
    ]
)
LISTS = st.lists(PLAIN_NUMBERS | ODD_NUMBERS, max_size=5).map(",".join)
ODD_POLICIES = ["POLY", "cosine", "poly # x", "", "step s", "sgdr\r"]


@st.composite
def cfgs(draw: st.DrawFn, *, tidy: bool = False) -> str:
    """The text of a cfg as a person could have written it; a tidy one has plain numbers, no key twice, no oddities."""
    policy = draw(st.sampled_from([known.KEY for known in POLICIES] + ([] if tidy else ODD_POLICIES)))
    fitting = KEYS_OF_POLICY.get(policy, [])
    others = [] if tidy else [key for keys in KEYS_OF_POLICY.values() for key in keys]
    keys = ["policy", *(key for key in fitting if draw(st.integers(0, 5)))]
    keys += draw(st.lists(st.sampled_from(KEYS + others), max_size=6, unique=tidy))
    lines = [draw(st.sampled_from(["[net]"] if tidy else ["[net]", "[network]", " [net] ", "[net", "[ne]t", "[nets]"]))]
    for key in keys:
        if key == "policy":
            value = policy
        elif key in ("steps", "scales", "seq_scales"):
            value = draw(LISTS)
        else:
            value = draw(PLAIN_NUMBERS if tidy else PLAIN_NUMBERS | ODD_NUMBERS)
        equals = draw(st.sampled_from(["="] if tidy else ["=", " = ", "= ", "\t=", "", "=="]))
        after = draw(st.sampled_from([""] if tidy else ["", "", " ", " # was 3,4", "#5", ";", "\r"]))
        lines.append(f"{key}{equals}{value}{after}")
        lines.extend(draw(st.sampled_from([[], [], [], [""], ["# a note"], ["; a note"], [f"#{key}=1"]])))
    lines.extend(draw(st.sampled_from([[], ["[convolutional]", "filters=8"], ["[yolo]"]])))
    return draw(st.sampled_from(["\n"] if tidy else ["\n", "\n", "\r\n"])).join(lines) + draw(
        st.sampled_from(["\n", ""])
    )


@st.composite
def damaged(draw: st.DrawFn, texts: st.SearchStrategy[str]) -> str:
    """A text with up to four places overwritten, cut or filled with anything."""
    text = draw(texts)
    anything = st.text(max_size=3) | st.sampled_from(
        ["\n", "[", "]", "=", ",", "#", "\r", "\x0b", "\xa0", "\ufeff", "\x85"]
    )
    for _ in range(draw(st.integers(1, 4))):
        begin = draw(st.integers(0, len(text)))
        end = min(begin + draw(st.integers(0, 4)), len(text))
        text = text[:begin] + draw(anything) + text[end:]
    return text

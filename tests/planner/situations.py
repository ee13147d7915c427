"""Runs as people plan them: realistic cfgs, short enough to be walked, with start, target, GPUs and data set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from lrsched import CfgError, Net, parse_cfg, plan
from lrsched.planner import Plan, Suggestion

LONGEST = 20_000


@dataclass(frozen=True)
class Situation:
    """A cfg as text with what the user says about the run."""

    text: str
    dialect: str
    options: dict[str, Any]

    @property
    def net(self) -> Net | None:
        """The cfg, or None where the trainer would not run with it."""
        try:
            net = parse_cfg(self.text, self.dialect)
            net.schedule(self.options.get("ngpus", 1))
        except CfgError:
            return None
        return net

    def after(self, suggestion: Suggestion) -> Situation:
        """The situation with a suggestion written into the file."""
        net = self.net
        assert net is not None
        text = net.with_values(suggestion.changes).text
        assert text is not None
        target = self.options.get("target") if suggestion.target is None else suggestion.target
        return Situation(text, self.dialect, {**self.options, "target": target})

    def plan(self, **others: Any) -> Plan:
        """The plan of the cfg, read again from its text."""
        net = self.net
        assert net is not None
        return plan(net, **{**self.options, **others})


@st.composite
def steps_lines(draw: st.DrawFn, horizon: int) -> str:
    count = draw(st.sampled_from([1, 2, 2, 2, 3, 4]))
    usual = [horizon * 8 // 10, horizon * 9 // 10, horizon * 95 // 100, horizon * 97 // 100][:count]
    wild = draw(st.lists(st.integers(1, 2 * horizon), min_size=count, max_size=count))
    early = [horizon // 10 * (i + 1) for i in range(count)]
    steps = draw(
        st.sampled_from([usual, usual, wild, sorted(wild), early, [400_000 + 50_000 * i for i in range(count)]])
    )
    several = [[".1"] * count, [".1"] * count, ["10", *[".1"] * (count - 1)], [".5"] * count, ["1e-3"] * (count + 1)]
    scales = draw(st.sampled_from([*several, ["1e-3"] * count]))
    written = draw(st.sampled_from(["{}", "{}", "{}", "{}k", "{}e0"])) if draw(st.integers(0, 5)) == 0 else "{}"
    return f"policy=steps\nsteps={','.join(written.format(s) for s in steps)}\nscales={','.join(scales)}\n"


@st.composite
def policy_lines(draw: st.DrawFn, horizon: int) -> str:
    one = st.sampled_from
    length = st.integers(1, 2 * horizon)
    kinds = ["steps", "steps", "steps", "poly", "poly", "constant", "step", "exp", "sigmoid", "sgdr", "random", "slip"]
    kind = draw(one(kinds))
    if kind == "slip":
        keys = ["", "steps=50\n", "steps=50\nscales=.1\n", "sgdr_cycle=0\n", "sgdr_mult=0\n", "step=0\n", "gamma=x\n"]
        return f"policy={draw(one(['STEPS', 'Steps', 'SGDR', 'sgdr ', 'Step', 'POLY', 'cosine']))}\n{draw(one(keys))}"
    if kind == "steps":
        return draw(steps_lines(horizon))
    if kind == "poly":
        return f"policy=poly\npower={draw(one(['1', '2', '4', '4', '0.5', '3', '2.5', '9', '-1', '0']))}\n"
    if kind == "step":
        return f"policy=step\nstep={draw(length)}\nscale={draw(one(['.1', '.5', '.94', '1', '10']))}\n"
    if kind == "exp":
        return f"policy=exp\ngamma={draw(one(['.9', '.999', '.9999', '.99999', '1', '1.0001']))}\n"
    if kind == "sigmoid":
        return f"policy=sigmoid\ngamma={draw(one(['.1', '.01', '.001', '-.01']))}\nstep={draw(length)}\n"
    if kind == "sgdr":
        cycle = draw(one([f"sgdr_cycle={draw(length)}\n", "", f"sgdr_cycle={max(horizon // 4, 1)}\nsgdr_mult=1\n"]))
        return f"policy=sgdr\n{cycle}learning_rate_min={draw(one(['0', '.00001', '.0001']))}\n"
    return f"policy={kind}\n"


@st.composite
def texts(draw: st.DrawFn) -> str:
    one = st.sampled_from
    horizon = draw(
        one([100, 500, 2000, 4000, 6000, 8000, 10_000, LONGEST]) | st.integers(2, LONGEST) | st.integers(2, 50)
    )
    batch, parts = draw(one([(64, 16), (64, 16), (64, 8), (64, 12), (1, 1), (8, 16), (128, 32)]))
    rate = draw(one([".001", ".001", ".00261", ".01", ".1", ".0001", "1", "1e-8", "0.0000001"]))
    lines = f"[net]\nbatch={batch}\nsubdivisions={parts}\nwidth=416\nheight=416\nchannels=3\nlearning_rate={rate}\n"
    burn_in = draw(one([0, 0, 1000, 1000, 100, horizon // 2, horizon, 2 * horizon, 4000]))
    lines += f"burn_in={burn_in}\n" + draw(one(["", "", "", "power=-1\n", "power=1\n"])) if burn_in else ""
    written = draw(one(["{}", "{}", "{}", "{}", "{},000", "{}k", "{}.0"])) if draw(st.integers(0, 5)) == 0 else "{}"
    lines += f"max_batches={written.format(horizon)}\n" if draw(st.integers(0, 15)) else ""
    lines += draw(policy_lines(horizon))
    lines += draw(one(["", "", "", "", "max_batches=7000\n", "burn_inn=100\n", "flip=1\n", "learning_rate=.001\n"]))
    for _ in range(draw(one([0, 0, 1, 2]))):
        filters, classes = draw(one([(255, 80), (24, 3), (255, 3), (24, 80)]))
        lines += f"[convolutional]\nfilters={filters}\n\n[yolo]\nmask = 0,1,2\nclasses={classes}\nnum=9\n"
    return draw(one([lines, lines, lines, lines.replace("\n", "\r\n")]))


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    one = st.sampled_from

    def maybe(low: int, high: int) -> int | None:
        return draw(st.none() | st.none() | st.integers(low, high))

    start = draw(one([0, 0, 0, 1000]) | st.integers(0, 2 * LONGEST))
    return Situation(
        draw(texts()),
        draw(one(["alexeyab", "alexeyab", "pjreddie", "hank-ai"])),
        {
            "start": start,
            "target": draw(one([None, None]) | st.integers(start, 2 * LONGEST) | st.integers(start, start + 20)),
            "ngpus": draw(one([1, 1, 1, 2, 4])),
            "classes": maybe(1, 90),
            "images": maybe(1, LONGEST),
        },
    )

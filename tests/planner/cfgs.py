"""Texts of [net] sections for the planner, short enough to be walked iteration by iteration."""

from __future__ import annotations

from hypothesis import strategies as st

LONGEST = 3000

ITERATIONS = st.integers(1, LONGEST)
FACTORS = st.sampled_from(["0", ".1", ".5", "0.94", "1", "1.5", "10"])


@st.composite
def lists(draw: st.DrawFn) -> str:
    steps = draw(st.lists(st.integers(-2, LONGEST + 500), min_size=1, max_size=4))
    if draw(st.booleans()):
        steps.sort()
    scales = draw(st.lists(FACTORS, min_size=len(steps), max_size=len(steps) + 1))
    return f"steps={','.join(map(str, steps))}\nscales={','.join(scales)}\n"


POLICIES = st.one_of(
    st.just("policy=constant\n"),
    st.builds("policy=step\nstep={}\nscale={}\n".format, ITERATIONS, FACTORS),
    st.builds("policy=steps\n{}".format, lists()),
    st.builds("policy=exp\ngamma={}\n".format, st.sampled_from(["0.9", "0.99", "0.999", "0.9999", "1", "1.0001"])),
    st.builds("policy=poly\npower={}\n".format, st.sampled_from(["0.5", "1", "2", "3", "4", "4.5"])),
    st.builds("policy=random\npower={}\n".format, st.sampled_from(["1", "4"])),
    st.builds("policy=sigmoid\ngamma={}\nstep={}\n".format, st.sampled_from(["0.1", "0.01", "-.01"]), ITERATIONS),
    st.builds("policy=sgdr\nsgdr_cycle={}\nsgdr_mult={}\nlearning_rate_min={}\n".format, ITERATIONS, st.integers(1, 3),
              st.sampled_from(["0", "0.00001", "0.001"])),
)  # fmt: skip


@st.composite
def nets(draw: st.DrawFn) -> str:
    """A [net] section whose run is at most LONGEST iterations."""
    batch, subdivisions = draw(st.sampled_from([(64, 16), (64, 12), (64, 64), (8, 1), (1, 1)]))
    rate = draw(st.sampled_from(["0.1", "0.01", "0.001", "0.00261", "0.0000001"]))
    text = f"[net]\nbatch={batch}\nsubdivisions={subdivisions}\nlearning_rate={rate}\n"
    text += f"max_batches={draw(ITERATIONS)}\n" if draw(st.integers(0, 9)) else ""
    text += f"burn_in={draw(st.integers(1, LONGEST))}\n" if draw(st.booleans()) else ""
    policy: str = draw(POLICIES)
    return text + policy + "[convolutional]\nfilters=8\n"

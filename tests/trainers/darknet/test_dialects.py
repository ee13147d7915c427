"""One cfg, three forks: every difference in reading and in training."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from lrsched import CfgError
from lrsched.trainers.darknet import ALEXEYAB, DIALECTS, HANK_AI, PJREDDIE, Dialect, Net, as_dialect, parse_cfg
from tests.comparing import bits

FORKS = ["pjreddie", "alexeyab", "hank-ai"]
REFUSES, CRASHES, HANGS = "refuses", "crashes", "hangs"


def outcome(text: str, fork: str, keys: tuple[str, ...]) -> Any:
    """What a fork makes of a text: the values of some keys, or how it ends."""
    try:
        net = parse_cfg(text, fork)
    except CfgError as error:
        return error.outcome
    values = tuple(getattr(net, key) for key in keys)
    return values[0] if len(values) == 1 else values


STEPS = "policy=steps"
TEN = (10, 20), (0.5, 0.25)

# matter, lines below [net], keys looked at, what pjreddie, alexeyab and hank-ai make of them
READING: list[tuple[Any, ...]] = [
    ("defaults", [], "batch subdivisions time_steps", (1, 1, 1), (1, 1, 1), (1, 1, 1)),
    ("defaults", [], "learning_rate policy power", *[(0.001, "constant", 4.0)] * 3),
    ("defaults", [], "burn_in max_batches step scale gamma", *[(0, 0, 1, 1.0, 1.0)] * 3),
    ("defaults of sgdr", ["policy=sgdr", "max_batches=9"], "sgdr_mult learning_rate_min", *[(2, 1e-05)] * 3),
    ("sgdr is unknown to pjreddie", ["policy=sgdr", "max_batches=9"], "policy", "constant", "sgdr", "sgdr"),
    ("an unknown policy", ["policy=cosine"], "policy", "constant", "constant", REFUSES),
    ("a policy in capitals", ["policy=POLY"], "policy", "constant", "constant", REFUSES),
    ("a comment behind the policy", ["policy=poly # x"], "policy", "constant", "constant", "poly"),
    ("blanks around", [" batch = 64 "], "batch", 64, 64, 64),
    ("blanks inside a number", ["batch = 6 4"], "batch", 64, 64, REFUSES),
    ("blanks inside a key", ["bat ch=64"], "batch", 64, 64, 1),
    ("blanks inside a policy", ["policy=po ly"], "policy", "poly", "poly", REFUSES),
    ("a carriage return in a line", ["policy=poly\r"], "policy", "constant", "poly", "poly"),
    ("a carriage return behind a number", ["batch=64\r"], "batch", 64, 64, 64),
    ("comment lines", ["#batch=2", ";batch=3", " # batch=4", "batch=5"], "batch", 5, 5, REFUSES),
    ("hash lines", ["#batch=2", " # batch=4", "batch=5"], "batch", 5, 5, 5),
    ("a comment behind a number", ["batch=64 # of 128"], "batch", 64, 64, 64),
    ("exponents", ["learning_rate=1e-3"], "learning_rate", 0.001, 0.001, REFUSES),
    ("exponents of ints", ["max_batches=5e5"], "max_batches", 5, 5, REFUSES),
    ("thousands", ["max_batches=500,200"], "max_batches", 500, 500, REFUSES),
    ("junk", ["power=much", "burn_in=many"], "power burn_in", (0.0, 0), (0.0, 0), REFUSES),
    ("fractions of ints", ["burn_in=99.9"], "burn_in", 99, 99, 99),
    ("two points", ["learning_rate=0.1.5"], "learning_rate", 0.1, 0.1, 0.1),
    ("an int too large for a float32", ["max_batches=16777217"], "max_batches", 16777217, 16777217, 16777216),
    ("an int too large for an int", ["max_batches=4294967297"], "max_batches", 1, 1, -(2**31)),
    ("a key twice", ["batch=2", "batch=4"], "batch", 2, 2, REFUSES),
    ("a key nobody reads", ["wobble=4", "batch=2"], "batch", 2, 2, REFUSES),
    ("a key of another policy", ["policy=poly", "gamma=.5"], "gamma", 1.0, 1.0, REFUSES),
    ("a key of pjreddie", ["notruth=1", "batch=2"], "batch", 2, 2, REFUSES),
    ("a key of adam", ["B1=.9", "batch=2"], "batch", 2, 2, REFUSES),
    ("a key of adam with adam", ["adam=1", "B1=.9", "batch=2"], "batch", 2, 2, 2),
    ("a key of adam without", ["adam=0", "B1=.9", "batch=2"], "batch", 2, 2, REFUSES),
    ("no value", ["burn_in=", "batch=2"], "burn_in batch", (0, 2), (0, 2), (0, 2)),
    ("no value, then one", ["burn_in=", "burn_in=7"], "burn_in", 7, 7, 7),
    ("no equals sign, nobody reads it", ["foo", "batch=2"], "batch", 2, 2, 2),
    ("no equals sign", ["learning_rate", "batch=2"], "learning_rate batch", *[(0.001, 2)] * 3),
    ("no equals sign, then one", ["batch", "batch=2"], "batch", 1, 1, 2),
    ("no equals sign in the policy", ["policy", "policy=poly"], "policy", "constant", "constant", "poly"),
    ("no equals sign in a list", [STEPS, "steps", "steps=1", "scales=.5"], "steps", REFUSES, REFUSES, (1,)),
    ("no equals sign in scales", [STEPS, "steps=1", "scales", "scales=.5"], "steps", REFUSES, REFUSES, (1,)),
    ("no equals sign in adam", ["adam", "B1=.9", "batch=2"], "batch", 2, 2, REFUSES),
    ("a second line without equals sign", ["batch=2", "batch"], "batch", 2, 2, 2),
    ("two equals signs", ["burn_in==2", "power=3=4"], "burn_in power", (0, 3.0), (0, 3.0), REFUSES),
    ("steps", [STEPS, "steps=10,20", "scales=.5,.25"], "steps scales", TEN, TEN, TEN),
    ("steps with blanks", [STEPS, "steps = 10 , 20", "scales= .5 , .25"], "steps scales", TEN, TEN, TEN),
    ("commas in a comment", [STEPS, "steps=10,20 # was 3,4", "scales=.5,.25"], "steps scales", CRASHES, TEN, TEN),
    (
        *("commas in a comment, scales enough", [STEPS, "steps=10,20#30,40", "scales=.5,.25,.1,.2"]),
        *("steps scales", ((10, 20, 40), (0.5, 0.25, 0.1)), TEN, TEN),
    ),
    ("steps between blanks", [STEPS, "steps=10 20", "scales=.5 .25"], "steps scales", *[((1020,), (0.5,))] * 2, TEN),
    ("fewer scales", [STEPS, "steps=10,20", "scales=.5"], "steps scales", CRASHES, CRASHES, ((10, 20), (0.5, 0.0))),
    ("more scales", [STEPS, "steps=10,20", "scales=.5,.25,.1"], "steps scales", TEN, TEN, TEN),
    ("steps end in a comma", [STEPS, "steps=10,", "scales=.5,.25"], "steps", (10, 0), (10, 0), (10,)),
    ("scales end in a comma", [STEPS, "steps=10,20", "scales=.5,"], "steps scales", *[((10, 20), (0.5, 0.0))] * 3),
    ("steps with fractions", [STEPS, "steps=1.5,20", "scales=.5,.25"], "steps", (1, 20), (1, 20), (1, 5, 20)),
    ("scales with exponents", [STEPS, "steps=1,2", "scales=1e-1,.2"], "scales", *[(0.1, 0.2)] * 2, (1.0, -1.0)),
    ("no steps", [STEPS, "scales=.5"], "steps", REFUSES, REFUSES, REFUSES),
    ("no scales", [STEPS, "steps=5"], "steps", REFUSES, REFUSES, REFUSES),
    ("steps dropped", [STEPS, "steps=", "scales=.5"], "steps", REFUSES, REFUSES, REFUSES),
    ("steps without a number", [STEPS, "steps=x", "scales=.5"], "steps", (0,), (0,), REFUSES),
    ("fewer seq_scales", [STEPS, "steps=1,2", "scales=.5,.5", "seq_scales=1"], "steps", (1, 2), CRASHES, (1, 2)),
    ("step of zero", ["policy=step", "step=0"], "step", CRASHES, CRASHES, CRASHES),
    ("step of zero elsewhere", ["policy=sigmoid", "step=0"], "step", 0, 0, 0),
    ("subdivisions of zero", ["subdivisions=0"], "batch", CRASHES, CRASHES, CRASHES),
    ("subdivisions over batch", ["batch=4", "subdivisions=8"], "effective_batch", CRASHES, 8, 8),
    ("batch not divided", ["batch=10", "subdivisions=4"], "effective_batch", 8, 8, 8),
    ("time_steps", ["batch=8", "subdivisions=4", "time_steps=3"], "effective_batch", 24, 24, 24),
    ("time_steps over the batch", ["batch=4", "subdivisions=8", "time_steps=3"], "effective_batch", CRASHES, 24, 24),
    ("effective batch of one", ["batch=1"], "effective_batch", 1, 1, 1),
    ("sgdr_cycle of zero", ["policy=sgdr", "sgdr_cycle=0"], "policy", "constant", HANGS, HANGS),
    ("sgdr_cycle of one", ["policy=sgdr", "sgdr_cycle=1"], "sgdr_cycle", None, 1, 1),
    ("sgdr without any length", ["policy=sgdr"], "policy", "constant", HANGS, HANGS),
    ("sgdr_mult of zero", ["policy=sgdr", "sgdr_cycle=5", "sgdr_mult=0"], "policy", "constant", HANGS, HANGS),
    (
        *("sgdr_mult of zero, longer", ["policy=sgdr", "sgdr_cycle=5", "max_batches=6", "sgdr_mult=0"]),
        *("policy", "constant", HANGS, HANGS),
    ),
    (
        *("sgdr_mult of zero, one cycle", ["policy=sgdr", "sgdr_cycle=5", "max_batches=5", "sgdr_mult=0"]),
        *("policy sgdr_mult", ("constant", 2), ("sgdr", 0), ("sgdr", 0)),
    ),
    ("sgdr_cycle", ["policy=sgdr", "sgdr_cycle=5", "sgdr_mult=3"], "sgdr_cycle sgdr_mult", (None, 2), (5, 3), (5, 3)),
    ("learning_rate_min", ["learning_rate_min=.5"], "learning_rate_min", 1e-05, 0.5, 0.5),
]


@pytest.mark.parametrize("row", READING, ids=lambda row: row[0])
def test_reading(row: tuple[Any, ...]) -> None:
    _, lines, keys, *wanted = row
    text = "\n".join(["[net]", *lines, ""])
    assert [outcome(text, fork, tuple(keys.split())) for fork in FORKS] == wanted


# what stands at the top of the file
WHOLE_FILES: list[tuple[str, str, Any, Any, Any]] = [
    ("network", "[network]\nbatch=2\n", 2, 2, 2),
    ("blanks before the section", " \t[net]\nbatch=2\n", 2, 2, 2),
    ("blanks in the section", "[ n e t ]\nbatch=2\n", 2, 2, REFUSES),
    ("a comment behind the section", "[net] # x\nbatch=2\n", REFUSES, REFUSES, 2),
    ("CRLF", "[net]\r\nbatch=2\r\n", REFUSES, 2, 2),
    ("carriage returns only", "[net]\rbatch=2\r", REFUSES, REFUSES, 1),
    ("another section first", "[yolo]\nbatch=2\n[net]\nbatch=2\n", REFUSES, REFUSES, REFUSES),
    ("capitals", "[NET]\nbatch=2\n", REFUSES, REFUSES, REFUSES),
    ("an unclosed bracket", "[net\nbatch=2\n", REFUSES, REFUSES, REFUSES),
    ("a bracket inside", "[ne]t\nbatch=2\n", REFUSES, REFUSES, REFUSES),
    ("an empty bracket", "[]net\nbatch=2\n", REFUSES, REFUSES, REFUSES),
    ("two brackets", "[[net]]\nbatch=2\n", REFUSES, REFUSES, REFUSES),
    ("a key first", "batch=2\n[net]\n", CRASHES, CRASHES, REFUSES),
    ("a dropped key first", "batch=\n[net]\nbatch=3\n", CRASHES, CRASHES, 3),
    ("a word first", "hello\n[net]\nbatch=3\n", CRASHES, CRASHES, 3),
    ("empty", "", REFUSES, REFUSES, REFUSES),
    ("blank", " \t\n\n \n", REFUSES, REFUSES, REFUSES),
    ("blank with carriage returns", "\r\n\r\n", CRASHES, REFUSES, REFUSES),
    ("comments only", "# [net]\n", REFUSES, REFUSES, REFUSES),
    ("the second net counts for nothing", "[net]\nbatch=2\n[net]\nbatch=3\n", 2, 2, 2),
    ("keys of other sections", "[net]\nhue=1\n[yolo]\nbatch=3\nfoo=bar\n", 1, 1, 1),
    ("an empty first section", "[net]\n[network]\nbatch=3\n", 1, 1, 3),
    ("an empty first section, then a layer", "[net]\n[yolo]\nbatch=3\n", 1, 1, REFUSES),
    ("two empty sections", "[yolo]\n[conv]\n[net]\nbatch=3\n", REFUSES, REFUSES, 3),
    ("a key twice in another section", "[net]\nbatch=2\n[yolo]\na=1\na=2\n", 2, 2, REFUSES),
    ("no newline at the end", "[net]\nbatch=2", 2, 2, 2),
]


@pytest.mark.parametrize("row", WHOLE_FILES, ids=lambda row: row[0])
def test_whole_files(row: tuple[str, str, Any, Any, Any]) -> None:
    _, text, *wanted = row
    assert [outcome(text, fork, ("batch",)) for fork in FORKS] == wanted


# matter, lines, GPUs, iterations, rates of pjreddie, alexeyab and hank-ai
TRAINING: list[tuple[Any, ...]] = [
    ("a negative step", "learning_rate=1 policy=steps steps=-1,9 scales=.5,.5", 1, (8, 9), (1, 1), (0.5, 0.25)),
    ("a negative burn_in", "learning_rate=1 burn_in=-4 power=1", 1, (1, 2, 8), (-0.25, -0.5, -2), (1, 1, 1)),
    ("sigmoid", "learning_rate=1 policy=sigmoid gamma=.5 step=1000", 1, (0, 1000, 4000), (0, 0.5, 0), (1, 0.5, 0)),
    ("rising", "learning_rate=1 policy=sigmoid gamma=-.5 step=1000", 1, (0, 1000, 4000), (1, 0.5, 1), (0, 0.5, 1)),
    (
        *("sgdr_mult of zero, one cycle", "learning_rate=1 learning_rate_min=0 policy=sgdr max_batches=4 sgdr_mult=0"),
        *(1, (0, 2, 4), (1, 1, 1), (1, 0.5, 0)),
    ),
    ("GPUs", "learning_rate=.25", 4, (0, 9), (1, 1), (1, 1), (0.25, 0.25)),
    ("GPUs in the burn-in", "learning_rate=.25 burn_in=4 power=1", 2, (2, 4), *[(0.25, 0.5)] * 2, (0.125, 0.25)),
    (
        *("learning_rate_min", "learning_rate=.25 learning_rate_min=.25 policy=sgdr sgdr_cycle=5", 4, (0, 5)),
        *((1, 1), (1, 0.25), (0.25, 0.25)),
    ),
]


@pytest.mark.parametrize("row", TRAINING, ids=lambda row: row[0])
def test_training(row: tuple[Any, ...]) -> None:
    _, lines, ngpus, iterations, *rates = row
    schedules = [parse_cfg("\n".join(["[net]", *lines.split(), ""]), fork).schedule(ngpus) for fork in FORKS]
    # where hank-ai does as alexeyab, its rates are left out
    wanted = np.array([*rates, rates[-1]][:3], np.float32)
    assert (bits(np.array([schedule(list(iterations)) for schedule in schedules])) == bits(wanted)).all()


def test_keys_of_the_forks() -> None:
    some = {"notruth": "pjreddie", "max_crop": "pjreddie alexeyab", "unsupervised": "alexeyab"}
    for key, forks in (some | dict.fromkeys(("sgdr_mult", "seq_scales", "mosaic"), "alexeyab hank-ai")).items():
        assert [dialect.name for dialect in DIALECTS if key in dialect.all_keys()] == forks.split()


def test_a_dialect_is_found_by_its_name() -> None:
    assert [as_dialect(dialect.name) for dialect in DIALECTS] == [PJREDDIE, ALEXEYAB, HANK_AI]
    assert [dialect.refuses_batch_of_one for dialect in DIALECTS] == [False, True, True]
    assert as_dialect(HANK_AI) is HANK_AI
    assert parse_cfg("[net]\n") == Net(dialect=ALEXEYAB)
    assert parse_cfg("[net]\n", HANK_AI).dialect is HANK_AI


@pytest.mark.parametrize(("name", "meant"), [("hankai", "hank-ai"), ("AlexeyAB", "alexeyab"), ("", None)])
def test_an_unknown_dialect(name: Any, meant: str | None) -> None:
    with pytest.raises(ValueError, match="dialect must be one of 'pjreddie', 'alexeyab', 'hank-ai', got") as caught:
        parse_cfg("[net]\n", name)
    assert ("did you mean" in str(caught.value)) == (meant is not None)
    assert meant is None or str(caught.value).endswith(f"did you mean {meant!r}?")


def test_a_fourth_fork_is_one_more_value() -> None:
    fourth = dataclasses.replace(HANK_AI, name="fourth", strict_keys=False, gpus_multiply_rate=True)
    net = parse_cfg("[net]\nlearning_rate=.25\nwobble=1\n", fourth)
    assert net.schedule(2)(0) == 0.5
    assert hash(fourth) != hash(HANK_AI)
    assert fourth != HANK_AI


@pytest.mark.parametrize("fork", [ALEXEYAB, HANK_AI])
def test_what_missing_scales_do_is_a_matter_of_its_own(fork: Dialect) -> None:
    text = "[net]\npolicy=steps\nsteps=100,200\nscales=.5\n"
    assert parse_cfg(text, dataclasses.replace(fork, missing_scales_are_zero=True)).scales == (0.5, 0.0)
    with pytest.raises(CfgError, match="steps has 2 values but scales has 1"):
        parse_cfg(text, dataclasses.replace(fork, missing_scales_are_zero=False))

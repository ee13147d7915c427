"""Checks of how a schedule is asked: twice, in any order, with arrays, with other integers, in another process."""

from __future__ import annotations

import json
import math
import os
import pickle
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from lrsched.testing.answers import NUMBER, Answers, ask_at_once, quiet, shown
from lrsched.testing.results import Counterexample, NotJudged
from lrsched.testing.subject import Subject

__all__ = [
    "input_not_written",
    "int_is_int64",
    "no_overflow",
    "pickles",
    "pure",
    "same_in_every_process",
    "scalar_is_array",
]

PATIENCE = 120
"""Seconds a fresh interpreter may take."""

FEW = 48
"""Iterations spread over the run that are asked in several orders."""

CHILD = """
import json, pickle, sys
sys.path[:] = json.loads(sys.stdin.buffer.readline())
task = sys.stdin.buffer.read()
from lrsched.testing.answers import ask
try:
    function, iterations = pickle.loads(task)
except Exception as error:
    print(json.dumps({"lost": f"{type(error).__name__}: {error}"}))
else:
    answers = ask(function, iterations)
    print(json.dumps({"rates": [rate.hex() for rate in answers.rates.tolist()], "kinds": answers.kinds.tolist()}))
"""


def pure(subject: Subject) -> Counterexample | None:
    """The same iteration gets the same rate, however often and in whatever order it is asked."""
    chosen = sorted({*subject.landmarks, *subject.probes[:: max(len(subject.probes) // FEW, 1)]})
    with quiet():
        for iteration in chosen:
            others = [other for other in (iteration + 1, 0, subject.horizon) if other <= subject.reach]
            asked = subject.ask([iteration, iteration, *(each for other in others for each in (other, iteration))])
            places = {1: "twice", **{3 + 2 * at: f"again after iteration {other}" for at, other in enumerate(others)}}
            for place, how in places.items():
                if _differs(asked, 0, asked, place):
                    return Counterexample(
                        f"at iteration {iteration} it first {asked.told(0)}, asked {how} it {asked.told(place)}",
                        iteration,
                    )
    return None


def scalar_is_array(subject: Subject) -> Counterexample | None:
    """An array of iterations gets the rates its iterations get one by one (own schedules: to the bit; else 4 ULP)."""
    if not subject.vectorises:
        raise NotJudged("it takes no arrays, so it is called once per iteration")
    probes = np.array(subject.probes, np.int64)
    alone = subject.alone
    slack = 0.0 if subject.own else subject.slack
    walk, every = subject.walk, np.arange(probes.size)
    begin = walk.size // 3
    places = np.searchsorted(walk, probes)
    # whole, backwards, and a part: what is answered must not depend on what else is asked
    for array, at in ((walk, places), (walk[::-1], walk.size - 1 - places), (walk[begin:], places - begin)):
        chosen = every[at >= 0]
        wrong = np.flatnonzero(_apart(alone, chosen, subject.evaluated(array), at[chosen], slack))
        if wrong.size:
            place = int(chosen[wrong[0]])
            return _smallest_array(subject, array, int(at[place]), alone, place, slack)
    if subject.own:
        return _shapes(subject, probes)
    return None


def _smallest_array(
    subject: Subject, array: NDArray[np.int64], at: int, alone: Answers, place: int, slack: float
) -> Counterexample:
    """Halve an array around one iteration while that iteration gets another rate than alone."""

    def wrong(part: NDArray[np.int64], inside: int) -> bool:
        together = ask_at_once(subject.function, part)
        one = np.array([place])
        return together is not None and bool(_apart(alone, one, together, np.array([inside]), slack)[0])

    iteration = int(array[at])
    size = array.size
    while size > 1:
        size = (size + 1) // 2 if size > 2 else 1
        # the iteration at the beginning, in the middle or at the end of a shorter array
        starts = {max(at - side, 0) for side in (0, size // 2, size - 1)}
        shorter = [(array[start : start + size], at - start) for start in sorted(starts) if start + size > at]
        kept = next((each for each in shorter if wrong(*each)), None)
        if kept is None:
            break
        array, at = kept
    together = subject.evaluated(array)
    listed = ", ".join(map(str, array[:4].tolist())) + (", ..." if array.size > 4 else "")
    return Counterexample(
        f"alone iteration {iteration} {alone.told(place)}; in the array [{listed}] of {array.size} it "
        f"{together.told(at)}",
        iteration,
    )


def _shapes(subject: Subject, probes: NDArray[np.int64]) -> Counterexample | None:
    """What a Schedule promises beyond functions: any shape, lists, ranges, one answer for an array of no axes."""
    some = probes[: probes.size // 2 * 2]
    expected = np.asarray(subject.function(some))
    forms: dict[str, tuple[object, tuple[int, ...]]] = {
        "an array of two rows": (some.reshape(2, -1), (2, some.size // 2)),
        "a list": (some.tolist(), some.shape),
        "an array of no axes": (some[0], ()),
        "an empty array": (some[:0], (0,)),
    }
    for form, (given, shape) in forms.items():
        rates = np.asarray(subject.function(given))
        if rates.shape != shape or rates.tobytes() != expected[: rates.size].tobytes():
            return Counterexample(f"{form} gets other rates, or the shape {rates.shape}, not {shape}", int(some[0]))
    return None


def int_is_int64(subject: Subject) -> Counterexample | None:
    """An iteration gets the same rate as an int of Python and as an int64 of numpy."""
    if subject.recorded:
        raise NotJudged("it counts by itself")
    ints, int64s = subject.alone, subject.ask(map(np.int64, subject.probes))
    places = np.arange(len(subject.probes))
    wrong = np.flatnonzero(_apart(ints, places, int64s, places, 0.0 if subject.own else subject.slack))
    if not wrong.size:
        return None
    place = int(wrong[0])
    iteration = subject.probes[place]
    return Counterexample(
        f"the int {iteration} {ints.told(place)}, the int64 {iteration} {int64s.told(place)}", iteration
    )


def input_not_written(subject: Subject) -> Counterexample | None:
    """The array of iterations that is given is not changed."""
    if not subject.vectorises:
        raise NotJudged("it takes no arrays")
    given = np.array(subject.probes, np.int64)
    kept = given.copy()
    with quiet(), suppress(Exception):
        subject.function(given)
    places = np.flatnonzero(given != kept)
    if not places.size:
        return None
    iteration = int(kept[places[0]])
    return Counterexample(f"iteration {iteration} of the array has become {given[places[0]]}", iteration)


def no_overflow(subject: Subject) -> Counterexample | None:
    """Around iteration 2**31 nothing wraps: neighbours stay close, and int and int64 agree (refusing is fine)."""
    asked = [2**31 + side for side in range(-4, 4) if 2**31 + side <= subject.reach]
    if not asked or subject.recorded:
        raise NotJudged("it cannot be asked so far")
    ints = subject.ask(asked)
    for place, iteration in enumerate(asked):
        if ints.kinds[place] != NUMBER:
            continue
        int64 = subject.ask([np.int64(iteration)])
        rate, other = float(ints.rates[place]), float(int64.rates[0])
        most = max(abs(rate), abs(other), subject.top)
        if int64.kinds[0] == NUMBER and not _close(rate, other, 1e-6 * most):
            return Counterexample(
                f"at {iteration} the int gets {shown(rate)}, the int64 of numpy gets {shown(other)}", iteration
            )
    rates = ints.rates
    for place in range(2, len(asked) - 1):
        before, step = abs(rates[place - 1] - rates[place - 2]), abs(rates[place] - rates[place - 1])
        lost = np.isfinite(rates[place - 1]) and ints.kinds[place] == NUMBER and not np.isfinite(rates[place])
        wild = step > 1e-3 * max(subject.top, abs(rates[place - 1])) and step > 10 * before
        if lost or wild:
            return Counterexample(
                f"the rate at {asked[place - 1]} is {shown(rates[place - 1])}, at {asked[place]} it is "
                f"{shown(rates[place])}",
                asked[place],
            )
    return None


def pickles(subject: Subject) -> Counterexample | None:
    """Pickled and unpickled, as for a checkpoint or a worker, it gives the same rates."""
    try:
        packed = pickle.dumps(subject.function)
    except Exception as error:
        if subject.own or subject.declared.picklable:
            return Counterexample(f"pickle.dumps raises {type(error).__name__}: {error}")
        raise NotJudged("it cannot be pickled; promise picklable=True to demand it") from None
    try:
        copy = pickle.loads(packed)
    except Exception as error:
        return Counterexample(f"pickle.loads raises {type(error).__name__}: {error}")
    return _other_rate(subject.probes, subject.alone, subject.made(copy).ask(subject.probes), "after unpickling")


def same_in_every_process(subject: Subject) -> Counterexample | None:
    """A fresh interpreter gives the same rates: nothing depends on the time, the process or a hash."""
    module = getattr(subject.function, "__module__", None) or type(subject.function).__module__
    if module == "__main__":
        raise NotJudged("it stands in __main__, which a fresh interpreter does not have; move it to a module")
    try:
        task = pickle.dumps((subject.function, subject.probes))
    except Exception:
        raise NotJudged("it cannot be pickled, so it cannot be sent to a fresh interpreter") from None
    child = subprocess.run(
        [sys.executable, "-c", CHILD],
        input=json.dumps(sys.path).encode() + b"\n" + task,
        env={**os.environ, "PYTHONHASHSEED": "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"},
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    try:
        told = json.loads(child.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        last = child.stderr.decode(errors="replace").strip().splitlines()[-1:] or ["no answer"]
        raise NotJudged(f"a fresh interpreter ends with: {last[0]}") from None
    if "lost" in told:
        raise NotJudged(f"a fresh interpreter cannot import it ({told['lost']})")
    rates = np.array([float.fromhex(rate) for rate in told["rates"]])
    fresh = Answers(rates, np.array(told["kinds"], np.int8), {}, np.dtype(np.float64))
    return _other_rate(subject.probes, subject.alone, fresh, "in a fresh interpreter")


def _other_rate(iterations: Sequence[int], one: Answers, other: Answers, where: str) -> Counterexample | None:
    for place, iteration in enumerate(iterations):
        if _differs(one, place, other, place):
            return Counterexample(
                f"at iteration {iteration} it {one.told(place)}, {where} it {other.told(place)}", iteration
            )
    return None


def _differs(one: Answers, place: int, other: Answers, at: int) -> bool:
    return one.kinds[place] != other.kinds[at] or not _close(float(one.rates[place]), float(other.rates[at]), 0.0)


def _close(a: float, b: float, slack: float) -> bool:
    return a == b or abs(a - b) <= slack or (math.isnan(a) and math.isnan(b))


def _apart(
    one: Answers, places: NDArray[np.int64], other: Answers, at: NDArray[np.int64], slack: float
) -> NDArray[np.bool_]:
    a, b = one.rates[places], other.rates[at]
    with np.errstate(invalid="ignore"):
        same = (a == b) | (np.abs(a - b) <= slack)
    # where neither is a finite real number, other checks say so
    apart: NDArray[np.bool_] = ~same & (np.isfinite(a) | np.isfinite(b))
    return apart

"""What a schedule answers, what it says to those who ask the wrong thing, and what it makes with others."""

import math
import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrsched import as_schedule
from lrsched.numbers import params, real, whole
from lrsched.schedule import BLOCK, LAST_ITERATION, Floats, Iterations, Param, Piece, Schedule, printed_zero
from lrsched.schedules import Product, Sequential, Sum
from lrsched.trainers import darknet
from lrsched.trainers.darknet import BurnIn, Poly
from tests.comparing import refusing

LINEAR = Poly(learning_rate=1.0, power=1.0, max_batches=1024)


SHAPES: list[tuple[Any, tuple[int, ...]]] = [
    (512, ()),
    (np.int64(512), ()),
    ([[512, 0], [1, 2]], (2, 2)),
    (np.full((2, 0), 512), (2, 0)),
    ([], (0,)),
    (range(512, 600), (88,)),
    (range(600, 500, -2), (50,)),
    (np.arange(512, 612)[::3], (34,)),
    (np.arange(0, 256, dtype=np.uint8), (256,)),
    (np.array([512, 2], object), (2,)),
    (np.asfortranarray(np.arange(512, 518).reshape(2, 3)), (2, 3)),
]


@pytest.mark.parametrize(("iteration", "shape"), SHAPES, ids=repr)
def test_the_answer_has_the_shape_of_the_question(iteration: Any, shape: tuple[int, ...]) -> None:
    rates = LINEAR(iteration)
    assert rates.shape == shape
    assert rates.dtype == np.float32
    assert (rates == 1 - np.array(iteration, np.float32) / 1024).all()
    if shape == ():
        assert type(rates) is np.float32


NOT_WHOLE: list[Any] = [1.0, float("nan"), [1, 2.5], True, [True, False], 1 + 0j, "5", b"5", "", None, [None, 1], {1}]

OUT_OF_RANGE: list[tuple[Any, int]] = [
    (-1, -1),
    ([5, -3, 7], -3),
    (range(-4, 9), -4),
    (2**31, 2**31),
    (2**70, 2**70),
    ([0, -(2**70)], -(2**70)),
    (np.array([2**63], np.uint64), 2**63),
    (range(2**70), 2**70 - 1),
]
COUNTABLE = "^an iteration must be a whole number from 0 to 2147483647, got"
test_an_iteration_is_a_whole_number_that_a_trainer_can_count = refusing(
    *((partial(LINEAR, wrong), TypeError, COUNTABLE) for wrong in NOT_WHOLE),
    *((partial(LINEAR, wrong), ValueError, f"{COUNTABLE} {got}$") for wrong, got in OUT_OF_RANGE),
)


def test_every_block_of_a_long_question_is_checked_and_answered() -> None:
    many = np.zeros(3 * BLOCK, np.int64)
    many[-1] = -1
    with pytest.raises(ValueError, match="got -1"):
        LINEAR(many)
    many[-1] = 512
    assert LINEAR(many)[-1] == 0.5


def test_a_run_is_walked_in_blocks() -> None:
    rates = LINEAR.rates(5, 2 * BLOCK + 9)
    for t in (*range(5, 2 * BLOCK, 999), *range(BLOCK, BLOCK + 9), *range(2 * BLOCK, 2 * BLOCK + 9)):
        assert rates[t - 5] == LINEAR(t)
    assert LINEAR.rates(LAST_ITERATION - 1, LAST_ITERATION + 1).tolist() == [1 - 2.0**21] * 2
    assert LINEAR.rates(7, 7).shape == LINEAR.rates(9, 7).shape == (0,)
    with pytest.raises(ValueError, match="stop must be a whole number from 0 to 2147483648"):
        LINEAR.rates(0, 2**31 + 1)


def test_a_piece_ends_with_its_last_repeat() -> None:
    assert [Piece(3, 5).end, Piece(3, 5, 2).end, Piece(3, 5, 4).end] == [5, 8, 14]


@given(st.floats(width=32))
def test_printed_zero_is_what_percent_f_prints(rate: float) -> None:
    assert printed_zero(np.float32(rate)) is (f"{rate:f}".lstrip("-") == "0.000000")
    assert printed_zero(np.array([rate, 1], np.float32)).tolist() == [printed_zero(rate), False]
    for double in (rate * 1.1, 5e-7, -5e-7, math.nextafter(5e-7, 1), math.nextafter(5e-7, 0)):
        assert printed_zero(double) is (f"{double:f}".lstrip("-") == "0.000000")


# --- functions -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "function",
    [
        lambda t: 0.1 / (t + 1),
        lambda t: 0.1 if t < 5 else 0.01,
        lambda t: np.where(t < 5, 0.1, 0.01),
        lambda t: 0.25,
        lambda t: {0: 1.0}.get(t, 0.5),
        lambda t: np.float32(0.1) * t,
    ],
    ids=["array", "if", "where", "constant", "hash", "float32"],
)
def test_any_callable_is_a_schedule(function: Callable[[Any], Any]) -> None:
    schedule = as_schedule(function)
    for iterations in (range(10), [3, 1, 9], 7, [[0, 1], [2, 3]]):
        flat = np.array(iterations).reshape(-1)
        wanted = np.array([float(function(int(t))) for t in flat])
        got = schedule(iterations)
        assert got.dtype == np.float64
        assert np.asarray(got).shape == np.array(iterations).shape
        np.testing.assert_allclose(np.asarray(got).reshape(-1), wanted, rtol=1e-7)
    assert (schedule.pieces(0, 9), list(schedule.milestones(0, 9))) == (None, [])
    assert (schedule.horizon, schedule.warmup, schedule.band()) == (None, 0, None)


def test_a_function_cannot_write_to_the_question() -> None:
    def greedy(t: Any) -> Any:
        t += 1
        return t * 0.5

    asked = np.array([4, 2, 9])
    assert as_schedule(greedy)(asked).tolist() == [2.5, 1.5, 5.0]
    assert asked.tolist() == [4, 2, 9]


def test_a_function_whose_module_is_gone_is_known_by_its_name() -> None:
    def decay(t: Any) -> Any:
        return 0.1 / (t + 1)

    decay.__module__, decay.__qualname__ = "a.module.of.yesterday", "decay"
    assert as_schedule(decay).caption == "decay"


def test_a_function_can_be_named_by_its_import_path() -> None:
    named = as_schedule("tests.factories:harmonic", horizon=9)
    assert named(4) == 0.1 / 5
    assert (named.horizon, named.caption, str(named)) == (9, "tests.factories:harmonic", "tests.factories:harmonic")
    assert eval(repr(named)) == named
    assert repr(as_schedule(lambda t: 1)).startswith("FunctionSchedule(function=<function")
    with pytest.raises(ValueError, match="cannot be imported"):
        as_schedule("tests.factories:nothing")
    with pytest.raises(TypeError, match="math:pi is a float"):
        as_schedule("math:pi")


@pytest.mark.parametrize("source", [0.1, None, {}])
def test_what_is_no_schedule_is_refused_in_words(source: Any) -> None:
    kind = type(source).__name__
    with pytest.raises(
        TypeError, match=f"^a schedule must be a path, a config, a Schedule, a scheduler or a callable; got {kind}$"
    ):
        as_schedule(source)
    with pytest.raises(TypeError, match="must be a Schedule or a function of the iteration"):
        LINEAR.then(source)


def test_a_file_is_read_whatever_its_name(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a:b").write_text("[net]\npolicy=constant\nlearning_rate=0.5\n")
    assert as_schedule("a:b")(3) == 0.5
    with pytest.raises(FileNotFoundError):
        as_schedule("missing.cfg")
    (tmp_path / "log.txt").write_text('{"train_lr": 0.1, "train_loss": 3.5, "epoch": 0}\n')
    with pytest.raises(ValueError, match=r"^log.txt: this is a log of fair, not a config; lrsched log reads it$"):
        as_schedule("log.txt")
    (tmp_path / "train.log").write_text(" 1: 0.500000, 0.500000 avg loss, 0.001000 rate, 1.5 seconds, 64 images\n")
    with pytest.raises(ValueError, match=r"^train.log: this is a log, not a config; lrsched log reads it$"):
        as_schedule("train.log")
    (tmp_path / "cfg.log").write_text("[net]\npolicy=constant\nlearning_rate=0.5\n")
    assert as_schedule("cfg.log")(3) == 0.5


# --- a schedule of one's own ---------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, repr=False)
class Ramp(Schedule):
    """A schedule that somebody else wrote."""

    slope: Annotated[float, Param("how steep", 0.0, 1.0, (0.0, 1.0), zero=False)] = 0.5
    stop: Annotated[int | None, Param("where it ends", 1, 99, (1, 99))] = None

    def formula(self, t: Iterations) -> Floats:
        return t * self.slope

    def _check(self) -> None:
        if self.stop == 13:
            raise ValueError("Ramp: stop must not be 13")

    def milestones(self, first: int, last: int) -> Iterator[int]:
        return (t for t in (10, 20) if first <= t <= last)

    @property
    def horizon(self) -> int | None:
        return self.stop


def test_a_schedule_is_its_formula_and_the_hooks_it_knows() -> None:
    assert list(params(Ramp)) == ["slope", "stop"]
    assert params(Ramp)["slope"].doc == "how steep"
    assert Ramp(slope=0.25)([0, 4, 2]).tolist() == [0.0, 1.0, 0.5]
    assert (repr(Ramp()), repr(Ramp(slope=0.25))) == ("Ramp()", "Ramp(slope=0.25)")
    assert Ramp(slope=np.float64(0.25), stop=5) == eval("Ramp(slope=0.25, stop=5)")
    assert repr(Ramp(slope=np.float64(0.25))) == "Ramp(slope=0.25)"
    assert Ramp(slope=0.25, stop=9).caption == "Ramp · slope 0.25 · stop 9"
    assert (super(Ramp, Ramp()).horizon, Ramp().warmup, Ramp().pieces(0, 9)) == (None, 0, None)


test_a_parameter_is_checked_by_its_declaration = refusing(
    (partial(Ramp, slope=1.5), ValueError, "^Ramp: slope must be a number from 0 to 1, but not 0, got 1.5$"),
    (partial(Ramp, slope=0), ValueError, "^Ramp: slope must be a number from 0 to 1, but not 0, got 0$"),
    (partial(Ramp, slope=float("nan")), ValueError, "got nan"),
    (partial(Ramp, slope=True), TypeError, "got True"),
    (lambda: Ramp(stop=2.0), TypeError, "^Ramp: stop must be a whole number from 1 to 99, got 2.0$"),  # type: ignore[arg-type]
    (partial(Ramp, stop=100), ValueError, "got 100"),
    (partial(Ramp, stop=13), ValueError, "^Ramp: stop must not be 13$"),
)


def test_numbers_have_one_sentence_each() -> None:
    assert (whole("--gpus", np.int64(3), low=1), real("rate", 10**400 // 10**400)) == (3, 1.0)
    for value, error in ((-1, ValueError), (float("inf"), ValueError), (10**400, ValueError), ([1.0], TypeError)):
        with pytest.raises(error, match=r"^peak must be a number of at least 0, got "):
            real("peak", value)
    with pytest.raises(ValueError, match=r"^--gpus must be a whole number from 1 to 2147483647, got 0$"):
        whole("--gpus", 0, low=1)
    assert np.isnan(real("any", float("nan"), low=-np.inf))
    with pytest.raises(ValueError, match=r"^any must be a number, got 1000"):
        real("any", 10**400, low=-np.inf)


@pytest.mark.parametrize("check", [whole, real])
def test_bounds_lie_inside_and_0_where_it_is_welcome(check: Callable[..., Any]) -> None:
    for value in (-2, 0, 3, np.int64(-2), np.int64(3)):
        assert check("n", value, low=-2, high=3) == value
    for value in (-3, 4):
        with pytest.raises(ValueError, match=rf"^n must be a (whole )?number from -2 to 3, got {value}$"):
            check("n", value, low=-2, high=3)
    with pytest.raises(ValueError, match=r"from -2 to 3, but not 0, got 0$"):
        check("n", 0, low=-2, high=3, zero=False)
    assert check("n", 1, low=-2, high=3, zero=False) == 1
    for wrong in (None, "1", True, np.True_, [1], 1j):
        with pytest.raises(TypeError, match=r"^n must be a (whole )?number"):
            check("n", wrong)


# --- what schedules make with one another --------------------------------------------------------------------------


def test_every_schedule_can_be_multiplied_added_and_followed() -> None:
    warm = BurnIn(policy=LINEAR, burn_in=10)
    double, product, total = 2 * warm, warm * Ramp(), warm + (lambda t: t)
    assert (double == Product(schedules=(warm,), factor=2), double == np.float64(2) * warm) == (True, True)
    assert isinstance(total, Sum)
    assert {made.dtype for made in (double, product, total)} == {np.dtype(np.float64)}
    assert [made.horizon for made in (double, product, total)] == [1024] * 3
    assert [made.warmup for made in (double, product, total)] == [10] * 3
    assert list(product.milestones(1, 99)) == [10, 20]


OPERATORS: tuple[Callable[[Any, Any], Any], ...] = (operator.mul, operator.add, operator.sub, operator.truediv)


@given(st.floats(-1e9, -1e-9) | st.floats(1e-9, 1e9) | st.integers(1, 9) | st.sampled_from([np.float32(0.1)]))
def test_numbers_do_with_a_schedule_what_they_do_with_its_rates(number: Any) -> None:
    run = Poly(learning_rate=0.1, max_batches=100)
    rates = run.rates(0, 20).astype(np.float64)
    pairs = [(do(run, number), do(rates, float(number))) for do in OPERATORS]
    pairs += [(do(number, run), do(float(number), rates)) for do in OPERATORS[:-1]]
    for made, wanted in pairs:
        assert made.rates(0, 20).tolist() == wanted.tolist()
        assert eval(repr(made), vars(darknet) | {"Sum": Sum, "Product": Product}) == made


def test_sums_and_differences_of_schedules() -> None:
    one, other = Poly(learning_rate=0.1, max_batches=100), Ramp()
    assert sum([one, other]) == one + other
    assert sum([one]) == one
    assert (one - one).rates(0, 200).tolist() == [0.0] * 200
    assert (one - (lambda t: t))(7) == float(one(7)) - 7
    assert (-one)(7) == -one(7)


def test_one_schedule_follows_another() -> None:
    first, second = Ramp(stop=8), Ramp(slope=1.0, stop=30)
    own = first.then(second)
    assert own([7, 8, 9]).tolist() == [3.5, 0.0, 1.0]
    assert (own.horizon, list(own.milestones(0, 99))) == (38, [8, 18, 28])
    zero = first.then(second, at=12, count_from="zero")
    assert zero([11, 12]).tolist() == [5.5, 12.0]
    assert (zero.horizon, list(zero.milestones(0, 99)), list(zero.milestones(12, 12))) == (30, [10, 12, 20], [12])
    assert own == Sequential(schedules=(first, second), at=(8,))


def test_the_warmup_of_several_is_that_of_the_first_up_to_its_end() -> None:
    warm = BurnIn(policy=LINEAR, burn_in=10)
    for schedules, at, warmup in (((warm, LINEAR, LINEAR), (20, 30), 10), ((warm, LINEAR, LINEAR), (8, 30), 8),
                                  ((LINEAR, warm), (20,), 0)):  # fmt: skip
        assert Sequential(schedules=schedules, at=at).warmup == warmup


test_what_does_not_fit_is_refused = refusing(
    (lambda: Ramp().then(Ramp()), ValueError, "has no last iteration"),
    (lambda: Ramp().then(Ramp(), at=0), ValueError, "at must be a whole number from 1"),
    (lambda: Ramp().then(Ramp(), at=3, count_from="start"), ValueError, '"boundary" or "zero"'),  # type: ignore[arg-type]
    (lambda: Sequential(schedules=(Ramp(), Ramp()), at=(3, 4)), ValueError, "2 schedules need 1 ascending"),
    (lambda: Product(schedules=()), TypeError, "must be a tuple of schedules"),
    (lambda: Product(schedules=(3,)), TypeError, "must be a tuple of schedules"),  # type: ignore[arg-type]
    *((lambda do=do: do(Ramp(), "2"), TypeError, "must be a (Schedule|number)") for do in OPERATORS),
    *((lambda do=do: do(Ramp(), True), TypeError, "must be a number that is finite") for do in OPERATORS),
    *((lambda do=do: do(True, Ramp()), TypeError, "must be a number that is finite") for do in OPERATORS[:-1]),
    *((lambda do=do: do(Ramp(), np.inf), ValueError, "finite.* got inf") for do in OPERATORS),
    *((lambda do=do: do(Ramp(), np.float32("nan")), ValueError, "finite.* got .*nan") for do in OPERATORS),
    *((lambda do=do: do(Ramp(), 10**400), ValueError, "must be a number that is finite") for do in OPERATORS),
    (lambda: Ramp() / 0, ValueError, "but not 0, got 0"),
    (lambda: Ramp() / Ramp(), TypeError, r"but not 0, got Ramp\(\)"),  # type: ignore[operator]
)

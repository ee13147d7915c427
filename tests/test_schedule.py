"""What a schedule answers, and what it says to those who ask the wrong thing."""

import dataclasses
import enum
from collections.abc import Callable, Iterator
from typing import Annotated, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrsched import Schedule, as_schedule
from lrsched.schedule import BLOCK, LAST_ITERATION, FunctionSchedule, Param, Piece, declared, params, printed_zero
from lrsched.trainers.darknet import Poly

LINEAR = Poly(learning_rate=1.0, power=1.0, max_batches=1024)


class Stage(enum.IntEnum):
    HALF = 512


SHAPES: list[tuple[Any, tuple[int, ...]]] = [
    (512, ()),
    (np.int64(512), ()),
    (np.uint16(512), ()),
    (np.array(512), ()),
    (Stage.HALF, ()),
    ([512], (1,)),
    ((512, 0), (2,)),
    ([[512, 0], [1, 2]], (2, 2)),
    (np.full((2, 3, 4), 512), (2, 3, 4)),
    (np.full((2, 0), 512), (2, 0)),
    ([], (0,)),
    ((), (0,)),
    ([[], []], (2, 0)),
    (np.array([], np.int64), (0,)),
    (range(512, 600), (88,)),
    (range(600, 500, -2), (50,)),
    (range(0), (0,)),
    (np.arange(512, 612)[::3], (34,)),
    (np.arange(512, 612, dtype=np.uint64), (100,)),
    (np.arange(0, 128, dtype=np.int8), (128,)),
    (np.arange(0, 256, dtype=np.uint8), (256,)),
    (np.arange(512, 520, dtype=">i4"), (8,)),
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


NOT_WHOLE: list[tuple[Any, str]] = [
    (1.0, "float64"),
    (np.float32(1), "float32"),
    (float("nan"), "float64"),
    ([1, 2.5], "float64"),
    (np.array([1.0]), "float64"),
    (True, "got True; use 0 or 1 for a bool"),
    (np.True_, "got np.True_; use 0 or 1 for a bool"),
    ([True, False], "bool"),
    (np.array(True), "bool"),
    (1 + 0j, "complex128"),
    ("5", ""),
    (b"5", ""),
    (["5"], ""),
    ("", ""),
    (None, ""),
    ([None, 1], ""),
    ({1}, ""),
    ({}, ""),
    (object(), ""),
    (np.datetime64("2020-01-01"), "datetime64[D]"),
    (np.timedelta64(5), ""),
    (np.array([1, 2], dtype=object), "object"),
]


@pytest.mark.parametrize(("iteration", "words"), NOT_WHOLE, ids=lambda given: repr(given)[:30])
def test_an_iteration_is_a_whole_number(iteration: Any, words: str) -> None:
    with pytest.raises(
        TypeError, match=r"^(an iteration must be a whole number|iterations must be whole numbers)"
    ) as caught:
        LINEAR(iteration)
    assert words in str(caught.value)


def test_a_list_with_a_bool_in_it_is_not_whole() -> None:
    with pytest.raises(TypeError, match="whole number"):
        LINEAR([True, 2])


OUT_OF_RANGE: list[tuple[Any, str]] = [
    (-1, "an iteration must be 0 or more, got -1"),
    (np.int8(-128), "an iteration must be 0 or more, got -128"),
    ([5, -3, 7], "an iteration must be 0 or more, got -3"),
    (range(-4, 9), "an iteration must be 0 or more, got -4"),
    (np.arange(-128, 128, dtype=np.int8), "an iteration must be 0 or more, got -128"),
    (2**31, "an iteration must be at most 2**31 - 1 (darknet counts in a C int), got 2147483648"),
    ([0, 2**31], "an iteration must be at most 2**31 - 1 (darknet counts in a C int), got 2147483648"),
    (2**70, f"an iteration must be at most 2**31 - 1 (darknet counts in a C int), got {2**70}"),
    (-(2**70), f"an iteration must be 0 or more, got {-(2**70)}"),
    ([2**70], f"an iteration must be at most 2**31 - 1 (darknet counts in a C int), got {2**70}"),
    (np.uint64(2**64 - 1), f"an iteration must be at most 2**31 - 1 (darknet counts in a C int), got {2**64 - 1}"),
    (np.array([2**63], np.uint64), f"an iteration must be at most 2**31 - 1 (darknet counts in a C int), got {2**63}"),
    (range(5, 2**31 + 1), "an iteration must be at most 2**31 - 1 (darknet counts in a C int), got 2147483648"),
]


@pytest.mark.parametrize(("iteration", "message"), OUT_OF_RANGE, ids=lambda given: repr(given)[:30])
def test_an_iteration_is_one_that_darknet_can_count(iteration: Any, message: str) -> None:
    with pytest.raises(ValueError, match="an iteration must be") as caught:
        LINEAR(iteration)
    assert str(caught.value) == message


def test_a_huge_range_is_out_of_range() -> None:
    with pytest.raises(ValueError, match="an iteration must be at most"):
        LINEAR(range(2**70))


def test_a_ragged_list_is_refused() -> None:
    with pytest.raises((TypeError, ValueError)):
        LINEAR([[1], [2, 3]])


def test_the_last_iteration_is_valid() -> None:
    assert Poly(max_batches=LAST_ITERATION, learning_rate=1.0)(LAST_ITERATION) == 0
    assert LINEAR([LAST_ITERATION, 0]).tolist() == [1 - 2.0**21, 1.0]
    assert LINEAR.rates(LAST_ITERATION - 1, LAST_ITERATION + 1).tolist() == [1 - 2.0**21] * 2


def test_out_of_order_blocks_are_checked_all() -> None:
    many = np.zeros(3 * BLOCK, np.int64)
    many[-1] = -1
    with pytest.raises(ValueError, match="got -1"):
        LINEAR(many)
    many[-1] = 512
    assert LINEAR(many)[-1] == 0.5


BAD_BOUNDS: list[tuple[Any, Any, type[Exception], str]] = [
    (-1, 5, ValueError, "an iteration must be 0 or more, got -1"),
    (5, -1, ValueError, "an iteration must be 0 or more, got -1"),
    (0, 2**31 + 1, ValueError, "an iteration must be at most 2**31 - 1 (darknet counts in a C int), got 2147483648"),
    (0.0, 5, TypeError, "iterations must be whole numbers, got 0.0 and 5"),
    (0, "5", TypeError, "iterations must be whole numbers, got 0 and '5'"),
    (None, 5, TypeError, "iterations must be whole numbers, got None and 5"),
    (True, 5, TypeError, "an iteration must be a whole number, got True"),
    (0, np.True_, TypeError, "an iteration must be a whole number, got np.True_"),
]


@pytest.mark.parametrize("ask", [LINEAR.rates, LINEAR.blocks], ids=["rates", "blocks"])
@pytest.mark.parametrize(("first", "stop", "error", "message"), BAD_BOUNDS)
def test_bounds_are_iterations(ask: Any, first: Any, stop: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        ask(first, stop)
    assert str(caught.value) == message


def test_rates_can_be_written_where_one_likes() -> None:
    out = np.full(30, -1, np.float32)
    assert LINEAR.rates(512, 522, out=out[:10]) is not None
    assert (out[:10] == LINEAR(range(512, 522))).all()
    assert (out[10:] == -1).all()
    LINEAR.rates(0, 15, out=out[::2])
    assert (out[::2] == LINEAR(range(15))).all()
    assert LINEAR.rates(7, 7).shape == LINEAR.rates(9, 7).shape == (0,)


@pytest.mark.parametrize("out", [np.empty(4, np.float32), np.empty(5), np.empty((5, 1), np.float32)])
def test_rates_go_only_where_they_fit(out: Any) -> None:
    with pytest.raises(ValueError, match=r"^out must have shape \(5,\) and type float32, got "):
        LINEAR.rates(0, 5, out=out)


def test_blocks_are_walked_in_bounded_memory() -> None:
    walk = LINEAR.blocks(0, LAST_ITERATION + 1)
    first, block = next(walk)
    assert (first, block.shape) == (0, (BLOCK,))
    again = next(walk)[1]
    assert np.shares_memory(block, again)
    assert [(first, len(block)) for first, block in LINEAR.blocks(3, 10, size=3)] == [(3, 3), (6, 3), (9, 1)]
    assert list(LINEAR.blocks(10, 10)) == []


@pytest.mark.parametrize("size", [0, -1])
def test_a_block_holds_something(size: int) -> None:
    with pytest.raises(ValueError, match=f"^size must be at least 1, got {size}$"):
        LINEAR.blocks(0, 5, size=size)


def test_a_block_has_a_whole_size() -> None:
    with pytest.raises(TypeError):
        LINEAR.blocks(0, 5, size=2.5)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rate", "zero"),
    [(0.0, True), (-0.0, True), (4.9e-7, True), (-4.9e-7, True), (5.1e-7, False), (-1.0, False), (float("nan"), False)],
)
def test_printed_zero_is_what_a_log_shows(rate: float, zero: bool) -> None:
    assert printed_zero(rate) is zero
    assert (f"{rate:f}".lstrip("-") == "0.000000") is zero


@given(st.floats(width=32))
def test_printed_zero_is_what_percent_f_prints(rate: float) -> None:
    assert printed_zero(np.float32(rate)) is (f"{rate:f}".lstrip("-") == "0.000000")
    assert printed_zero(np.array([rate, 1], np.float32)).tolist() == [printed_zero(rate), False]


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
    assert schedule.pieces(0, 9) is None
    assert list(schedule.milestones(0, 9)) == []


def test_a_function_cannot_write_to_the_question() -> None:
    def greedy(t: Any) -> Any:
        t += 1
        return t * 0.5

    asked = np.array([4, 2, 9])
    assert as_schedule(greedy)(asked).tolist() == [2.5, 1.5, 5.0]
    assert asked.tolist() == [4, 2, 9]


def test_a_fault_of_the_function_is_shown() -> None:
    def faulty(t: Any) -> float:
        raise KeyError("my own fault")

    with pytest.raises(KeyError, match="my own fault"):
        as_schedule(faulty)([1, 3])


def test_a_horizon_can_be_given() -> None:
    assert as_schedule(abs, horizon=9).horizon == 9
    assert as_schedule(abs).horizon is None
    assert as_schedule(LINEAR) is LINEAR
    assert as_schedule(abs) == FunctionSchedule(function=abs)
    assert LINEAR.horizon == 1024


@pytest.mark.parametrize("source", [0.1, None, [0.1]])
def test_only_a_callable_is_a_schedule(source: Any) -> None:
    kind = type(source).__name__
    with pytest.raises(TypeError, match=f"^a schedule must be callable with an iteration, got {kind}$"):
        as_schedule(source)


def test_a_piece_knows_its_end() -> None:
    assert Piece(10, 19).end == 19
    assert Piece(10, 19, 3).end == 39


@dataclasses.dataclass(frozen=True, kw_only=True, repr=False)
class Ramp(Schedule):
    """A schedule that somebody else wrote."""

    slope: Annotated[float, Param("how steep", 0.0, 1.0, (0.0, 1.0), zero=False)] = 0.5

    def __post_init__(self) -> None:
        declared(self)

    @property
    def horizon(self) -> int | None:
        return None

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.float64)

    def milestones(self, first: int, last: int) -> Iterator[int]:
        return iter(())

    def pieces(self, first: int, last: int) -> tuple[Piece, ...]:
        return (Piece(first, last),)

    def _fill(self, first: int, out: Any) -> None:
        out[:] = np.arange(first, first + out.size) * self.slope

    def _gather(self, iterations: Any, out: Any) -> None:
        out[:] = iterations * self.slope


def test_a_parameter_is_declared_once() -> None:
    assert list(params(Ramp)) == ["slope"]
    assert params(Ramp)["slope"].doc == "how steep"
    assert Ramp(slope=0.25)([0, 4, 2]).tolist() == [0.0, 1.0, 0.5]
    assert repr(Ramp()) == "Ramp()"
    assert repr(Ramp(slope=0.25)) == "Ramp(slope=0.25)"


@pytest.mark.parametrize(("slope", "shown"), [(1.5, "1.5"), (-0.5, "-0.5"), (0, "0"), (float("inf"), "inf")])
def test_a_parameter_out_of_its_range(slope: float, shown: str) -> None:
    with pytest.raises(ValueError, match="slope") as caught:
        Ramp(slope=slope)
    assert str(caught.value) == f"Ramp: slope must be in [0, 1] and not 0, got {shown}"


WRONG_TYPES: list[tuple[str, Any]] = [
    ("max_batches", 100.5),
    ("max_batches", "100"),
    ("max_batches", None),
    ("max_batches", float("nan")),
    ("learning_rate", "0.1"),
    ("learning_rate", None),
    ("power", [1.0]),
]


@pytest.mark.parametrize(("name", "value"), WRONG_TYPES)
def test_a_parameter_of_the_wrong_kind(name: str, value: Any) -> None:
    with pytest.raises((TypeError, ValueError)) as caught:
        Poly(**{name: value})
    assert name in str(caught.value)

"""The parameters of the named schedules, each declared once: what it means and which values it can hold.

Times may be text, see :class:`lrsched.schedules.units.Units`; rates may be shares of the peak, such as ``"1%"``.
"""

import math
from collections.abc import Sequence
from typing import Annotated, Any, Literal, TypeAlias

from lrsched.numbers import LAST_ITERATION, Param

__all__ = [
    "Count",
    "EpochLength",
    "Factor",
    "Form",
    "Horizon",
    "Iteration",
    "Length",
    "Limit",
    "Milestones",
    "Peak",
    "Power",
    "Rate",
    "Rates",
    "Shift",
    "Shrink",
    "Stretch",
    "Warmup",
]

LAST = LAST_ITERATION

Peak: TypeAlias = Annotated[float, Param("rate at the end of the warm-up", 0, math.inf, (1e-5, 0.5))]
Rate: TypeAlias = Annotated[Any, Param("a rate, or a share of the peak", 0, math.inf, (0.0, 1e-5), text="rate")]
Horizon: TypeAlias = Annotated[Any, Param("last iteration of the run", 1, LAST, (100, 600_000), text="time")]
Warmup: TypeAlias = Annotated[
    Any, Param("iteration at which the peak is reached, 0: from the first on", 0, LAST, (0, 50), text="time")
]
Length: TypeAlias = Annotated[Any, Param("a number of iterations", 1, LAST, (2, 50), text="time")]
EpochLength: TypeAlias = Annotated[int, Param("iterations of an epoch", 1, LAST, (2, 5_000))]
Iteration: TypeAlias = Annotated[Any, Param("an iteration", 0, LAST, (0, 100_000), text="time")]
Shift: TypeAlias = Annotated[Any, Param("iterations later", -LAST, LAST, (-1_000, 100_000), text="time")]
Milestones: TypeAlias = Annotated[Sequence[Any], Param("iterations, ascending", 0, LAST, (100, 500_000), text="time")]
Rates: TypeAlias = Annotated[Sequence[float], Param("the rate at each", 0, math.inf, (1e-6, 0.5))]
Count: TypeAlias = Annotated[int, Param("how many", 1, 100_000, (1, 10))]
Stretch: TypeAlias = Annotated[float, Param("length of a cycle over that of the one before", 0.01, 100, (1.0, 3.0))]
Shrink: TypeAlias = Annotated[float, Param("height of a cycle over that of the one before", 0, 1, (0.25, 1.0))]
Factor: TypeAlias = Annotated[float, Param("factor of every drop", 0, math.inf, (0.05, 1.0))]
Power: TypeAlias = Annotated[float, Param("exponent", 0.01, 100, (0.5, 5.0))]
Limit: TypeAlias = Annotated[float, Param("a limit of the rate", 0, math.inf, (0.0, 0.5))]
Form: TypeAlias = Literal["linear", "cosine", "root", "exponential"]

"""The parameters of the named schedules, each declared once: what it means and which values it can hold."""

import math
from typing import Annotated, Literal, TypeAlias

from lrsched.schedule import LAST_ITERATION, Param

__all__ = ["Cycles", "DecayForm", "Horizon", "Length", "Level", "Mult", "Positive", "Power", "Shrink", "WarmUp"]

LONGEST = float(LAST_ITERATION)

Level: TypeAlias = Annotated[float, Param("a learning rate", 0.0, math.inf, (1e-6, 0.5))]
Positive: TypeAlias = Annotated[float, Param("a learning rate above 0", 0.0, math.inf, (1e-6, 0.5), zero=False)]
Horizon: TypeAlias = Annotated[int, Param("last iteration of the run", 1.0, LONGEST, (100, 600_000))]
WarmUp: TypeAlias = Annotated[int, Param("iteration at which the peak is reached", 0.0, LONGEST, (0, 5_000))]
Length: TypeAlias = Annotated[int, Param("iterations it takes", 1.0, LONGEST, (2, 50_000))]
Cycles: TypeAlias = Annotated[int, Param("how many cycles", 1.0, LONGEST, (1, 10))]
Mult: TypeAlias = Annotated[int, Param("each cycle is this many times longer", 1.0, LONGEST, (1, 3))]
Power: TypeAlias = Annotated[float, Param("exponent", 0.01, 100.0, (0.5, 5.0))]
Shrink: TypeAlias = Annotated[float, Param("height of a cycle over that of the one before", 0.0, 1.0, (0.25, 1.0))]
DecayForm: TypeAlias = Literal["linear", "cosine", "root"]

"""The parameters of darknet's learning rate, each declared once: what it means and which values it can hold."""

from typing import Annotated, TypeAlias

from lrsched.schedule import Param

__all__ = ["INT", "Base", "Batch", "BurnInLength", "Cycle", "CycleMult", "DropLength", "Gamma", "LearningRate"]
__all__ += ["LearningRateMin", "MaxBatches", "Midpoint", "Power", "Quantile", "Scale", "ScaleList", "Steepness"]
__all__ += ["StepLength", "StepList", "Subdivisions", "TimeSteps"]

INT = (-(2.0**31), 2.0**31 - 1)
FLOAT = (-float("inf"), float("inf"))

LearningRate: TypeAlias = Annotated[float, Param("learning rate at full strength", *FLOAT, (1e-5, 0.5))]
LearningRateMin: TypeAlias = Annotated[float, Param("lowest rate of a cycle", *FLOAT, (0.0, 1e-4))]
MaxBatches: TypeAlias = Annotated[int, Param("iterations in the whole run; 0 means none", *INT, (500, 600_000))]
Power: TypeAlias = Annotated[float, Param("exponent of poly, random and the burn-in", *FLOAT, (0.5, 5.0))]
BurnInLength: TypeAlias = Annotated[int, Param("iterations of warm-up before the policy", *INT, (0, 4_000))]
StepLength: TypeAlias = Annotated[int, Param("iterations between drops, or the midpoint", *INT, (1, 400_000))]
Midpoint: TypeAlias = Annotated[int, Param("iteration at which half of the rate is left", *INT, (1, 400_000))]
DropLength: TypeAlias = Annotated[int, Param("iterations between two drops", *INT, (1, 400_000), zero=False)]
Scale: TypeAlias = Annotated[float, Param("factor of every drop", *FLOAT, (0.05, 1.0))]
Gamma: TypeAlias = Annotated[float, Param("base of exp, or steepness of sigmoid", *FLOAT, (1e-5, 1.0))]
Base: TypeAlias = Annotated[float, Param("factor of every iteration", *FLOAT, (0.99, 1.0))]
Steepness: TypeAlias = Annotated[float, Param("steepness; below 0 the rate rises", *FLOAT, (1e-5, 1e-2))]
StepList: TypeAlias = Annotated[tuple[int, ...], Param("iterations of the drops, ascending", *INT, (100, 500_000))]
ScaleList: TypeAlias = Annotated[tuple[float, ...], Param("factor at each of the steps", *FLOAT, (0.05, 1.0))]
Cycle: TypeAlias = Annotated[
    int | None, Param("length of the first cycle; max_batches when absent", 1.0, INT[1], (100, 100_000))
]
CycleMult: TypeAlias = Annotated[int, Param("each cycle is this many times longer", 1.0, INT[1], (1, 3))]
Quantile: TypeAlias = Annotated[float, Param("the draw of the random policy, fixed", 0.0, 1.0, (0.0, 1.0))]
Batch: TypeAlias = Annotated[int, Param("images between two updates of the weights", *INT, (1, 128))]
Subdivisions: TypeAlias = Annotated[int, Param("parts a batch is loaded in", *INT, (1, 64))]
TimeSteps: TypeAlias = Annotated[int, Param("frames of a sequence (recurrent networks)", *INT, (1, 16))]

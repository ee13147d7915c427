"""What the eight policies share: a rate to start from, a run that ends, float32 rates."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from lrsched.schedule import Piece, Schedule, declared
from lrsched.trainers.darknet.arithmetic import LARGEST_EXACT, Arithmetic, Singles
from lrsched.trainers.darknet.parameters import LearningRate, MaxBatches

__all__ = ["Policy", "counted", "split"]

DOUBLE_PRECISION = Arithmetic()


@dataclass(frozen=True, kw_only=True, repr=False)
class Policy(Schedule):
    """What the policies of darknet share: a rate to start from, a run that ends, float32 rates.

    Raises:
        ValueError: for a parameter no trainer could hold, by name.
    """

    KEY: ClassVar[str]
    FORMULA: ClassVar[str]

    learning_rate: LearningRate = 0.001
    max_batches: MaxBatches = 0
    arithmetic: Arithmetic = DOUBLE_PRECISION

    def __post_init__(self) -> None:
        declared(self)
        self._check()

    @abstractmethod
    def _check(self) -> None:
        """Raise ValueError for parameters that do not fit together."""

    @property
    def horizon(self) -> int | None:
        return self.max_batches if self.max_batches > 0 else None

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.float32)


def counted(first: int, count: int) -> Singles:
    """The whole numbers from ``first`` on in the trainer's float32."""
    if abs(first) + count <= LARGEST_EXACT:
        return np.arange(first, first + count, dtype=np.float32)
    return np.arange(first, first + count).astype(np.float32)


def split(first: int, last: int, at: int) -> tuple[Piece, ...]:
    """Cut ``first..last`` before iteration ``at``."""
    if first < at <= last:
        return Piece(first, at - 1), Piece(at, last)
    return (Piece(first, last),)

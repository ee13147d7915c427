"""How far a weights file was trained, from the first bytes of the file."""

from __future__ import annotations

import os
import struct
from typing import NamedTuple

from lrsched.schedule import LAST_ITERATION
from lrsched.trainers.darknet.net import Net

__all__ = ["WeightsFile", "read_weights"]

HIGHEST_VERSION = 1000  # darknet's version numbers are far below; what begins otherwise is another kind of file


class WeightsFile(NamedTuple):
    """A weights file, its version, and the images trained so far as one GPU counts them (0 after ``-clear``)."""

    source: str
    version: tuple[int, int, int]
    seen: int

    def iteration(self, net: Net) -> int:
        """The iteration from which a cfg goes on with these weights; another batch gives another iteration.

        Raises:
            ValueError: for more iterations than darknet can count.
        """
        iteration = self.seen // net.effective_batch
        if not 0 <= iteration <= LAST_ITERATION:
            raise ValueError(
                f"{self.source}: {self.seen} images trained are iteration {iteration} at {net.effective_batch} images "
                f"each, more than darknet can count; perhaps this weights file belongs to another cfg"
            )
        return iteration


def read_weights(path: str | os.PathLike[str]) -> WeightsFile:
    """Read the header of a weights file as the trainers do.

    Raises:
        OSError: when the file cannot be opened.
        ValueError: for what is not a weights file.

    Source: ``load_weights_upto`` in ``src/parser.c`` (pjreddie, AlexeyAB) and ``src-lib/weights.cpp`` (hank-ai).
    """
    source = os.fspath(path)
    with open(source, "rb") as file:  # not pathlib, which every command would wait for
        header = file.read(20)
    if len(header) < 16:
        raise ValueError(f"{source}: not a weights file: it has {len(header)} bytes, the header alone has 16 or 20")
    major, minor, revision = version = struct.unpack("<3i", header[:12])
    if not (0 <= major < HIGHEST_VERSION and 0 <= minor < HIGHEST_VERSION and revision >= 0):
        raise ValueError(
            f"{source}: not a weights file: it begins with {header[:8]!r} instead of the version that darknet writes; "
            f"pass the .weights file that the training saved"
        )
    end = 20 if major * 10 + minor >= 2 else 16
    if len(header) < end:
        raise ValueError(f"{source}: not a whole weights file: it ends inside its header, after {len(header)} bytes")
    return WeightsFile(source, version, int.from_bytes(header[12:end], "little"))

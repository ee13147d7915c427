"""The run that the commands are tried on, in a folder ``exp`` with hyp.yaml, opt.yaml and results.csv."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.cli.conftest import command, folder
from tests.trainers.yolov5.files import results_csv
from tests.trainers.yolov5.oracle import LOOPS, Loop

__all__ = ["command", "folder", "run"]

HYP = "lr0: {lr0}\nlrf: 0.1  # of lr0\nmomentum: 0.937\nwarmup_epochs: 3.0\nwarmup_momentum: 0.8\nwarmup_bias_lr: 0.1\n"
OPT = "epochs: 40\nbatch_size: 16\ncos_lr: false\nseed: 0\nresume: false\n"


@pytest.fixture
def run(folder: Path) -> Loop:
    """40 epochs of 37 iterations, as planned."""
    loop = next(each for each in LOOPS if (each.era, each.decay) == ("yolov5-v6.2", ""))
    loop = replace(loop, lr0=0.001, lrf=0.1, epochs=40, nb=37)
    (folder / "exp").mkdir()
    for name, text in {"hyp.yaml": HYP.format(lr0=0.001), "opt.yaml": OPT, "results.csv": results_csv(loop)}.items():
        (folder / "exp" / name).write_text(text)
    return loop

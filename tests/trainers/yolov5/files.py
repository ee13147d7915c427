"""Results files as the trainers write them, of runs that the oracle trains."""

from __future__ import annotations

from tests.trainers.yolov5.oracle import LambdaLR, Loop

YOLOV5 = (
    "train/box_loss train/obj_loss train/cls_loss metrics/precision metrics/recall metrics/mAP_0.5 "
    "metrics/mAP_0.5:0.95 val/box_loss val/obj_loss val/cls_loss"
)
ULTRALYTICS = (
    "train/box_loss train/cls_loss train/dfl_loss metrics/precision(B) metrics/recall(B) metrics/mAP50(B) "
    "metrics/mAP50-95(B) val/box_loss val/cls_loss val/dfl_loss"
)


def metrics(epoch: int) -> list[float]:
    """Losses that fall, metrics that rise."""
    good = 0.9 - 0.8 / (epoch + 1)
    return [0.1 / (epoch + 1), 0.02, 0.03, good, good - 0.02, good, good * 0.7, 0.11, 0.021, 0.031]


def rates(loop: Loop) -> list[list[float]]:
    """The rates of the last iteration of each epoch."""
    rows = loop.run(LambdaLR)
    return [[row[f"group {j}"] for j in range(3)] for row in rows[loop.nb - 1 :: loop.nb]]


def results_csv(loop: Loop) -> str:
    """results.csv as the version of a loop writes it."""
    if not loop.era.startswith("ultralytics"):
        names = ["epoch", *YOLOV5.split(), "x/lr0", "x/lr1", "x/lr2"]
        lines = [("%20s," * len(names) % tuple(names)).rstrip(",")]
        for epoch, groups in enumerate(rates(loop)):
            lines.append(("%20.5g," * len(names) % (epoch, *metrics(epoch), *groups)).rstrip(","))
        return "\n".join(lines) + "\n"
    early = loop.era == "ultralytics-8.0"
    names = ["epoch", *([] if early else ["time"]), *ULTRALYTICS.split(), "lr/pg0", "lr/pg1", "lr/pg2"]
    lines = [("%23s," * len(names) % tuple(names)).rstrip(",") if early else ",".join(names)]
    for epoch, groups in enumerate(rates(loop)):
        if early:
            lines.append(("%23.5g," * len(names) % (epoch + 1, *metrics(epoch), *groups)).rstrip(","))
        else:
            values = (60.5 * (epoch + 1), *metrics(epoch), *groups)
            lines.append(",".join([str(epoch + 1), *(f"{value:.6g}" for value in values)]))
    return "\n".join(lines) + "\n"


def results_txt(epochs: int, losses: int = 3, val: int = 3) -> str:
    """results.txt; forks have more losses."""
    lines = []
    for epoch in range(epochs):
        train = [0.1 / (epoch + n + 1) for n in range(losses)]
        good = metrics(epoch)[3:7]
        row = ("%10s" * 2 + "%10.4g" * (losses + 3)) % (f"{epoch}/{epochs - 1}", "4.83G", *train, sum(train), 108, 416)
        lines.append(row + "%10.4g" * (4 + val) % (*good, *[0.05 / (n + 1) for n in range(val)]))
    return "\n".join(lines) + "\n"

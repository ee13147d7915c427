"""What really happened: the logs that darknet prints while it trains, held against what was planned."""

from lrsched.training.audit import Audit, Cause, Mismatches, audit
from lrsched.training.darknet_log import follow, read_log
from lrsched.training.diagnosis import Diagnosis, FirstNan, Pace, Trend, Weights, ZeroRate, diagnose
from lrsched.training.export import write_csv, write_iou_lines, write_json, write_loss_lines, write_npz
from lrsched.training.infer import Inference, infer
from lrsched.training.log import Event, Header, Layers, Log, LogError, MapPoint, Seam, Skipped
from lrsched.training.reader import LogReader
from lrsched.training.stitch import stitch

__all__ = [
    "Audit",
    "Cause",
    "Diagnosis",
    "Event",
    "FirstNan",
    "Header",
    "Inference",
    "Layers",
    "Log",
    "LogError",
    "LogReader",
    "MapPoint",
    "Mismatches",
    "Pace",
    "Seam",
    "Skipped",
    "Trend",
    "Weights",
    "ZeroRate",
    "audit",
    "diagnose",
    "follow",
    "infer",
    "read_log",
    "stitch",
    "write_csv",
    "write_iou_lines",
    "write_json",
    "write_loss_lines",
    "write_npz",
]

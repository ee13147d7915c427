"""What really happened: the logs that darknet prints while it trains, held against what was planned."""

from lrsched.log import Event, Header, Layers, Log, LogError, MapPoint, Seam, Skipped
from lrsched.logs.audit import Audit, Cause, Mismatches, audit
from lrsched.logs.diagnosis import Diagnosis, FirstNan, Pace, Trend, Weights, ZeroRate, diagnose
from lrsched.logs.export import write_csv, write_iou_lines, write_json, write_loss_lines, write_npz
from lrsched.logs.inference import Inference, infer
from lrsched.logs.joining import stitch
from lrsched.logs.reading import follow, read_log
from lrsched.trainers.darknet.log.reader import LogReader

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

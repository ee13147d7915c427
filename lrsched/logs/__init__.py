"""What really happened: training logs read, joined, compared with their plan, explained and diagnosed."""

from lrsched.log import Event, Explanation, Header, Layers, Log, LogError, MapPoint, Seam, Skipped
from lrsched.logs.comparison import Audit, Mismatches, audit
from lrsched.logs.diagnosis import Diagnosis, Ending, Pace, Trend, Weights, diagnose
from lrsched.logs.export import write_csv
from lrsched.logs.inference import Inference, infer
from lrsched.logs.joining import part, rising, same_run, stitch
from lrsched.logs.reading import read_log, read_logs

__all__ = [
    "Audit",
    "Diagnosis",
    "Ending",
    "Event",
    "Explanation",
    "Header",
    "Inference",
    "Layers",
    "Log",
    "LogError",
    "MapPoint",
    "Mismatches",
    "Pace",
    "Seam",
    "Skipped",
    "Trend",
    "Weights",
    "audit",
    "diagnose",
    "infer",
    "part",
    "read_log",
    "read_logs",
    "rising",
    "same_run",
    "stitch",
    "write_csv",
]

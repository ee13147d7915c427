"""What really happened: training logs read, joined, compared with their plan, explained and diagnosed."""

from lrsched.log import Event, Header, Layers, Log, LogError, MapPoint, Seam, Skipped, cut_runs, part
from lrsched.logged import Audit, Inference, Mismatches
from lrsched.logs.advising import advised
from lrsched.logs.curves import curves_of, read_run, verdict_on
from lrsched.logs.diagnosis import Diagnosis, Ending, Pace, Weights, diagnose
from lrsched.logs.export import write_csv
from lrsched.logs.inferring import infer
from lrsched.logs.joining import rising, same_run, stitch
from lrsched.logs.judging import audit, config_beside
from lrsched.logs.outcome import Outcome, outcome
from lrsched.logs.reading import read_log, read_logs

__all__ = ["Audit", "Diagnosis", "Ending", "Event", "Header", "Inference", "Layers", "Log", "LogError", "MapPoint"]
__all__ += ["Mismatches", "Outcome", "Pace", "Seam", "Skipped", "Weights"]
__all__ += ["advised", "audit", "config_beside", "curves_of", "cut_runs", "diagnose", "infer", "outcome", "part"]
__all__ += ["read_log", "read_logs", "read_run", "rising", "same_run", "stitch", "verdict_on", "write_csv"]

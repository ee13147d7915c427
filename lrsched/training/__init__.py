"""What really happened: the logs that darknet prints while it trains."""

from lrsched.training.darknet_log import follow, read_log
from lrsched.training.export import write_csv, write_iou_lines, write_json, write_loss_lines, write_npz
from lrsched.training.log import Event, Header, Layers, Log, LogError, MapPoint, Seam, Skipped
from lrsched.training.reader import LogReader
from lrsched.training.stitch import stitch

__all__ = [
    "Event",
    "Header",
    "Layers",
    "Log",
    "LogError",
    "LogReader",
    "MapPoint",
    "Seam",
    "Skipped",
    "follow",
    "read_log",
    "stitch",
    "write_csv",
    "write_iou_lines",
    "write_json",
    "write_loss_lines",
    "write_npz",
]

"""What darknet prints while it trains: lines become records, layers and events."""

from lrsched.log import TrainerLogs
from lrsched.trainers.darknet.log.comparison import audit
from lrsched.trainers.darknet.log.inference import infer
from lrsched.trainers.darknet.log.reader import LogReader

__all__ = ["LOGS"]

LOGS = TrainerLogs(
    begins=lambda begin, name: False,
    reader=LogReader,
    example="what darknet printed (./darknet detector train ... 2>&1 | tee train.log)",
    saved_every=100,
    warmup="burn-in",
    infer=infer,
    audit=audit,
)

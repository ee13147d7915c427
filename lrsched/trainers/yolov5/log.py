"""What the trainers of this family write: results files, and the configs beside them."""

from lrsched.log import TrainerLogs
from lrsched.trainers.yolov5.comparing import audit_results, infer_results
from lrsched.trainers.yolov5.reading import CONFIG_NAMES, RESULT_NAMES, read_config
from lrsched.trainers.yolov5.results import looks_like_results, parse_results

__all__ = ["LOGS"]

LOGS = TrainerLogs(
    begins=looks_like_results,
    parse=parse_results,
    names=RESULT_NAMES,
    weights=("best.pt", "last.pt"),
    config_names=CONFIG_NAMES,
    read_config=read_config,
    infer=infer_results,
    audit=audit_results,
)

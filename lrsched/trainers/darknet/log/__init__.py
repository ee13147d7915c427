"""What darknet prints while it trains: lines become records, layers and events."""

from lrsched.log import TrainerLogs
from lrsched.trainers.darknet.log import explanations, reader

__all__ = ["LOGS"]

LOGS = TrainerLogs(
    begins=lambda begin: False,
    reader=reader.LogReader,
    rates=explanations.printed_rates,
    explanations=explanations.explanations,
    likely_gpus=explanations.likely_gpus,
    readings=explanations.other_readings,
    contradictions=explanations.contradictions,
    values=explanations.net_values,
)

"""What darknet prints while it trains: lines become records, layers and events."""

from lrsched.log import TrainerLogs
from lrsched.trainers.darknet.log import explanations, rates, reader

__all__ = ["LOGS"]

LOGS = TrainerLogs(
    begins=lambda begin: False,
    reader=reader.LogReader,
    rates=rates.printed_rates,
    explanations=explanations.explanations,
    likely_gpus=rates.likely_gpus,
    readings=rates.other_readings,
    contradictions=rates.contradictions,
    values=rates.net_values,
)

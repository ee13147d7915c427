"""Hugging Face's Trainer and what is built on it, such as LLaMA-Factory."""

from lrsched.log import TrainerLogs
from lrsched.rules import Configs
from lrsched.trainers.huggingface.arguments import Arguments, arguments_beside, read_arguments
from lrsched.trainers.huggingface.reading import begins, clocks, parse, readings
from lrsched.trainers.huggingface.schedules import TYPES, schedule_of

__all__ = ["CONFIGS", "LOGS", "TYPES", "Arguments", "read_arguments", "schedule_of"]

LOGS = TrainerLogs(
    begins=begins,
    parse=parse,
    names=("trainer_state.json", "trainer_log.jsonl", "checkpoint-*/trainer_state.json"),
    clocks=clocks,
    readings=readings,
    config_names=("training_args.json", "training_args.yaml", "*.yaml", "README.md"),
    read_config=arguments_beside,
)

CONFIGS = Configs(read=read_arguments, points=("learning_rate", "warmup_steps", "", "max_steps"))

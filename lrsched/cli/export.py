"""The command export: any schedule as code of torch, transformers, optax, keras or plain Python."""

import argparse

from lrsched.cli import options
from lrsched.cli.writing import write_text
from lrsched.convert.export import TARGETS, export_source
from lrsched.sources import as_schedule

EXAMPLES = """examples:
  lrsched export cfg/yolov4.cfg --to torch          a scheduler of torch with the rates of a cfg
  lrsched export runs/train/exp --to optax -o rates.py
  lrsched export my_rates:cosine --to python --horizon 20000
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", metavar="SOURCE", help=options.SOURCE)
    parser.add_argument("--to", choices=list(TARGETS), required=True, help="whose code is printed")
    options.add(parser, "--horizon", type=options.positive)
    parser.add_argument("-o", "--output", **options.FILE, help="write the code (default: print it)")
    options.add(parser, "--force", *options.CONFIG)


def run(arguments: argparse.Namespace) -> int:
    source = options.read_source(arguments.source, arguments)
    schedule = as_schedule(source, ngpus=arguments.gpus)
    try:
        text = export_source(schedule, arguments.to, horizon=arguments.horizon)
    except ValueError as why:
        raise ValueError(str(why).replace("horizon=N", "--horizon N")) from why
    write_text(arguments, text)
    return options.DONE

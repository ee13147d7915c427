"""The command export: any schedule as code of torch, transformers, optax, keras or plain Python."""

import argparse

from lrsched.cli import options
from lrsched.cli.options import integer
from lrsched.convert.export import TARGETS, export_source
from lrsched.files import write_file
from lrsched.sources import as_schedule

EXAMPLES = """examples:
  lrsched export cfg/yolov4.cfg --to torch          a scheduler of torch with the rates of a cfg
  lrsched export runs/train/exp --to optax -o rates.py
  lrsched export my_rates:cosine --to python --horizon 20000
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", metavar="SOURCE", help=options.SOURCE)
    parser.add_argument("--to", choices=list(TARGETS), required=True, help="whose code is printed")
    words = "last iteration of the run (default that of SOURCE)"
    parser.add_argument("--horizon", type=integer(1), metavar="N", help=words)
    parser.add_argument("-o", "--output", metavar="FILE", help="write the code (default: print it)")
    parser.add_argument("--force", action="store_true", help="replace an existing file")
    options.add_cfg(parser)


def run(arguments: argparse.Namespace) -> int:
    source = options.read_source(arguments.source, arguments)
    schedule = as_schedule(source, ngpus=arguments.gpus)
    try:
        text = export_source(schedule, arguments.to, horizon=arguments.horizon)
    except ValueError as why:
        raise ValueError(str(why).replace("horizon=N", "--horizon N")) from why
    if arguments.output in (None, "-"):
        print(text, end="")
    else:
        options.message(f"wrote {write_file(arguments.output, text.encode(), force=arguments.force)}")
    return options.DONE

"""The command init: a [net] section to start from."""

import argparse

from lrsched.cli import options
from lrsched.trainers.darknet import ALEXEYAB, usual_net

EXAMPLES = """examples:
  lrsched init --classes 3 --images 2500
  lrsched init --images 2500 --epochs 300 --gpus 2 > my.cfg
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add(parser, "--classes", "--images")
    parser.add_argument("--epochs", type=float, metavar="N", help="length in epochs (default: from classes and images)")
    parser.add_argument("--batch", **options.NUMBER, default=64, help="images per iteration (default 64)")
    parser.add_argument("--policy", default="steps", metavar="NAME", help="policy (default steps)")
    options.add(parser, "--gpus", "--dialect")


def run(arguments: argparse.Namespace) -> int:
    if arguments.epochs is not None and arguments.images is None:
        raise ValueError("--epochs needs --images as well")
    net = usual_net(
        classes=arguments.classes,
        images=arguments.images,
        epochs=arguments.epochs,
        ngpus=arguments.gpus,
        batch=arguments.batch,
        policy=arguments.policy,
        dialect=arguments.dialect or ALEXEYAB,
    )
    print(net)
    return options.DONE

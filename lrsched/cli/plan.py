"""The commands that advise: plan, suggest, design."""

from __future__ import annotations

import argparse
from typing import Any

from lrsched.cli.options import (
    DONE,
    PROBLEM,
    add_cfg_options,
    add_command,
    add_dialect,
    add_write_options,
    iteration,
    positive,
    print_json,
    read,
    write,
)
from lrsched.planner import design, plan, suggest
from lrsched.report import plans as report

__all__ = ["add_design", "add_plan", "add_suggest"]


def add_plan(commands: Any) -> None:
    """Add ``lrsched plan``."""
    parser = add_command(
        commands,
        "plan",
        _plan,
        "say what will go wrong, from which iteration on, and what to write instead",
        "lrsched plan cfg/darknet.cfg --target 900000",
    )
    parser.add_argument("cfg", metavar="CFG", help="a cfg, or package.module:name")
    parser.add_argument("--target", type=iteration, metavar="N", help="the iteration you want to reach")
    parser.add_argument("--start", type=iteration, default=0, metavar="N", help="the iteration you go on from")
    parser.add_argument("--classes", type=positive, metavar="N", help="number of classes, to judge the length by")
    parser.add_argument("--images", type=positive, metavar="N", help="number of training images, to judge it by")
    add_cfg_options(parser)
    add_write_options(parser)
    parser.add_argument("--json", action="store_true", help="one JSON document")


def _plan(arguments: argparse.Namespace) -> int:
    planned = plan(
        read(arguments.cfg, arguments),
        arguments.target,
        start=arguments.start,
        ngpus=arguments.gpus,
        classes=arguments.classes,
        images=arguments.images,
    )
    if arguments.json:
        print_json(report.plan_json(planned))
    else:
        print(report.plan_text(planned))
    offered = {str(i): suggestion.changes for i, suggestion in enumerate(planned.suggestions, 1)}
    write(arguments, offered | {way.name: way.changes for way in planned.extensions})
    return DONE if planned.ok else PROBLEM


def add_suggest(commands: Any) -> None:
    """Add ``lrsched suggest``."""
    parser = add_command(
        commands,
        "suggest",
        _suggest,
        "find the values that give the rate you want at an iteration",
        "lrsched suggest cfg/darknet.cfg --target 900000 --decay 1000 --write longer.cfg",
    )
    parser.add_argument("cfg", metavar="CFG", help="a cfg, or package.module:name")
    parser.add_argument("--target", type=iteration, metavar="N", help="the iteration (default max_batches)")
    wish = parser.add_mutually_exclusive_group()
    wish.add_argument("--end-rate", type=float, metavar="RATE", help="the rate wanted there")
    wish.add_argument(
        "--decay", type=float, default=100, metavar="TIMES", help="or: so many times below the peak (100)"
    )
    parser.add_argument("--keep", default="learning_rate", metavar="KEY", help="a key that keeps its value")
    add_cfg_options(parser)
    add_write_options(parser)
    parser.add_argument("--json", action="store_true", help="one JSON document")


def _suggest(arguments: argparse.Namespace) -> int:
    offered = suggest(
        read(arguments.cfg, arguments),
        arguments.target,
        end_rate=arguments.end_rate,
        decay=arguments.decay,
        keep=arguments.keep,
        ngpus=arguments.gpus,
    )
    if arguments.json:
        print_json(report.suggestions_json(offered))
    else:
        print(report.suggestions_text(offered))
    write(arguments, {str(i): suggestion.changes for i, suggestion in enumerate(offered, 1)})
    return DONE if offered else PROBLEM


def add_design(commands: Any) -> None:
    """Add ``lrsched design``."""
    parser = add_command(
        commands,
        "design",
        _design,
        "print a [net] section to start from, by the rules of the field",
        "lrsched design --classes 3 --images 5000 > my.cfg",
    )
    parser.add_argument("--classes", type=positive, metavar="N", help="number of classes")
    parser.add_argument("--images", type=positive, metavar="N", help="number of training images")
    parser.add_argument("--epochs", type=float, metavar="N", help="so many epochs instead of the rule for the length")
    parser.add_argument("--batch", type=positive, default=64, metavar="N", help="images per iteration (default 64)")
    parser.add_argument("--policy", default="steps", metavar="NAME", help="policy (default steps)")
    parser.add_argument("--gpus", type=positive, default=1, metavar="N", help="number of GPUs (default 1)")
    add_dialect(parser)


def _design(arguments: argparse.Namespace) -> int:
    net = design(
        classes=arguments.classes,
        images=arguments.images,
        epochs=arguments.epochs,
        ngpus=arguments.gpus,
        batch=arguments.batch,
        policy=arguments.policy,
        dialect=arguments.dialect,
    )
    print(report.net_text(net))
    return DONE

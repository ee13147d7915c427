"""The command plan: what will go wrong, from which iteration, and how to fix it."""

import argparse
import sys
from dataclasses import replace

from lrsched.cli import options
from lrsched.planner import Plan, plan
from lrsched.planner.printed import plan_text
from lrsched.planner.rules import all_rules
from lrsched.report.plans import github_error, github_lines, plan_json
from lrsched.text import counted, did_you_mean, shows_colour

EXAMPLES = """examples:
  lrsched plan cfg/yolov3.cfg
  lrsched plan my.cfg --classes 3 --images 2500 --write new.cfg
  lrsched plan my.cfg --weights backup/my_last.weights --target 9000
  lrsched plan runs/train/exp                           a run of YOLOv5 or Ultralytics
  lrsched plan hyp.yaml --images 2500 --set epochs=100
  lrsched plan cfg/*.cfg --fail-on error --format github
"""

# what --fail-on means: the severities that make the exit code 1
FAILS: dict[str, tuple[str, ...]] = {"error": ("error",), "warning": ("error", "warning"), "never": ()}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("sources", nargs="+", metavar="CFG", help=options.SOURCE)
    options.add(parser, "--target")
    options.add(parser.add_mutually_exclusive_group(), "--start", "--weights")
    options.add(parser, "--classes", "--images", *options.CONFIG, *options.WRITE)
    parser.add_argument("--ignore", action="append", default=[], metavar="CODE", help="leave out these findings")
    parser.add_argument("--fail-on", choices=FAILS, default="warning", help="what makes the exit code 1 (warning)")
    formats = ["text", "json", "github"]
    parser.add_argument("--format", choices=formats, default="text", help="github: annotations of a CI run")
    parser.add_argument("--json", action="store_const", const="json", dest="format", help="same as --format json")


def run(arguments: argparse.Namespace) -> int:
    ignored = _codes(arguments.ignore)
    options.check_write(arguments)
    if arguments.write is not None and len(arguments.sources) > 1:
        raise ValueError("--write takes one cfg")
    plans: list[Plan] = []
    unreadable = 0
    for name in arguments.sources:
        try:
            plans.append(_without(ignored, _plan(name, arguments)))
        except (OSError, ValueError) as problem:
            if len(arguments.sources) == 1 and (arguments.write is not None or arguments.format != "github"):
                raise
            unreadable += 1
            sentence = options.sentence(problem)
            options.message(sentence)
            if arguments.format == "github":
                print(github_error(name, sentence))
    _print(plans, arguments)
    if arguments.write is not None:
        from lrsched.cli.writing import write_changed  # noqa: PLC0415 (slow to import)

        write_changed(arguments, plans[0].suggestions, plans[0].extensions)
    if unreadable:
        return options.USAGE
    serious = FAILS[arguments.fail_on]
    failed = any(finding.severity in serious for one in plans for finding in one.findings)
    return options.PROBLEM if failed else options.DONE


def _plan(name: str, arguments: argparse.Namespace) -> Plan:
    source = options.read_source(name, arguments)
    options.need_horizon(arguments, name, source)
    return plan(
        source,
        arguments.target,
        start=options.start_of(source, arguments) or 0,
        ngpus=arguments.gpus,
        classes=arguments.classes,
        images=arguments.images,
    )


def _codes(given: list[str]) -> set[str]:
    known = all_rules() if given else {}  # loads every trainer
    ignored = {code.strip() for codes in given for code in codes.split(",")}
    for code in ignored - known.keys():
        raise ValueError(f"--ignore {code}: there is no such finding{did_you_mean(code, known)}")
    return ignored


def _without(ignored: set[str], planned: Plan) -> Plan:
    """The plan without some findings and the fixes for them."""
    return replace(
        planned,
        findings=tuple(finding for finding in planned.findings if finding.code not in ignored),
        suggestions=tuple(fix for fix in planned.suggestions if not ignored.issuperset(fix.fixes)),
    )


def _print(plans: list[Plan], arguments: argparse.Namespace) -> None:
    several = len(arguments.sources) > 1
    if arguments.format == "json":
        options.print_json([plan_json(one) for one in plans] if several else plan_json(plans[0]))
        return
    if arguments.format == "github":
        for one in plans:
            for line in github_lines(one):
                print(line)
        return
    out = sys.stderr if arguments.write == "-" else sys.stdout
    shown = [one for one in plans if not several or not one.ok]
    for one in shown:
        options.print_text(plan_text(one, colour=shows_colour(out)) + "\n" * several, out)
    if several:
        print(f"{counted(len(plans), 'plan')}: {len(plans) - len(shown)} OK, {len(shown)} with problems")

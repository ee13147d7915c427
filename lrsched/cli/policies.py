"""The command policies: formula, keys and ranges, from the declared parameters."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields
from typing import Any

from lrsched.cli import options
from lrsched.schedule import LAST_ITERATION, params
from lrsched.text import did_you_mean, plain, terminal_width, wrapped
from lrsched.trainers.darknet import POLICIES, BurnIn

__all__ = ["EXAMPLES", "add_arguments", "policies", "run"]

EXAMPLES = """examples:
  lrsched policies
  lrsched policies sgdr
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="one policy, or burn_in")
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the policies."""
    chosen = policies()
    if arguments.name is not None:
        names = [policy["name"] for policy in chosen]
        if arguments.name not in names:
            meant = did_you_mean(arguments.name, names)
            raise ValueError(f"{arguments.name!r} is not one of {', '.join(names)}{meant}")
        chosen = [policy for policy in chosen if policy["name"] == arguments.name]
    if arguments.json:
        options.print_json(chosen)
    else:
        width = terminal_width(sys.stdout)
        print("\n\n".join("\n".join(_lines(policy, width)) for policy in chosen))
    return options.DONE


def policies() -> list[dict[str, Any]]:
    """Every policy with its formula and keys, for JSON and for the page about them."""
    kinds: dict[str, Any] = {**{policy.KEY: policy for policy in POLICIES}, "burn_in": BurnIn}
    return [
        {
            "name": name,
            "about": _first_line(kind),
            "formula": kind.FORMULA,
            "keys": [
                {
                    "key": field.name,
                    "required": field.default is MISSING,
                    "default": None if field.default is MISSING else field.default,
                    "lowest": param.low,
                    "highest": param.high,
                    "zero": param.zero,
                    "typical": param.typical,
                    "about": param.doc,
                }
                for field in fields(kind)
                if (param := params(kind).get(field.name))
            ],
        }
        for name, kind in kinds.items()
    ]


def _lines(policy: Mapping[str, Any], width: int) -> Iterator[str]:
    yield f"{policy['name']}: {policy['about']}"
    yield f"    {policy['formula']}"
    for key in policy["keys"]:
        default = "required" if key["required"] else f"default {plain(key['default'])}"
        usual = " to ".join(plain(float(bound)) for bound in key["typical"])
        words = f"{key['key']:<14}{key['about']}; {default}, {_allowed(key)}, usually {usual}"
        yield wrapped(words, width, indent=2, hanging=14)


def _allowed(key: Mapping[str, Any]) -> str:
    low, high = key["lowest"], key["highest"]
    if low == -float("inf"):
        return "any number"
    if high == LAST_ITERATION:
        return ("any integer" if low < 0 else f"at least {low:g}") + ("" if key["zero"] or low > 0 else " but 0")
    return f"{low:g} to {high:g}"


def _first_line(kind: type) -> str:
    return (kind.__doc__ or "").partition("\n")[0].partition(": :math:")[0].replace("``", "").rstrip(".:")

"""The command policies: formula, keys and ranges, from the declared parameters."""

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields
from typing import Any

from lrsched.cli import options
from lrsched.schedule import LAST_ITERATION, params
from lrsched.text import did_you_mean, plain
from lrsched.trainers.darknet import POLICIES, BurnIn

EXAMPLES = """examples:
  lrsched policies
  lrsched policies sgdr
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", metavar="NAME", help="one policy, or burn_in")
    options.add(parser, "--json")


def run(arguments: argparse.Namespace) -> int:
    known = {policy["name"]: policy for policy in policies()}
    if arguments.name not in (None, *known):
        meant = did_you_mean(arguments.name, known)
        raise ValueError(f"{arguments.name!r} is not one of {', '.join(known)}{meant}")
    chosen = [policy for name, policy in known.items() if arguments.name in (None, name)]
    if arguments.json:
        options.print_json(chosen)
    else:
        options.print_text("\n\n".join("\n".join(_lines(policy)) for policy in chosen))
    return options.DONE


def policies() -> Iterator[dict[str, Any]]:
    """Every policy with its formula and keys, for JSON and for the page about them."""
    kinds: dict[str, Any] = {**{policy.KEY: policy for policy in POLICIES}, "burn_in": BurnIn}
    for name, kind in kinds.items():
        about = kind.__doc__.partition("\n")[0].partition(": :math:")[0].replace("``", "").rstrip(".:")
        required = {field.name for field in fields(kind) if field.default is MISSING}
        keys = [
            {"key": key, "required": key in required, "default": getattr(kind, key, None)}
            | {name: getattr(param, name) for name in ("low", "high", "zero", "typical", "doc")}
            for key, param in params(kind).items()
        ]
        yield {"name": name, "about": about, "formula": kind.FORMULA, "keys": keys}


def _lines(policy: Mapping[str, Any]) -> Iterator[str]:
    yield f"{policy['name']}: {policy['about']}"
    yield f"    {policy['formula']}"
    for key in policy["keys"]:
        usual = " to ".join(plain(float(bound)) for bound in key["typical"])
        yield f"  {key['key']}: {key['doc']}; {default(key)}, {allowed(key)}, usually {usual}"


def default(key: Mapping[str, Any]) -> str:
    """The default of a key, in words."""
    if key["default"] is None:
        return "required" if key["required"] else "optional"
    return f"default {plain(key['default'])}"


def allowed(key: Mapping[str, Any]) -> str:
    """The values of a key, in words."""
    low, high = key["low"], key["high"]
    if low == -float("inf"):
        return "any number"
    if high == LAST_ITERATION:
        return ("any integer" if low < 0 else f"at least {low:g}") + ("" if key["zero"] or low > 0 else " except 0")
    return f"{low:g} to {high:g}"

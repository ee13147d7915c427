"""How arguments are parsed: wrong ones get one sentence with what was probably meant, files may stand anywhere."""

from __future__ import annotations

import argparse
import re
import sys
from functools import partial
from typing import Any, NoReturn

from lrsched.text import did_you_mean, terminal_width

__all__ = ["Parser", "integer", "iteration", "iterations", "positive", "rate", "size"]


class Parser(argparse.ArgumentParser):
    """A parser of a command's arguments."""

    def __init__(self, **options: Any) -> None:
        width = terminal_width(sys.stdout)  # argparse would load shutil to ask for it
        formatter = partial(argparse.RawDescriptionHelpFormatter, width=width)
        super().__init__(allow_abbrev=False, formatter_class=formatter, **options)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """Parse, and refuse what is not known; argparse itself takes files only where they stand together."""
        namespace, extra = super().parse_known_args(args, namespace)
        several = [action.dest for action in self._get_positional_actions() if action.nargs == "+"]
        if several and not any(word.startswith("-") for word in extra):
            getattr(namespace, several[0]).extend(extra)
        elif extra:
            options = [option for option in self._option_string_actions if option.startswith("--")]
            self.error(f"{extra[0]} is not an argument of this command{did_you_mean(extra[0], options)}")
        return namespace, []

    def error(self, message: str) -> NoReturn:
        """Print one sentence and where to find the help, and exit with 2."""
        message = re.sub(r"^argument ([^:]+): (must )?", lambda m: f"{m[1]} must " if m[2] else f"{m[1]}: ", message)
        choice = re.search(r"invalid choice: '(.*)' \(choose from (.*)\)$", message)
        if choice:
            names = re.findall(r"[\w.-]+", choice[2])
            message = f"{message[: choice.start()]}{choice[1]!r} is not one of {', '.join(names)}"
            message += did_you_mean(choice[1], names)
        print(f"{self.prog}: {message}\nTry '{self.prog} --help'.", file=sys.stderr)
        sys.exit(2)


class integer:  # noqa: N801 (used like int)
    """An integer between two bounds, by default up to the last iteration, as the type of an argument."""

    def __init__(self, low: int, high: int = 2**31 - 1) -> None:
        self.low, self.high = low, high

    def __call__(self, text: str) -> int:
        """The number that was written."""
        try:
            number = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"must be an integer, got {text!r}") from None
        if number < self.low:
            raise argparse.ArgumentTypeError(f"must be at least {self.low}, got {number}")
        if number > self.high:
            raise argparse.ArgumentTypeError(f"must be at most {self.high}, got {number}")
        return number


iteration, positive = integer(0), integer(1)


def iterations(text: str) -> list[int]:
    """A list of iterations as the type of an argument."""
    return [iteration(part) for part in text.split(",") if part.strip()]


def size(text: str) -> tuple[int, int]:
    """Width and height of a picture as the type of an argument."""
    width, _, height = text.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal() and min(int(width), int(height)) >= 100):
        raise argparse.ArgumentTypeError(f"must be WxH in pixels, at least 100x100, got {text!r}")
    return int(width), int(height)


def rate(text: str) -> float:
    """A learning rate, or another number, as the type of an argument."""
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a number, got {text!r}") from None

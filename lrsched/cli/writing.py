"""How commands write a changed config, or a text; loaded only to write: pathlib takes a tenth of the time of a plan."""

import argparse
import errno
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from lrsched.cli.options import message
from lrsched.files import write_file
from lrsched.planner import Extension, Suggestion
from lrsched.text import joined


def write_changed(
    arguments: argparse.Namespace, suggestions: Sequence[Suggestion], extensions: Sequence[Extension] = ()
) -> None:
    """Write the config with the chosen one of the changes that were offered, by its number or its name."""
    offered: dict[str, Suggestion | Extension] = {str(number): each for number, each in enumerate(suggestions, 1)}
    offered |= {extension.name: extension for extension in extensions}
    choice, place = arguments.choose or "1", arguments.write
    if not offered:
        raise ValueError(f"there is nothing to change, so {place} was not written")
    if choice not in offered:
        raise ValueError(f"--choose {choice}: choose one of {', '.join(offered)}; nothing was written")
    planning, changes = offered[choice].run.planning, offered[choice].changes
    texts = {Path(name).name: text.encode("utf-8", "surrogateescape") for name, text in planning.files().items()}
    if len(texts) > 1:
        _write_folder(place, texts, arguments.force)
    elif place == "-":
        sys.stdout.buffer.write(*texts.values())
        return
    else:
        write_file(place, *texts.values(), force=arguments.force)
    lines = [f"no {key}" if value is None else planning.line(key, value) for key, value in changes.items()]
    message(f"wrote {place} with {joined(lines) or 'no change'}")


def _write_folder(folder: str, texts: Mapping[str, bytes], force: bool) -> None:
    """Write the files of a config of several, all or none of them."""
    if folder == "-" or Path(folder).suffix in (".yaml", ".yml"):
        raise ValueError(f"--write {folder}: {joined(texts)} belong together; name a folder for both")
    for path in () if force else (Path(folder, name) for name in texts):
        if path.exists():
            raise FileExistsError(errno.EEXIST, "already exists", str(path))
    Path(folder).mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        write_file(Path(folder, name), text, force=force)


def write_text(arguments: argparse.Namespace, text: str) -> None:
    """Print a text, or write it into the file that ``--output`` names."""
    if arguments.output in (None, "-"):
        print(text, end="")
    else:
        content = text.encode("utf-8", "surrogateescape")
        message(f"wrote {write_file(arguments.output, content, force=arguments.force)}")

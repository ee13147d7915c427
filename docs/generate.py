"""What the build writes to docs/_generated/: pages made from the code, and the pictures of all pages."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import shlex
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import chdir
from dataclasses import fields
from pathlib import Path
from types import ModuleType
from typing import Any, get_type_hints

from docs.pages import ROOT, blocks, commands, copy_of_docs, pages, run
from lrsched.cli.policies import allowed, default
from lrsched.cli.policies import policies as policies_json
from lrsched.planner.rules import all_rules
from lrsched.text import plain
from lrsched.trainers.darknet import DIALECTS, Arithmetic, Dialect

__all__ = ["api", "dialects", "findings", "generate", "modules", "policies"]

EXAMPLES = {
    "constant": "learning_rate=0.001\nmax_batches=10000\nburn_in=1000\npolicy=constant",
    "step": "learning_rate=0.1\nmax_batches=10000\npolicy=step\nstep=2000\nscale=0.5",
    "steps": "learning_rate=0.001\nmax_batches=10000\nburn_in=1000\npolicy=steps\nsteps=8000,9000\nscales=.1,.1",
    "exp": "learning_rate=0.1\nmax_batches=10000\npolicy=exp\ngamma=0.9995",
    "poly": "learning_rate=0.1\nmax_batches=10000\npolicy=poly\npower=4",
    "random": "learning_rate=0.1\nmax_batches=10000\npolicy=random\npower=1",
    "sigmoid": "learning_rate=0.1\nmax_batches=10000\npolicy=sigmoid\ngamma=0.002\nstep=5000",
    "sgdr": "learning_rate=0.1\nmax_batches=10000\nburn_in=300\npolicy=sgdr\nsgdr_cycle=1000\nsgdr_mult=2",
    "burn_in": "learning_rate=0.001\nmax_batches=10000\nburn_in=1000\npower=4\npolicy=constant",
}
"""A short cfg per policy; one that is missing here ends the build."""

MODULES = (
    "lrsched",
    "lrsched.plotting",
    "lrsched.schedule",
    "lrsched.description",
    "lrsched.sources",
    "lrsched.trainers",
    "lrsched.trainers.darknet",
    "lrsched.trainers.huggingface",
    "lrsched.trainers.yolov5",
    "lrsched.trainers.yolox",
    "lrsched.trainers.openmmlab",
    "lrsched.trainers.detectron2",
    "lrsched.trainers.timm",
    "lrsched.trainers.fair",
    "lrsched.shaping",
    "lrsched.planner",
    "lrsched.rules",
    "lrsched.search",
    "lrsched.schedules",
    "lrsched.convert",
    "lrsched.frameworks",
    "lrsched.trainers.darknet.nearest",
    "lrsched.serialize",
    "lrsched.testing",
    "lrsched.logs",
    "lrsched.curves",
    "lrsched.scanning",
    "lrsched.designer",
)
"""What the page of the API is about; a name that stands in several of them belongs to the first."""

REGISTERED = {"CONFIGS", "LOGS"}
"""What each trainer's package has for ``TRAINERS``; it says nothing to readers."""

KINDS = {"function": "", "class": "members", "exception": ""}
"""What autodoc shows, in the order of the page, with the option each needs; of data it shows their type."""

DRAWING = (["plot"], ["log"], ["diagnose"], ["fit"])
"""The commands that make pictures."""

BLANKS = {" ": "space", "\t": "tab", "\n": "newline", "\r": "carriage return"}


def generate(folder: Path) -> None:
    """Write the tables and pictures."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "pictures").mkdir(parents=True)
    (folder / "policies.md").write_text("\n".join(policies(folder / "pictures")), "utf-8")
    (folder / "dialects.md").write_text("\n".join(dialects()), "utf-8")
    (folder / "findings.md").write_text("\n".join(findings()), "utf-8")
    (folder / "api.md").write_text("\n".join(api()), "utf-8")
    (folder / "modules.md").write_text("\n".join(modules()), "utf-8")
    _page_pictures(folder / "pictures")


def policies(pictures: Path) -> Iterator[str]:
    for policy in policies_json():
        name = policy["name"]
        yield from (f"## {name}", "", f"{policy['about']}.", "", "```text", policy["formula"], "```", "")
        yield from _table(
            ("key", "default", "values", "usual", "meaning"),
            [
                (
                    f"`{key['key']}`",
                    default(key).removeprefix("default "),
                    allowed(key),
                    " to ".join(plain(float(bound)) for bound in key["typical"]),
                    key["doc"],
                )
                for key in policy["keys"]
            ],
        )
        cfg = f"[net]\n{EXAMPLES[name]}\n"
        yield from ("```ini", cfg + "```", "", f"![The rate of this cfg](/_generated/pictures/{name}.png)", "")
        _plot(cfg, pictures / f"{name}.png")


def _plot(cfg: str, picture: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{picture.stem}.cfg"
        path.write_text(cfg, "utf-8")
        _run(["plot", str(path), "-o", str(picture)])


def _run(arguments: list[str]) -> str:
    code, printed = run(arguments)
    if code:
        raise RuntimeError(f"lrsched {shlex.join(arguments)}: exit code {code}\n{printed}")
    return printed.strip()


def _page_pictures(pictures: Path) -> None:
    """The pictures that the commands on the pages make, by the names the pages give them."""
    for page in pages():
        console = "".join(block.text for block in blocks(page) if block.language == "console")
        with tempfile.TemporaryDirectory() as folder, chdir(copy_of_docs(Path(folder))):
            for command in commands(console):
                arguments = shlex.split(command)[1:]
                if arguments[:1] in DRAWING:  # what is wrong with a log ends with 1
                    run(arguments)
            for picture in Path().glob("*.png"):
                shutil.copy(picture, pictures)


def dialects() -> Iterator[str]:
    yield from _table(("matter", *(dialect.title for dialect in DIALECTS)), list(_matters()))
    for name, matter in _notes(frozenset):
        values = [getattr(dialect, name) for dialect in DIALECTS]
        shared = frozenset.intersection(*values)
        yield from (f"## {matter[0].upper()}{matter[1:]}", "", f"All three: {_code(shared)}.", "")
        for dialect, value in zip(DIALECTS, values, strict=True):
            if value - shared:
                yield from (f"{dialect.title} also: {_code(value - shared)}.", "")
    for name, matter in _notes(dict):
        yield from (f"## {matter[0].upper()}{matter[1:]}", "")
        values = [getattr(dialect, name) for dialect in DIALECTS]
        yield from _table(
            ("policy", *(dialect.title for dialect in DIALECTS)),
            [
                (f"`{policy}`", *(_code(value.get(policy, ())) for value in values))
                for policy in sorted({policy for value in values for policy in value})
            ],
        )


def _notes(kind: type) -> Iterator[tuple[str, str]]:
    """The fields of Dialect whose values are of this kind, with what is noted of them."""
    for name, hint in get_type_hints(Dialect, include_extras=True).items():
        if hasattr(hint, "__metadata__") and isinstance(getattr(DIALECTS[0], name), kind):
            yield name, hint.__metadata__[0]


def _matters() -> Iterator[Sequence[str]]:
    for name, matter in _notes(object):
        values = [getattr(dialect, name) for dialect in DIALECTS]
        if isinstance(values[0], Arithmetic):
            for part in fields(Arithmetic):
                yield (_about(Arithmetic, part.name), *(_shown(getattr(value, part.name)) for value in values))
        elif not isinstance(values[0], (frozenset, dict)):
            yield (matter, *map(_shown, values))


def _about(kind: type, attribute: str) -> str:
    """What the docstring of a class says about one attribute."""
    match = re.search(rf"^ +{attribute}: (.+?)\.?$", inspect.getdoc(kind) or "", re.MULTILINE)
    if match is None:
        raise LookupError(f"{kind.__name__} does not say what {attribute} is")
    return match[1].replace("``", "`")


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return ", ".join(BLANKS[character] for character in value) or "none"
    return f"`{plain(value)}`"


def _code(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in sorted(words)) or "none"


def findings() -> Iterator[str]:
    """The codes of all rules with what their docstrings say."""
    for code, rules in all_rules().items():
        about = " ".join(" ".join((inspect.getdoc(rule.look) or "").split()) for rule in rules)
        yield from (f"`{code}`", f": {about.replace('``', '`')}", "")


def api() -> Iterator[str]:
    """Directives for autodoc: every public name once, in the first of the modules that has it."""
    seen: set[tuple[str, int]] = set()
    for module in map(importlib.import_module, MODULES):
        yield from (f"## {module.__name__}", "", "```{eval-rst}", f".. currentmodule:: {module.__name__}", "")
        values = {name: getattr(module, name) for name in sorted(set(module.__all__) - REGISTERED)}
        values = {name: value for name, value in values.items() if not isinstance(value, ModuleType)}
        new = {name: value for name, value in values.items() if (name, id(value)) not in seen}
        seen |= {(name, id(value)) for name, value in new.items()}
        for kind, option in KINDS.items():
            for name in (name for name, value in new.items() if _kind(value) == kind):
                yield from (f".. auto{kind}:: {name}", f"   :{option}:" if option else "")
        for name in (name for name, value in new.items() if _kind(value) == "data"):
            yield from (f".. data:: {name}", "", f"   {_said(module, name)}", "")
        yield from ("```", "")


def _said(module: ModuleType, name: str) -> str:
    """The docstring below the assignment of a name, in the module that assigns it."""
    body = ast.parse(inspect.getsource(module)).body
    for node, after in zip(body, [*body[1:], None], strict=True):
        if isinstance(node, ast.ImportFrom) and node.module and name in {each.name for each in node.names}:
            return _said(importlib.import_module(node.module), name)
        targets = getattr(node, "targets", [getattr(node, "target", None)])
        if name in {getattr(target, "id", None) for target in targets} and isinstance(after, ast.Expr):
            return " ".join(str(ast.literal_eval(after.value)).split())
    return ""


def _kind(value: object) -> str:
    if isinstance(value, type):
        return "exception" if issubclass(value, Exception) else "class"
    return "function" if callable(value) else "data"


def modules() -> Iterator[str]:
    """The modules of lrsched, package by package, with the first line of their docstrings."""
    package = ROOT / "lrsched"
    for folder in (package, *sorted(path for path in package.rglob("*") if path.is_dir())):
        files = [path for path in sorted(folder.glob("*.py")) if not path.name.startswith("__")]
        if files and folder != package:
            yield from (f"### {folder.relative_to(ROOT)}", "", _first_line(folder / "__init__.py"), "")
        for module in files:
            yield from (f"`{module.relative_to(ROOT)}`", f": {_first_line(module)}", "")


def _first_line(module: Path) -> str:
    docstring = ast.get_docstring(ast.parse(module.read_text("utf-8"))) if module.exists() else None
    return (docstring or "").partition("\n")[0].replace("``", "`")


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield from (f"| {' | '.join(head)} |", "|---" * len(head) + "|")
    yield from (f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows)
    yield ""

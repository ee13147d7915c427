"""The structure of the package: imports point downwards, few places load other people's packages, only cli prints."""

import ast
import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import lrsched

PACKAGE = Path(lrsched.__file__).parent
ARCHITECTURE = PACKAGE.parent / "docs" / "architecture.md"
MODULES = {
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"): ast.parse(
        path.read_text(encoding="utf-8"), str(path)
    )
    for path in sorted(PACKAGE.rglob("*.py"))
}

# From the ground up: a layer imports only from the layers before it. Layers on one line do not know one another.
LAYERS = (
    ("",),  # every import begins with lrsched itself, which loads nothing
    ("text", "numbers", "table"),
    ("files",),
    ("schedule",),
    ("search", "log", "curves"),
    ("shaping", "logged"),
    ("rules",),
    ("schedules",),
    ("fitting",),
    ("trainers", "frameworks"),
    ("sources",),
    ("description", "serialize"),
    ("convert",),
    ("planner", "testing"),
    ("logs",),
    ("plotting", "report"),
    ("scanning", "designer"),
    ("cli",),
    ("__main__",),
)
LEVEL = {f"lrsched.{name}".removesuffix("."): level for level, names in enumerate(LAYERS) for name in names}

# packages of others, and the parts that may load them
MAY_LOAD = {
    "numpy": set(LEVEL),
    "matplotlib": {"lrsched.plotting"},
    "hypothesis": {"lrsched.testing", "lrsched.trainers.darknet.strategies"},
    "pytest": {"lrsched.testing"},
    "traitlets": {"lrsched.designer"},
    "anywidget": {"lrsched.designer"},
    "argcomplete": {"lrsched.cli"},
    "distributed": {"lrsched.cli.scan"},
    "fsspec": {"lrsched.scanning"},
    "torch": {"lrsched.convert.torch", "lrsched.frameworks.torch"},
    "jax": {"lrsched.convert.optax", "lrsched.frameworks.keras", "lrsched.frameworks.optax"},
    "keras": {"lrsched.convert.keras", "lrsched.frameworks.keras"},
    "transformers": {"lrsched.convert.torch"},
}

FORKS = ("pjreddie", "alexeyab", "hank")


def part_of(module: str) -> str:
    """The module or package directly below lrsched that a module belongs to."""
    return ".".join(module.split(".")[:2])


def for_types_only(tree: ast.AST) -> set[ast.AST]:
    """What stands under ``if TYPE_CHECKING`` and is never loaded."""
    guards = [node for node in ast.walk(tree) if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    return {part for guard in guards for statement in guard.body for part in ast.walk(statement)}


@cache
def imports(module: str) -> set[str]:
    """Every module that a module loads, at the top or inside a function."""
    tree = MODULES[module]
    found: set[str] = set()
    for node in set(ast.walk(tree)) - for_types_only(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}, line {node.lineno}: a relative import"
            assert node.module is not None
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            found |= {name if name in MODULES else node.module for name in inner}
    return found


def own_imports(module: str) -> set[str]:
    """The modules of lrsched that a module loads."""
    return {name for name in imports(module) if name.split(".")[0] == "lrsched"}


def test_imports_point_downwards() -> None:
    missing = {part_of(module) for module in MODULES} - {*LEVEL}
    assert not missing, "give each a layer in LAYERS"
    upwards = [
        f"{module} imports {name}"
        for module in MODULES
        for name in own_imports(module)
        if part_of(name) != part_of(module) and LEVEL[part_of(name)] >= LEVEL[part_of(module)]
    ]
    assert not upwards


def test_no_module_imports_itself_in_a_circle() -> None:
    # a package's __init__ only re-exports, so an import of the package from inside it is a circle as well
    graph = {module: own_imports(module) - {module} for module in MODULES if module != "lrsched"}
    TopologicalSorter(graph).prepare()  # raises CycleError with the circle


def test_only_trainers_know_a_trainer() -> None:
    """The command line, conversions and ``import lrsched`` are the ends where trainers' own words appear."""
    ends = {"lrsched.trainers", "lrsched.cli", "lrsched.convert", "lrsched"}
    others = [module for module in MODULES if part_of(module) not in ends]
    assert not [
        f"{module} imports {name}"
        for module in others
        for name in own_imports(module)
        if name.startswith("lrsched.trainers.")
    ]


def import_table() -> str:
    """The table of docs/architecture.md: each part of the package with what it imports, top first."""
    lines = ["| part | imports |", "|---|---|"]
    for layer in reversed(LAYERS):
        for part in sorted(f"lrsched.{name}" for name in layer if name):
            modules = [module for module in MODULES if part_of(module) == part]
            if modules:
                known = {part_of(name) for module in modules for name in own_imports(module)} - {part, "lrsched"}
                names = (f"`{name.removeprefix('lrsched.')}`" for name in sorted(known))
                lines.append(f"| `{part.removeprefix('lrsched.')}` | {', '.join(names) or 'nothing of lrsched'} |")
    return "\n".join(lines)


def test_the_table_of_imports_is_up_to_date() -> None:
    """Written by ``python -m tests.test_architecture``."""
    assert import_table() in ARCHITECTURE.read_text(encoding="utf-8")


def test_packages_of_others_are_loaded_where_they_belong() -> None:
    for module in MODULES:
        loaded = {name.split(".")[0] for name in imports(module)} - {"lrsched"} - sys.stdlib_module_names
        known = {name for name in loaded if {part_of(module), module} & MAY_LOAD.get(name, set())}
        assert loaded == known, module


def test_only_the_command_line_prints_or_exits() -> None:
    edges = r"(print|exit|quit|input|sys\.exit|os\._exit|SystemExit)$|sys\.std(out|err)|logging\.|warnings\.warn"
    found = []
    for module, tree in MODULES.items():
        if part_of(module) in {"lrsched.cli", "lrsched.__main__"}:
            continue
        nodes = [node for node in ast.walk(tree) if isinstance(node, (ast.Call, ast.Raise))]
        for node in nodes:
            text = ast.unparse(node.func if isinstance(node, ast.Call) else node)
            if re.match(edges, text) or (isinstance(node, ast.Raise) and "SystemExit" in text):
                found.append(f"{module}, line {node.lineno}")
    assert not found


def test_only_the_dialects_name_a_fork() -> None:
    """A difference between forks is a field of Dialect; the default dialect may be named as a default argument."""
    named = [
        f"{module}, line {node.lineno}"
        for module in MODULES
        if module != "lrsched.trainers.darknet.dialects"
        for node in forks_in(MODULES[module])
    ]
    assert not named


def forks_in(tree: ast.AST) -> Iterator[ast.Constant | ast.Name]:
    """Where a fork is named, but for docstrings, ``__all__`` and default arguments."""
    allowed: set[ast.AST] = set()
    for node in ast.walk(tree):
        # a docstring stands alone as a statement
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            allowed.add(node.value)
        elif isinstance(node, (ast.Assign, ast.AugAssign)):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            allowed |= set(ast.walk(node)) if ast.unparse(target) == "__all__" else set()
        elif isinstance(node, ast.FunctionDef):
            allowed |= {default for default in [*node.args.defaults, *node.args.kw_defaults] if default}
    for node in set(ast.walk(tree)) - allowed:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if node.value.lower().replace("_", "-").startswith(FORKS):
                yield node
        elif isinstance(node, ast.Name) and node.id.lower().startswith(FORKS) and node.id != "ALEXEYAB":
            yield node


def test_a_module_lists_what_it_offers() -> None:
    for module in MODULES:
        if module == "lrsched.__main__" or module.startswith("lrsched.cli."):
            continue  # a command offers EXAMPLES, add_arguments and run
        loaded = importlib.import_module(module)
        assert loaded.__doc__, f"{module} begins with what it is for"
        offered = list(loaded.__all__)
        assert len(set(offered)) == len(offered), module
        assert not [name for name in offered if not hasattr(loaded, name)], module
        assert offered == sorted(offered, key=lambda name: (kind_of(name), name)), module


def kind_of(name: str) -> int:
    """Constants are listed first, then classes, then the rest, each by the alphabet."""
    return 0 if name.isupper() else 1 if name[:1].isupper() else 2


def test_the_package_is_typed_and_no_module_hides_a_public_function() -> None:
    public = set(lrsched.__all__) - {"convert", "schedules", "testing"}
    assert (PACKAGE / "py.typed").exists()
    assert not [name for name in public if (PACKAGE / f"{name}.py").exists() or (PACKAGE / name).exists()]


@pytest.mark.parametrize("statement", ["import lrsched", "import lrsched.cli", "from lrsched import plan"])
def test_an_import_stays_light(statement: str) -> None:
    """In a fresh interpreter."""
    code = f"{statement}\nimport sys\nprint(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PACKAGE.parent)
    assert not set(run.stdout.split()) & {"matplotlib", "hypothesis", "pytest", "torch", "jax", "keras"}


if __name__ == "__main__":
    text = ARCHITECTURE.read_text(encoding="utf-8")
    before, _, rest = text.partition("| part | imports |")
    after = rest.partition("\n\n")[2]
    ARCHITECTURE.write_text(f"{before}{import_table()}\n\n{after}", encoding="utf-8")

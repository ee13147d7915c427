"""The walls of the house: who may know whom, who may print, what an import may cost."""

import ast
import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import lrsched

HOUSE = Path(lrsched.__file__).parent
MODULES = {
    ".".join(path.relative_to(HOUSE.parent).with_suffix("").parts).removesuffix(".__init__"): ast.parse(
        path.read_text(encoding="utf-8"), str(path)
    )
    for path in sorted(HOUSE.rglob("*.py"))
}

EVERYTHING = {"*"}

# a room (a module, or a package with all that is in it) and the rooms it may know
MAY_KNOW: dict[str, set[str]] = {
    "lrsched": EVERYTHING,
    "lrsched.__main__": {"lrsched.cli"},
    "lrsched.cli": EVERYTHING,
    "lrsched.designer": {"lrsched.plotting", "lrsched.planner"},
    "lrsched.plotting": {
        "lrsched.sampling",
        "lrsched.planner",
        "lrsched.training",
        "lrsched.darknet",
        "lrsched.schedule",
    },
    "lrsched.sampling": {"lrsched.planner", "lrsched.schedule"},
    "lrsched.report": {"lrsched.planner", "lrsched.training", "lrsched.darknet", "lrsched.schedule"},
    "lrsched.planner": {"lrsched.darknet", "lrsched.schedule"},
    "lrsched.training": {"lrsched.files", "lrsched.darknet", "lrsched.yolov5", "lrsched.schedule"},
    "lrsched.convert": {"lrsched.darknet", "lrsched.schedule"},
    "lrsched.testing": {"lrsched.darknet", "lrsched.shapes", "lrsched.schedule"},
    "lrsched.darknet": {"lrsched.schedule"},
    "lrsched.yolov5": {"lrsched.schedule"},
    "lrsched.shapes": {"lrsched.algebra", "lrsched.units", "lrsched.schedule"},
    "lrsched.serial": {"lrsched.algebra", "lrsched.names", "lrsched.shapes", "lrsched.darknet", "lrsched.schedule"},
    "lrsched.description": {"lrsched.units", "lrsched.schedule"},
    "lrsched.algebra": {"lrsched.names", "lrsched.units", "lrsched.schedule"},
    "lrsched.units": {"lrsched.schedule"},
    "lrsched.names": set(),
    "lrsched.files": set(),
    "lrsched.schedule": set(),
}

# packages of others, and the rooms that may load them; argcomplete is an extra of the command line
MAY_LOAD: dict[str, set[str]] = {
    "numpy": EVERYTHING,
    "matplotlib": {"lrsched.plotting", "lrsched.designer"},
    "hypothesis": {"lrsched.testing"},
    "pytest": {"lrsched.testing"},
    "argcomplete": {"lrsched.cli"},
}
ONLY_IN_FUNCTIONS = {
    "torch": "lrsched.convert",
    "jax": "lrsched.convert",
    "optax": "lrsched.convert",
    "keras": "lrsched.convert",
}

# a plan draws and prints itself, but only when it is asked to: inside of its methods
ASKED_FOR = {("lrsched.planner.plan", "lrsched.plotting"), ("lrsched.planner.plan", "lrsched.report")}

FORKS = ("pjreddie", "alexeyab", "hank")


def room_of(module: str) -> str:
    """The room a module lies in: the longest one that its name begins with."""
    rooms = [room for room in MAY_KNOW if module == room or module.startswith((f"{room}.", f"{room}_"))]
    room = max(rooms, key=len)
    assert room != "lrsched" or module == "lrsched", f"{module} is in no room of the design; give it one in MAY_KNOW"
    return room


def for_types_only(tree: ast.AST) -> set[ast.AST]:
    """What stands under ``if TYPE_CHECKING`` and is never loaded."""
    guards = [node for node in ast.walk(tree) if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    return {part for guard in guards for statement in guard.body for part in ast.walk(statement)}


def imports(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Every module that is loaded, at the top or inside a function, with its line."""
    never_loaded = for_types_only(tree)
    for node in ast.walk(tree):
        if node in never_loaded:
            continue
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: a relative import"
            assert node.module is not None
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield (inner if inner in MODULES else node.module), node.lineno


EVERY_MODULE = pytest.mark.parametrize("module", MODULES)


def test_the_house_is_not_empty() -> None:
    assert {"lrsched.schedule", "lrsched.darknet.policies", "lrsched.planner.plan", "lrsched.cli"} <= set(MODULES)


@EVERY_MODULE
def test_no_wall_is_crossed(module: str) -> None:
    room = room_of(module)
    allowed = MAY_KNOW[room]
    crossed = [
        f"line {line}: {room} must not know {name}"
        for name, line in imports(MODULES[module])
        if name.partition(".")[0] == "lrsched" and allowed != EVERYTHING and room_of(name) not in allowed | {room}
        if (module, name) not in ASKED_FOR
    ]
    assert not crossed
    top = [node for node in MODULES[module].body if isinstance(node, ast.Import | ast.ImportFrom)]
    loaded_at_once = {name for node in top for name, _ in imports(node)}
    assert not {name for asking, name in ASKED_FOR if asking == module} & loaded_at_once


@EVERY_MODULE
def test_packages_of_others_stay_in_their_rooms(module: str) -> None:
    room = room_of(module)
    strangers = []
    for name, line in imports(MODULES[module]):
        package = name.split(".")[0]
        if package == "lrsched" or package in sys.stdlib_module_names:
            continue
        rooms = MAY_LOAD.get(package, {ONLY_IN_FUNCTIONS.get(package, "")})
        if rooms != EVERYTHING and room not in rooms:
            strangers.append(f"line {line}: {package}")
    assert not strangers


@EVERY_MODULE
def test_heavy_packages_are_loaded_by_those_who_need_them(module: str) -> None:
    top = [node for node in MODULES[module].body if isinstance(node, ast.Import | ast.ImportFrom)]
    loaded = {name.split(".")[0] for node in top for name, _ in imports(node)}
    assert not loaded & set(ONLY_IN_FUNCTIONS)


@EVERY_MODULE
def test_only_the_command_line_prints_or_exits(module: str) -> None:
    if room_of(module) in {"lrsched.cli", "lrsched.__main__"}:
        return
    spoken = []
    for node in ast.walk(MODULES[module]):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called in {"print", "exit", "quit", "input", "sys.exit", "os._exit"} or called.startswith(
                ("sys.stdout", "sys.stderr", "logging.", "warnings.warn")
            ):
                spoken.append(f"line {node.lineno}: {called}")
        elif isinstance(node, ast.Raise) and node.exc is not None and "SystemExit" in ast.unparse(node.exc):
            spoken.append(f"line {node.lineno}: SystemExit")
    assert not spoken


def documentation(tree: ast.AST) -> set[ast.AST]:
    """The strings that are documentation: those that stand alone as a statement."""
    return {
        node.value for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }


@EVERY_MODULE
def test_no_other_module_names_a_fork(module: str) -> None:
    if module == "lrsched.darknet.dialects":
        return
    tree = MODULES[module]
    told = documentation(tree)
    # a name that is imported and listed, and the default of an argument, decide nothing
    harmless: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            harmless |= {id(part) for part in ast.walk(node)}
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            harmless |= {id(default) for default in [*node.args.defaults, *node.args.kw_defaults] if default}
    named = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare | ast.MatchValue | ast.Subscript | ast.Dict):
            named += [
                f"line {part.lineno}: {part.value!r}"
                for part in ast.walk(node)
                if isinstance(part, ast.Constant)
                and isinstance(part.value, str)
                and part not in told
                and id(part) not in harmless
                and any(part.value.lower().replace("_", "-").startswith(fork) for fork in FORKS)
            ]
        elif isinstance(node, ast.Attribute | ast.Name):
            name = node.attr if isinstance(node, ast.Attribute) else node.id
            # the default dialect is the one value that others hand on
            if name.lower().startswith(FORKS) and name != "ALEXEYAB":
                named.append(f"line {node.lineno}: {name}")
    assert not named


@EVERY_MODULE
def test_a_module_says_what_it_offers(module: str) -> None:
    if module == "lrsched.__main__":
        return
    loaded = importlib.import_module(module)
    assert loaded.__doc__, "a module begins with what it is for"
    offered = getattr(loaded, "__all__", None)
    assert offered is not None, "a module lists what it offers in __all__"
    assert len(set(offered)) == len(offered)
    assert not [name for name in offered if not hasattr(loaded, name)]

    # constants first, then classes, then the rest, each by the alphabet
    def kind(name: str) -> int:
        return 0 if name.isupper() else 1 if name[:1].isupper() else 2

    assert list(offered) == sorted(offered, key=lambda name: (kind(name), name))


def test_plan_is_a_function() -> None:
    from lrsched import plan  # noqa: PLC0415 (the very line a user writes)

    assert callable(plan)
    assert not isinstance(plan, type(sys))
    assert not (HOUSE / "plan.py").exists()
    assert not (HOUSE / "plan").exists()
    assert (HOUSE / "planner" / "plan.py").exists()


def test_the_package_is_typed() -> None:
    assert (HOUSE / "py.typed").exists()


def loaded_by(statement: str) -> set[str]:
    """The modules a fresh interpreter has loaded after one statement."""
    code = f"{statement}\nimport sys\nprint(*sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=HOUSE.parent)
    return set(answer.stdout.split())


@pytest.mark.parametrize("statement", ["import lrsched", "import lrsched.cli", "import lrsched.report"])
def test_an_import_stays_light(statement: str) -> None:
    loaded = loaded_by(statement)
    assert "numpy" in loaded
    assert not loaded & {"matplotlib", "hypothesis", "pytest", "torch", "jax", "keras"}


def test_the_package_does_not_load_its_ends() -> None:
    assert not loaded_by("import lrsched") & {"lrsched.cli", "lrsched.report", "lrsched.plotting", "argparse"}

"""Any schedule as the text of a function that needs nothing of lrsched."""

from __future__ import annotations

import ast
import operator
import re
import textwrap
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal, TypeAlias

import numpy as np

from lrsched.convert.formulas import Formula, formula_of, table_of, unwrapped
from lrsched.schedule import Schedule
from lrsched.schedules import Named
from lrsched.sources import Source, as_schedule

__all__ = ["Language", "function_text", "known_horizon", "to_source"]

Language: TypeAlias = Literal["python", "numpy", "jax", "keras"]

# how the functions for arrays are imported, and what they are called
MODULES = {
    "python": ("", ""),
    "numpy": ("import numpy as np", "np"),
    "jax": ("import jax.numpy as jnp", "jnp"),
    "keras": ("from keras import ops", "ops"),
}
WIDTH = 100  # of a line
SAMPLES, UNKNOWN = 200, 10_000  # where a text is compared with its schedule, and up to where one without an end
FOLDED: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
}


def to_source(source: Source, language: Language = "python", *, horizon: int | None = None, **options: Any) -> str:
    """The text of a function ``learning_rate(t)`` with the rates of anything that has a schedule.

    It is the formula, with the parameters as keywords; only what has none becomes a table of the run up to ``horizon``.
    ``"python"`` takes one iteration and needs nothing, ``"numpy"`` and ``"jax"`` take arrays of them. The rates are
    those of the schedule to the rounding of float64 (1e-12 of the peak), and darknet's to that of float32 (1e-6).

    >>> from lrsched.schedules import cosine
    >>> text, names = to_source(cosine(peak=0.1, horizon=20_000, warmup=500)), {}
    >>> print(text.splitlines()[3])
    def learning_rate(t, peak=0.1, horizon=20000, warmup=500):
    >>> exec(text, names)
    >>> names["learning_rate"](250)
    0.05

    Raises:
        OSError, TypeError, ValueError: for what has no rate, or neither a formula nor a horizon.
    """
    if language not in MODULES:
        raise ValueError(f"language must be one of {', '.join(map(repr, MODULES))}, got {language!r}")
    schedule = as_schedule(source, horizon=horizon, **options)
    return function_text(schedule, schedule.horizon if horizon is None else horizon, language)


def known_horizon(schedule: Schedule, horizon: int | None) -> int:
    """The last iteration of a run, which a table needs.

    Raises:
        ValueError: where nobody knows it.
    """
    last = schedule.horizon if horizon is None else horizon
    if last is None:
        raise ValueError(f"{schedule} has no last iteration; give horizon=N")
    return last


def function_text(schedule: Schedule, horizon: int | None, language: Language) -> str:
    """The module with the function ``learning_rate``; see :func:`to_source`."""
    formula = formula_of(schedule)
    if formula is None or not _agrees(formula, schedule, horizon):
        formula = table_of(schedule, known_horizon(schedule, horizon))
    if schedule.unit != "iteration":
        formula = replace(formula, about=f"{formula.about}; t counts {schedule.unit}s")
    return _module(formula, horizon, language)


def _agrees(formula: Formula, schedule: Schedule, horizon: int | None) -> bool:
    """Whether a formula has the rates of a schedule at some iterations: an odd schedule may do something else."""
    names: dict[str, Any] = {}
    at = np.unique(np.linspace(0, UNKNOWN if horizon is None else horizon, SAMPLES).astype(np.int64))
    wanted = np.asarray(schedule(at), np.float64)
    try:
        exec(_module(formula, horizon, "python"), names)
        got = np.array([float(names["learning_rate"](t)) for t in at.tolist()])
    except (ArithmeticError, NameError, SyntaxError, TypeError, ValueError):  # the formula of a policy may be prose
        return False
    return np.allclose(got, wanted, rtol=1e-5, atol=1e-6 * np.max(np.abs(wanted)), equal_nan=True)


def _module(formula: Formula, horizon: int | None, language: Language) -> str:
    texts: dict[str, str] = {}  # the functions by their texts without names, so that equal ones are written once

    def add(formula: Formula, name: str, horizon: int | None) -> str:
        ahead = None if horizon is None else formula.ahead(horizon)
        inner: dict[str, ast.expr] = {}
        for key, given in formula.parts.items():
            part = given if isinstance(given, Formula) else unwrapped(given)
            if isinstance(part, Formula):
                inner[key] = ast.Name(add(part, part.name, ahead), ast.Load())
            elif isinstance(part, Named) and part.name == "constant":
                inner[key] = ast.Constant(dict(part.arguments)["rate"])
            else:
                known = formula_of(part) or table_of(part, known_horizon(part, ahead))
                inner[key] = ast.Name(add(known, known.name, ahead), ast.Load())
        text = _function(formula, inner, language)
        if text not in texts:
            taken = [each for each in texts.values() if re.fullmatch(rf"{name}(_\d+)?", each)]
            texts[text] = f"{name}_{len(taken) + 1}" if taken else name
        return texts[text]

    add(formula, "learning_rate", horizon)
    code = "\n\n\n".join(f"def {name}{text}" for text, name in texts.items())
    own = "\n".join(f"import {module}" for module in ("bisect", "math") if f"{module}." in code)
    others = MODULES[language][0] if f"{MODULES[language][1]}." in code else ""
    head = "\n\n".join(filter(None, [own, others]))
    return f"{head}\n\n\n{code}\n".lstrip("\n")


def _function(formula: Formula, inner: dict[str, ast.expr], language: Language) -> str:
    """A function without its name: parameters, docstring, body."""
    tree = ast.parse(formula.body if language == "python" or not formula.vector else formula.vector)
    known: dict[str, ast.expr] = {
        key: ast.Constant(value) for key, value in formula.values.items() if value in (0, 1) and value is not True
    }
    tree.body = _folded(tree.body, known, inner)
    if language != "python":
        tree.body = _vectorised(tree.body, MODULES[language][1])
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    given = [f"{key}={_literal(value)}" for key, value in formula.values.items() if key in used]
    line = f"({', '.join(['t', *given])}):"
    if len(line) > WIDTH - len("def learning_rate"):
        line = "(\n    t,\n" + "".join(f"    {each},\n" for each in given) + "):"
    body = ast.unparse(ast.fix_missing_locations(tree)).replace("\n", "\n    ")
    body = re.sub(r"sum\(\(([^()]*)\)\)", r"sum(\1)", body)
    about = formula.about + (f": {', '.join(map(ast.unparse, inner.values()))}" if inner else "")
    return f'{line}\n    """{about}."""\n    {body}'


def _literal(value: Any) -> str:
    """A value in lines that are not too long."""
    if not isinstance(value, tuple) or len(repr(value)) < WIDTH - 20:
        return repr(value)
    lines = textwrap.wrap(", ".join(map(repr, value)), WIDTH - 8)
    return "(\n        " + "\n        ".join(lines) + ",\n    )"


class _Folding(ast.NodeTransformer):
    """Leaves out what does nothing: zeros that are added, ones that multiply, a warm-up that ends at 0."""

    def __init__(self, known: dict[str, ast.expr], inner: dict[str, ast.expr]) -> None:
        self.known, self.inner = known, inner

    # the names are those that ast asks for
    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self.known.get(node.id, node)

    def visit_Call(self, node: ast.Call) -> ast.expr:
        if isinstance(node.func, ast.Name) and node.func.id in self.inner:
            function = self.inner[node.func.id]
            if isinstance(function, ast.Constant):
                return function
            return ast.Call(function, [self.visit(each) for each in node.args], [])
        node.args = [self.visit(each) for each in node.args]
        never_negative = ast.unparse(node) == "max(t, 0)"
        return node.args[0] if never_negative else node

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        left: ast.expr = self.visit(node.left)
        right: ast.expr = self.visit(node.right)
        one, two = (each.value if isinstance(each, ast.Constant) else None for each in (left, right))
        kind = type(node.op)
        if one is not None and two is not None and kind in FOLDED:
            return ast.Constant(FOLDED[kind](one, two))
        if (two == 0 and kind in (ast.Add, ast.Sub)) or (
            two == 1 and kind in (ast.Mult, ast.Div, ast.FloorDiv, ast.Pow)
        ):
            return left
        if (one == 0 and kind is ast.Add) or (one == 1 and kind is ast.Mult):
            return right
        if kind is ast.Pow and one == 1:
            return left
        return ast.BinOp(left, node.op, right)


def _folded(body: list[ast.stmt], known: dict[str, ast.expr], inner: dict[str, ast.expr]) -> list[ast.stmt]:
    known, kept = dict(known), list[ast.stmt]()
    for statement in body:
        new = _Folding(known, inner).visit(statement)
        if isinstance(new, ast.If) and ast.unparse(new.test) in ("t < 0", "t < 0.0"):
            continue
        if isinstance(new, ast.Assign) and isinstance(new.value, (ast.Constant, ast.Name)):
            known[ast.unparse(new.targets[0])] = new.value
        else:
            kept.append(new)
    return kept


class _Arrays(ast.NodeTransformer):
    """The functions of ``math``, ``min`` and ``max`` for arrays."""

    def __init__(self, module: str) -> None:
        self.module = module

    def call(self, name: str, *arguments: ast.expr) -> ast.Call:
        return ast.Call(ast.Attribute(ast.Name(self.module, ast.Load()), name, ast.Load()), list(arguments), [])

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        of_numbers = node.attr in ("log", "nan", "pi")
        return node if of_numbers else ast.Attribute(ast.Name(self.module, ast.Load()), node.attr, node.ctx)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id in ("min", "max"):
            if node.func.id == "min" and ast.unparse(node.args[1]) == "1":
                return self.call("clip", node.args[0], ast.Constant(0), ast.Constant(1))
            return self.call(f"{node.func.id}imum", *node.args)
        if isinstance(node.func, ast.Name) and node.func.id == "sum":
            return self.past(node.args[0])
        if isinstance(node.func, ast.Name) and re.fullmatch(r"t - \d+", ast.unparse(node.args[0])):
            node.args = [self.call("maximum", node.args[0], ast.Constant(0))]  # what follows another
        return node

    def past(self, each: Any) -> ast.expr:
        """How many of some times lie before t, in place of ``sum(t >= time for time in times)``."""
        found = self.call("searchsorted", self.call("array", each.generators[0].iter), ast.Name("t", ast.Load()))
        side = "right" if isinstance(each.elt.ops[0], ast.GtE) else "left"
        found.keywords.append(ast.keyword("side", ast.Constant(side)))
        return found

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        self.generic_visit(node)
        return self.call("where", node.test, node.body, node.orelse)

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        return self.call("take", self.call("array", node.value), node.slice)


def _vectorised(body: list[ast.stmt], module: str) -> list[ast.stmt]:
    """The same lines for arrays: what returns early is chosen at the end."""
    arrays, chosen, lines = _Arrays(module), list[tuple[ast.expr, ast.expr]](), list[ast.stmt]()
    for statement in body:
        new = arrays.visit(statement)
        if isinstance(new, ast.If):
            [early] = new.body
            assert isinstance(early, ast.Return)
            assert early.value is not None
            chosen.append((new.test, early.value))
        else:
            lines.append(new)
    last = lines.pop()
    assert isinstance(last, ast.Return)
    assert last.value is not None
    if not any(isinstance(node, ast.Name) and node.id == "t" for line in [*lines, last] for node in ast.walk(line)):
        last.value = arrays.call("full", arrays.call("shape", ast.Name("t", ast.Load())), last.value)
    for test, value in reversed(chosen):
        if len(ast.unparse(last)) > WIDTH // 2:
            lines.append(ast.Assign([ast.Name("later", ast.Store())], last.value, lineno=0))
            last.value = ast.Name("later", ast.Load())
        last.value = arrays.call("where", test, value, last.value)
    return [*lines, last]

"""Every place in the program that starts another one, found in its syntax trees."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import keyleak

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(keyleak.__file__).parent
_SEAM = {
    ("keyleak.git.process", "run"),
    ("keyleak.git.process", "stream"),
    ("keyleak.git.network", "connect"),
    ("keyleak.git.rewriting", "filter_repo"),
}
_MODULES = {"subprocess", "multiprocessing", "pty", "asyncio.subprocess"}
_OF_OS = ("system", "popen", "exec", "spawn", "posix_spawn", "fork")


@dataclass(frozen=True)
class Start:
    """One call that starts a program."""

    place: str
    """`file:function`."""
    how: str
    """What is called: `run`, `subprocess.Popen`, ..."""
    words: frozenset[str]
    """All texts in the function, and in the constants that it names."""
    first: str
    """The first word of what is started; `?` where it is not written there."""


def starts() -> Iterator[Start]:
    """All of them."""
    for path in sorted(PACKAGE.rglob("*.py")):
        yield from _starts_of(path)


def _starts_of(path: Path) -> Iterator[Start]:
    tree = ast.parse(path.read_bytes())
    module = f"keyleak.{'.'.join(path.relative_to(PACKAGE).with_suffix('').parts)}"
    names = {
        alias.asname or alias.name: (node.module, alias.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    names |= {name: (origin, name) for origin, name in _SEAM if origin == module}
    constants = {
        node.target.id if isinstance(node, ast.AnnAssign) else node.targets[0].id: node.value
        for node in tree.body
        if (isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value)
        or (isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name))
    }
    for function, inside in _functions(tree):
        for node in ast.walk(inside):
            if isinstance(node, ast.Call) and (how := _how(node.func, names)):
                yield Start(
                    f"{path.relative_to(PACKAGE)}:{function}",
                    how,
                    frozenset(_words(inside, constants)),
                    _first(node.args[0], inside, constants) if node.args else "?",
                )


def _functions(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    """Functions and methods by name; what stands outside of any counts as one."""
    outside = ast.Module([], [])
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, node
        elif isinstance(node, ast.ClassDef):
            for inner in node.body:
                name = inner.name if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef) else ""
                yield f"{node.name}.{name}".rstrip("."), inner
        else:
            outside.body.append(node)
    yield "", outside


def _how(called: ast.expr, names: dict[str, tuple[str | None, str]]) -> str | None:
    if isinstance(called, ast.Name):
        origin = names.get(called.id)
        if origin in _SEAM:
            return origin[1]
        if origin and (origin[0] in _MODULES or (origin[0] == "os" and origin[1].startswith(_OF_OS))):
            return f"{origin[0]}.{origin[1]}"
    elif isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name):
        holder = called.value.id
        if holder == "os" and called.attr.startswith(_OF_OS):
            return f"os.{called.attr}"
        if holder in _MODULES or (holder == "asyncio" and "subprocess" in called.attr):
            return f"{holder}.{called.attr}"
        if (f"keyleak.git.{holder}", called.attr) in _SEAM:
            return called.attr
    return None


def _words(node: ast.AST, constants: dict[str, ast.expr], depth: int = 2) -> Iterator[str]:
    for each in ast.walk(node):
        if isinstance(each, ast.Constant) and isinstance(each.value, str):
            yield each.value
        elif isinstance(each, ast.Name) and each.id in constants and depth:
            yield from _words(constants[each.id], constants, depth - 1)


def _first(node: ast.expr, function: ast.AST, constants: dict[str, ast.expr]) -> str:
    """The first plain word of a command that is no option of git itself."""
    if isinstance(node, ast.Name):
        for each in ast.walk(function):
            if not isinstance(each, ast.Assign) or not isinstance(each.targets[0], ast.Name):
                continue
            if each.targets[0].id == node.id:
                return _first(each.value, function, constants)
        return _first(constants[node.id], function, constants) if node.id in constants else "?"
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.Starred):
        return _first(node.value, function, constants)
    if isinstance(node, ast.List | ast.Tuple):
        words = (_first(each, function, constants) for each in node.elts)
        return next((word for word in words if word != "?" and not word.startswith("-")), "?")
    return "?"

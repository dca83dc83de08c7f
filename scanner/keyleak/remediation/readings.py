"""How each language reads a value from the environment, in place of a literal.

Texts are single bytes as Latin-1, so that what is not ASCII stays as it is.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Final

import yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Edit = Callable[[str, str, str], str]
    """Text, key, variable to the edited text."""

_PART: Final = r"""[^"'`\\\n$]*?"""
_QUOTED: Final = (
    rf"""(?<![\w"'`])(?P<quote>["'`])(?P<before>{_PART})"""
    "KEY"
    rf"""(?P<after>{_PART})(?P=quote)"""
)


def reading_of(path: str) -> Edit | None:
    """The edit for a file of this name; None where no language is known."""
    name = path.rpartition("/")[2].lower()
    if "dockerfile" in name or name == "containerfile":
        return _braces
    if name == ".env" or name.startswith(".env."):
        return _emptied
    if path.startswith(".github/workflows/"):
        return _workflow
    return _BY_EXTENSION.get(name.rpartition(".")[2])


def _literals(text: str, key: str, whole: Callable[[], str], part: Callable[[str, str], str]) -> str:
    """Every quoted text with the key replaced: by `whole()` where it is the key alone, else by `part()`."""

    def replaced(match: re.Match[str]) -> str:
        before, after = match["before"], match["after"]
        return part(before, after) if before or after else whole()

    return re.sub(_QUOTED.replace("KEY", re.escape(key)), replaced, text)


def _joined(reading: str, plus: str, before: str, after: str) -> str:
    parts = [f'"{before}"' if before else "", reading, f'"{after}"' if after else ""]
    return f"({f' {plus} '.join(part for part in parts if part)})"


def _joining(reading: str, plus: str = "+") -> Edit:
    def edit(text: str, key: str, variable: str) -> str:
        expression = reading.format(variable)
        return _literals(
            text, key, lambda: expression, lambda before, after: _joined(expression, plus, before, after)
        )

    return edit


def _javascript(text: str, key: str, variable: str) -> str:
    return _literals(
        text,
        key,
        lambda: f"process.env.{variable}",
        lambda before, after: f"`{before}${{process.env.{variable}}}{after}`",
    )


def _python(text: str, key: str, variable: str) -> str:
    edited = _joining('os.environ["{}"]')(text, key, variable)
    if edited == text or re.search(r"^import os\b(?!\.)", text, re.MULTILINE):
        return edited
    try:
        line = _first_statement(ast.parse(edited.encode("latin-1")))
    except (SyntaxError, ValueError):
        return text
    lines = edited.splitlines(keepends=True)
    ending = "\r\n" if "\r\n" in edited else "\n"
    return "".join([*lines[:line], f"import os{ending}", *lines[line:]])


def _first_statement(module: ast.Module) -> int:
    """How many lines stand before the first statement that is neither docstring nor `__future__` import."""
    end = 0
    for statement in module.body:
        is_docstring = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
        is_future = isinstance(statement, ast.ImportFrom) and statement.module == "__future__"
        if not (is_docstring or is_future):
            return max(end, statement.lineno - 1 if end == 0 else end)
        end = statement.end_lineno or end
    return end


def _go(text: str, key: str, variable: str) -> str:
    edited = _joining('os.Getenv("{}")')(text, key, variable)
    if edited == text:
        return text
    edited = re.sub(r"^const(\s+\w+(?:\s+string)?\s*=.*os\.Getenv)", r"var\1", edited, flags=re.MULTILINE)
    if re.search(r'^\s*(?:import\s+)?"os"\s*$', edited, re.MULTILINE):
        return edited
    if re.search(r"^import \(", edited, re.MULTILINE):
        return re.sub(r"^import \(\n", 'import (\n\t"os"\n', edited, count=1, flags=re.MULTILINE)
    return re.sub(r"^(package .*)\n", '\\1\n\nimport "os"\n', edited, count=1, flags=re.MULTILINE)


def _terraform(text: str, key: str, variable: str) -> str:
    name = variable.lower()
    edited = _literals(
        text, key, lambda: f"var.{name}", lambda before, after: f'"{before}${{var.{name}}}{after}"'
    )
    if edited == text or re.search(rf'^variable "{name}"', text, re.MULTILINE):
        return edited
    gap = "" if edited.endswith("\n") else "\n"
    return f'{edited}{gap}\nvariable "{name}" {{\n  type      = string\n  sensitive = true\n}}\n'


def _shell(text: str, key: str, variable: str) -> str:
    reading = f"${{{variable}:?}}"
    quoted = _literals(text, key, lambda: f'"{reading}"', lambda before, after: f'"{before}{reading}{after}"')
    return quoted.replace(key, reading)


def _yaml(text: str, key: str, variable: str) -> str:
    return _scalar(text, key, f"${{{variable}}}")


def _workflow(text: str, key: str, variable: str) -> str:
    return _scalar(text, key, f"${{{{ secrets.{variable} }}}}")


def _scalar(text: str, key: str, reading: str) -> str:
    """A plain scalar gets quotes, for braces mean something in flow style."""
    plain = rf"(?m)(?<=[:\-] ){re.escape(key)}(?=[ \t]*(?:#.*)?\r?$)"
    edited = re.sub(plain, lambda _: f'"{reading}"', text).replace(key, reading)
    # Braces may end a scalar in flow style: then the file is to be edited by hand.
    return edited if _is_yaml(edited) or not _is_yaml(text) else text


def _is_yaml(text: str) -> bool:
    try:
        return sum(1 for _ in yaml.parse(text.encode("latin-1"), Loader=yaml.SafeLoader)) > 0
    except yaml.YAMLError:
        return False


def _braces(text: str, key: str, variable: str) -> str:
    return text.replace(key, f"${{{variable}}}")


def _emptied(text: str, key: str, variable: str) -> str:
    del variable
    return re.sub(rf"""(["']?){re.escape(key)}\1""", "", text)


_BY_EXTENSION: Final[Mapping[str, Edit]] = {
    **dict.fromkeys(("js", "jsx", "ts", "tsx", "mjs", "cjs", "mts", "cts"), _javascript),
    **dict.fromkeys(("java", "kt", "kts", "scala"), _joining('System.getenv("{}")')),
    **dict.fromkeys(("sh", "bash", "zsh"), _shell),
    **dict.fromkeys(("yaml", "yml"), _yaml),
    **dict.fromkeys(("tf", "tfvars"), _terraform),
    "py": _python,
    "go": _go,
    "rb": _joining('ENV.fetch("{}")'),
    "php": _joining("getenv('{}')", "."),
    "json": _braces,
    "env": _emptied,
}

"""Jupyter notebooks: the source of each cell, and each of its outputs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from keyleak.containers.member import Member

if TYPE_CHECKING:
    from collections.abc import Iterator


def members(content: bytes) -> Iterator[Member]:
    """Cells and outputs, numbered from 1; none where the content is no notebook after all.

    A notebook is text: what is not told apart here has been searched as that.

    Args:
        content: the notebook's JSON.
    """
    try:
        cells = json.loads(content)["cells"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return
    for number, cell in enumerate(cells if isinstance(cells, list) else (), 1):
        if not isinstance(cell, dict):
            continue
        yield _member(f"cell {number}", _text(cell.get("source")))
        outputs = cell.get("outputs")
        for output_number, output in enumerate(outputs if isinstance(outputs, list) else (), 1):
            yield _member(f"cell {number}, output {output_number}", "\n".join(filter(None, _output(output))))


def _member(name: str, text: str) -> Member:
    return Member(name, iter((text.encode("utf-8", "surrogatepass"),)))


def _output(output: Any) -> Iterator[str]:
    if not isinstance(output, dict):
        return
    yield _text(output.get("text"))
    for part in ("ename", "evalue"):
        yield _text(output.get(part))
    traceback = output.get("traceback")
    yield "\n".join(map(_text, traceback)) if isinstance(traceback, list) else ""
    shown = output.get("data")
    for value in shown.values() if isinstance(shown, dict) else ():
        yield _text(value) if isinstance(value, str | list) else json.dumps(value)


def _text(value: Any) -> str:
    """Text that may be given in lines."""
    if isinstance(value, list):
        return "".join(line for line in value if isinstance(line, str))
    return value if isinstance(value, str) else ""

"""Runbooks, survey and commands as one document: for a terminal, in Markdown, in JSON."""

from __future__ import annotations

import json
import re
import textwrap
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from keyleak.remediation.runbook import KeyRunbook, RunbookStep

_WIDTH: Final = 100
_SPELLED: Final = {"*": r"\*", "_": r"\_", "<": "&lt;"}
_SPECIAL: Final = re.compile(r"[*_<]")
SCHEMA: Final = "keyleak/fix/1"


class DocumentFormat(Enum):
    """How it is written."""

    TEXT = "text"
    MARKDOWN = "markdown"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Section:
    """Lines under a heading."""

    name: str
    """Its name in JSON."""
    title: str
    lines: tuple[str, ...]
    are_commands: bool = False


@dataclass(frozen=True, slots=True)
class FixDocument:
    """Everything that `keyleak fix` has to say."""

    repository: str
    runbooks: tuple[KeyRunbook, ...]
    sections: tuple[Section, ...]


def masked(document: FixDocument, mask: Callable[[str], str]) -> FixDocument:
    """The document with each of its texts masked, which is to be done before a format escapes them."""
    return FixDocument(
        mask(document.repository),
        tuple(_masked_runbook(runbook, mask) for runbook in document.runbooks),
        tuple(
            replace(section, title=mask(section.title), lines=tuple(map(mask, section.lines)))
            for section in document.sections
        ),
    )


def _masked_runbook(runbook: KeyRunbook, mask: Callable[[str], str]) -> KeyRunbook:
    steps = (
        replace(
            step,
            title=mask(step.title),
            details=tuple(map(mask, step.details)),
            command=step.command and mask(step.command),
        )
        for step in runbook.steps
    )
    return replace(
        runbook,
        issuer=mask(runbook.issuer),
        facts=tuple((label, mask(text)) for label, text in runbook.facts),
        steps=tuple(steps),
        notes=tuple(map(mask, runbook.notes)),
        support_note=mask(runbook.support_note),
    )


def render(document: FixDocument, form: DocumentFormat) -> str:
    """The document with a final newline; its texts are masked already."""
    if form is DocumentFormat.JSON:
        return json.dumps(_plain(document), indent=2) + "\n"
    lines = _markdown(document) if form is DocumentFormat.MARKDOWN else _text(document)
    return "\n".join(lines).rstrip("\n") + "\n"


def _plain(document: FixDocument) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "repository": document.repository,
        "keys": [
            {
                "id": runbook.id,
                "secret": runbook.secret,
                "issuer": runbook.issuer,
                "environment": runbook.environment.value,
                "facts": dict(runbook.facts),
                "steps": [
                    {"title": step.title, "details": list(step.details), "command": step.command}
                    for step in runbook.steps
                ],
                "notes": list(runbook.notes),
                "support_note": runbook.support_note,
            }
            for runbook in document.runbooks
        ],
        **{section.name: list(section.lines) for section in document.sections},
    }


def _markdown(document: FixDocument) -> Iterator[str]:
    yield f"# Leaked keys in `{document.repository}`"
    yield ""
    for runbook in document.runbooks:
        yield f"## {_escaped(runbook.title)}"
        yield ""
        yield from (f"- {label}: `{text}`" for label, text in runbook.facts)
        yield ""
        for number, step in enumerate(runbook.steps, 1):
            yield f"{number}. {_escaped(step.title)}"
            yield from (f"   - {_escaped(detail)}" for detail in step.details)
            if step.command:
                yield from ("", "   ```sh", f"   {step.command}", "   ```")
        yield ""
        yield from (f"> {_escaped(note)}\n>" for note in runbook.notes)
        if runbook.support_note:
            yield from ("", "```text", *runbook.support_note.splitlines(), "```", "")
    for section in document.sections:
        yield from (f"## {section.title}", "")
        if section.are_commands:
            yield from ("```sh", *section.lines, "```", "")
        else:
            yield from (*(f"- {_escaped(line)}" for line in section.lines), "")


def _escaped(text: str) -> str:
    """Text whose asterisks, underscores and tags Markdown leaves alone; addresses stay whole."""
    return " ".join(
        word if word.startswith("https://") else _SPECIAL.sub(lambda match: _SPELLED[match[0]], word)
        for word in text.split(" ")
    )


def _text(document: FixDocument) -> Iterator[str]:
    for runbook in document.runbooks:
        yield runbook.title
        yield from (f"  {label}: {text}" for label, text in runbook.facts)
        yield ""
        for number, step in enumerate(runbook.steps, 1):
            yield from _step(number, step)
        yield from (line for note in runbook.notes for line in _wrapped(note, "  note: ", "        "))
        if runbook.support_note:
            yield from ("", "  for support:", *(f"    {line}" for line in runbook.support_note.splitlines()))
        yield ""
    for section in document.sections:
        yield section.title
        for line in section.lines:
            yield from [f"  {line}"] if section.are_commands else _wrapped(line, "  - ", "    ")
        yield ""


def _step(number: int, step: RunbookStep) -> Iterator[str]:
    yield from _wrapped(step.title, f"  {number}. ", "     ")
    for detail in step.details:
        yield from _wrapped(detail, "     ", "     ")
    if step.command:
        yield f"       {step.command}"


def _wrapped(text: str, first: str, rest: str) -> Sequence[str]:
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )

"""The table of formats: each is one module with a function `render`, imported only where it is asked for."""

from __future__ import annotations

import importlib
from enum import Enum
from typing import TYPE_CHECKING, Final, cast

from keyleak.records import replace
from keyleak.reports.advice import reach_of

if TYPE_CHECKING:
    from keyleak.reports.presentation import Presentation, Renderer
    from keyleak.reports.report import Report


class Format(Enum):
    """The formats a report can be written in; each is the module of its name."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    MARKDOWN = "markdown"
    GITHUB = "github"
    HTML = "html"
    CSV = "csv"
    JUNIT = "junit"
    GITLEAKS = "gitleaks"


# The others never hold a key, whatever is asked.
SHOWING_SECRETS: Final = frozenset({Format.TEXT, Format.JSON})


def render(report: Report, form: Format, presentation: Presentation) -> str:
    """The report in a format, looked through for keys before it is handed over.

    Raises:
        KeyInOutputError: a key was in it, which is a defect.
    """
    presentation = replace(presentation, reach=reach_of(report.scan))
    renderer = cast("Renderer", importlib.import_module(f"keyleak.reports.{form.value}"))
    rendered = renderer.render(report, presentation)
    if not (presentation.show_secrets and form in SHOWING_SECRETS):
        presentation.masker.check(rendered)
    return rendered

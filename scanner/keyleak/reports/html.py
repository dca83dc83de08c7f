"""One page for a browser, made for whoever has to decide what happens next; it needs no network.

The page (`page/`) is a template with its style and script, each allowed by its hash in the page's own
Content-Security-Policy and nothing else allowed. Findings are data in it, drawn as they come into view, so
that ten thousand do not slow it down; the script puts text only ever as text.
"""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

import jinja2
from markupsafe import Markup

from keyleak.reports.html_findings import listed_findings, listed_runbooks
from keyleak.reports.html_overview import overview
from keyleak.reports.html_timeline import timeline

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyleak.reports.html_timeline import Tick
    from keyleak.reports.presentation import Presentation
    from keyleak.reports.report import Report

_FOLDER: Final = Path(__file__).with_name("page")
# What would end the script element that the data stands in, or begin a comment there.
_FOR_SCRIPT: Final = {ord(character): f"\\u{ord(character):04x}" for character in "<>&"}


def render(report: Report, presentation: Presentation) -> str:
    """The report as one HTML file."""
    drawn = timeline(report, presentation)
    style = _part("report.css") + _axis(drawn.ticks)
    script = _part("report.js")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    page = environment.from_string(_part("report.html.j2"))
    rendered = page.render(
        page={**overview(report, presentation), "timeline": drawn},
        style=Markup(style),  # noqa: S704 - from this package and numbers
        script=Markup(script),  # noqa: S704 - from this package
        style_hash=_hash(style),
        script_hash=_hash(script),
        data=Markup(_data(report, presentation)),  # noqa: S704 - escaped for its element
    )
    return rendered.rstrip("\n") + "\n"


def _part(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")


def _data(report: Report, presentation: Presentation) -> str:
    data = {
        "severities": ["critical", "high", "medium", "low", "note"],
        "runbooks": listed_runbooks(report, presentation),
        "findings": listed_findings(report, presentation),
    }
    return json.dumps(data, separators=(",", ":")).translate(_FOR_SCRIPT)


def _axis(ticks: Sequence[Tick]) -> str:
    """Where the dates of the axis stand; the policy allows no style on an element."""
    column = "(100% - var(--left) - var(--right) - 2.5rem)"
    return "".join(
        f".axis .t{index} {{ left: calc(var(--left) + 1.25rem + {column} * {tick.at / 1000:.4f}); }}\n"
        for index, tick in enumerate(ticks)
    )

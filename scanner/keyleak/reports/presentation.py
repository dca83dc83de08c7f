"""What a renderer is given beside the report: names and next steps, the masker, how to look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from keyleak.records import dataclass
from keyleak.reports.advice import Reach
from keyleak.reports.masking import Masker

if TYPE_CHECKING:
    from keyleak.reports.report import Report
    from keyleak.rulebook.model import Rulebook

USUAL_WIDTH: Final = 80


@dataclass(frozen=True, slots=True)
class Presentation:
    """How one report is rendered."""

    rulebook: Rulebook
    """Names and next steps of the issuers, texts of the rules."""
    masker: Masker
    """Hides keys in names, paths and lines."""
    show_secrets: bool = False
    """Whether text and JSON hold the keys themselves; the other formats never do."""
    colour: bool = False
    """Whether text uses terminal colours."""
    width: int = USUAL_WIDTH
    """Columns of the text report."""
    reach: Reach = Reach.OUT
    """How far what was scanned got, which decides what is to be done."""

    @classmethod
    def of(cls, report: Report, rulebook: Rulebook) -> Presentation:
        """The usual one: nothing in the clear, no colours."""
        return cls(rulebook, Masker(finding.secret for finding in report.findings))


class Renderer(Protocol):
    """What each module of a format has."""

    def render(self, report: Report, presentation: Presentation, /) -> str:
        """The report in this format, with a final newline."""

"""The report for people: what to know, in 80 columns, folded with counts, and nothing a terminal acts on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from click import unstyle

from keyleak.coverage import Gap
from keyleak.findings import Severity
from keyleak.reports.formats import Format, render

if TYPE_CHECKING:
    from keyleak.reports.report import Report
from reports.saved import finding, historic, location, presentation, report, undecided


def text(made: Report, **given: object) -> str:
    return render(made, Format.TEXT, presentation(made, **given))


def test_a_finding_of_history_says_whose_where_since_and_what_to_do() -> None:
    shown = text(report(historic(1)))
    for said in (
        "CRITICAL  FLORA key (live)  sk_live_",
        "  where     src/config.py:3:7\n",
        "commit 0123456789ab; in refs/heads/main",
        "app.zip > in/.env:3:7\n              encoded: base64, gzip",
        "  whose     FLORA, confidence high: the value is given to a name of FLORA",
        "  first     2025-03-01 (634 days ago), commit 0123456789ab, src/config.py:3",
        "  HEAD      has it no more",
        "  exposed   client side: it stands in code that ships to users",
        "  checked   LIVE",
        "  now       1. Revoke the leaked key at once",
        "1 key found: 1 critical.",
    ):
        assert said in shown


@pytest.mark.parametrize("width", [60, 80, 120])
def test_lines_keep_to_the_width(width: int) -> None:
    excerpt = "left " * 40 + "KEY=sk_live_" + "**** " + "right " * 40
    gaps = (Gap("some/path", "cannot be read because the permission is denied to this user " * 2, 3),)
    made = report(historic(1), finding(2, excerpts=(excerpt,)), undecided(), gaps=gaps)
    long = [line for line in text(made, width=width).splitlines() if len(line) > width]
    # An address that is broken cannot be opened.
    assert [line for line in long if "https://" not in line] == []


def test_long_lists_are_folded_with_a_count() -> None:
    places = [location(f"file{number}") for number in range(12)]
    notes = [finding(number, severity=Severity.NOTE, reason="git ignores it") for number in range(500, 530)]
    made = report(finding(0, *places), *(finding(number) for number in range(1, 300)), *notes)
    shown = text(made)
    assert "and 7 more places (--format json lists all)" in shown
    assert "More leaked keys (275)" in shown
    assert "  and 200 more (--format json lists all)" in shown
    assert "Not counted (30)" in shown
    assert "  and 20 more (--format json lists all)" in shown
    assert "330 keys found: 300 critical, 30 note." in shown
    assert shown.count("Revoke the leaked key at once") == 1


def test_colours_add_nothing_but_colours() -> None:
    made = report(historic(1), undecided(), gaps=(Gap("a", "b"),))
    plain, coloured = text(made), text(made, colour=True)
    assert "\x1b" not in plain
    assert "\x1b[" in coloured
    assert unstyle(coloured) == plain


def test_secrets_are_shown_only_where_asked() -> None:
    made = report(finding(0))
    key = made.findings[0].secret.reveal().decode()
    assert key not in text(made)
    assert key in text(made, show_secrets=True)

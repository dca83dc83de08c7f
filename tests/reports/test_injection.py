"""Text from outside stays text in formats that have commands, formulas, links and tags."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest

from keyleak.coverage import Gap
from keyleak.findings import LocationKind, Severity, Status
from keyleak.reports.formats import Format, render

if TYPE_CHECKING:
    from keyleak.reports.report import Report
from reports.saved import finding, historic, location, presentation, report, undecided


def rendered(form: Format, made: Report) -> str:
    return render(made, form, presentation(made))


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r="])
def test_csv_holds_no_formula(start: str) -> None:
    path = f"{start}HYPERLINK(1)"
    made = report(finding(0, location(path)), gaps=(Gap(path, path),))
    for row in csv.reader(io.StringIO(rendered(Format.CSV, made))):
        assert [cell for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r"))] == []


def test_csv_has_a_row_for_every_place() -> None:
    made = report(historic(1), undecided(), gaps=(Gap("big", "is damaged", 2),))
    rows = list(csv.DictReader(io.StringIO(rendered(Format.CSV, made))))
    assert [row["kind"] for row in rows] == ["blob", "file", "commit-message", "file", ""]
    assert rows[1]["container"] == "in/.env"
    assert rows[1]["decoded"] == "base64 > gzip"
    assert rows[0]["first_seen_date"] == "2025-03-01T12:00:00+00:00"
    assert rows[-1]["status"] == "not read"


def test_workflow_commands_carry_data_only() -> None:
    nasty = "a,b:c\n::stop-commands::x\r%0A ##[error]y"
    made = report(finding(0, location(nasty), reason=nasty, status=Status.ALLOWED), gaps=(Gap(nasty, nasty),))
    lines = rendered(Format.GITHUB, made).splitlines()
    assert [line.split(" ")[0] for line in lines] == ["::notice", "::warning", "keyleak:"]
    assert "##[" not in "".join(lines)
    properties = lines[0].removeprefix("::notice ").split("::")[0].split(",")
    assert [each.partition("=")[0] for each in properties] == ["file", "line", "col", "title"]


def test_annotations_stand_beside_lines_that_a_checkout_has() -> None:
    inside = location("a.zip", container=(".env",))
    message = location(None, kind=LocationKind.COMMIT_MESSAGE)
    made = report(finding(0, inside, location("b.py", line=8)), finding(1, message), historic(2))
    first, second, third, _ = rendered(Format.GITHUB, made).splitlines()
    assert first.startswith("::error file=b.py,line=8,col=7,title=FLORA key (live) leaked::sk_live_")
    assert second.startswith("::error title=")
    # HEAD has it no more, so the line is another one by now.
    assert third.startswith("::error title=")


def test_markdown_makes_no_markup_of_names() -> None:
    nasty = "x|y`z`](javascript:a) <img src=x> @everyone www.example.org https://example.org *b*"
    told = rendered(
        Format.MARKDOWN, report(finding(0, location(nasty)), gaps=(Gap(nasty, nasty),), target=nasty)
    )
    table = [line for line in told.splitlines() if line.startswith("| 🔴")]
    assert [line.count("|") for line in table] == [7]
    for active in ("<img", "](javascript", " @everyone", " *b*"):
        assert active not in told


@pytest.mark.parametrize("count", [1, 300, 10_000])
def test_markdown_fits_a_comment_and_says_what_it_folds(count: int) -> None:
    told = rendered(Format.MARKDOWN, report(*(historic(number) for number in range(count))))
    assert len(told) < 65_536
    assert ("more keys, folded" in told) == (count > 1)
    assert f"{count:,} critical" in told


def test_junit_is_valid_and_counts() -> None:
    note = finding(5, severity=Severity.NOTE, reason='git <ignores> "it"')
    made = report(historic(1, hostile='<&"\x00\ufffe'), undecided(), note, gaps=(Gap("a", "b", 3),))
    (suite,) = ElementTree.fromstring(rendered(Format.JUNIT, made))
    counts = {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": "4", "failures": "1", "errors": "1", "skipped": "2"}
    assert [case[0].tag for case in suite] == ["failure", "skipped", "skipped", "error"]
    (clean,) = ElementTree.fromstring(rendered(Format.JUNIT, report()))
    assert [case.get("name") for case in clean] == ["No leaked key"]


def test_gitleaks_json_has_the_fields_that_importers_read() -> None:
    entries = json.loads(rendered(Format.GITLEAKS, report(historic(1), undecided())))
    assert len(entries) == 3
    for entry in entries:
        # What DefectDojo's importer takes, and a viewer of gitleaks' own reports.
        assert {
            "RuleID",
            "Description",
            "StartLine",
            "File",
            "Match",
            "Secret",
            "Commit",
            "Tags",
        } <= entry.keys()
        assert entry["Secret"].endswith("****")
        assert entry["Author"] == entry["Email"] == entry["Message"] == ""
    assert entries[1]["File"] == "app.zip!in/.env"
    assert json.loads(rendered(Format.GITLEAKS, report())) == []

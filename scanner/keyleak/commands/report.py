"""`keyleak report`: a saved report in another format, or compared with an earlier one."""

from __future__ import annotations

import errno
import sys
from typing import TYPE_CHECKING, Final

from keyleak.commands.delivery import deliver, write
from keyleak.commands.destinations import check_show_secrets
from keyleak.commands.user_files import text_of
from keyleak.errors import ExitCode, ReportError
from keyleak.records import replace
from keyleak.regular_file import REPORT_LIMIT, read_given
from keyleak.remediation.commit_map import read_commit_map
from keyleak.reports.comparison import compare
from keyleak.reports.comparison_text import render_json, render_text
from keyleak.reports.masking import Masker
from keyleak.reports.presentation import Presentation
from keyleak.reports.reader import read_report
from keyleak.rulebook.loader import load_rulebook

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from keyleak.commands.destinations import DeliveryOptions
    from keyleak.findings import Finding
    from keyleak.reports.report import Report
    from keyleak.rulebook.provenance import RuleFolder

STANDARD_INPUT: Final = "-"


def report(
    file: str, options: DeliveryOptions, rule_folders: Sequence[RuleFolder], commit_map: str | None = None
) -> ExitCode:
    """Render a saved report.

    Args:
        file: the report.
        options: how and where to.
        rule_folders: rules besides the built-in ones.
        commit_map: the `commit-map.csv` of a rewrite since then, to name commits by their new ids.

    Raises:
        KeyleakError: the report or the map cannot be used, or the new report not be written.
    """
    check_show_secrets(options)
    found = saved_report(file)
    if commit_map is not None:
        found = _renamed(found, read_commit_map(text_of(commit_map), commit_map))
    deliver(found, load_rulebook(rule_folders), options)
    return ExitCode.CLEAN


def _renamed(found: Report, ids: Mapping[str, str]) -> Report:
    """The report with the new ids of commits that a rewrite changed."""

    def finding(each: Finding) -> Finding:
        first = each.first_seen and replace(each.first_seen, commit=_new(each.first_seen.commit, ids))
        locations = tuple(replace(place, commit=_new(place.commit, ids)) for place in each.locations)
        return replace(each, first_seen=first, locations=locations)

    return replace(found, findings=tuple(map(finding, found.findings)))


def _new(commit: str | None, ids: Mapping[str, str]) -> str | None:
    return None if commit is None else ids.get(commit, commit)


def diff(old: str, new: str, *, as_json: bool, allow_incomplete: bool) -> ExitCode:
    """Say what a later report has and an earlier one has not, and the other way round.

    Raises:
        KeyleakError: one of them cannot be used, or standard output not be written.
    """
    earlier, later = saved_report(old), saved_report(new)
    comparison = compare(earlier, later)
    masker = Masker(finding.secret for finding in (*earlier.findings, *later.findings))
    presentation = Presentation(load_rulebook(()), masker)
    rendered = render_json(comparison, presentation) if as_json else render_text(comparison, presentation)
    masker.check(rendered)
    write(rendered, None)
    return comparison.exit_code(allow_incomplete=allow_incomplete)


def saved_report(file: str) -> Report:
    """The report in a JSON file; `-` is standard input.

    Raises:
        ReportError: the file cannot be read or is no report of this version.
    """
    try:
        content = _standard_input() if file == STANDARD_INPUT else read_given(file, REPORT_LIMIT)
        text = content.decode("utf-8-sig")
    except OSError as error:
        raise ReportError(file, None, f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ReportError(file, None, f"this is no JSON report: byte {error.start} is not UTF-8") from error
    return read_report(text, "standard input" if file == STANDARD_INPUT else file)


def _standard_input() -> bytes:
    content = sys.stdin.buffer.read(REPORT_LIMIT + 1)
    if len(content) > REPORT_LIMIT:
        raise OSError(errno.EFBIG, f"has more than {REPORT_LIMIT:,} bytes")
    return content

"""A report that was written before, as far as other commands need it."""

from __future__ import annotations

import json
from typing import Any

from keyleak.errors import UsageError
from keyleak.findings import Verification, VerificationVerdict
from keyleak.regular_file import REPORT_LIMIT, read_given
from keyleak.reports.report import SCHEMA


def ids_of_report(path: str) -> frozenset[str]:
    """Ids of the findings in a JSON report.

    Raises:
        UsageError: it cannot be read, or is no report of keyleak.
    """
    content = read_saved(path)
    try:
        ids = frozenset(str(finding["id"]) for finding in content["findings"])
    except (KeyError, TypeError) as error:
        raise UsageError(f"{path}: a report without a list of findings") from error
    if not ids:
        raise UsageError(f"{path}: the report has no findings, so there is nothing to fix")
    return ids


def verifications_of_report(path: str) -> dict[str, Verification]:
    """What issuers answered when the report was made, by id of the finding.

    Raises:
        UsageError: it cannot be read, or an answer in it makes no sense.
    """
    answers = {}
    for finding in read_saved(path)["findings"]:
        try:
            answer = finding["verification"]
            answers[str(finding["id"])] = Verification(
                VerificationVerdict(answer["verdict"]),
                *(answer.get(name) for name in ("host", "request_id", "checked_at", "detail")),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UsageError(f"{path}: a finding without a valid verification") from error
    return answers


def read_saved(path: str) -> dict[str, Any]:
    """A JSON report as it was written.

    Raises:
        UsageError: it cannot be read, or is no report of keyleak.
    """
    try:
        content = json.loads(read_given(path, REPORT_LIMIT).decode("utf-8-sig"))
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: no JSON: {error}") from error
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        raise UsageError(
            f"{path}: not a report of keyleak ({SCHEMA}); `keyleak history --format json` writes one"
        )
    return content

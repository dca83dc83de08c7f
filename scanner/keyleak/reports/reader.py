"""A saved JSON report, read back strictly: what other tools, versions or a full disk left is refused."""

from __future__ import annotations

import json
import re
from enum import Enum
from typing import Final, NoReturn

from keyleak.coverage import Accepted, Coverage, Gap, ObjectCounts
from keyleak.errors import ReportError
from keyleak.findings import (
    Attribution,
    AttributionVerdict,
    Candidate,
    Confidence,
    Environment,
    Finding,
    FirstSeen,
    Location,
    LocationKind,
    Severity,
    Status,
    Verification,
    VerificationVerdict,
)
from keyleak.key_shapes import MASK
from keyleak.reports.fields import Fields
from keyleak.reports.report import SCHEMA, Report, Repository, Scan
from keyleak.secret import RedactedSecret, Secret


class _Tool(Enum):
    KEYLEAK = "keyleak"


_FAMILY: Final = re.compile(r"keyleak/report/(\d+)")
# How other tools' reports are told, so that the message can name what it is.
_OTHERS: Final = (("runs", "a SARIF log"), ("results", "the report of another tool"))


def read_report(text: str, file: str) -> Report:
    """The report that a JSON report tells of; keys stay redacted.

    Args:
        text: content of the file.
        file: its name, for messages.

    Raises:
        ReportError: it is no report of keyleak, of another version, cut short, or edited wrongly.
    """
    try:
        document = json.loads(text)
    except RecursionError as error:
        raise ReportError(file, None, "this is no report of keyleak: it is nested too deeply") from error
    except json.JSONDecodeError as error:
        raise ReportError(file, error.lineno, _broken(text, error)) from error
    except ValueError as error:
        # Python refuses numbers of thousands of digits.
        raise ReportError(file, None, f"this is no report of keyleak: {error}") from error
    _check_family(document, file)
    root = Fields(document, file, "report")
    root.text("schema")
    return root.whole(_report)


def _report(part: Fields) -> Report:
    return Report(
        version=part.part("tool").whole(_version),
        scan=part.part("scan").whole(_scan),
        coverage=part.part("coverage").whole(_coverage),
        findings=tuple(each.whole(_finding) for each in part.parts("findings")),
    )


def _version(part: Fields) -> str:
    part.member("name", _Tool)
    return part.text("version")


def _broken(text: str, error: json.JSONDecodeError) -> str:
    if not text.strip():
        return "the file is empty"
    if error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated"):
        return "the report is cut short: scan again"
    return f"this is no JSON report: {error.msg}"


def _check_family(document: object, file: str) -> None:
    def refuse(reason: str) -> NoReturn:
        raise ReportError(file, None, reason)

    if isinstance(document, list):
        refuse("this is no report of keyleak: a JSON list, as other scanners write")
    if not isinstance(document, dict):
        refuse("this is no report of keyleak: no JSON object")
    schema = document.get("schema")
    if schema == SCHEMA:
        return
    version = _FAMILY.fullmatch(schema) if isinstance(schema, str) else None
    if version:
        refuse(
            f"the report has version {version[1]}, this keyleak reads version 1: use the one that wrote it"
        )
    other = next((name for key, name in _OTHERS if key in document), "no field 'schema' with " + repr(SCHEMA))
    refuse(f"this is no report of keyleak: {other}")


def _scan(part: Fields) -> Scan:
    return Scan(
        kind=part.text("kind"),
        target=part.text("target"),
        started=part.moment("started"),
        seconds=part.seconds("seconds"),
        rules_sha256=part.text("rules_sha256"),
        scope=part.optional_text("scope") if part.has("scope") else None,
        stage=part.text("stage") if part.has("stage") else None,
        repository=part.part("repository").whole(_repository) if part.has("repository") else None,
    )


def _repository(part: Fields) -> Repository:
    return Repository(part.text("name"), part.optional_text("url"), part.optional_text("head"))


def _coverage(part: Fields) -> Coverage:
    gaps = tuple(each.whole(_gap) for each in part.parts("gaps"))
    if part.flag("complete") is not (not gaps):
        part.refuse("complete", "must be true exactly if there are no gaps")
    return Coverage(
        part.count("bytes"),
        part.count("files"),
        part.part("objects").whole(_objects),
        gaps,
        repositories=part.texts("repositories") if part.has("repositories") else (),
        not_checked_out=part.count("not_checked_out") if part.has("not_checked_out") else 0,
        accepted=tuple(each.whole(_accepted) for each in part.parts("accepted"))
        if part.has("accepted")
        else (),
    )


def _accepted(part: Fields) -> Accepted:
    return Accepted(part.text("what"), part.text("reason"), part.text("by"))


def _gap(part: Fields) -> Gap:
    return Gap(part.text("what"), part.text("reason"), part.count("count", least=1))


def _objects(part: Fields) -> ObjectCounts:
    return ObjectCounts(*(part.count(kind) for kind in ("blob", "commit", "tag", "tree")))


def _finding(part: Fields) -> Finding:
    return Finding(
        id=part.matching("id", r"[0-9a-f]{32}"),
        rule=part.text("rule"),
        issuer=part.optional_text("issuer"),
        environment=part.member("environment", Environment),
        severity=part.member("severity", Severity),
        secret=_secret(part),
        attribution=part.part("attribution").whole(_attribution),
        locations=tuple(each.whole(_location) for each in part.parts("locations", least=1)),
        status=part.member("status", Status),
        reason=part.optional_text("reason"),
        verification=part.part("verification").whole(_verification),
        exposure=part.texts("exposure"),
        first_seen=part.part("first_seen").whole(_first_seen),
        age_days=part.optional_count("age_days"),
        at_head=part.optional_flag("at_head"),
    )


def _secret(part: Fields) -> Secret:
    shown = part.text("secret")
    if shown.endswith(MASK):
        return RedactedSecret(shown, part.text("id"))
    if not shown.isascii():
        part.refuse("secret", "is no key")
    # Written with --show-secrets: from here on it is handled like any key.
    return Secret(shown.encode("ascii"))


def _attribution(part: Fields) -> Attribution:
    return Attribution(
        verdict=part.member("verdict", AttributionVerdict),
        confidence=part.member("confidence", Confidence),
        evidence=part.texts("evidence"),
        candidates=tuple(each.whole(_candidate) for each in part.parts("candidates")),
    )


def _candidate(part: Fields) -> Candidate:
    return Candidate(part.text("issuer"), part.texts("evidence"))


def _verification(part: Fields) -> Verification:
    return Verification(
        verdict=part.member("verdict", VerificationVerdict),
        host=part.optional_text("host"),
        request_id=part.optional_text("request_id"),
        checked_at=part.optional_text("checked_at"),
        detail=part.optional_text("detail"),
    )


def _first_seen(part: Fields) -> FirstSeen | None:
    first = FirstSeen(
        commit=part.optional_text("commit"),
        date=part.optional_moment("date"),
        path=part.optional_text("path"),
        line=part.optional_count("line", least=1),
        author=part.optional_text("author") if part.has("author") else None,
    )
    # Where history was not read, the report repeats the first place here.
    return first if first.commit or first.date else None


def _location(part: Fields) -> Location:
    if part.has("url"):
        part.optional_text("url")  # made again of the repository's address, where it is wanted
    return Location(
        kind=part.member("kind", LocationKind),
        path=part.optional_text("path"),
        line=part.count("line", least=1),
        column=part.count("column", least=1),
        offset=0,
        blob=part.optional_text("blob"),
        commit=part.optional_text("commit"),
        refs=part.texts("refs"),
        decoded=part.texts("decoded"),
        container=part.texts("container"),
        more_paths=part.count("more_paths", least=1) if part.has("more_paths") else 0,
    )

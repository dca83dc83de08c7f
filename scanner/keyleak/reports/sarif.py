"""SARIF 2.1.0 (OASIS, errata 01), as GitHub code scanning, GitLab, Azure DevOps and editors take it.

One result for each key. Its first place is the location, every other place, and what is inside a container or
an encoding, a related location. Findings of a history that HEAD still has and those it has not are two runs,
with an `automationDetails.id` each, so that they are two categories; what a part of a history brought is a
third, for an upload of it says nothing of the state of either. Results hold no key, no address and no message
of a commit.

GitHub's limits (docs.github.com, "SARIF results exceed one or more limits"): 20 runs in a file, 25,000
results in a run, 1,000 locations of a result, 20 tags of a rule. More results go into further runs; what does
not fit even so is counted in a notification.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from keyleak.reports.json_text import spread
from keyleak.reports.sarif_results import SarifResults
from keyleak.reports.sarif_rules import SarifRules
from keyleak.reports.wording import Wording, counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyleak.coverage import Accepted, Gap
    from keyleak.findings import Finding
    from keyleak.reports.presentation import Presentation
    from keyleak.reports.report import Report, Scan

SCHEMA_URL: Final = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
HOME: Final = "https://github.com/keyleak/keyleak"
MOST_RUNS: Final = 20
MOST_RESULTS: Final = 25_000
SOURCE_ROOT: Final = "SRCROOT"

# The log, its runs, their parts: each result is a line.
_SPREAD: Final = 4
_UNREAD: Final = "not-read"
_ACCEPTED: Final = "accepted-unread"
_LIMIT: Final = "limit-of-the-format"


AT_HEAD: Final = "history/at-head"
ONLY_IN_HISTORY: Final = "history/only-in-history"
_PART: Final = "history/part"


def render(report: Report, presentation: Presentation) -> str:
    """The report as a SARIF log."""
    return _log(_Writer(report, presentation).runs(_categories(report), MOST_RUNS))


def render_categories(parts: Sequence[tuple[str, Report, Presentation]]) -> str:
    """Several reports as one SARIF log, each the full state of a category.

    Args:
        parts: the category of each report, `AT_HEAD` for one, and how it is rendered.
    """
    runs: list[dict[str, Any]] = []
    for number, (category, report, presentation) in enumerate(parts, 1):
        # Every later part gets a run at least.
        most = MOST_RUNS - len(runs) - (len(parts) - number)
        runs += _Writer(report, presentation).runs([(category, report.findings)], most)
    return _log(runs)


def _log(runs: list[dict[str, Any]]) -> str:
    return spread({"$schema": SCHEMA_URL, "version": "2.1.0", "runs": runs}, _SPREAD) + "\n"


def _categories(report: Report) -> list[tuple[str, Sequence[Finding]]]:
    findings, kind = report.findings, report.scan.kind
    if kind != "history":
        return [(kind, findings)]
    if report.scan.scope is not None:
        return [(_PART, findings)]
    at_head = [finding for finding in findings if finding.at_head is not False]
    only_history = [finding for finding in findings if finding.at_head is False]
    return [(AT_HEAD, at_head), (ONLY_IN_HISTORY, only_history)]


class _Writer:
    def __init__(self, report: Report, presentation: Presentation) -> None:
        self._report = report
        self._wording = Wording(presentation)
        self._rules = SarifRules(presentation.rulebook, self._wording, report.findings)
        self._results = SarifResults(self._rules, self._wording, report.scan)

    def runs(
        self, categories: Sequence[tuple[str, Sequence[Finding]]], most_runs: int
    ) -> list[dict[str, Any]]:
        parts = [
            (category, findings[start : start + MOST_RESULTS])
            for category, findings in categories
            for start in range(0, max(1, len(findings)), MOST_RESULTS)
        ]
        left_out = sum(len(findings) for _, findings in parts[most_runs:])
        kept = parts[:most_runs]
        names = [category for category, _ in kept]
        return [
            self._run(self._numbered(names, index), findings, left_out if index == 0 else 0)
            for index, (_, findings) in enumerate(kept)
        ]

    def _numbered(self, names: Sequence[str], index: int) -> str:
        earlier = names[:index].count(names[index])
        return f"keyleak/{names[index]}/" + (f"{earlier + 1}/" if earlier else "")

    def _run(self, category: str, findings: Sequence[Finding], left_out: int) -> dict[str, Any]:
        results = [self._results.result(finding) for finding in findings]
        return {
            "tool": {"driver": self._driver()},
            "automationDetails": {
                "id": category,
                "description": {"text": f"Leaked keys: {category.removeprefix('keyleak/').strip('/')}"},
            },
            "originalUriBaseIds": {
                SOURCE_ROOT: {"description": {"text": "The folder that was scanned from."}}
            },
            **self._origin(),
            "columnKind": "utf16CodeUnits",
            "invocations": [self._invocation(left_out, self._results.cut_short(findings))],
            "results": results,
            "properties": self._about(),
        }

    def _origin(self) -> dict[str, Any]:
        """The repository, where its address is a URI."""
        repository = self._report.scan.repository
        url = self._wording.clean(repository.url or "") if repository else ""
        if repository is None or not url.startswith(("https://", "ssh://", "http://")):
            return {}
        revision = {"revisionId": repository.head} if repository.head else {}
        return {"versionControlProvenance": [{"repositoryUri": quote(url, safe=":/@?&=%#+"), **revision}]}

    def _driver(self) -> dict[str, Any]:
        return {
            "name": "keyleak",
            "fullName": f"keyleak {self._report.version}",
            "version": self._report.version,
            "semanticVersion": self._report.version,
            "informationUri": HOME,
            "shortDescription": {"text": "Finds leaked sk_live_ and sk_test_ keys and says whose they are."},
            "rules": self._rules.descriptors(),
            "notifications": [
                _notification_kind(_UNREAD, "Unread", "Something was to be read and was not."),
                _notification_kind(_ACCEPTED, "AcceptedUnread", "That it was not read is accepted by name."),
                _notification_kind(_LIMIT, "FormatLimit", "A limit of the format folded something."),
            ],
        }

    def _invocation(self, left_out: int, cut_short: int) -> dict[str, Any]:
        started, ended = _times(self._report.scan)
        notes = [self._gap(gap) for gap in self._report.coverage.gaps]
        notes += map(self._accepted, self._report.coverage.accepted)
        if left_out:
            what = counted(left_out, "finding")
            notes.append(
                _notification(_LIMIT, f"{what} beyond {MOST_RUNS} runs left out; the JSON report has all.")
            )
        if cut_short:
            what = counted(cut_short, "finding")
            notes.append(
                _notification(_LIMIT, f"{what} with more places than shown; the JSON report has all.")
            )
        # True although something may be unread: a log that says false is refused whole on upload.
        return {
            "executionSuccessful": True,
            "startTimeUtc": started,
            "endTimeUtc": ended,
            "toolExecutionNotifications": notes,
        }

    def _gap(self, gap: Gap) -> dict[str, Any]:
        times = f" ({gap.count:,} times)" if gap.count > 1 else ""
        text = f"{self._wording.clean(gap.what)} was not read: {self._wording.clean(gap.reason)}{times}"
        return {**_notification(_UNREAD, text), "properties": {"count": gap.count}}

    def _accepted(self, accepted: Accepted) -> dict[str, Any]:
        what, why = self._wording.accepted(accepted)
        noted = _notification(_ACCEPTED, f"{what} was not read: {why}")
        return {**noted, "level": "note"}

    def _about(self) -> dict[str, Any]:
        scan, coverage = self._report.scan, self._report.coverage
        return {
            "scan": scan.kind,
            "target": self._wording.clean(scan.target),
            "scope": None if scan.scope is None else self._wording.clean(scan.scope),
            "rulesSha256": scan.rules_sha256,
            "complete": coverage.complete,
            "bytes": coverage.bytes,
            "files": coverage.files,
            "repositories": [self._wording.clean(path) for path in coverage.repositories],
            "notCheckedOut": coverage.not_checked_out,
        }


def _notification_kind(identity: str, name: str, text: str) -> dict[str, Any]:
    described = {"text": text}
    return {
        "id": identity,
        "name": name,
        "shortDescription": described,
        "fullDescription": described,
        "help": described,
        "helpUri": HOME,
    }


def _notification(identity: str, text: str) -> dict[str, Any]:
    return {"descriptor": {"id": identity}, "level": "warning", "message": {"text": text}}


def _times(scan: Scan) -> tuple[str, str]:
    """Beginning and end in UTC, as the format wants them."""
    started = datetime.fromisoformat(scan.started).astimezone(UTC)
    ended = started + timedelta(seconds=scan.seconds)
    return started.strftime("%Y-%m-%dT%H:%M:%SZ"), ended.strftime("%Y-%m-%dT%H:%M:%SZ")

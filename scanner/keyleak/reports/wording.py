"""A finding in words, for every format that people read: each word from outside is masked and printable."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Final

from keyleak.findings import (
    AttributionVerdict,
    Environment,
    LocationKind,
    Severity,
    Standing,
    Status,
    VerificationVerdict,
)
from keyleak.practices import advice
from keyleak.reports.advice import advice_on, never_committed
from keyleak.reports.links import link
from keyleak.terminal import printable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyleak.coverage import Accepted, Coverage
    from keyleak.findings import Finding, Location
    from keyleak.reports.advice import Advice
    from keyleak.reports.presentation import Presentation
    from keyleak.reports.report import Scan
    from keyleak.rulebook.model import Runbook, VerifyCall

SHOWN_HASH: Final = 12
_MOST_NAMED: Final = 3

_VERDICTS: Final[Mapping[VerificationVerdict, str]] = {
    VerificationVerdict.NOT_CHECKED: "not checked",
    VerificationVerdict.LIVE: "LIVE: the issuer accepts it",
    VerificationVerdict.LIVE_RESTRICTED: "LIVE, restricted: the issuer knows it",
    VerificationVerdict.NOT_ACCEPTED: "not accepted: revoked, mistyped or never issued",
    VerificationVerdict.UNKNOWN: "unknown: the answer does not tell",
    VerificationVerdict.REFUSED: "not asked",
}
_KINDS: Final[Mapping[LocationKind, str]] = {
    LocationKind.FILE: "file",
    LocationKind.INDEX: "staged file",
    LocationKind.BLOB: "file in history",
    LocationKind.COMMIT_MESSAGE: "commit message",
    LocationKind.TAG_MESSAGE: "tag message",
    LocationKind.NOTE: "git note",
    LocationKind.IDENTITY: "name or address in a commit",
    LocationKind.REF_NAME: "name of a ref",
    LocationKind.PATH_NAME: "name of a file",
    LocationKind.REFLOG: "reflog",
    LocationKind.STASH: "stash",
    LocationKind.GIT_CONFIG: "git configuration",
    LocationKind.STDIN: "standard input",
}
_NOT_KNOWN: Final = "not known whether it still works"
# Of a key that HEAD has not; where the refs do not say, history may be anywhere.
_NOT_AT_HEAD: Final[Mapping[Standing | None, str]] = {
    Standing.PUSHED: "not at HEAD any more, but in history that was pushed",
    Standing.UNPUSHED: "not at HEAD, but in commits that no remote-tracking ref reaches",
    Standing.STASHED: "in a stash alone, in no branch",
    Standing.STAGED: "staged, and in no commit that a ref reaches",
    Standing.UNREACHABLE: "reached by no ref; this repository's object store alone has it",
}
_HEAD_WITHOUT: Final[Mapping[Standing | None, str]] = {
    Standing.PUSHED: "has it no more; everyone with a clone still does",
    Standing.UNPUSHED: "does not have it; only commits that no remote-tracking ref reaches do",
    Standing.STASHED: "does not have it, nor does any branch; a stash does",
    Standing.STAGED: "does not have it, nor does any commit that a ref reaches; it is staged",
    Standing.UNREACHABLE: "does not have it, nor does any ref; this repository's object store does",
}


def _standing(finding: Finding) -> Standing | None:
    return next((each for each in Standing if each.value in finding.exposure), None)


class Wording:
    """Turns the parts of a report into words."""

    def __init__(self, presentation: Presentation, *, show_secrets: bool = False) -> None:
        self._rulebook = presentation.rulebook
        self._masker = presentation.masker
        self._show_secrets = show_secrets
        self._reach = presentation.reach

    def clean(self, text: str) -> str:
        """Text from outside, without keys and without anything that a terminal or a page acts on."""
        return printable(text if self._show_secrets else self._masker.mask(text))

    def secret(self, finding: Finding) -> str:
        """The redacted key."""
        return finding.secret.redacted()

    def issuer(self, issuer: str | None) -> str:
        """The name of an issuer."""
        if issuer is None:
            return "unknown issuer"
        known = self._rulebook.issuer(issuer)
        return known.name if known else self.clean(issuer)

    def whose(self, finding: Finding) -> str:
        """The issuer, or that several are possible, or that nobody knows: `FLORA`, `Clerk or Stripe?`."""
        if finding.attribution.verdict is AttributionVerdict.AMBIGUOUS:
            return " or ".join(self.issuer(each.issuer) for each in finding.attribution.candidates) + "?"
        return self.issuer(finding.issuer)

    def title(self, finding: Finding) -> str:
        """What leaked: `FLORA key (live)`."""
        name = f"{self.issuer(finding.issuer)} key" if finding.issuer else "Key of an unknown issuer"
        if finding.attribution.verdict is AttributionVerdict.AMBIGUOUS:
            name = self._possible([self.issuer(each.issuer) for each in finding.attribution.candidates])
        return name if finding.environment is Environment.UNKNOWN else f"{name} ({finding.environment.value})"

    def _possible(self, issuers: list[str]) -> str:
        if len(issuers) == 1:
            return f"Possibly a {issuers[0]} key"
        if len(issuers) <= _MOST_NAMED:
            return f"Key of {' or '.join(issuers)}"
        return f"Key of one of {len(issuers)} issuers"

    def outside(self, coverage: Coverage) -> tuple[str, ...]:
        """What belongs to what was scanned and was outside of this scan, a sentence each."""
        sentences = []
        if count := len(coverage.repositories):
            what = f"{counted(count, 'repository', 'repositories')} below: {'its' if count == 1 else 'their'}"
            sentences.append(f"{what} history was not read")
        if count := coverage.not_checked_out:
            was, it = ("is", "it was") if count == 1 else ("are", "they were")
            sentences.append(
                f"{counted(count, 'tracked file')} {was} not checked out, so {it} not read: "
                "`git sparse-checkout list` shows what is, `keyleak history` reads all"
            )
        return tuple(sentences)

    def accepted(self, accepted: Accepted) -> tuple[str, str]:
        """What was not read, and why that is accepted."""
        why = f"{self.clean(accepted.reason)}; accepted by {self.clean(accepted.by)}"
        return self.clean(accepted.what), why

    def history_command(self, repository: str) -> str:
        """What reads a repository's history."""
        path = f"./{repository}" if repository.startswith("-") else repository
        return f"keyleak history {self.clean(shlex.quote(path))}"

    def evidence(self, finding: Finding) -> list[str]:
        """Why it is said to be theirs, a line each."""
        attribution = finding.attribution
        lines = [self.clean(line) for line in attribution.evidence]
        if attribution.verdict is AttributionVerdict.ATTRIBUTED:
            return lines
        for candidate in attribution.candidates:
            why = "; ".join(self.clean(line) for line in candidate.evidence)
            lines.append(f"{self.issuer(candidate.issuer)}: {why}")
        return lines

    def place(self, location: Location) -> str:
        """Where it stands, as one can jump to it: `demo/.env:1:15`."""
        path = self.clean(location.path) if location.path else _KINDS[location.kind]
        if location.kind in {LocationKind.PATH_NAME, LocationKind.REF_NAME}:
            return f"{path} (in the name itself)" if location.path else path
        if location.container:
            inside = " > ".join(self.clean(name) for name in location.container)
            return f"{path} > {inside}:{location.line}:{location.column}"
        return f"{path}:{location.line}:{location.column}"

    def remarks(self, location: Location) -> list[str]:
        """What else is to know of a place: its kind, the commit, the encodings around the key."""
        remarks = [] if location.kind in _PLAIN_KINDS or not location.path else [_KINDS[location.kind]]
        if location.more_paths:
            remarks.append(f"and {location.more_paths:,} more paths of the same content")
        if location.decoded:
            remarks.append("encoded: " + ", ".join(self.clean(step) for step in location.decoded))
        if location.commit:
            remarks.append(f"commit {location.commit[:SHOWN_HASH]}")
        elif location.blob and location.kind is not LocationKind.INDEX:
            remarks.append(f"blob {location.blob[:SHOWN_HASH]}")
        if location.commit or location.blob:
            remarks += self._refs(location)
        return remarks

    def link(self, scan: Scan, finding: Finding, location: Location) -> str:
        """Where a place can be looked at; empty where that is not known, or a key is in the address."""
        found = link(scan.repository.url if scan.repository else None, finding, location) or ""
        return found if self.clean(found) == found else ""

    def first_seen(self, finding: Finding) -> str:
        """`2025-03-01 (270 days ago), commit 0123456789ab`; empty where history was not read."""
        first = finding.first_seen
        if first is None or not (first.date or first.commit):
            return ""
        ago = "" if finding.age_days is None else f" ({days(finding.age_days)} ago)"
        commit = f", commit {self.clean(first.commit)[:SHOWN_HASH]}" if first.commit else ""
        return f"{self.clean(first.date or 'date unknown')[:10]}{ago}{commit}"

    def at_head(self, finding: Finding) -> str:
        """Whether HEAD still has it; empty where nobody looked."""
        if finding.at_head is None:
            return ""
        elsewhere = _NOT_AT_HEAD.get(_standing(finding), "not at HEAD, but in history")
        return "HEAD still has it" if finding.at_head else elsewhere

    def head(self, finding: Finding) -> str:
        """The same as what HEAD does: `still has it`."""
        if finding.at_head is None:
            return ""
        standing = _standing(finding)
        if finding.at_head:
            return "still has it" + ("; no remote-tracking ref does" if standing is Standing.UNPUSHED else "")
        return _HEAD_WITHOUT.get(standing, "has it no more, but history does")

    def verification(self, finding: Finding, *, with_capabilities: bool = True) -> str:
        """What the issuer said, with its host and day, and the id by which its support finds the request.

        Args:
            finding: what was asked about.
            with_capabilities: whether to say what the key can do; see `capabilities`.
        """
        said = finding.verification
        nobody_asked = said.verdict is VerificationVerdict.UNKNOWN and said.checked_at is None
        parts = [_NOT_KNOWN if nobody_asked else _VERDICTS[said.verdict]]
        if said.detail:
            detail = said.detail if with_capabilities else self._without_capabilities(finding, said.detail)
            parts.append(self.clean(detail))
        if said.host and not nobody_asked:
            asked = f"asked {self.clean(said.host)}"
            parts.append(f"{asked} at {self.clean(said.checked_at)}" if said.checked_at else asked)
        if said.request_id:
            parts.append(f"{self._request_id(finding)} {self.clean(said.request_id)}")
        return "; ".join(parts)

    def capabilities(self, finding: Finding) -> tuple[str, ...]:
        """What its issuer documents that a key which lives can do; empty for others."""
        call = self._call(finding)
        lives = finding.verification.verdict in {
            VerificationVerdict.LIVE,
            VerificationVerdict.LIVE_RESTRICTED,
        }
        return call.capabilities if call and lives else ()

    def _without_capabilities(self, finding: Finding, detail: str) -> str:
        call = self._call(finding)
        return detail.replace(f". {call.can_do}", "") if call and call.can_do else detail

    def _request_id(self, finding: Finding) -> str:
        call = self._call(finding)
        return (call and call.request_id) or "request id"

    def _call(self, finding: Finding) -> VerifyCall | None:
        issuer = self._rulebook.issuer(finding.issuer or "")
        return issuer.verify if issuer else None

    def exposure(self, finding: Finding) -> list[str]:
        """What makes it worse, in words: `older than 90 days`."""
        return [self.clean(word).replace("-", " ") for word in finding.exposure]

    def practices(self, finding: Finding) -> list[str]:
        """The same, each with why it matters and what to do about it."""
        told = zip(self.exposure(finding), finding.exposure, strict=True)
        return [f"{title}: {words}" if (words := advice(word)) else title for title, word in told]

    def status(self, finding: Finding) -> str:
        """Why it does not count, or weighs less: empty for an ordinary new finding."""
        reason = self.clean(finding.reason or "")
        if finding.status is Status.NEW:
            return reason
        return f"{finding.status.value}: {reason}" if reason else finding.status.value

    def advice(self, finding: Finding) -> Advice:
        """What to do now."""
        return advice_on(finding, self._runbook(finding), self._reach)

    def advice_key(self, finding: Finding) -> str:
        """The same for findings whose advice is the same."""
        if finding.verification.verdict is VerificationVerdict.NOT_ACCEPTED:
            return f"{finding.issuer or ''} (not accepted)"
        if never_committed(finding):
            return f"{finding.issuer or ''} (never committed)"
        standing = _standing(finding)
        far = standing in {None, Standing.PUSHED, Standing.UNREACHABLE}
        return (
            (finding.issuer or "")
            if standing is None or far
            else f"{finding.issuer or ''} ({standing.value})"
        )

    def most_urgent(self, finding: Finding) -> list[str]:
        """The same in a few lines: the first step, and what the page is for that another one needs."""
        advice = self.advice(finding)
        lines = list(advice.steps[: advice.url_step + 1])
        return [*lines, advice.url] if advice.url else lines

    def description(self, rule: str) -> str:
        """What a rule looks for."""
        for key in self._rulebook.keys:
            if key.id == rule:
                return key.description
        return f"Key found by the rule {self.clean(rule)}"

    def _runbook(self, finding: Finding) -> Runbook | None:
        issuer = self._rulebook.issuer(finding.issuer or "") or next(
            (issuer for issuer in self._rulebook.issuers if issuer.anonymous), None
        )
        return issuer.runbook if issuer else None

    def _refs(self, location: Location) -> list[str]:
        if location.kind is LocationKind.INDEX:
            return []
        if not location.refs:
            return ["no ref reaches it"]
        names = ", ".join(self.clean(ref) for ref in location.refs[:2])
        more = len(location.refs) - 2
        return [f"in {names} and {more:,} more" if more > 0 else f"in {names}"]


_PLAIN_KINDS: Final = frozenset(
    {LocationKind.FILE, LocationKind.BLOB, LocationKind.PATH_NAME, LocationKind.REF_NAME}
)


def is_leak(finding: Finding) -> bool:
    """Whether it counts: new, of severity low or more."""
    return finding.status is Status.NEW and finding.severity is not Severity.NOTE


def days(count: int) -> str:
    """`1 day`, `1,200 days`."""
    return counted(count, "day")


def counted(count: int, one: str, many: str | None = None) -> str:
    """A number and its noun: `1 key`, `1,200 keys`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"

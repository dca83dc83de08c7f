"""What to do about a leaked key, step by step, from the issuer's rule file and what the scan knows.

For a leak the order is: revoke, create, deploy, make sure that the old key is dead, tell support, rewrite.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from keyleak.findings import Environment, LocationKind
from keyleak.practices import advice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyleak.findings import Finding
    from keyleak.remediation.key_state import KeyState
    from keyleak.rulebook.model import Issuer, Rulebook

_VARIABLE: Final = re.compile(r"\b[A-Z][A-Z0-9]*_[A-Z0-9_]+\b")
_TELLS_SUPPORT: Final = re.compile(r"\A(?:tell|contact|inform|write to|ask) (?:\w+ )?support", re.IGNORECASE)
_CI: Final = re.compile(
    r"(?:\A|/)(?:\.github/|\.gitlab-ci|\.circleci/|\.buildkite/|\.travis|\.drone|jenkinsfile|azure-pipelines"
    r"|bitbucket-pipelines|cloudbuild|appveyor|dockerfile|docker-compose|compose\.ya?ml|helm/|charts/|k8s/"
    r"|kubernetes/|procfile|render\.yaml|fly\.toml|vercel\.json|netlify\.toml|app\.ya?ml)"
    r"|\.(?:tf|tfvars|hcl)\Z",
    re.IGNORECASE,
)
_MOST_READERS: Final = 40
_GENERAL: Final = (
    "Find out who issued the key: look at the code around it and at the address it is sent to.",
    "Revoke it there at once; deleting it from the code does not end it.",
    "Create a new key and put it into a secrets manager or the environment, never into a file of git.",
    "Deploy the new key everywhere the old one was read.",
)


@dataclass(frozen=True, slots=True)
class RunbookStep:
    """One thing to do."""

    title: str
    details: tuple[str, ...] = ()
    command: str | None = None


@dataclass(frozen=True, slots=True)
class KeyRunbook:
    """What to do about one key."""

    id: str
    secret: str
    """Redacted."""
    issuer: str
    """Its name, or words for an unknown one."""
    environment: Environment
    facts: tuple[tuple[str, str], ...]
    """What the scan knows, as label and text."""
    steps: tuple[RunbookStep, ...]
    notes: tuple[str, ...]
    support_note: str
    """Ready to be sent."""

    @property
    def title(self) -> str:
        """One line."""
        return f"{self.issuer} key {self.secret} ({self.environment.value})"


@dataclass(frozen=True, slots=True)
class Reader:
    """A place that reads a key by its name."""

    path: str
    line: int

    @property
    def is_deployment(self) -> bool:
        """Whether it belongs to CI or deployment."""
        return bool(_CI.search(self.path))


def variables_of(issuer: Issuer | None) -> tuple[str, ...]:
    """Names that an issuer's keys and secrets are read by: those of its context and of its runbook."""
    if issuer is None:
        return ()
    runbook = issuer.runbook
    texts = (*runbook.rotate, *runbook.notes) if runbook else ()
    named = (name for text in texts for name in _VARIABLE.findall(text))
    return tuple(dict.fromkeys([*issuer.context.names, *named]))


def runbook_for(
    finding: Finding, rulebook: Rulebook, readers: Sequence[Reader], rewrite: str, state: KeyState
) -> KeyRunbook:
    """The runbook of one finding.

    Args:
        finding: the key.
        rulebook: the issuers.
        readers: lines of the scanned tree that read the issuer's keys.
        rewrite: the command that rewrites history.
        state: how far the key got.
    """
    issuer = rulebook.issuer(finding.issuer or "")
    is_test = finding.environment is Environment.TEST
    if is_test:
        steps = _test_steps(issuer)
    elif state.is_published:
        steps = _live_steps(finding, issuer, readers, rewrite)
    else:
        steps = _unpublished_steps(finding, issuer, readers, rewrite)
    return KeyRunbook(
        id=finding.id,
        secret=finding.secret.redacted(),
        issuer=issuer.name if issuer else "unknown issuer's",
        environment=finding.environment,
        facts=(*_facts(finding), ("where", "; ".join(state.described()))),
        steps=tuple(steps),
        notes=tuple(_notes(finding, issuer)),
        support_note=_support_note(finding, issuer) if state.is_published and not is_test else "",
    )


def _facts(finding: Finding) -> list[tuple[str, str]]:
    facts = [("fingerprint", finding.id), ("severity", finding.severity.value)]
    first = finding.first_seen
    if first is not None and first.commit:
        facts.append(("first seen", f"{first.date} in commit {first.commit}"))
    if finding.age_days is not None:
        facts.append(("age", f"{finding.age_days:,} days"))
    if finding.at_head is not None:
        facts.append(("at HEAD", "yes" if finding.at_head else "no, in history only"))
    if finding.exposure:
        facts.append(("exposure", ", ".join(finding.exposure)))
    refs = sorted({ref for place in finding.locations for ref in place.refs})
    if refs:
        facts.append(("refs that hold it", f"{len(refs):,}"))
    facts.append(("places", f"{len(finding.locations):,}"))
    verification = finding.verification
    if verification.request_id:
        facts.append(("our own request", f"{verification.request_id} at {verification.checked_at}"))
    return facts


def _live_steps(
    finding: Finding, issuer: Issuer | None, readers: Sequence[Reader], rewrite: str
) -> list[RunbookStep]:
    runbook = issuer.runbook if issuer else None
    rotate = _rotation(issuer)
    steps = [RunbookStep(step) for step in rotate]
    if runbook and runbook.revoke_url.startswith("https://"):
        steps[0] = RunbookStep(rotate[0], (runbook.revoke_url,))
    deploy = next((at for at, step in enumerate(rotate) if step.startswith("Deploy")), len(steps) - 1)
    if readers:
        steps[deploy] = RunbookStep(rotate[deploy], tuple(_reader_lines(readers)))
    steps.append(_verify_step(finding, issuer))
    support = runbook.support if runbook else ""
    whom = f"{issuer.name}'s support ({support})" if issuer and support else "the issuer's support"
    steps.append(
        RunbookStep(f"Tell {whom} with the note below; ask what the key was used for since it leaked.")
    )
    steps.append(_history_step(finding, rewrite))
    return steps


def _rotation(issuer: Issuer | None) -> list[str]:
    """How to rotate a key; whom to write to is a step of its own."""
    if issuer is None or issuer.runbook is None:
        return list(_GENERAL)
    return [step for step in issuer.runbook.rotate if not _TELLS_SUPPORT.match(step)]


def _unpublished_steps(
    finding: Finding, issuer: Issuer | None, readers: Sequence[Reader], rewrite: str
) -> list[RunbookStep]:
    """A key that nobody else got is taken out first; revoking it would stop whatever uses it for nothing."""
    reading = tuple(_reader_lines(readers))
    rotate = _rotation(issuer)
    return [
        RunbookStep("Take the key out of the files, and put it into the environment.", reading),
        _history_step(finding, rewrite, published=False),
        RunbookStep(
            "Nothing here shows that the key was pushed or published. If it was shared in any other way"
            " (another clone, a paste, a log, a backup), rotate it as well:",
            tuple(rotate),
        ),
    ]


def _verify_step(finding: Finding, issuer: Issuer | None) -> RunbookStep:
    call = issuer.verify if issuer else None
    if issuer is None or call is None or (call.keys and finding.rule not in call.keys):
        return RunbookStep("Make sure that the old key is dead: a request with it must be refused.")
    return RunbookStep(
        "Make sure that the old key is dead.",
        ("It asks for the key, keeps it nowhere, and asks before it sends it to its issuer.",),
        # The key alone does not always tell whose it is, and nobody is asked in doubt.
        f"keyleak verify --stdin --issuer {shlex.quote(issuer.issuer)} --expect revoked",
    )


def _reader_lines(readers: Sequence[Reader]) -> list[str]:
    ordered = sorted(readers, key=lambda reader: (not reader.is_deployment, reader.path, reader.line))
    lines = [
        f"{'CI or deployment' if reader.is_deployment else 'read'} at {reader.path}:{reader.line}"
        for reader in ordered[:_MOST_READERS]
    ]
    more = len(ordered) - _MOST_READERS
    return [*lines, f"and {more:,} more places"] if more > 0 else lines


def _history_step(finding: Finding, rewrite: str, *, published: bool = True) -> RunbookStep:
    if not any(place.refs for place in finding.locations):
        return RunbookStep(
            "Take the key out of everything else named above; no commit that a ref reaches has it."
        )
    detail = ("`--apply` works on a fresh clone, proves the result and pushes nothing.",)
    if not published:
        return RunbookStep("Rewrite the commits that hold it, before any of them is pushed.", detail, rewrite)
    return RunbookStep(
        "Rewriting history is optional and does not help by itself: clones, caches and scanners have copies."
        " It keeps the key from whoever clones from now on.",
        detail,
        rewrite,
    )


def _test_steps(issuer: Issuer | None) -> list[RunbookStep]:
    runbook = issuer.runbook if issuer else None
    link = (runbook.revoke_url,) if runbook and runbook.revoke_url.startswith("https://") else ()
    return [
        RunbookStep("Revoke the test key, create another and put it into the environment.", link),
        RunbookStep(
            "Replace it where it is read; no production traffic depends on it, so no gap is to be planned."
        ),
        RunbookStep("Rewriting history is rarely worth it for a test key; do it if your rules ask for it."),
    ]


def _notes(finding: Finding, issuer: Issuer | None) -> list[str]:
    runbook = issuer.runbook if issuer else None
    notes = list(runbook.notes) if runbook else []
    if finding.environment is Environment.TEST:
        notes = [note for note in notes if "both keys work" not in note]
    if len(finding.attribution.candidates) > 1:
        names = ", ".join(candidate.issuer for candidate in finding.attribution.candidates)
        notes.append(f"The evidence does not decide between: {names}. Look there first.")
    for exposure in finding.exposure:
        if words := advice(exposure):
            notes.append(f"{exposure}: {words}")
    return notes


def _support_note(finding: Finding, issuer: Issuer | None) -> str:
    first = finding.first_seen
    kinds = sorted(
        {place.kind for place in finding.locations}, key=lambda kind: list(LocationKind).index(kind)
    )
    lines = [
        f"Subject: leaked {issuer.name if issuer else ''} API key, request for an audit".replace("  ", " "),
        "",
        f"An API key of ours leaked. It begins {finding.secret.redacted()} (we do not send the key itself).",
        f"Fingerprint (keyleak id): {finding.id}",
    ]
    if first is not None and first.commit:
        lines.append(f"First seen: {first.date}, commit {first.commit}")
    else:
        lines.append("First seen: not known; it was found in files, not in history")
    lines.append(f"It stood in: {', '.join(kind.value for kind in kinds)}")
    lines.append(f"Exposure: {', '.join(finding.exposure) or 'a repository and whoever could clone it'}")
    verification = finding.verification
    if verification.request_id:
        lines.append(
            f"Our own check of the key, not abuse: request-id {verification.request_id}"
            f" at {verification.checked_at} to {verification.host}"
        )
    else:
        lines.append("We have sent no request with this key to check it.")
    lines.append("Revoked at: [fill in]")
    lines.append("Please tell us which requests were made with it since it was first seen, and from where.")
    return "\n".join(lines)

"""The step that asks issuers: consent, requests, what was learnt. Nothing here changes what is reported."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections import Counter
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import click

from keyleak.errors import ExitCode, KeyleakError
from keyleak.findings import Verification, VerificationVerdict
from keyleak.key_shapes import masked_message
from keyleak.terminal import printable
from keyleak.termination import handled_signals, signal_of
from keyleak.verification.active_key import active_keys
from keyleak.verification.audit import AuditFile, NoAudit
from keyleak.verification.client import Client
from keyleak.verification.endpoints import read_endpoints
from keyleak.verification.plan import make_plan
from keyleak.verification.secrecy import kept_from_disk
from keyleak.verification.support_note import support_note
from keyleak.verification.transport import http_client
from keyleak.verification.verifier import Limits, Verifier

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from keyleak.commands.console import Console
    from keyleak.commands.verification_options import VerificationOptions
    from keyleak.findings import Finding
    from keyleak.rulebook.model import Rulebook
    from keyleak.verification.audit import Audit
    from keyleak.verification.plan import KeyRequest, Plan
    from keyleak.verification.verifier import Learnt

_LIVING = (VerificationVerdict.LIVE, VerificationVerdict.LIVE_RESTRICTED)


@dataclass(frozen=True, slots=True)
class Asked:
    """The findings, and how asking went."""

    findings: tuple[Finding, ...]
    learnt: tuple[Learnt, ...] = ()
    interrupted: int = 0
    """The signal that ended it early; 0 for none."""
    failure: str | None = None
    """Why not everything was asked, where that is an error."""
    expect_revoked: bool = False

    def conclude(self, rulebook: Rulebook, code: ExitCode, console: Console) -> ExitCode:
        """Say what was learnt, with notes to support, and give the exit code.

        Args:
            rulebook: whose support there is.
            code: the exit code without verification.
            console: where words go.
        """
        self._say(rulebook, console)
        if self.interrupted:
            return ExitCode.after(self.interrupted)
        if self.failure:
            return ExitCode.INCOMPLETE
        return self._expectation(code) if self.expect_revoked else code

    def _expectation(self, code: ExitCode) -> ExitCode:
        """0 if no key is accepted any more, 1 if one is, 2 if that is not known of one."""
        verdicts = {finding.verification.verdict for finding in self.findings}
        if verdicts.intersection(_LIVING):
            return ExitCode.FINDINGS
        if verdicts <= {VerificationVerdict.NOT_ACCEPTED} and code is not ExitCode.INCOMPLETE:
            return ExitCode.CLEAN
        return ExitCode.INCOMPLETE

    def _say(self, rulebook: Rulebook, console: Console) -> None:
        counts = Counter(finding.verification.verdict.value for finding in self.findings)
        if self.learnt:
            console.note(", ".join(f"{count:,} {verdict}" for verdict, count in sorted(counts.items())))
        for issuer in rulebook.issuers:
            lines = list(support_note(issuer, self.learnt))
            if lines:
                console.text([f"--- note to {issuer.name}'s support, ready to send ---", *lines, "---"])
        if self.failure:
            console.error(self.failure)


def ask_issuers(
    findings: Sequence[Finding], rulebook: Rulebook, options: VerificationOptions, console: Console
) -> Asked:
    """Ask the issuers of these findings' keys whether they live, after the user agreed.

    What was learnt before Ctrl-C or an error is in the findings that come back.

    Raises:
        UsageError: an endpoint or a proxy cannot be used.
    """
    plan = make_plan(findings, rulebook, read_endpoints(options.endpoints, rulebook))
    if plan.refused:
        options = asked_once(options, len(plan.refused), next(iter(plan.refused.values())), console)
    told = tuple(_refused(finding, plan) for finding in findings)
    untouched = Asked(told, expect_revoked=options.expect_revoked)
    if not plan.requests:
        if told:
            console.note("no key can be asked about; the report says why of each")
        return untouched
    try:
        refusal = _refusal(plan, options, console)
    except click.Abort:
        return replace(untouched, interrupted=signal.SIGINT)
    if refusal is not None:
        return replace(untouched, failure=refusal or None)
    asking = _Asking(plan, options, console)
    asking.run()
    learnt = tuple(asking.learnt.values())
    active = active_keys(learnt)
    results = {each.request.id: _with_sentence(each, active) for each in learnt}
    verified = tuple(
        replace(finding, verification=results.get(finding.id, finding.verification)) for finding in told
    )
    return Asked(verified, learnt, asking.interrupted, asking.failure, options.expect_revoked)


def asked_once(options: VerificationOptions, never: int, why: str, console: Console) -> VerificationOptions:
    """The options without `--watch`, which would wait for ever where a key cannot be asked about.

    Args:
        options: what was asked for.
        never: how many such keys there are, one or more.
        why: the reason of one of them.
        console: told of it, where `--watch` was asked for.
    """
    if options.watch is None:
        return options
    keys = "1 key is" if never == 1 else f"{never:,} keys are"
    console.error(
        f"--watch ends after one round: {keys} never asked about, so it cannot come out that every key is "
        f"revoked ({why}); watch a report or an --issuer without {'it' if never == 1 else 'them'}"
    )
    return replace(options, watch=None)


def _refused(finding: Finding, plan: Plan) -> Finding:
    reason = plan.refused.get(finding.id)
    if reason is None:
        return finding
    return replace(finding, verification=Verification(VerificationVerdict.REFUSED, detail=reason))


def _refusal(plan: Plan, options: VerificationOptions, console: Console) -> str | None:
    """None where the user agrees; else why not: an error, or nothing where the answer was no.

    Raises:
        Abort: Ctrl-C instead of an answer.
    """
    lines = list(plan.in_words())
    if options.yes:
        console.text(["asking, each issuer about its own keys only:", *(f"  {line}" for line in lines)])
        return None
    if not sys.stdin.isatty():
        return f"nothing was asked: add --yes to agree to what would be sent ({'; '.join(lines)})"
    asked = (
        "These requests would be sent, each issuer's own keys and nothing else:",
        *(f"  {line}" for line in lines),
    )
    for line in asked:
        click.echo(printable(masked_message(line)), err=True)
    if click.confirm("Send them?", default=False, err=True):
        return None
    console.note("nothing was asked")
    return ""


def _with_sentence(learnt: Learnt, sentences: dict[str, str]) -> Verification:
    sentence = sentences.get(learnt.request.id)
    said = learnt.verification
    return replace(said, detail=f"{said.detail}. {sentence}") if sentence else said


@contextmanager
def _handlers_kept() -> Iterator[None]:
    """The loop leaves the signals that it handled at their default, not as they were."""
    before = {number: signal.getsignal(number) for number in handled_signals()}
    try:
        yield
    finally:
        with suppress(ValueError):  # not the main thread, which alone handles signals
            for number, handler in before.items():
                signal.signal(number, handler)


class _Asking:
    """One run of requests; holds what was learnt, also where it ends early."""

    def __init__(self, plan: Plan, options: VerificationOptions, console: Console) -> None:
        self._plan = plan
        self._options = options
        self._console = console
        self.learnt: dict[str, Learnt] = {}
        self.interrupted = 0
        self.failure: str | None = None

    def run(self) -> None:
        """Ask until all is known, Ctrl-C, or an audit that cannot be kept."""
        try:
            with self._audit() as audit, kept_from_disk(), _handlers_kept():
                asyncio.run(self._ask(audit))
        except KeyleakError as error:
            self.failure = str(error)
        except KeyboardInterrupt as interruption:
            self.interrupted = signal_of(interruption)

    def _audit(self) -> AuditFile | nullcontext[NoAudit]:
        return AuditFile(self._options.audit) if self._options.audit else nullcontext(NoAudit())

    async def _ask(self, audit: Audit) -> None:
        stop = asyncio.Event()
        for number in handled_signals():
            # Outside the main thread nobody can press Ctrl-C.
            with suppress(ValueError, RuntimeError, NotImplementedError):
                asyncio.get_running_loop().add_signal_handler(number, self._interrupt, number, stop)
        async with http_client({request.url for request in self._plan.requests}) as http:
            verifier = Verifier(Client(http), audit, Limits(endpoint_per_second=self._options.rate))
            for waiting in self._rounds():
                await verifier.ask_all(waiting, stop, self._note)
                if stop.is_set() or self._options.watch is None or not self._still_accepted():
                    return
                self._console.note(
                    f"{len(self._still_accepted()):,} keys are not known to be revoked; asking again in "
                    f"{self._options.watch:g} s"
                )
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), self._options.watch)
                    return

    def _rounds(self) -> Iterator[Sequence[KeyRequest]]:
        yield self._plan.requests
        while True:
            yield self._still_accepted()

    def _still_accepted(self) -> list[KeyRequest]:
        return [
            request
            for request in self._plan.requests
            if self._verdict(request) is not VerificationVerdict.NOT_ACCEPTED
        ]

    def _verdict(self, request: KeyRequest) -> VerificationVerdict | None:
        learnt = self.learnt.get(request.id)
        return learnt.verification.verdict if learnt else None

    def _note(self, learnt: Learnt) -> None:
        self.learnt[learnt.request.id] = learnt

    def _interrupt(self, number: int, stop: asyncio.Event) -> None:
        self.interrupted = number
        stop.set()

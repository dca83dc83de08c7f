"""Asks issuers about keys: a few at a time, at each host's pace, and stops when it is told to."""

from __future__ import annotations

import asyncio
import math
import random
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from keyleak.errors import SourceError
from keyleak.findings import Verification, VerificationVerdict
from keyleak.verification import retry
from keyleak.verification.audit import AuditEntry, AuditEvent, NoAudit
from keyleak.verification.blast_radius import Reached, reach_in_words, reached_by
from keyleak.verification.outside_text import plain_name
from keyleak.verification.rate import Pace
from keyleak.verification.verdicts import Answer, Failure, judge

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from keyleak.verification.audit import Audit
    from keyleak.verification.client import Client
    from keyleak.verification.plan import KeyRequest
    from keyleak.verification.verdicts import Judgement

# To all hosts together. One host's own limit stands in its rule file.
TOTAL_PER_SECOND: Final = 20.0
TOTAL_AT_ONCE: Final = 8
# Keys of one host that may fail to reach it, one after the other, before it counts as unreachable.
_MOST_UNREACHED: Final = 3
_LIVING: Final = frozenset({VerificationVerdict.LIVE, VerificationVerdict.LIVE_RESTRICTED})


@dataclass(frozen=True, slots=True)
class Clocks:
    """Time and chance, handed in."""

    monotonic: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    random: Callable[[], float] = random.random


@dataclass(frozen=True, slots=True)
class Limits:
    """How fast and how much at once."""

    total_per_second: float = TOTAL_PER_SECOND
    total_at_once: int = TOTAL_AT_ONCE
    endpoint_per_second: float | None = None
    """The pace to test servers in place of their issuer's; None keeps that."""


@dataclass(frozen=True, slots=True)
class Learnt:
    """What asking about one key brought."""

    request: KeyRequest
    verification: Verification
    reached: tuple[Reached, ...] = ()

    @property
    def lives(self) -> bool:
        """Whether its issuer accepts it."""
        return self.verification.verdict in _LIVING


@dataclass(slots=True)
class _Host:
    """What is under way to one host."""

    pace: Pace
    slots: asyncio.Semaphore
    in_total: bool = True
    """Whether the limit of all hosts together counts for it: not where the user gave it a pace."""
    unreached: int = 0
    """Keys in a row that did not reach it."""
    closed: str = ""
    """Why nothing is sent to it for now."""
    opens: float = 0.0
    """When that ends, on the monotonic clock."""

    def close(self, reason: str, until: float) -> None:
        self.closed, self.opens = reason, until

    def refusal(self, now: float) -> str:
        """Why nothing is sent now; empty where something may be."""
        return self.closed if now < self.opens else ""


@dataclass(slots=True)
class Verifier:
    """Asks about keys. Use one for a run: it remembers each host's pace and wishes."""

    client: Client
    audit: Audit = field(default_factory=NoAudit)
    limits: Limits = field(default_factory=Limits)
    clocks: Clocks = field(default_factory=Clocks)
    _hosts: dict[str, _Host] = field(default_factory=dict)
    _total: Pace | None = None
    _unkept: SourceError | None = None
    """Why the audit cannot be kept; whoever waits for a turn learns of it before all are told to stop."""

    async def ask_all(
        self,
        requests: Sequence[KeyRequest],
        stop: asyncio.Event,
        on_learnt: Callable[[Learnt], None],
    ) -> None:
        """Ask about every key until all have an answer or it is told to stop.

        Args:
            requests: each key once.
            stop: set it, and what is under way is given up at once.
            on_learnt: told of each key as soon as something is known.

        Raises:
            SourceError: the audit cannot be kept; nothing more is sent then.
        """
        slots = asyncio.Semaphore(self.limits.total_at_once)
        for host in self._hosts.values():
            if host.unreached:
                # It may be back by now.
                host.unreached, host.opens = 0, 0.0

        async def one(request: KeyRequest) -> None:
            async with self._host(request).slots, slots:
                on_learnt(await self._ask(request))

        tasks = [asyncio.create_task(one(request)) for request in requests]
        stopped = asyncio.create_task(_set(stop))
        try:
            await _until_done(tasks, stopped)
        finally:
            for task in (*tasks, stopped):
                task.cancel()
            await asyncio.gather(*tasks, stopped, return_exceptions=True)

    async def _ask(self, request: KeyRequest) -> Learnt:
        host = self._host(request)
        for attempt in range(retry.MOST_RETRIES + 1):
            if refusal := await self._turn(host):
                return _unasked(request, refusal)
            sent = self.clocks.now()
            self._keep(_sending(request, attempt, sent))
            answer = await self.client.ask(request.call, request.url, request.secret)
            judgement = judge(request.call, answer)
            learnt = _learnt(request, answer, judgement, sent)
            self._keep(_entry(learnt, answer, attempt, sent))
            if not retry.is_retried(answer) or judgement.verdict is not VerificationVerdict.UNKNOWN:
                host.unreached = 0
                return learnt
            if not await self._waited(host, answer, attempt):
                break
        if isinstance(answer, Failure):
            host.unreached += 1
            if host.unreached >= _MOST_UNREACHED:
                reason = f"{answer.reason}, for {_MOST_UNREACHED} keys in a row; no more were tried"
                host.close(reason, math.inf)
        return learnt

    def _keep(self, entry: AuditEntry) -> None:
        try:
            self.audit.write(entry)
        except SourceError as error:
            self._unkept = error
            raise

    async def _turn(self, host: _Host) -> str:
        """Wait until the next request may go; why it may not, where the host was closed meanwhile."""
        if refusal := host.refusal(self.clocks.monotonic()):
            return refusal
        await host.pace.turn()
        if host.in_total:
            await self._whole().turn()
        if self._unkept is not None:
            raise self._unkept
        return host.refusal(self.clocks.monotonic())

    async def _waited(self, host: _Host, answer: Answer | Failure, attempt: int) -> bool:
        """Wait before the next attempt; False where there is to be none."""
        asked = retry.asked_pause(answer, self.clocks.now())
        if asked is not None and asked > retry.LONGEST_PAUSE:
            reason = f"the host asks to wait {asked:,.0f} seconds; ask again then"
            host.close(reason, self.clocks.monotonic() + asked)
            return False
        if asked is not None:
            # Everybody's wait: the host is the one that is overloaded, whichever key met it.
            host.pace.pause(asked)
        if attempt == retry.MOST_RETRIES:
            return False
        if asked is None:
            await self.clocks.sleep(retry.backoff(attempt, self.clocks.random))
        return True

    def _host(self, request: KeyRequest) -> _Host:
        host = self._hosts.get(request.host)
        if host is None:
            is_own = request.url == request.call.url
            given = None if is_own else self.limits.endpoint_per_second
            pace = self._pace(request.call.requests_per_second if given is None else given)
            host = _Host(pace, asyncio.Semaphore(request.call.at_once), in_total=given is None)
            self._hosts[request.host] = host
        return host

    def _whole(self) -> Pace:
        if self._total is None:
            self._total = self._pace(self.limits.total_per_second)
        return self._total

    def _pace(self, per_second: float) -> Pace:
        return Pace(per_second, self.clocks.monotonic, self.clocks.sleep)


async def _set(event: asyncio.Event) -> None:
    await event.wait()


async def _until_done(tasks: Iterable[asyncio.Task[None]], stopped: asyncio.Task[None]) -> None:
    waiting = set(tasks)
    while waiting and not stopped.done():
        done, _ = await asyncio.wait({*waiting, stopped}, return_when=asyncio.FIRST_COMPLETED)
        waiting -= done
        for task in done:
            # An audit that cannot be kept ends it all.
            task.result()


def _unasked(request: KeyRequest, reason: str) -> Learnt:
    return Learnt(request, Verification(VerificationVerdict.UNKNOWN, request.host, None, None, reason))


def _learnt(request: KeyRequest, answer: Answer | Failure, judgement: Judgement, sent: datetime) -> Learnt:
    reached = reached_by(request.call, judgement.document, request.secret)
    verification = Verification(
        verdict=judgement.verdict,
        host=request.host,
        request_id=_request_id(request, answer),
        checked_at=sent.isoformat(timespec="seconds"),
        detail=_detail(request, judgement, reached),
    )
    return Learnt(request, verification, reached)


def _request_id(request: KeyRequest, answer: Answer | Failure) -> str | None:
    return None if isinstance(answer, Failure) else plain_name(answer.request_id, request.secret)


def _detail(request: KeyRequest, judgement: Judgement, reached: Sequence[Reached]) -> str:
    parts = [judgement.reason]
    if judgement.verdict is VerificationVerdict.LIVE and request.call.reach is not None:
        parts = [f"{judgement.reason}; {reach_in_words(request.call, reached)}"]
    if judgement.verdict in _LIVING:
        parts.append(request.call.can_do)
    if judgement.verdict is VerificationVerdict.NOT_ACCEPTED:
        parts = [f"{judgement.reason}, which is no proof of safety"]
    return ". ".join(part for part in parts if part)


def _sending(request: KeyRequest, attempt: int, sent: datetime) -> AuditEntry:
    return AuditEntry(
        event=AuditEvent.REQUEST,
        time=sent.isoformat(timespec="milliseconds"),
        issuer=request.issuer,
        host=request.host,
        fingerprint=request.id,
        attempt=attempt + 1,
    )


def _entry(learnt: Learnt, answer: Answer | Failure, attempt: int, sent: datetime) -> AuditEntry:
    verification = learnt.verification
    return replace(
        _sending(learnt.request, attempt, sent),
        event=AuditEvent.ANSWER,
        status=None if isinstance(answer, Failure) else answer.status,
        request_id=verification.request_id,
        verdict=verification.verdict.value,
        detail=verification.detail or "",
    )

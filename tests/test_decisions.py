"""What an allow entry covers, that it expires, and that nothing is ever dropped."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from keyleak.decisions import AllowBy, AllowEntry, Decisions, read_config
from keyleak.errors import ConfigError
from keyleak.findings import (
    Attribution,
    AttributionVerdict,
    Confidence,
    Environment,
    Finding,
    Location,
    LocationKind,
    Severity,
    Status,
)
from keyleak.rulebook.template import expand
from keyleak.secret import Secret

TODAY = date(2026, 5, 17)
SECRET = Secret(expand("sk_live_${base62:42}").encode())


def finding(*paths: str | None) -> Finding:
    return Finding(
        id=SECRET.fingerprint(),
        rule="stripe-secret-key",
        issuer="stripe",
        environment=Environment.LIVE,
        severity=Severity.CRITICAL,
        secret=SECRET,
        attribution=Attribution(AttributionVerdict.UNKNOWN, Confidence.NONE, ("none",)),
        locations=tuple(
            Location(LocationKind.FILE, path, 1, 1, index) for index, path in enumerate(paths or ("a.env",))
        ),
        reason="git ignores this file",
    )


def entry(by: AllowBy, value: str, expires: date | None = None) -> AllowEntry:
    return AllowEntry(by, value, "a reason", expires)


@pytest.mark.parametrize(
    ("by", "value", "covered"),
    [
        (AllowBy.ID, SECRET.fingerprint(), True), (AllowBy.ID, SECRET.fingerprint()[:8], False),
        (AllowBy.ID, "", False),
        (AllowBy.RULE, "stripe-secret-key", True), (AllowBy.RULE, "stripe", False),
        (AllowBy.RULE, "stripe-*", False),
        (AllowBy.ISSUER, "stripe", True), (AllowBy.ISSUER, "Stripe", False), (AllowBy.ISSUER, "flora", False),
        (AllowBy.PATH, "a.env", True), (AllowBy.PATH, "*.env", True), (AllowBy.PATH, "*", True),
        (AllowBy.PATH, "b.env", False), (AllowBy.PATH, "A.env", False), (AllowBy.PATH, "env", False),
    ],
)  # fmt: skip
def test_what_an_entry_covers(by: AllowBy, value: str, covered: bool) -> None:
    assert entry(by, value).covers(finding()) is covered


def test_an_entry_of_paths_covers_a_key_only_if_every_place_matches() -> None:
    tests = entry(AllowBy.PATH, "tests/*")
    assert tests.covers(finding("tests/a.py", "tests/deep/er/b.py"))
    assert not tests.covers(finding("tests/a.py", "src/a.py"))
    assert not tests.covers(finding("mytests/a.py"))
    assert not tests.covers(finding(None))


def test_nobodys_key_is_not_covered_by_an_issuer() -> None:
    assert not entry(AllowBy.ISSUER, "stripe").covers(replace(finding(), issuer=None))


def test_an_allowed_finding_stays_with_the_reason_of_its_entry() -> None:
    (allowed,) = Decisions((entry(AllowBy.RULE, "stripe-secret-key"),)).apply([finding()])
    assert (allowed.status, allowed.reason) == (Status.ALLOWED, "a reason")
    assert replace(allowed, status=Status.NEW, reason=finding().reason) == finding()


def test_everything_else_stays_new_with_its_own_reason() -> None:
    (new,) = Decisions((entry(AllowBy.RULE, "other"),)).apply([finding()])
    assert new == finding()
    assert Decisions().apply([finding(), finding("b")]) == [finding(), finding("b")]


def test_the_first_entry_that_covers_gives_the_reason() -> None:
    first, second = entry(AllowBy.PATH, "*"), AllowEntry(AllowBy.RULE, "stripe-secret-key", "later", None)
    assert Decisions((second, first)).decide(finding()).reason == "later"
    assert Decisions((first, second)).decide(finding()).reason == "a reason"


@pytest.mark.parametrize(
    ("expires", "today", "status"),
    [
        (date(2026, 5, 16), TODAY, Status.NEW), (TODAY, TODAY, Status.ALLOWED),
        (date(2026, 5, 18), TODAY, Status.ALLOWED),
        (date(2020, 1, 1), None, Status.ALLOWED), (None, TODAY, Status.ALLOWED),
    ],
)  # fmt: skip
def test_an_expired_entry_decides_nothing(expires: date | None, today: date | None, status: Status) -> None:
    decisions = Decisions((entry(AllowBy.PATH, "*", expires),), today)
    assert decisions.decide(finding()).status is status
    assert bool(decisions.expired()) is (status is Status.NEW)


def test_an_entry_behind_an_expired_one_still_counts() -> None:
    expired = entry(AllowBy.PATH, "*", date(2020, 1, 1))
    decisions = Decisions((expired, AllowEntry(AllowBy.ISSUER, "stripe", "another", None)), TODAY)
    assert decisions.decide(finding()).reason == "another"
    assert decisions.expired() == (expired,)


def test_a_configuration_is_read() -> None:
    text = f"""\
allow:
  - id: {SECRET.fingerprint()}
    reason: revoked in May
    expires: 2026-12-31
  - path: tests/*
    reason: made up
  - {{rule: sk-family-key, reason: 'ours, and harmless'}}
  - {{issuer: stripe, reason: sandbox, expires: '2026-01-01'}}
"""
    decisions = read_config(text, "keyleak.yaml", TODAY)
    assert decisions.today == TODAY
    assert decisions.allow == (
        AllowEntry(AllowBy.ID, SECRET.fingerprint(), "revoked in May", date(2026, 12, 31)),
        AllowEntry(AllowBy.PATH, "tests/*", "made up", None),
        AllowEntry(AllowBy.RULE, "sk-family-key", "ours, and harmless", None),
        AllowEntry(AllowBy.ISSUER, "stripe", "sandbox", date(2026, 1, 1)),
    )
    assert decisions.expired() == decisions.allow[3:]


def test_an_id_of_digits_only_is_one() -> None:
    digits = "12345678901234567890123456789012"
    assert read_config(f"allow: [{{id: {digits}, reason: x}}]", "f", TODAY).allow[0].value == digits


@pytest.mark.parametrize("text", ["{}", "allow: []"])
def test_a_configuration_may_allow_nothing(text: str) -> None:
    assert read_config(text, "f", TODAY) == Decisions((), TODAY)


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("", None, "the file is empty"), ("allow: {a: b}", 1, "a list is expected"),
        ("allow: [x]", 1, "a mapping"), ("deny: []", 1, "unknown key 'deny'"),
        ("allow:\n- path: a", 2, "key 'reason' is missing"), ("allow:\n- path: a\n  reason: ''", 3, "empty"),
        ("allow:\n- path: a\n  reason:", 3, "a text is expected"),
        ("allow:\n- path: a\n  reason: 5", 3, "a text is expected"),
        ("allow:\n- reason: x", 2, "exactly one of: id, rule, issuer, path"),
        ("allow:\n- path: a\n  rule: b\n  reason: x", 2, "exactly one of"),
        ("allow:\n- path: a\n  reason: x\n  until: y", 4, "unknown key 'until'"),
        ("allow:\n- path: a\n  reason: x\n  expires: soon", 4, "'soon' is no day"),
        ("allow:\n- path: a\n  reason: x\n  expires: 2026-02-30", 4, "is no day"),
        ("allow:\n- path: a\n  reason: x\n  expires:", 4, "a text is expected"),
        ("allow:\n- path: [a]\n  reason: x", 2, "a text is expected"),
        ("allow: b: c", 1, "not valid YAML"), ("allow: []\nallow: []", 2, "twice"),
        ("allow:\n- path: ''\n  reason: x", 2, "empty"), ("allow:\n- issuer: ' '\n  reason: x", 2, "empty"),
    ],
)  # fmt: skip
def test_a_wrong_configuration_is_told_with_file_line_and_reason(
    text: str, line: int | None, reason: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        read_config(text, "keyleak.yaml", TODAY)
    assert (caught.value.file, caught.value.line) == ("keyleak.yaml", line)
    assert reason in caught.value.reason

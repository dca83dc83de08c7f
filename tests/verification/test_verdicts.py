"""The verdict table is total, and `live` is reached by the documented answers only."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyleak.findings import VerificationVerdict
from keyleak.rulebook.loader import load_rulebook
from keyleak.verification.verdicts import Answer, Failure, judge

if TYPE_CHECKING:
    from keyleak.rulebook.model import VerifyCall

LIVE, RESTRICTED = VerificationVerdict.LIVE, VerificationVerdict.LIVE_RESTRICTED
REFUSED_KEY, UNKNOWN = VerificationVerdict.NOT_ACCEPTED, VerificationVerdict.UNKNOWN
CODES = [
    "unauthorized", "invalid_api_key", "forbidden", "invalid_json", "input_validation_error", "not_found",
    "insufficient_credits", "idempotency_duplicate", "rate_limited", "unknown_error", "invalid_token",
    "paid_plan_required", "idempotency_conflict", "conflict", "internal_error", "service_unavailable",
]  # fmt: skip
ONE = {"workspace_id": "ws_1", "name": "n", "created_at": 1, "role": "admin"}


def said(status: int, body: object, kind: str = "application/json") -> Answer:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status, kind, content)


def envelope(code: str) -> dict[str, object]:
    return {"error": {"code": code, "message": "m"}}


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (said(200, {"workspaces": [ONE]}), LIVE),
        (said(200, {"workspaces": []}), LIVE),
        (said(200, {"workspaces": [ONE, ONE]}, "application/json; charset=utf-8"), LIVE),
        (said(402, envelope("insufficient_credits")), RESTRICTED),
        (said(403, envelope("forbidden")), RESTRICTED),
        (said(403, envelope("paid_plan_required")), RESTRICTED),
        (said(401, envelope("invalid_api_key")), REFUSED_KEY),
        (said(401, envelope("unauthorized")), REFUSED_KEY),
        (said(401, envelope("invalid_token")), UNKNOWN),
        (said(401, b"<html>"), UNKNOWN),
        (said(401, {"error": "invalid_api_key"}), UNKNOWN),
        (said(401, {"error": {"code": "invalid_api_key"}}), UNKNOWN),
        (said(403, b"captcha", "text/html"), UNKNOWN),
        (said(403, envelope("forbidden"), "text/html"), UNKNOWN),
        (said(429, envelope("rate_limited")), UNKNOWN),
        (said(500, envelope("unknown_error")), UNKNOWN),
        (said(404, envelope("not_found")), UNKNOWN),
        (said(302, b""), UNKNOWN),
        (said(200, b'{"workspaces": ['), UNKNOWN),
        (said(200, b"[" * 100_000), UNKNOWN),
        (said(200, {"workspaces": [ONE]}, "text/html"), UNKNOWN),
        (said(200, {"workspaces": {}}), UNKNOWN),
        (said(200, {"workspaces": None}), UNKNOWN),
        (said(200, {"workspaces": "ws_1"}), UNKNOWN),
        (said(200, {"workspaces": [{"workspace_id": "prj_1", "name": "n", "role": "r"}]}), UNKNOWN),
        (said(200, {"workspaces": [ONE, {"workspace_id": "ws_2"}]}), UNKNOWN),
        (said(200, [{"workspaces": [ONE]}]), UNKNOWN),
        (Answer(200, "application/json", b"", too_long=True), UNKNOWN),
        (Failure("no route", is_connection=True), UNKNOWN),
    ],
)
def test_floras_answers_mean_what_flora_documents(
    flora: VerifyCall, answer: Answer | Failure, verdict: VerificationVerdict
) -> None:
    judgement = judge(flora, answer)
    assert judgement.verdict is verdict
    assert judgement.reason


BODIES = st.one_of(
    st.binary(max_size=80),
    st.sampled_from(CODES).map(envelope).map(lambda body: json.dumps(body).encode()),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.just(ONE),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["workspaces", "error", "code", "workspace_id"]), inner, max_size=3
            )
        ),
        max_leaves=8,
    ).map(lambda body: json.dumps(body).encode()),
    st.lists(st.just(ONE), max_size=3).map(lambda all_: json.dumps({"workspaces": all_}).encode()),
)
KINDS = st.sampled_from(
    ["application/json", "application/problem+json", "text/html", "", "application/jsonx"]
)
CALLS = [issuer.verify for issuer in load_rulebook().issuers if issuer.verify is not None]


@given(st.sampled_from(CALLS), st.integers(100, 599), KINDS, BODIES, st.booleans())
def test_every_answer_has_one_meaning(
    call: VerifyCall, status: int, kind: str, body: bytes, too_long: bool
) -> None:
    judgement = judge(call, Answer(status, kind, body, too_long=too_long))
    assert judgement.verdict in {LIVE, RESTRICTED, REFUSED_KEY, UNKNOWN}
    if judgement.verdict is not UNKNOWN:
        assert kind.startswith(("application/json", "application/problem+json"))
        assert kind != "application/jsonx"
        assert not too_long
        assert isinstance(json.loads(body), dict)
        assert any(row.status == status and row.verdict == judgement.verdict.value for row in call.verdicts)


@given(st.integers(100, 599), KINDS, BODIES)
def test_live_is_reached_by_the_documented_answer_only(status: int, kind: str, body: bytes) -> None:
    flora = next(call for call in CALLS if "flora" in call.url)
    verdict = judge(flora, Answer(status, kind, body)).verdict
    if verdict is LIVE:
        workspaces = json.loads(body)["workspaces"]
        assert status == 200
        assert isinstance(workspaces, list)
        assert all(each["workspace_id"].startswith("ws_") for each in workspaces)
    elif verdict is not UNKNOWN:
        assert json.loads(body)["error"]["code"] in CODES
        assert status in {401, 402, 403}

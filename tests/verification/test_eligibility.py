"""Which keys may be sent at all: only kinds that the issuer's rule file names, and doubt sends nothing."""

from __future__ import annotations

import base64
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import keyleak
from keyleak.findings import Attribution, AttributionVerdict, Candidate, Confidence
from keyleak.rulebook.loader import load_rulebook
from keyleak.rulebook.template import expand
from keyleak.verification.plan import make_plan

if TYPE_CHECKING:
    from collections.abc import Callable

    from keyleak.rulebook.model import Rulebook

RULES = load_rulebook()
ASKED = {issuer.issuer: issuer.verify for issuer in RULES.issuers if issuer.verify}
EXAMPLES = [example for key in RULES.keys for example in key.examples]
NAMES = sorted({name for issuer in RULES.issuers for name in issuer.context.names})
HOOKS = [
    "FLORA_WEBHOOK_SECRET=${base62:40}",
    "export FLORA_WEBHOOK_SECRET='${base62:40}'",
    'FLORA_WEBHOOK_SECRET: "${base64:24}"',
    "floraWebhookSecret = '${base62:40}'",
    "flora-webhook-secret: ${hex:48}",
    "VITE_FLORA_WEBHOOK_SECRET_PROD=${base62:40}",
    "FLORA_WEBHOOK_SECRET=${base62:40} # https://app.flora.ai",
    'os.environ.get("FLORA_WEBHOOK_SECRET", "${base62:40}")',
    'import Flora from "@flora-ai/flora";\nnew Flora({ webhook_secret: "${base62:40}" })',
    'import Flora from "@flora-ai/flora";\nnew Flora({ apiKey: k, signing_secret: "${base62:40}" })',
    "curl https://app.flora.ai/hooks -d webhook_secret=${base62:40}",
    "FLORA_WEBHOOK_SECRET=whsec_${base62:32}",
]


def named(rulebook: Rulebook) -> set[str]:
    return {key for issuer in rulebook.issuers if issuer.verify for key in issuer.verify.keys}


@pytest.mark.parametrize("line", HOOKS)
def test_a_webhook_secret_is_found_and_never_sent(line: str) -> None:
    findings = keyleak.scan_bytes(expand(line).encode(), path=".env")
    assert [finding.rule.partition("-webhook-secret")[1] for finding in findings] == ["-webhook-secret"]
    plan = make_plan(findings, RULES, {})
    assert plan.requests == ()
    assert "never sent" in plan.refused[findings[0].id]


@pytest.mark.parametrize(
    "line",
    [
        "FLORA_API_KEY=${base62:40}",
        "FLORA_SECRET_KEY=${base62:40}",
        "FLORA_WEBHOOK_SECRET=$HOOK FLORA_API_KEY=${base62:40}",
        'import Flora from "@flora-ai/flora";\nnew Flora({ apiKey: "${base62:40}", webhookSecret })',
    ],
)
def test_a_key_beside_a_webhooks_name_is_a_key(line: str) -> None:
    plan = make_plan(keyleak.scan_bytes(expand(line).encode()), RULES, {})
    assert [request.issuer for request in plan.requests] == ["flora"]


@pytest.mark.parametrize(
    "content",
    [
        'FLORA_API_KEY = "sk_live_{}" + "{}"\n',
        'FLORA_API_KEY = "sk_live_{}" + rest  # {:.0}\n',
        '$FLORA_API_KEY = "sk_live_{}" . $rest;  # {:.0}\n',
        'FLORA_API_KEY = "".join(["sk_live_{}", "{}"])\n',
        "# FLORA_API_KEY=sk_live_{}\n# {}\n",
        "> FLORA_API_KEY=sk_live_{}\n> {}\n",
        'FLORA_API_KEY = b64decode("{0}" + "{1}")\n',
    ],
)
def test_a_value_that_was_put_together_is_found_and_never_asked_about(content: str) -> None:
    body = expand("${base62:42}", 4)
    encoded = base64.b64encode(f"sk_live_{body}".encode()).decode()
    pieces = (encoded[:32], encoded[32:]) if "{0}" in content else (body[:20], body[20:])
    findings = keyleak.scan_bytes(content.format(*pieces).encode(), path="a.py")
    assert [finding.issuer for finding in findings] == ["flora"]
    plan = make_plan(findings, RULES, {})
    assert plan.requests == ()
    assert "put together" in plan.refused[findings[0].id]
    # As soon as it is somewhere in one piece, it is asked about.
    whole = f"FLORA_API_KEY={findings[0].secret.reveal().decode()}\n\n"
    findings = keyleak.scan_bytes((content.format(*pieces) + "\n" * 30 + whole).encode(), path="a.py")
    assert len(make_plan(findings, RULES, {}).requests) == 1


@pytest.mark.parametrize(
    "content",
    [
        'FLORA_API_KEY="{}"\nPORT=3000\n',
        'Write FLORA_API_KEY="{}". Then start it.\n',
        'FLORA_API_KEY="{}" || exit 1\n',
        "FLORA_API_KEY={}\nOTHER_NAME_2=\n",
        '{{"FLORA_API_KEY": "{}"}}\n',
        "FLORA_API_KEY={}\n\nsomething12345\n",
    ],
)
def test_a_value_that_ends_where_it_was_found_is_asked_about(content: str) -> None:
    findings = keyleak.scan_bytes(content.format(expand("sk_live_${base62:42}", 4)).encode(), path="a")
    assert len(make_plan(findings, RULES, {}).requests) == 1


@pytest.mark.parametrize("encode", [base64.b64encode, base64.encodebytes, lambda key: key.hex().encode()])
def test_a_value_that_is_encoded_in_one_piece_is_asked_about(encode: Callable[[bytes], bytes]) -> None:
    content = b"data:\n  FLORA_API_KEY: " + encode(expand("sk_live_${base62:42}", 4).encode()) + b"\n"
    findings = keyleak.scan_bytes(content, path="secret.yaml")
    assert len(make_plan(findings, RULES, {}).requests) == 1


@pytest.mark.parametrize("first", ["FLORA_API_KEY", "FLORA_WEBHOOK_SECRET"])
def test_a_value_that_is_a_webhook_secret_at_one_place_is_not_sent(first: str) -> None:
    value = expand("${base62:40}")
    second = "FLORA_API_KEY" if first == "FLORA_WEBHOOK_SECRET" else "FLORA_WEBHOOK_SECRET"
    content = f"{first}={value}\n" + "\n" * 40 + f"{second}={value}\n"
    findings = keyleak.scan_bytes(content.encode(), path=".env")
    assert len(findings) == 1
    assert len(findings[0].locations) == 2
    assert make_plan(findings, RULES, {}).requests == ()


@settings(max_examples=80, deadline=None)
@given(
    lines=st.lists(
        st.tuples(st.sampled_from(EXAMPLES), st.sampled_from(["", *NAMES]), st.integers(0, 9)),
        min_size=1,
        max_size=4,
    ),
    claimed=st.sampled_from(["", *sorted(ASKED)]),
    rule=st.sampled_from(["", *(key.id for key in RULES.keys)]),
)
def test_only_kinds_that_the_rule_file_names_reach_the_client(
    lines: list[tuple[str, str, int]], claimed: str, rule: str
) -> None:
    """Whatever is found, and whatever an edited report claims of it."""
    texts = [f"{name}={expand(shape, seed)}" if name else expand(shape, seed) for shape, name, seed in lines]
    findings = keyleak.scan_bytes("\n\n\n\n".join(texts).encode(), path="config")
    if claimed:
        candidate = Candidate(claimed, ("claimed",))
        attribution = Attribution(
            AttributionVerdict.ATTRIBUTED, Confidence.HIGH, candidate.evidence, (candidate,)
        )
        findings = [replace(finding, attribution=attribution) for finding in findings]
    if rule:
        findings = [replace(finding, rule=rule) for finding in findings]
    plan = make_plan(findings, RULES, {})
    by_id = {finding.id: finding for finding in findings}
    for request in plan.requests:
        own = {key.id for key in RULES.keys if key.issuer == request.issuer}
        finding = by_id[request.id]
        assert finding.rule in ASKED[request.issuer].keys
        assert finding.other_rules & own <= set(ASKED[request.issuer].keys)
    assert {request.id for request in plan.requests}.isdisjoint(plan.refused)
    assert {request.id for request in plan.requests} | set(plan.refused) == set(by_id)


def test_every_issuer_that_can_be_asked_says_which_kinds(rulebook: Rulebook) -> None:
    secrets = {key.id for key in rulebook.keys if any(word in key.id for word in ("webhook", "hook"))}
    assert len(secrets) >= 2
    assert named(rulebook).isdisjoint(secrets)
    for (issuer, call), key in product(ASKED.items(), rulebook.keys):
        if key.id in call.keys:
            assert key.issuer == issuer

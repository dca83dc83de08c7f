"""Whose a key is: what each kind of evidence weighs, and when to say that nobody knows."""

from __future__ import annotations

from itertools import permutations

import pytest

from keyleak.attribution.attributor import Attributor
from keyleak.findings import Attribution, AttributionVerdict, Confidence
from keyleak.manifests.project import NO_PROJECT
from keyleak.rulebook.template import expand
from strategies import matcher, rulebook

ATTRIBUTOR = Attributor(rulebook())
STRIPE = "sk_live_51${base62:97}"
WORKOS = "sk_live_${base64:key_01${crockford:24},${base62:25}}"
PAYSTACK = "sk_live_${hex:40}"
RESTRICTED = "rk_live_${base62:24}"
CLERK = "sk_live_${base62:42}"
# Of no issuer's own length: only FLORA and the family fit.
PLAIN = "sk_live_${base62:150}"
UNPREFIXED = "${base62:40}"


def attributions(template: str, seed: int = 5) -> list[Attribution]:
    """The attribution of every key in a content, in order."""
    return [ATTRIBUTOR.attribute(match) for match in matcher().match(expand(template, seed).encode())]


def one(template: str, seed: int = 5) -> Attribution:
    (attribution,) = attributions(template, seed)
    return attribution


def issuers(template: str, seed: int = 5) -> list[str | None]:
    return [each.issuer for each in attributions(template, seed)]


@pytest.mark.parametrize(
    "context",
    [
        "{}",
        "x = '{}'",
        "SECRET_KEY={}",
        "FLORA_API_KEY={}",
        "CLERK_SECRET_KEY={}",
        "curl https://api.paystack.co -u {}:",
    ],
)
@pytest.mark.parametrize(("template", "issuer"), [(STRIPE, "stripe"), (WORKOS, "workos")])
def test_a_decisive_body_names_its_issuer_whatever_stands_around_it(
    context: str, template: str, issuer: str
) -> None:
    attribution = one(context.replace("{}", template))
    assert (attribution.issuer, attribution.confidence) == (issuer, Confidence.HIGH)
    assert len(attribution.candidates) == 1


def test_a_restricted_key_that_carries_its_account_is_stripes_alone() -> None:
    assert one("**Key**: `rk_live_51${base62:97}`").issuer == "stripe"


@pytest.mark.parametrize(
    ("content", "issuer"),
    [
        (
            'await BudpayPlugin.initialize(\n  publicKey: "pk",\n  secretKey: "sk_test_${alnum:39}",\n)',
            "budpay",
        ),
        ("$f = \\Demo\\PayJp\\PayJp\\ChargeFactory::forge('sk_test_${hex:24}');", "payjp"),
        ("final c = const Client<PaymongoSecret>('sk_test_${base62:24}');", "paymongo"),
        ("new PaystackGateway({ stripeKey: 'sk_test_${base62:24}' })", "stripe"),
    ],
)
def test_a_class_or_namespace_called_after_an_issuer_names_it(content: str, issuer: str) -> None:
    assert one(content).issuer == issuer


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("svix.Webhook('whsec_${base64:${base62:24}}')", False),
        ("# flora\nw = 'whsec_${base64:${base62:24}}'", True),
    ],
)
def test_webhook_secrets_of_others_are_not_weighed(content: str, *, expected: bool) -> None:
    data = expand(content, 5).encode()
    nothing = ATTRIBUTOR.project_evidence(NO_PROJECT)
    assert ATTRIBUTOR.worth_weighing(matcher().match(data), data, nothing) == [expected]


def test_a_decisive_body_in_a_name_of_another_says_so() -> None:
    attribution = one(f"FLORA_API_KEY={STRIPE}")
    assert any(line.startswith("but ") and "FLORA" in line for line in attribution.evidence)


def test_a_veto_takes_even_a_decisive_body_away() -> None:
    assert one(f"key = {WORKOS} # highnote").issuer is None
    assert one(f"HIGHNOTE_SK_LIVE={WORKOS}").issuer == "highnote"


@pytest.mark.parametrize(("template", "issuer"), [(PAYSTACK, "paystack"), (RESTRICTED, "stripe")])
def test_a_strong_body_alone_is_a_candidate_and_with_its_name_an_answer(template: str, issuer: str) -> None:
    alone = one(f"key = {template}")
    assert (alone.verdict, alone.confidence) == (AttributionVerdict.AMBIGUOUS, Confidence.LOW)
    assert [candidate.issuer for candidate in alone.candidates] == [issuer]
    named = one(f"{issuer.upper()}_SECRET_KEY={template}")
    assert (named.issuer, named.confidence) == (issuer, Confidence.HIGH)


@pytest.mark.parametrize("name", ["STRIPE_SECRET_KEY", "CLERK_SECRET_KEY", "FLORA_API_KEY", "WORKOS_API_KEY"])
def test_a_strong_body_in_the_name_of_another_is_a_contradiction(name: str) -> None:
    attribution = one(f"{name}={PAYSTACK}")
    assert attribution.verdict is AttributionVerdict.AMBIGUOUS
    assert {each.issuer for each in attribution.candidates} == {
        "paystack",
        name.split("_", maxsplit=1)[0].lower(),
    }


@pytest.mark.parametrize(
    "template",
    ["sk_live_${base62:24}", "sk_live_${base62:42}", PLAIN, "sk_live_${base62:16}", "sk_live_${hex:32}"],
)
@pytest.mark.parametrize(
    "context", ["{}", "API_KEY={}", "SECRET_KEY: {}", "key = '{}'", "LIVE_SECRET_KEY={}", "const SK = '{}'"]
)
def test_a_weak_body_without_a_name_is_nobodys(template: str, context: str) -> None:
    attribution = one(context.replace("{}", template))
    assert (attribution.verdict, attribution.confidence) == (AttributionVerdict.UNKNOWN, Confidence.NONE)
    assert attribution.issuer is None
    assert attribution.evidence


@pytest.mark.parametrize(
    ("content", "issuer"),
    [
        ("STRIPE_SECRET_KEY=sk_test_${base62:24}", "stripe"),
        ("stripe_api_key: sk_test_${base62:34}", "stripe"),
        ("stripe.api_key = 'sk_test_${base62:24}'", "stripe"),
        ("Stripe::setApiKey('sk_live_${base62:24}');", "stripe"),
        ("require('stripe')('sk_live_${base62:24}')", "stripe"),
        ("curl https://api.stripe.com/v1/charges -u sk_test_${base62:24}:", "stripe"),
        (f"CLERK_SECRET_KEY={CLERK}", "clerk"), (f'createClerkClient({{ secretKey: "{CLERK}" }})', "clerk"),
        (f"NEXT_CLERK_SECRET_KEY='{CLERK}'", "clerk"), (f"PAYSTACK_TEST_SECRET_KEY: {PAYSTACK}", "paystack"),
        (f'"env": {{"PAYSTACK_TEST_SECRET_KEY": "{PAYSTACK}"}}', "paystack"),
        (f"new WorkOS('{PLAIN}')", "workos"),
        (f"FLORA_API_KEY={PLAIN}", "flora"), (f"FLORA_API_KEY={CLERK}", "flora"),
        (f"VITE_FLORA_API_KEY={PLAIN}", "flora"),
        (f"const floraApiKey = '{PLAIN}'", "flora"), (f'os.environ.get("FLORA_API_KEY", "{PLAIN}")', "flora"),
        (f"- name: FLORA_API_KEY\n  value: {PLAIN}", "flora"),
        (f'        - name: FLORA_API_KEY\n          value: "{PLAIN}"', "flora"),
        (f"flora techniques list --api-key {PLAIN}", "flora"), (f"x-flora-api-key: {PLAIN}", "flora"),
        (f'curl https://app.flora.ai/api/v1/models -H "Authorization: Bearer {PLAIN}"', "flora"),
        (f"FLORA_API_KEY={UNPREFIXED}", "flora"), ("FLORA_API_KEY=ak_${base62:32}", "flora"),
    ],
)  # fmt: skip
def test_a_name_call_or_host_names_the_issuer(content: str, issuer: str) -> None:
    attribution = one(content)
    assert attribution.verdict is AttributionVerdict.ATTRIBUTED
    assert attribution.issuer == issuer
    assert [each.issuer for each in attribution.candidates] == [issuer]


@pytest.mark.parametrize(
    "name",
    [
        "POSIFLORA_API_KEY",
        "MYFLORA_API_KEY",
        "FLORAL_API_KEY",
        "OTHER_API_KEY",
        "XSTRIPE_KEY",
        "UNCLERK_SECRET_KEY",
    ],
)
def test_a_name_inside_another_word_is_not_that_name(name: str) -> None:
    assert one(f"{name}={PLAIN}").issuer is None


@pytest.mark.parametrize(
    "veto",
    ["floraapi.com", "https://api.floraapi.com", "perenual", "posiflora", "plantnet", "gemini", "GEMINI"],
)
@pytest.mark.parametrize(
    "line",
    [
        "FLORA_API_KEY={key} # {veto}",
        "# {veto}: FLORA_API_KEY={key}",
        "{veto} = new Flora({{apiKey: '{key}'}})",
    ],
)
def test_a_namesake_beside_it_is_a_veto(veto: str, line: str) -> None:
    attribution = one(line.format(key=PLAIN, veto=veto))
    assert attribution.issuer is None
    assert "flora" not in {each.issuer for each in attribution.candidates}


@pytest.mark.parametrize(
    "beside",
    ["FLORA_API_BASE_URL=https://api.floraapi.com", "# from floraapi.com", "# the Gemini one"],
)
def test_a_namesake_in_the_block_is_a_veto(beside: str) -> None:
    assert one(f"{beside}\nFLORA_API_KEY={PLAIN}").issuer is None
    assert one(f"FLORA_API_KEY={PLAIN}\n{beside}").issuer is None


@pytest.mark.parametrize("beside", ["GEMINI_API_KEY=$GEMINI", "GEMINI_MODEL=gemini-pro"])
def test_another_product_with_a_line_of_its_own_is_no_veto(beside: str) -> None:
    assert one(f"{beside}\nFLORA_API_KEY={PLAIN}\n{beside}").issuer == "flora"


@pytest.mark.parametrize("order", list(permutations(range(3))))
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\\n"])
def test_neighbours_in_an_environment_file_never_steal(order: tuple[int, ...], newline: str) -> None:
    lines = [
        ("STRIPE_SECRET_KEY=sk_live_${base62:24}", "stripe"),
        (f"CLERK_SECRET_KEY={CLERK}", "clerk"),
        (f"FLORA_API_KEY={PLAIN}", "flora"),
    ]
    chosen = [lines[index] for index in order]
    content = newline.join(
        ["API_URL=https://example.com", *(line for line, _ in chosen), f"OTHER={PLAIN}x", "DEBUG=1"]
    )
    assert issuers(content) == [*(issuer for _, issuer in chosen), None]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (f'{{"FLORA_API_KEY":"{PLAIN}","CLERK_KEY":"{CLERK}","x":"{PLAIN}x"}}', ["flora", "clerk", None]),
        (f"CLERK_SECRET_KEY={CLERK} FLORA_API_KEY={PLAIN} run", ["clerk", "flora"]),
        (f"a {PLAIN} FLORA_API_KEY={CLERK}", [None, "flora"]),
        (f"FLORA_API_KEY={PLAIN} X={CLERK} STRIPE_KEY=sk_test_${{base62:24}}", ["flora", None, "stripe"]),
        (f"new Flora({{ apiKey: '{PLAIN}' }}); new Clerk('{CLERK}')", [None, "clerk"]),
        (f'FLORA_API_KEY: "{UNPREFIXED}", other: {PLAIN}', ["flora", None]),
        (f"FLORA_API_KEY=ak_${{base62:32}} OTHER_KEY={PLAIN}", ["flora", None]),
        (f"FLORA_API_KEY=$KEY OTHER_KEY={PLAIN}", [None]),
        (f'{{"FLORA_API_KEY":"","OTHER":"{PLAIN}"}}', [None]),
        (f"OTHER={PLAIN} FLORA_API_KEY=$KEY", [None]),
        (f"STRIPE_KEY=$KEY OTHER_KEY={CLERK}", [None]),
    ],
)  # fmt: skip
def test_several_on_one_line_each_have_their_own(content: str, expected: list[str | None]) -> None:
    assert issuers(content) == expected


@pytest.mark.parametrize(
    ("content", "candidates"),
    [
        (f"key = {PLAIN} # api.clerk.com or api.stripe.com", {"clerk", "stripe"}),
        (f"curl https://app.flora.ai https://api.stripe.com -u {PLAIN}", {"flora", "stripe"}),
        (f"key = {PAYSTACK} # app.flora.ai", {"flora", "paystack"}),
    ],
)
def test_evidence_for_several_decides_nothing(content: str, candidates: set[str]) -> None:
    attribution = one(content)
    assert (attribution.verdict, attribution.confidence, attribution.issuer) == (
        AttributionVerdict.AMBIGUOUS,
        Confidence.LOW,
        None,
    )
    assert {each.issuer for each in attribution.candidates} == candidates
    assert all(each.evidence for each in attribution.candidates)


def test_the_name_weighs_more_than_the_rest_of_the_line() -> None:
    assert one(f"CLERK_SECRET_KEY={CLERK} # for app.flora.ai").issuer == "clerk"


@pytest.mark.parametrize("content", [f"FLORA_API_KEY={UNPREFIXED}", f"x-flora-api-key: {UNPREFIXED}"])
def test_one_signal_of_flora_alone_is_not_high_confidence(content: str) -> None:
    """Any value has the shape of `flora-assigned-key`; several products have a FLORA_API_KEY."""
    attribution = one(content)
    assert attribution.issuer == "flora"
    assert attribution.confidence is not Confidence.HIGH
    assert not any("shape" in line for line in attribution.evidence)


def test_a_prefix_of_flora_and_a_name_are_two_signals() -> None:
    for template in (PLAIN, "ak_${base62:32}"):
        assert one(f"FLORA_API_KEY={template}").confidence is Confidence.HIGH


def test_evidence_holds_no_content() -> None:
    for content in (
        f"FLORA_API_KEY={PLAIN} # hunter2",
        f"key = {PAYSTACK} hunter2",
        f"hunter2 {STRIPE}",
        f"new Flora({{ apiKey: '{PLAIN}' }}) // hunter2",
    ):
        attribution = one(content)
        evidence = " ".join(
            [*attribution.evidence, *(line for each in attribution.candidates for line in each.evidence)]
        )
        assert "hunter2" not in evidence
        assert expand(PLAIN, 5)[12:30] not in evidence


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (STRIPE, "stripe-secret-key"), (WORKOS, "workos-api-key"),
        (f"FLORA_API_KEY={PLAIN}", "flora-api-key"), (f"FLORA_API_KEY={UNPREFIXED}", "flora-assigned-key"),
        ("FLORA_API_KEY=ak_${base62:32}", "flora-clerk-api-key"),
        (f"CLERK_SECRET_KEY={CLERK}", "clerk-secret-key"), (CLERK, "sk-family-key"),
        (f"FLORA_API_KEY={CLERK}", "flora-api-key"), (f"PAYSTACK_KEY={PAYSTACK}", "paystack-secret-key"),
        (PAYSTACK, "sk-family-key"),
        (f"STRIPE_KEY={RESTRICTED}", "stripe-restricted-key"),
        ("STRIPE_KEY=sk_live_${base62:24}", "stripe-legacy-secret-key"),
    ],
)  # fmt: skip
def test_the_rule_it_is_reported_under(content: str, rule: str) -> None:
    (match,) = matcher().match(expand(content, 5).encode())
    assert ATTRIBUTOR.rule_of(match, ATTRIBUTOR.attribute(match)).id == rule


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-16"])
def test_attribution_is_the_same_in_utf16(encoding: str) -> None:
    text = expand(f"CLERK_SECRET_KEY={CLERK}\nFLORA_API_KEY={PLAIN}\nX={CLERK}\n", 5)
    found = [ATTRIBUTOR.attribute(match) for match in matcher().match(text.encode(encoding))]
    assert found == [ATTRIBUTOR.attribute(match) for match in matcher().match(text.encode())]


@pytest.mark.parametrize(
    "call",
    [
        "new Flora({{apiKey: '{}'}})",
        "new FloraClient({{ token: '{}' }})",
        'flora.NewClient(WithAPIKey("{}"))',
    ],
)
def test_a_call_by_a_name_that_others_have_too_needs_something_of_floras_own(call: str) -> None:
    """Anybody may call a class Flora; its package, its host or an id of its own tells whose it is."""
    content = call.format(PLAIN)
    alone = whole(content)
    assert (alone.verdict, [each.issuer for each in alone.candidates]) == (
        AttributionVerdict.AMBIGUOUS,
        ["flora"],
    )
    for own in (
        "import x from '@flora-ai/flora'",
        "fetch('https://app.flora.ai/api')",
        "id = 'prj_a1b2c3d4'",
    ):
        for filler in ("", "import Stripe from 'stripe'\n" + "x()\n" * 60):
            named = whole(f"{own}\n{filler}{content}")
            assert (named.issuer, named.confidence) == ("flora", Confidence.HIGH), own
            assert any("call" in line or "argument" in line for line in named.evidence)


def whole(template: str) -> Attribution:
    """The attribution of the one key of a file."""
    content = expand(template, 5).encode()
    (match,) = matcher().match(content)
    return ATTRIBUTOR.attribute(match, ATTRIBUTOR.file_evidence(content))

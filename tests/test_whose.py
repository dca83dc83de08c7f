"""Whose a key is: by its body, by the name it is given to, by its line; and when to say that nobody knows."""

from __future__ import annotations

import pytest

import keyleak
from keyleak.findings import AttributionVerdict, Severity
from keyleak.rulebook.template import expand

STRIPE = "sk_live_51${base62:97}"
WORKOS = "sk_live_${base64:key_01${crockford:24},${base62:25}}"
PAYSTACK = "sk_live_${hex:40}"
CLERK = "sk_live_${base62:42}"
PLAIN = "sk_live_${base62:48}"


def one(template: str, seed: int = 5) -> keyleak.Finding:
    (finding,) = keyleak.scan_bytes(expand(template, seed).encode(), path="f")
    return finding


@pytest.mark.parametrize(
    ("content", "issuer"),
    [
        (f"FLORA_API_KEY={CLERK}", "flora"),
        (f"FLORA_API_KEY={PLAIN}", "flora"),
        (f"VITE_FLORA_API_KEY={PLAIN}", "flora"),
        (f"const floraApiKey = '{PLAIN}'", "flora"),
        (f'"FLORA_API_KEY": "{PLAIN}"', "flora"),
        (f'os.environ.get("FLORA_API_KEY", "{PLAIN}")', "flora"),
        (f'curl https://app.flora.ai/api/v1/models -H "Authorization: Bearer {PLAIN}"', "flora"),
        (f'import Flora from "@flora-ai/flora";\nnew Flora({{\n  apiKey: "{PLAIN}",\n}})', "flora"),
        (
            (
                'import "github.com/florafauna-ai/flora-go"\n'
                f'flora.NewClient(\n\toption.WithAPIKey("{PLAIN}"),\n)'
            ),
            "flora",
        ),
        (f"key = {STRIPE}", "stripe"),
        (f"FLORA_API_KEY={STRIPE}", "stripe"),
        ("STRIPE_SECRET_KEY=sk_test_${base62:24}", "stripe"),
        ("stripe.api_key = 'sk_test_${base62:34}'", "stripe"),
        ("Stripe::setApiKey('sk_live_${base62:24}');", "stripe"),
        ("curl https://api.stripe.com/v1/charges -u sk_test_${base62:24}:", "stripe"),
        (f"CLERK_SECRET_KEY={CLERK}", "clerk"),
        (f'createClerkClient({{ secretKey: "{CLERK}" }})', "clerk"),
        (f"PAYSTACK_SECRET_KEY: {PAYSTACK}", "paystack"),
        (f"x = {WORKOS}", "workos"),
        (f'{{"CLERK_SECRET_KEY": "{CLERK}", "STRIPE_KEY": "not here"}}', "clerk"),
    ],
)
def test_the_evidence_names_one_issuer(content: str, issuer: str) -> None:
    finding = one(content)
    assert finding.issuer == issuer
    assert finding.attribution.verdict is AttributionVerdict.ATTRIBUTED
    assert finding.attribution.evidence


@pytest.mark.parametrize(
    ("content", "candidates"),
    [
        (f"key = {PLAIN}", set()),
        (f"key = {CLERK}", set()),
        ("key = sk_live_${base62:24}", set()),
        (f"SECRET_KEY={PLAIN}", set()),
        (f"POSIFLORA_API_KEY={PLAIN}", set()),
        (f"FLORA_API_KEY={PLAIN}  # floraapi.com", set()),
        (f"key = {PAYSTACK}", {"paystack"}),
        (f"STRIPE_SECRET_KEY={PAYSTACK}", {"stripe", "paystack"}),
        (f"FLORA_API_KEY={PAYSTACK}", {"flora", "paystack"}),
        (f"key = {PLAIN} # api.clerk.com or api.stripe.com", {"clerk", "stripe"}),
    ],
)
def test_unknown_and_ambiguous_are_answers(content: str, candidates: set[str]) -> None:
    finding = one(content)
    assert finding.issuer is None
    assert {each.issuer for each in finding.attribution.candidates} == candidates
    verdict = AttributionVerdict.AMBIGUOUS if candidates else AttributionVerdict.UNKNOWN
    assert finding.attribution.verdict is verdict
    assert finding.rule == "sk-family-key"


def test_neighbouring_lines_keep_their_own_keys() -> None:
    lines = [
        f"STRIPE_SECRET_KEY={STRIPE}", f"CLERK_SECRET_KEY={CLERK}", f"FLORA_API_KEY={PLAIN}",
        f"PAYSTACK_SECRET_KEY={PAYSTACK}", f"WORKOS_API_KEY={WORKOS}", "SOMETHING=sk_live_${base62:50}",
    ]  # fmt: skip
    content = expand("\n".join(lines), 9).encode()
    found = {f.locations[0].line: f.issuer for f in keyleak.scan_bytes(content)}
    assert found == {1: "stripe", 2: "clerk", 3: "flora", 4: "paystack", 5: "workos", 6: None}


def test_keys_on_one_line_keep_their_own_names() -> None:
    content = expand(
        f'{{"FLORA_API_KEY":"{PLAIN}","CLERK_SECRET_KEY":"{CLERK}","x":"sk_live_${{hex:48}}"}}', 2
    )
    found = [
        f.issuer for f in sorted(keyleak.scan_bytes(content.encode()), key=lambda f: f.locations[0].offset)
    ]
    assert found == ["flora", "clerk", None]


def test_a_stripe_key_in_a_flora_variable_says_so() -> None:
    finding = one(f"FLORA_API_KEY={STRIPE}")
    assert any("FLORA" in line for line in finding.attribution.evidence)


def test_one_key_in_two_places_is_one_finding_with_the_better_attribution() -> None:
    key = expand(PLAIN, 4)
    (finding,) = keyleak.scan_bytes(f"print('{key}')\nFLORA_API_KEY={key}\n".encode())
    assert finding.issuer == "flora"
    assert [place.line for place in finding.locations] == [1, 2]
    contradiction = f"CLERK_SECRET_KEY={key}\nFLORA_API_KEY={key}\n".encode()
    (finding,) = keyleak.scan_bytes(contradiction)
    assert finding.attribution.verdict is AttributionVerdict.AMBIGUOUS


def test_the_same_key_has_the_same_id_in_every_encoding_and_file() -> None:
    text = expand(f"FLORA_API_KEY={PLAIN}", 8)
    ids = {
        finding.id
        for content in (text.encode(), text.encode("utf-16"), f"\n\nx {text}".encode("utf-16-be"))
        for finding in keyleak.scan_bytes(content)
    }
    assert len(ids) == 1


ASSIGNED = [
    "FLORA_API_KEY=%s", '"FLORA_API_KEY": "%s"', "export FLORA_API_KEY='%s'", "ENV FLORA_API_KEY=%s",
    "- name: FLORA_API_KEY\n  value: %s", "<key>FLORA_API_KEY</key>\n<string>%s</string>", "FLORA_API_KEY %s",
    '<add key="FLORA_API_KEY" value="%s" />', 'process.env.FLORA_API_KEY || "%s"', "x-flora-api-key: %s",
    "headers['x-flora-api-key'] = '%s'", 'floraApiKey: "%s",',
    'import { FloraClient } from "@flora-ai/flora";\nnew FloraClient({ apiKey: "%s" })',
    'import flora_ai_flora_api\nFlora(api_key="%s")', "flora techniques list \\\n  --api-key=%s",
    "npx -y flora-mcp\nflora techniques list --api-key '%s'",
    'curl https://app.flora.ai/api/v1/models \\\n  -H "Authorization: Bearer %s"',
    'curl -H "Authorization: Bearer %s" https://app.flora.ai/api/v1/models',
    'claude mcp add flora --env FLORA_API_KEY="%s" -- npx -y flora-mcp',
    'import "github.com/florafauna-ai/flora-go"\nx := y(option.WithAPIKey("%s"))',
]  # fmt: skip


@pytest.mark.parametrize(
    "form", ['new Flora({ apiKey: "%s" })', 'Flora(api_key="%s")', "flora models list --api-key '%s'"]
)
def test_a_call_alone_is_one_signal_and_leaves_it_open(form: str) -> None:
    """Namesakes have clients of that name, too; nothing else in the file says FLORA."""
    (finding,) = keyleak.scan_bytes((form % expand("${base62:44}", 3)).encode())
    assert finding.attribution.verdict is AttributionVerdict.AMBIGUOUS
    assert [candidate.issuer for candidate in finding.attribution.candidates] == ["flora"]


@pytest.mark.parametrize("body", ["ak_${base62:32}", "fl-${base62:40}", "${base62:44}"])
@pytest.mark.parametrize("form", ASSIGNED)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_value_given_to_flora_is_found_whatever_its_prefix(form: str, body: str, encoding: str) -> None:
    value = expand(body, 3)
    (finding,) = keyleak.scan_bytes((form % value).encode(encoding))
    assert finding.secret.reveal() == value.encode()
    assert finding.issuer == "flora"


@pytest.mark.parametrize(
    "content",
    [
        "OTHER_API_KEY=%s", "POSIFLORA_API_KEY=%s", "FLORA_API_KEY=%s # floraapi.com",
        "FLORA_API_KEY=\nOTHER=%s",
        "FLORA_API_KEY: ${{ secrets.FLORA_API_KEY }}\nOTHER: %s", 'option.WithAPIKey("%s")', "ak_id: %s",
    ],
)  # fmt: skip
def test_a_value_given_to_something_else_is_not(content: str) -> None:
    assert keyleak.scan_bytes((content % expand("ak_${base62:32}")).encode()) == []


@pytest.mark.parametrize(
    "value",
    [
        "process.env.FLORA_API_KEY", "your-flora-api-key-goes-here", "os.environ['FLORA_API_KEY']",
        "${FLORA_API_KEY}", "My API Key", "ak_" + "test", "config.flora.apiKeyFromVault", "0" * 32,
        "/run/secrets/flora_api_key", "getFloraApiKeyFromSecretsManager()",
    ],
)  # fmt: skip
def test_references_and_placeholders_are_no_values(value: str) -> None:
    assert keyleak.scan_bytes(f"FLORA_API_KEY={value}\n".encode()) == []


def test_environment_and_severity_come_from_the_prefix() -> None:
    live, test = one("sk_live_${base62:30}"), one("sk_test_${base62:30}")
    assert (live.environment.value, test.environment.value) == ("live", "test")
    assert live.severity.rank < test.severity.rank
    assert Severity.CRITICAL.rank == 0

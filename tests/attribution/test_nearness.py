"""Nearest wins: the name before the statement, the statement before the block, the block before the file."""

from __future__ import annotations

import pytest

import keyleak
from keyleak.rulebook.template import expand

SHORT = "sk_test_${base62:24}"
CLERK = "sk_live_${base62:42}"
PAYSTACK = "sk_live_${hex:40}"
PLAIN = "sk_live_${base62:48}"
UPLOADTHING = "sk_live_${hex:64}"


def issuers(template: str, seed: int = 5) -> list[str | None]:
    """The issuer of every key in a content, in order."""
    findings = keyleak.scan_bytes(expand(template, seed).encode())
    return [each.issuer for each in sorted(findings, key=lambda each: each.locations[0].offset)]


@pytest.mark.parametrize(
    ("content", "issuer"),
    [
        (f'String stripeSecretKey = new String(decode("{SHORT}"));', "stripe"),
        (f"floraApiKey=$(echo {PLAIN} | tr a b)", "flora"),
        (f'floraApiKey, _ := x.DecodeString("{PLAIN}")', "flora"),
        (f'stripeClient = other(a, b, "{SHORT}")', None),
        (f"'import.meta.env.VITE_FLORA_API_KEY': JSON.stringify('{PLAIN}'),", "flora"),
    ],
)
def test_the_variable_that_gets_what_calls_make_of_it_names_the_issuer(
    content: str, issuer: str | None
) -> None:
    assert issuers(content) == [issuer]


@pytest.mark.parametrize(
    ("content", "issuer"),
    [
        (f"stripe:\n  secret_key: {SHORT}", "stripe"),
        (f"stripe:\n  publishable_key: pk_test_${{base62:24}}\n  secret_key: {SHORT}", "stripe"),
        (f"production:\n  stripe:\n    secret: {SHORT}", "stripe"),
        (f"[stripe]\nsecret_key = {SHORT}", "stripe"),
        (f'{{"clerk": {{"secretKey": "{CLERK}"}}}}', "clerk"),
        (f'{{\n  "clerk": {{\n    "publishableKey": "x",\n    "secretKey": "{CLERK}"\n  }}\n}}', "clerk"),
        (f"PROVIDERS['stripe']['secret'] = '{SHORT}'", "stripe"),
        (f"STRIPE_PROD_SECRET = '{SHORT}'", "stripe"),
        (f'variable "stripe_secret_key" {{\n  type = string\n  default = "{SHORT}"\n}}', "stripe"),
        (f'{{"name": "STRIPE_SECRET_KEY", "value": "{SHORT}"}}', "stripe"),
        (f"- name: STRIPE_SECRET_KEY\n  value: {SHORT}", "stripe"),
        (f"payments:\n  moonpay:\n    secret_key: {PLAIN}", "moonpay"),
        (f"defineConfig({{ flora: {{ apiKey: '{PLAIN}' }} }})", "flora"),
    ],
)
def test_the_mapping_or_section_that_holds_it_is_a_part_of_its_name(content: str, issuer: str) -> None:
    assert issuers(content) == [issuer]


@pytest.mark.parametrize(
    ("content", "issuer"),
    [
        (
            (f"fetch('https://api.paystack.co/x', {{\n  headers: {{\n"
            f"    Authorization: 'Bearer {PAYSTACK}'\n  }}\n}})"),
            "paystack",
        ),
        (f"curl https://api.tap.company/v2 \\\n  -H 'authorization: Bearer {SHORT}'", "tap"),
        (f"FLORA_BASE_URL=https://app.flora.ai/api/v1\nAPI_KEY={PLAIN}", "flora"),
        (
            (f"headers = {{'Authorization': 'Bearer {PLAIN}'}}\n"
            "requests.get('https://app.flora.ai/x', headers=headers)"),
            "flora",
        ),
        (f"import stripe\n\n\ndef f():\n    key = '{SHORT}'\n", "stripe"),
        (f"import {{ x }} from '@clerk/nextjs/server';\n\n\n\nconst secret = '{CLERK}';", "clerk"),
        (
            f"import Flora from '@flora-ai/flora';\n\nconst KEY = '{PLAIN}';\n\nconst f = new Flora(KEY);",
            "flora",
        ),
    ],
)  # fmt: skip
def test_what_stands_around_it_or_in_its_file_names_the_issuer(content: str, issuer: str) -> None:
    assert issuers(content) == [issuer]


@pytest.mark.parametrize(
    "content",
    [
        f"SECRET_KEY={SHORT}",
        f"# Stripe\nSECRET_KEY={SHORT}",
        f"tap_into = '{SHORT}'",
        f"MAGIC_NUMBER_TOKEN={PLAIN}",
        f"STRIPE_API_BASE=https://api.stripe.com\nAPI_KEY={PLAIN}",
        f"import stripe\n\nkey = '{PLAIN}'",
        f"import Flora from '@flora-ai/flora'\n\nkey = '{PLAIN}'",
        f"STRIPE_SECRET_KEY=${{lower:3}}\nKEY={SHORT}",
        f"const flora = '{PLAIN}'",
        f"import stripe\n\nACME_SECRET_KEY = '{SHORT}'",
    ],
)
def test_what_is_not_enough_names_nobody(content: str) -> None:
    assert issuers(content) == [None]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            (f"environment:\n  - CLERK_SECRET_KEY={CLERK}\n  - STRIPE_SECRET_KEY={SHORT}\n"
            f"  - UPLOADTHING_SECRET={UPLOADTHING}"),
            ["clerk", "stripe", "uploadthing"],
        ),
        (
            (f'{{"paystack":{{"args":["@paystack/mcp-server"],"env":{{"K":"{PAYSTACK}"}}}},'
            f'"stripe":{{"args":["@stripe/mcp"],"env":{{"K":"{SHORT}"}}}}}}'),
            ["paystack", "stripe"],
        ),
        (
            ('{\n "paystack": {\n  "args": ["@paystack/mcp-server"],\n'
            f'  "env": {{\n   "K": "{PAYSTACK}"\n  }}\n }},\n'
            f' "other": {{\n  "env": {{"K": "{PLAIN}"}}\n }}\n}}'),
            ["paystack", None],
        ),
        (
            (f"curl https://api.stripe.com/v1/x -u {SHORT}:\n"
            "curl https://api.tap.company -u sk_live_${base62:24}"),
            ["stripe", "tap"],
        ),
    ],
)  # fmt: skip
def test_neighbours_keep_their_evidence_to_themselves(content: str, expected: list[str | None]) -> None:
    assert issuers(content) == expected


@pytest.mark.parametrize("beside", ["FLORA_API_BASE_URL=https://api.floraapi.com", "# of floraapi.com"])
def test_a_value_found_only_as_that_of_a_namesake_is_none(beside: str) -> None:
    assert issuers(f"{beside}\nFLORA_API_KEY=${{base62:40}}") == []
    assert issuers(f"{beside}\nFLORA_API_KEY={PLAIN}") == [None]


@pytest.mark.parametrize("value", ["pk_live_${base62:32}", "AIza${base62:35}", "gsk_${base62:52}"])
def test_a_publishable_key_and_keys_of_other_products_are_not_floras(value: str) -> None:
    assert issuers(f"FLORA_API_KEY={value}") == []


def test_a_webhook_secret_is_floras_with_flora_context_only() -> None:
    assert issuers("FLORA_WEBHOOK_SECRET=whsec_${base62:32}") == ["flora"]
    assert issuers("STRIPE_WEBHOOK_SECRET=whsec_${base62:32}") == []


GATEWAYS = """[
  { "name": "stripe", "secret": "%s" },
  { "name": "paymongo", "secret": "%s" }
]"""
SERVERS = """{
  "servers": {
    "stripe": {"args": ["--api-key=%s"]},
    "flora_ai_flora_api": {
      "command": "flora-mcp",
      "env": {
        "FLORA_API_KEY": "%s"
      }
    }
  }
}"""


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        # The next element of a list of mappings.
        (GATEWAYS % (SHORT, SHORT), ["stripe", "paymongo"]),
        # The server beside it, with a key of its own.
        (SERVERS % (SHORT, PLAIN), ["stripe", "flora"]),
        (f"A(K='{SHORT}', base='https://api.tap.company'), B(K='{SHORT}')", ["tap", None]),
    ],
)
def test_what_stands_in_the_brackets_of_another_key_is_that_ones(
    content: str, expected: list[str | None]
) -> None:
    findings = keyleak.scan_bytes(
        "".join(expand(part, seed) for seed, part in enumerate(_halves(content))).encode()
    )
    assert [each.issuer for each in sorted(findings, key=lambda each: each.locations[0].offset)] == expected


def _halves(content: str) -> tuple[str, str]:
    """A content cut behind its first template, so that its keys can differ."""
    cut = content.index("}", content.index("${")) + 1
    return content[:cut], content[cut:]


@pytest.mark.parametrize(
    ("content", "issuer"),
    [
        (f"Payjp.api_key = ENV.fetch('STRIPE_SECRET_KEY', '{SHORT}')", None),
        (f"Stripe.api_key = ENV.fetch('STRIPE_SECRET_KEY', '{SHORT}')", "stripe"),
    ],
)
def test_a_name_read_for_another_issuers_setting_decides_nothing(content: str, issuer: str | None) -> None:
    assert issuers(content) == [issuer]


@pytest.mark.parametrize(
    ("content", "issuer"),
    [
        # Nobody else is called so.
        (f"kohortpay:\n  secret_key: {PLAIN}", "kohortpay"),
        (f"'jicoo' => [\n  'secret' => '{PLAIN}',\n],", "jicoo"),
        (f'"Spikelabs": {{\n  "SecretKey": "{PLAIN}"\n}}', "spikelabs"),
        (f'config :shop, :vesvank,\n  secret_key: "{PLAIN}"', "vesvank"),
        (f"keys = {{moonpay: '{PLAIN}'}}", "moonpay"),
        # An ordinary word, with a body of its length.
        (f'"tap": "{SHORT}"', "tap"),
        (f'{{ "name": "tap", "secret": "{SHORT}" }}', "tap"),
        (f'"tap": "{PLAIN}"', None),
        (f"tap_water_level: '{SHORT}'", None),
        (f"\x1b[32m{PLAIN}\x1b[0m\n\n> Host: api.paymongo.com\n> Accept: */*", None),
        (f"CLERK_SECRET_KEY=\n\n{{# old key {PLAIN} #}}", None),
        # A branch, a cell, a manifest.
        (f"when :stripe then '{SHORT}'", "stripe"),
        (f"case 'stripe':\n  return '{SHORT}'", "stripe"),
        (f"| Stripe | live | {SHORT} |", "stripe"),
        (f"| FLORA (app.flora.ai) | live | {PLAIN} |", "flora"),
        (f"metadata:\n  name: stripe\nstringData:\n  secret-key: {SHORT}", "stripe"),
        (f"metadata:\n  name: stripe\n---\nstringData:\n  secret-key: {SHORT}", None),
        (f"metadata:\n  name: stripe\ngateways:\n  secret-key: {SHORT}", None),
        (f"# https://app.flora.ai\nkey = {PLAIN}", None),
    ],
)
def test_what_it_is_called_after_names_the_issuer(content: str, issuer: str | None) -> None:
    assert issuers(content) == [issuer]


SWITCH = """switch (v) {
  case 'stripe':
    return '%s';
  case 'paymongo':
    return '%s';
}"""
BEANS = """<beans>
  <bean id="own">
    <property name="secret" value="%s"/>
  </bean>
  <bean id="paymongo">
    <property name="secret" value="%s"/>
  </bean>
</beans>"""


@pytest.mark.parametrize(
    ("content", "expected"), [(SWITCH, ["stripe", "paymongo"]), (BEANS, [None, "paymongo"])]
)
def test_another_branch_says_nothing(content: str, expected: list[str | None]) -> None:
    findings = keyleak.scan_bytes((content % (expand(SHORT, 1), expand(SHORT, 2))).encode())
    assert [each.issuer for each in sorted(findings, key=lambda each: each.locations[0].offset)] == expected


@pytest.mark.parametrize(
    ("content", "issuer"),
    [
        (
            f"post('https://api.tap.company', {{Authorization: `Bearer ${{env.STRIPE_KEY || '{SHORT}'}}`}})",
            None,
        ),
        (
            f"post('https://api.stripe.com', {{Authorization: `Bearer ${{env.STRIPE_KEY || '{SHORT}'}}`}})",
            "stripe",
        ),
        (f"{{STRIPE_KEY: '{SHORT}', MOONPAY_URL: 'https://api.moonpay.com'}}", "stripe"),
        (f"PAY_STACK_KEY={PAYSTACK}", "paystack"),
        (f'"stripe" -> "{SHORT}"', "stripe"),
        # One's own module.
        (f"from flora import Flora\n\nclient = Flora(api_key='{PLAIN}')", None),
    ],
)
def test_a_name_and_the_request_beside_it(content: str, issuer: str | None) -> None:
    content = content.replace("${env", "$\0env")
    found = keyleak.scan_bytes(expand(content, 5).replace("$\0env", "${env").encode())
    assert [each.issuer for each in found] == [issuer]


@pytest.mark.parametrize(
    ("beside", "issuer"),
    [
        ("FLORA_API_URL=https://api.example.org/v1", None),
        ("BASE = 'https://caselaw.example.org/flora'", None),
        ("url: https://flora.internal.example.net", None),
        ("FLORA_BASE_URL=https://app.flora.ai/api/v1", "flora"),
        ("FLORA_BASE_URL=http://localhost:8080/flora", "flora"),
        ("FLORA_WEBHOOK_URL=https://shop.example.com/hooks/flora", "flora"),
        ("APP_URL=https://shop.example.com", "flora"),
    ],
)
def test_an_address_of_something_called_the_same_rules_flora_out(beside: str, issuer: str | None) -> None:
    assert issuers(f"FLORA_API_KEY={PLAIN}\n{beside}\n") == [issuer]

"""What a variable that holds a key is given to further on says whose the key is."""

from __future__ import annotations

import pytest

import keyleak
from keyleak.rulebook.template import expand

SHORT = "sk_live_${base62:24}"
PLAIN = "sk_live_${base62:36}"
FLORA = "import FLORA from '@flora-ai/flora';\nimport Stripe from 'stripe';\n\n"


def issuers(template: str, seed: int = 5) -> list[str | None]:
    """The issuer of every key in a content, in order."""
    findings = keyleak.scan_bytes(expand(template, seed).encode())
    return [each.issuer for each in sorted(findings, key=lambda each: each.locations[0].offset)]


JAVASCRIPT = """const KEY = '%s';

foo();

fetch('https://api.moonpay.com/v1', {headers: {Authorization: KEY}});"""
PYTHON = """KEY = '%s'


def f():
    return requests.get('https://api.fintoc.com/v1', headers={'Authorization': KEY})"""
GO = """const key = "%s"

func f() {
	r, _ := http.NewRequest("GET", "https://api.tap.company/v2", nil)
	r.Header.Set("Authorization", "Bearer "+key)
}"""
PHP = """<?php
class A {
  private $secret = '%s';

  function f() {
    $c = curl_init('https://api.paymongo.com/v1');
    curl_setopt($c, CURLOPT_USERPWD, $this->secret . ':');
  }
}"""
SHELL = """export KEY="%s"

echo start

curl -u "$KEY:" https://api.stripe.com/v1/charges"""
CSHARP = """private const string ApiKey = "%s";

Task F() => Http.Get("https://api.sent.dm/v2", ApiKey);"""
RUST = """const KEY: &str = "%s";

fn f(c: &Client) {
    c.get("https://api.getalma.eu/v1").bearer_auth(KEY).send()
}"""
REQUESTS = """@token = %s

### list
GET https://api.budpay.com/v2
Authorization: Bearer {{token}}
"""
ELIXIR = """@key "%s"

def client, do: Req.new(base_url: "https://api.paymongo.com/v1", auth: {:basic, @key})"""
TYPESCRIPT = (
    FLORA
    + """const SECRET = '%s';

export const c = new FLORA({ apiKey: SECRET });"""
)


@pytest.mark.parametrize(
    ("content", "key", "issuer"),
    [
        (JAVASCRIPT, PLAIN, "moonpay"),
        (PYTHON, PLAIN, "fintoc"),
        (GO, SHORT, "tap"),
        (PHP, SHORT, "paymongo"),
        (SHELL, SHORT, "stripe"),
        (CSHARP, PLAIN, "sent-dm"),
        (RUST, PLAIN, "alma"),
        (REQUESTS, PLAIN, "budpay"),
        (ELIXIR, SHORT, "paymongo"),
        (TYPESCRIPT, PLAIN, "flora"),
    ],
)
def test_what_a_variable_is_given_to_names_the_issuer(content: str, key: str, issuer: str) -> None:
    assert issuers(content % key) == [issuer]


def test_each_variable_has_its_own_uses() -> None:
    content = (
        f"const A1 = '{PLAIN}';\nconst B1 = '{SHORT}';\n\nnew FLORA({{ apiKey: A1 }});\n\nnew Stripe(B1);\n"
    )
    assert issuers(FLORA + content) == ["flora", "stripe"]


@pytest.mark.parametrize(
    "content",
    [
        # The name says Stripe, its only use FLORA.
        FLORA + f"const STRIPE_KEY = '{PLAIN}';\n\nnew FLORA({{ apiKey: STRIPE_KEY }});",
        f"$stripe_key = '{SHORT}';\n$c = init('https://api.paymongo.com/v1');\nsetopt($c, $stripe_key);",
    ],
)
def test_a_name_that_its_use_contradicts_decides_nothing(content: str) -> None:
    assert issuers(content) == [None]


@pytest.mark.parametrize(
    "use",
    [
        # Set anew, by whatever means; a parameter, a member, the name of an argument, a string.
        "key = other()\n\nget('https://api.moonpay.com/v1', key)",
        "for key in keys:\n    get('https://api.moonpay.com/v1', key)",
        "import key\nget('https://api.moonpay.com/v1', key)",
        "const { key } = options;\nget('https://api.moonpay.com/v1', key)",
        "key, err := load()\nget('https://api.moonpay.com/v1', key)",
        "def f(key):\n    get('https://api.moonpay.com/v1', key)",
        "const f = (key) => get('https://api.moonpay.com/v1', key);",
        "get('https://api.moonpay.com/v1', options.key)",
        "get('https://api.moonpay.com/v1', key=other)",
        "get('https://api.moonpay.com/v1', env['key'])",
        "moonpay:\n  api-key-name: key-name\n",
    ],
)
def test_another_thing_of_the_same_name_is_no_use(use: str) -> None:
    assert issuers(f"key = '{PLAIN}'\n\n{use}\n\nget('https://own.example.net')\n") == [None]


@pytest.mark.parametrize(
    "use",
    [
        "fetch('https://perenual.com/api/species?key=' + FLORA_API_KEY)",
        "fetch('https://my-api.plantnet.org/v2/identify?api-key=' + FLORA_API_KEY)",
        "gemini.configure(FLORA_API_KEY)",
    ],
)
def test_a_namesakes_service_that_the_variable_is_given_to_rules_flora_out(use: str) -> None:
    assert issuers(f"const FLORA_API_KEY = '{PLAIN}';\n\nexport const f = () => {use};\n") == [None]


def test_a_body_that_two_issuers_share_is_that_of_the_one_the_file_speaks_of() -> None:
    body = "sk_live_${base64:key_01${crockford:24},${base62:25}}"
    assert issuers(f"BASE = 'https://api.us.highnote.com'\n\nKEY = '{body}'\n\n\nget(BASE, KEY)\n") == [
        "highnote"
    ]
    assert issuers(f"KEY = '{body}'\n") == ["workos"]


def test_the_same_text_before_two_keys_does_not_exchange_their_uses() -> None:
    part = (
        "import 'dart:convert';\nimport 'package:http/http.dart' as http;\n\n"
        + "// one of several clients\n" * 12
    )
    part += "const secret = '%s';\n\nfinal a = get('https://%s/v1', secret);\n\n"
    hosts = ("api.stripe.com", "api.tap.company", "api.paymongo.com")
    content = "".join(part % (expand(SHORT, seed), host) for seed, host in enumerate(hosts))
    assert issuers(content) == ["stripe", "tap", "paymongo"]

"""A key given to what is imported from an issuer's package is given to the issuer."""

from __future__ import annotations

import pytest

import keyleak
from keyleak.rulebook.template import expand

KEY = "sk_live_${base62:36}"


def issuer(content: str) -> str | None:
    """The issuer of the one key in a content."""
    (finding,) = keyleak.scan_bytes(expand(content, 5).encode())
    return finding.issuer


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (f"<?php\nuse Alma\\API\\Client;\n\n$client = new Client('{KEY}', ['mode' => 'live']);", "alma"),
        (
            f"import {{ Client as Sms }} from '@sentdm/sentdm';\n\nconst c = new Sms({{ apiKey: '{KEY}' }});",
            "sent-dm",
        ),
        (f"from fintoc import Fintoc as Bank\n\nbank = Bank('{KEY}')", "fintoc"),
        (f"const pay = require('@moonpay/moonpay-node');\n\nconst c = pay.create('{KEY}');", "moonpay"),
        (f"import {{\n  Knock,\n}} from '@knocklabs/node';\n\nconst c = new Knock('{KEY}');", "knock"),
        # Of another package, or of two.
        (f"<?php\nuse Alma\\API\\Client;\nuse Acme\\Other;\n\n$c = new Other('{KEY}');", None),
        (f"<?php\nuse Alma\\API\\Client;\nuse Fintoc\\Client;\n\n$c = new Client('{KEY}');", None),
    ],
)
def test_what_is_imported_names_the_issuer(content: str, expected: str | None) -> None:
    assert issuer(content) == expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            f"URL = 'https://api.moonpay.com/v1'\n\n\ndef f():\n    return {{'Authorization': '{KEY}'}}",
            "moonpay",
        ),
        (f"URL = 'https://api.moonpay.com/v1'\nOWN = 'https://shop.acme.net'\n\n\nKEY = '{KEY}'", None),
        (f"URL = 'https://api.moonpay.com/v1'\n\n\nACME_KEY = '{KEY}'", None),
        (f"# https://app.flora.ai\n\n\nSECRET = '{KEY}'", None),
    ],
)
def test_the_only_host_that_a_file_talks_to_names_the_issuer(content: str, expected: str | None) -> None:
    assert issuer(content) == expected


@pytest.mark.parametrize(
    "beside",
    [
        # The file's own call has a key of its own.
        f"get('https://api.moonpay.com/v1', '{KEY}')",
        f"from fintoc import Fintoc\n\nbank = Fintoc('{KEY}')",
        f"import FLORA from '@flora-ai/flora';\n\nconst c = new FLORA({{ apiKey: '{KEY}' }});",
    ],
)
def test_a_file_with_another_key_says_nothing_of_a_generic_one(beside: str) -> None:
    content = f"{expand(beside, 1)}\n\n\nSECRET = '{expand(KEY, 2)}'\n"
    first, second = sorted(keyleak.scan_bytes(content.encode()), key=lambda each: each.locations[0].offset)
    assert (first.issuer is None, second.issuer) == (False, None)


def test_each_of_two_keys_in_requests_is_that_of_the_only_host() -> None:
    lines = [
        "url = 'https://api.moonpay.com/v1'\n",
        "headers = {",
        f"  // 'Authorization': 'Bearer {expand(KEY, 1)}',",
        f"  'Authorization': 'Bearer {expand(KEY, 2)}',",
        "}",
    ]
    assert {each.issuer for each in keyleak.scan_bytes("\n".join(lines).encode())} == {"moonpay"}


def test_a_request_that_goes_elsewhere_is_not_about_what_the_file_speaks_of() -> None:
    content = (
        f"import FLORA from '@flora-ai/flora';\n\nconst c = new FLORA({{}});\n\nconst apiKey = '{KEY}';\n\n"
    )
    assert issuer(content + "fetch('https://api.acme.io/v1', {headers: {Authorization: apiKey}});\n") is None


def test_another_length_than_clerks_is_clerks_beside_its_name_only() -> None:
    assert (
        issuer("import { auth } from '@clerk/nextjs';\n\n\nconst SECRET = 'sk_live_${base62:50}';\n") is None
    )
    assert issuer("CLERK_SECRET_KEY=sk_live_${base62:50}") == "clerk"

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

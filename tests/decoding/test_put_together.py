"""Encoded text that a program puts together before it decodes it is decoded whole, never in part."""

from __future__ import annotations

import base64

import pytest

import keyleak
from keyleak.rulebook.template import expand

KEY = expand("sk_live_51${base62:97}", 4).encode()
WAYS = (
    "A = '{1}'\nB = '{2}'\nkey = decode(A + B)\n",
    "const key = atob('{1}' +\n  '{2}');\n",
    'static final String[] KEY = {"{1}", "{2}"};\nString.join("", KEY)\n',
    "key = b64decode(''.join(['{1}', '{2}']))\n",
    "$a = \"{1}\";\n$b = \"{2}\";\n$key = decode($a . $b);\n",
)  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "encode", [base64.b64encode, base64.urlsafe_b64encode, lambda key: key.hex().encode()]
)
@pytest.mark.parametrize("cut", [40, 63])
def test_constants_are_joined_before_they_are_decoded(way: str, encode: object, cut: int) -> None:
    assert callable(encode)
    text = encode(KEY).decode()
    content = way.replace("{1}", text[:cut]).replace("{2}", text[cut:])
    (finding,) = keyleak.scan_bytes(content.encode())
    assert finding.secret.reveal() == KEY
    assert finding.locations[0].offset == content.index(text[:cut])


def test_hexadecimal_text_of_databases_is_no_longer_word() -> None:
    for sign in ("0x", "\\x", "\\\\x"):
        content = f"INSERT INTO t VALUES ('stripe_secret_key', {sign}{KEY.hex()});"
        assert [each.secret.reveal() for each in keyleak.scan_bytes(content.encode())] == [KEY]

"""Whose a key is where its names stand in markup, in strings of strings, or where it is put together."""

from __future__ import annotations

import pytest

import keyleak
from keyleak.rulebook.template import expand

HEX = "sk_live_${hex:40}"
CLERK = "sk_live_${base62:42}"
SHORT = "sk_live_${base62:24}"
PAIR = "pk_live_${base62:24}:" + SHORT


def issuers(template: str) -> list[str | None]:
    return [each.issuer for each in keyleak.scan_bytes(expand(template, 8).encode())]


@pytest.mark.parametrize(
    ("content", "issuer"),
    [
        (f'<gateway name="paystack">\n  <secret>{HEX}</secret>\n</gateway>', "paystack"),
        (f'&lt;gateway name="paystack"&gt;&lt;secret&gt;{HEX}&lt;/secret&gt;', "paystack"),
        (f"<settings><paystack><currency>NGN</currency><secretKey>{HEX}</secretKey>", "paystack"),
        (f"<settings><paystack></paystack><secretKey>{HEX}</secretKey>", None),
        (f"<text:p>CLERK_SECRET_KEY=<text:span>{CLERK}</text:span></text:p>", "clerk"),
        (f'{{"script": "export CLERK_SECRET_KEY=\\t{CLERK}\\n"}}', "clerk"),
        (f'JSON.parse("{{\\x22CLERK_SECRET_KEY\\x22:\\x22{CLERK}\\x22}}")', "clerk"),
        (f'"raw": "{{\\n  \\"paystack\\": {{\\n    \\"secret_key\\": \\"{HEX}\\"\\n  }}"', "paystack"),
        (f'url = "https://api.paymongo.com/v1"\nh = {{\n  "a": "b",\n  "auth": "{PAIR}"\n}}', "paymongo"),
    ],
)
def test_names_in_markup_and_strings(content: str, issuer: str | None) -> None:
    assert issuers(content) == [issuer]


@pytest.mark.parametrize(
    "way",
    [
        'const clerkSecretKey = String.format("%s%s", "{1}", "{2}");',
        'var clerkSecretKey = fmt.Sprintf("%s%s", "{1}", "{2}")',
        "A = '{1}'\nB = '{2}'\nCLERK_SECRET_KEY = f'{A}{B}'",
        'const string A = "{1}";\nconst string B = "{2}";\nstring ClerkSecretKey = $"{A}{B}";',
        "let clerkSecretKey = '{1}';\nclerkSecretKey += '{2}';",
        "const A = '{1}';\nconst B = '{2}';\ncreateClerkClient({ secretKey: A + B });",
        "$clerkSecretKey = implode('_', ['sk', 'live', '{2}']);",
    ],
)
def test_a_key_is_judged_by_where_it_is_put_together(way: str) -> None:
    key = expand(CLERK, 9)
    content = way.replace("{1}", key[:8]).replace("{2}", key[8:])
    (finding,) = keyleak.scan_bytes(content.encode())
    assert (finding.secret.reveal().decode(), finding.issuer) == (key, "clerk")

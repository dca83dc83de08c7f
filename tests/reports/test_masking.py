"""No key, plain or encoded, leaves through any format; and what looks for it knows every encoding."""

from __future__ import annotations

import base64
import html
import json
import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from keyleak.coverage import Gap
from keyleak.findings import LocationKind, Status
from keyleak.reports.formats import Format, render
from keyleak.reports.masking import KeyInOutputError, Masker
from keyleak.rulebook.template import expand
from keyleak.secret import Secret
from reports.saved import BLOB, COMMIT, finding, historic, key, location, presentation, report

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = key(7)
ENCODINGS: dict[str, Callable[[str], str]] = {
    "plain": lambda text: text,
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 behind one byte": lambda text: base64.b64encode(b"x" + text.encode()).decode(),
    "base64 behind two bytes": lambda text: base64.b64encode(b"xy" + text.encode() + b"z").decode(),
    "base64 for addresses": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "hexadecimal": lambda text: text.encode().hex(),
    "HEXADECIMAL": lambda text: text.encode().hex().upper(),
    "percent": lambda text: "".join(f"%{ord(each):02x}" for each in text),
    "PERCENT in part": lambda text: text.replace("_", "%5F"),
    "JSON": lambda text: "".join(f"\\u{ord(each):04x}" for each in text),
    "JSON in part": lambda text: text.replace("_", "\\u005F"),
    "JSON in JSON": lambda text: json.dumps(text.replace("_", "\\u005f")),
    "C": lambda text: "".join(f"\\x{ord(each):02x}" for each in text),
    "HTML": lambda text: "".join(f"&#{ord(each)};" for each in text),
    "HTML in part": lambda text: text.replace("_", "&#x5f;"),
}


@pytest.mark.parametrize("name", ENCODINGS)
@pytest.mark.parametrize("template", ["sk_live_${base62:42}", "sk_test_${base64url:43}", "${base62:40}"])
def test_the_check_knows_the_encoding_and_the_mask_leaves_nothing_for_it(name: str, template: str) -> None:
    planted = expand(template, 3)
    masker = Masker([Secret(expand("sk_live_${base62:30}", 1).encode()), Secret(planted.encode())])
    text = f"a path/with {ENCODINGS[name](planted)} in it"
    with pytest.raises(KeyInOutputError):
        masker.check(text)
    masker.check(masker.mask(text))


def test_ordinary_words_are_left_as_they_are() -> None:
    masker = Masker([Secret(KEY.encode())])
    text = f"src/app.py:3 {BLOB} {COMMIT} https://example.org/a%20b?x=1&#38; {key(8)[:12]}"
    assert masker.mask(text) == text


def leaks(rendered: str) -> list[str]:
    """The encodings in which the key stands in an output, told without the code under test."""
    forms = {name: encode(KEY).strip('"').rstrip("=") for name, encode in ENCODINGS.items()}
    inner = re.compile(r"[A-Za-z0-9+/_-]{16,}")
    decoded = []
    for run in set(inner.findall(rendered)):
        for skip in range(4):
            aligned = run[skip : skip + (len(run) - skip) // 4 * 4]
            decoded.append(base64.b64decode(aligned.translate(str.maketrans("-_", "+/"))))
    found = [name for name, form in forms.items() if form.lower() in rendered.lower()]
    found += ["base64 of some alignment"] * any(KEY[:-6].encode() in content for content in decoded)
    found += ["HTML"] * (KEY in html.unescape(rendered))
    return found


hostile = st.one_of(
    st.text(max_size=40),
    st.text(st.characters(codec=None, categories=("Cc", "Cf", "Cs", "Zl", "Zp", "Po", "Sm")), max_size=20),
    st.sampled_from(
        [
            "=cmd|' /C calc'!A0",
            "::error::x",
            "##[error]x",
            "</script><script>",
            "](javascript:x)",
            "| `x` |",
            "%0A::set-env",
        ]
    ),
)


@given(
    before=hostile,
    after=hostile,
    encoding=st.sampled_from(sorted(ENCODINGS)),
    kind=st.sampled_from(list(LocationKind)),
)
@example(before="", after="", encoding="PERCENT in part", kind=LocationKind.FILE)
@settings(max_examples=30, deadline=None)
def test_no_format_holds_a_key_whatever_stands_around_it(
    before: str, after: str, encoding: str, kind: LocationKind
) -> None:
    words = f"{before} {ENCODINGS[encoding](KEY)} {after}"
    place = location(words, kind=kind, refs=(words,), container=(words,), decoded=("base64",), commit=COMMIT)
    planted = finding(7, place, excerpts=(words,), status=Status.ALLOWED, reason=words, exposure=(words,))
    made = report(planted, historic(8, hostile=words), gaps=(Gap(words, words),), target=words)
    for form in Format:
        rendered = render(made, form, presentation(made))
        assert leaks(rendered) == [], form
        rendered.encode("utf-8")
        if form is not Format.CSV:
            assert "\r" not in rendered
        # Nothing that a terminal acts on, nor what turns the direction of text.
        assert (
            re.search(
                r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]", rendered
            )
            is None
        )

"""The keys of every rule, in every kind of name, leave through no format: not as they are, nor escaped."""

from __future__ import annotations

import html
import json
import re
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

import pytest

from keyleak.coverage import Gap
from keyleak.findings import LocationKind
from keyleak.key_shapes import MASK, mask_key_shapes, masked_message
from keyleak.matching.matcher import Matcher
from keyleak.records import replace
from keyleak.remediation.document import DocumentFormat, FixDocument, Section, masked
from keyleak.remediation.document import render as render_document
from keyleak.remediation.key_state import state_of
from keyleak.remediation.runbook import Reader, runbook_for
from keyleak.reports.formats import Format, render
from keyleak.reports.masking import KeyInOutputError, Masker
from keyleak.rulebook.template import expand
from keyleak.secret import Secret
from reports.saved import BLOB, COMMIT, RULEBOOK, finding, location, presentation, report

if TYPE_CHECKING:
    from keyleak.findings import Finding

# Many rules share an example.
EXAMPLES = [
    (rule, template)
    for template, rule in {template: rule.id for rule in RULEBOOK.keys for template in rule.examples}.items()
]
PARTS = 12
MATCHER = Matcher(RULEBOOK)


def planted(template: str) -> tuple[str, list[Secret]]:
    """An example of a rule, and the keys that are found in it."""
    text = expand(template, 11)
    return text, [Secret(match.secret.reveal()) for match in MATCHER.match(text.encode())]


def shown(output: str, secrets: list[Secret]) -> list[str]:
    """Pieces of what the redacted keys hide, in the output or in what its readers make of it."""
    read = output
    for _ in range(3):
        read = html.unescape(unquote(re.sub(r"\\+u00([0-9a-f]{2})", _character, read)))
    both = "\n".join((output, read, read.replace("\\", "").replace("\u200b", "")))
    found = []
    for secret in secrets:
        hidden = secret.reveal().decode().removeprefix(secret.redacted().removesuffix(MASK))
        found += [hidden[at : at + 8] for at in range(0, len(hidden) - 7, 4) if hidden[at : at + 8] in both]
    return found


def _character(found: re.Match[str]) -> str:
    return chr(int(found[1], 16))


def names(text: str) -> tuple[str, ...]:
    """What can be made of a text in names of files, refs, members and authors, and in a message."""
    return (
        f"src/{text}.txt",
        f"refs/heads/{text}",
        f"in/{text}/x",
        f"{text} <a@example.org>",
        f"fix: {text}\n",
        quote(f"https://example.org/{text}?x=1"),
        text.replace("_", r"\_").replace("*", r"\*"),
        html.escape(text).replace("_", "&lowbar;"),
        json.dumps(text.replace("_", "\\u005f")),
        text.replace("_", "_\u200b"),
        quote(quote(text.replace("_", "&#95;"))),
    )


@pytest.mark.parametrize("part", range(PARTS))
def test_no_format_shows_the_key_of_any_rule(part: int) -> None:
    # Rendering a page takes long, so several rules share a report.
    cases = [(rule, *planted(template)) for rule, template in EXAMPLES[part::PARTS]]
    assert all(secrets for _, _, secrets in cases)
    secrets = [secret for _, _, found in cases for secret in found]
    words = [word for _, text, _ in cases for word in names(text)]
    findings = [found_in(secret, names(text)) for _, text, (secret, *_) in cases]
    made = report(*findings, gaps=tuple(Gap(word, word) for word in words), target=" ".join(words[:11]))
    for form in Format:
        output = render(made, form, presentation(made))
        assert shown(output, secrets) == [], form
    document = FixDocument(
        words[0],
        tuple(
            runbook_for(
                each,
                RULEBOOK,
                [Reader(words[0], 1)],
                words[1],
                state_of(each, is_server=False, has_remote=True),
            )
            for each in findings
        ),
        (
            Section("a", words[1], tuple(words)),
            Section("b", words[2], tuple(words), are_commands=True),
        ),
    )
    masker = Masker(secrets)
    for written_as in DocumentFormat:
        output = render_document(masked(document, masker.mask), written_as)
        assert shown(output, secrets) == [], written_as
        masker.check(output)


def found_in(secret: Secret, words: tuple[str, ...]) -> Finding:
    """A finding whose key is in the names of all its places, one of each kind."""
    places = [
        location(
            words[number % len(words)],
            kind=kind,
            refs=(words[(number + 1) % len(words)],),
            container=(words[(number + 2) % len(words)],),
            decoded=("base64",),
            blob=BLOB,
            commit=COMMIT,
        )
        for number, kind in enumerate(LocationKind)
    ]
    made = finding(1, *places, excerpts=tuple(words[5] for _ in places), exposure=words[3:4], reason=words[4])
    return replace(made, id=secret.fingerprint(), secret=secret)


@pytest.mark.parametrize(("rule", "template"), EXAMPLES)
def test_the_last_check_sees_through_what_formats_do_to_a_name(rule: str, template: str) -> None:
    text, secrets = planted(template)
    masker = Masker(secrets)
    for word in (*names(text), *map(html.escape, names(text)), *map(quote, names(text))):
        with pytest.raises(KeyInOutputError):
            masker.check(f"x {word} y")
        masker.check(f"x {masker.mask(word)} y")


@pytest.mark.parametrize(("rule", "template"), EXAMPLES)
def test_a_message_shows_the_key_of_no_rule(rule: str, template: str) -> None:
    text, secrets = planted(template)
    for word in names(text)[:6]:
        assert shown(masked_message(f"{word}: no such file"), secrets) == [], rule


@pytest.mark.parametrize("rule", [rule for rule in RULEBOOK.keys if rule.prefixes], ids=lambda rule: rule.id)
def test_what_follows_the_prefix_of_any_rule_is_masked_in_unknown_text(rule: object) -> None:
    for prefix in rule.prefixes:  # type: ignore[attr-defined]
        for seed, template in enumerate(
            ("${base62:42}", "${base64url:43}", "${hex:32}", "live_${base62:24}")
        ):
            body = expand(template, seed)
            for text in (f"x/{prefix}{body}.json", f"--option={prefix}{body}", f"{prefix}{body}/x"):
                assert body[4:] not in mask_key_shapes(text)


def test_names_that_people_write_stay_readable() -> None:
    for name in (
        "src/ak_helpers_for_everything.py",
        "tests/test_sk_live_migration_of_keys.py",
        "task_identifier_of_the_thing.py",
        "docs/sk_live_your_flora_api_key_here.md",
        "mt_user_settings_page_2.html",
        "key: flora-assigned-webhook-secret",
        "the key 0123456789abcdef0123456789abcdef",
    ):
        assert masked_message(name) == name

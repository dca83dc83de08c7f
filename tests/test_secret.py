"""A key shows its prefix and at most four characters, in whatever way it is printed, stored or sent."""

from __future__ import annotations

import copy
import dataclasses
import io
import json
import logging
import pickle
import traceback
from string import Template

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyleak.findings import (
    Attribution,
    AttributionVerdict,
    Confidence,
    Environment,
    Location,
    LocationKind,
    Severity,
    Sighting,
)
from keyleak.grouping import group_by_secret
from keyleak.key_shapes import MASK, SHOWN_CHARACTERS, mask_key_shapes
from keyleak.prefixes import prefix_words
from keyleak.rulebook.template import expand
from keyleak.secret import FINGERPRINT_BITS, Secret, fingerprint, redact
from keyleak.sources.inspector import Inspector, Place
from strategies import Planted, matcher, planted_keys, rulebook

INSPECTOR = Inspector(rulebook())
KEY = expand("sk_live_${base62:42}", 1)
PREFIXES = (*sorted(prefix_words()), "")


def shows_at_most_four(shown: str, key: Planted) -> bool:
    """Whether the text holds no five characters of the body at its beginning and no eight anywhere."""
    tail = key.body[SHOWN_CHARACTERS:]
    return key.body[: SHOWN_CHARACTERS + 1] not in shown and not any(
        tail[index : index + 8] in shown for index in range(len(tail) - 7)
    )


def sighting(secret: Secret) -> Sighting:
    return Sighting(
        secret=secret,
        rule="flora-api-key",
        environment=Environment.LIVE,
        severity=Severity.CRITICAL,
        attribution=Attribution(AttributionVerdict.UNKNOWN, Confidence.NONE, ("none",)),
        location=Location(LocationKind.FILE, "a.env", 1, 1, 0),
        excerpt=f"KEY={secret.redacted()}",
    )


@given(key=planted_keys())
@settings(max_examples=150, deadline=None)
def test_nothing_that_prints_a_secret_shows_it(key: Planted) -> None:
    secret = Secret(key.data)
    record = sighting(secret)
    printed = [
        str(secret), repr(secret), f"{secret}", f"{secret!r}", f"{secret!s}", f"{secret!a}",
        Template("$k").substitute(k=secret),
        f"{secret}", repr([secret]), repr({secret: secret}), str((secret,)), repr(record), str(record),
        json.dumps({"key": secret}, default=str), json.dumps([secret], default=repr), ascii(secret),
    ]  # fmt: skip
    for shown in printed:
        assert MASK in shown
        assert shows_at_most_four(shown, key)


@given(key=planted_keys(), seed=st.integers(0, 99))
@settings(max_examples=100, deadline=None)
def test_no_record_of_a_scan_shows_a_key_in_its_repr(key: Planted, seed: int) -> None:
    beside = Planted("flora", expand("ak_${base62:32}", seed))
    content = f"FLORA_API_KEY={key.text}\nx-flora-api-key: {beside.text}\n".encode()
    sightings = INSPECTOR.inspect(content, Place(LocationKind.FILE, "a")).sightings
    records = (*matcher().match(content), *sightings, *group_by_secret(sightings))
    assert len(records) == 6
    for record in records:
        shown = repr(record)
        # A rule shows its own pattern, with the first characters that all keys of WorkOS share.
        for text in (key.text, beside.text):
            assert not any(text[index : index + 8] in shown for index in range(14, len(text) - 7))


@pytest.mark.parametrize("template", ["${base62:40}", "ak_${base62:32}", "sk_test_${hex:40}"])
def test_a_match_does_not_show_the_key_beside_it(template: str) -> None:
    beside = expand(template, 3)
    content = f'{{"FLORA_API_KEY": "{beside}", "k": "{KEY}"}}'.encode()
    matches = matcher().match(content)
    assert len(matches) == 2
    for match in matches:
        assert beside[12:] not in repr(match)
        assert KEY[12:] not in repr(match)


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("length", [*range(17), 20, 42, 99, 250])
def test_redaction_shows_prefix_and_four_characters_at_most(prefix: str, length: int) -> None:
    body = expand(f"${{base62:{length}}}", length)
    shown = redact((prefix + body).encode())
    assert shown.endswith(MASK)
    rest = shown.removesuffix(MASK).removeprefix(prefix)
    assert body.startswith(rest)
    assert len(rest) <= SHOWN_CHARACTERS
    # Of a short body four characters would be too much.
    assert len(rest) <= max(0, length - 8)


@given(key=st.binary(max_size=60))
def test_redaction_of_any_bytes_shows_four_of_them_at_most(key: bytes) -> None:
    shown = redact(key)
    assert shown.endswith(MASK)
    assert len(shown) <= len("sk_hackathon_") + SHOWN_CHARACTERS + len(MASK)
    assert len(shown.removesuffix(MASK)) <= len(key)


@pytest.mark.parametrize("dump", [pickle.dumps, copy.copy, copy.deepcopy, json.dumps])
def test_a_secret_is_not_pickled_copied_or_serialised_by_accident(dump: object) -> None:
    with pytest.raises(TypeError) as caught:
        dump(Secret(KEY.encode()))  # type: ignore[operator]
    assert KEY[12:] not in str(caught.value)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_no_pickle_protocol_takes_a_secret_or_what_holds_one(protocol: int) -> None:
    for held in (Secret(KEY.encode()), [Secret(KEY.encode())], sighting(Secret(KEY.encode()))):
        out = io.BytesIO()
        with pytest.raises(TypeError):
            pickle.dump(held, out, protocol)
        assert KEY[12:].encode() not in out.getvalue()


def test_a_record_turned_into_a_dictionary_gives_no_key_away() -> None:
    with pytest.raises(TypeError):
        dataclasses.asdict(sighting(Secret(KEY.encode())))


def test_logs_and_tracebacks_do_not_show_a_secret() -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    logger = logging.Logger("test")
    logger.addHandler(handler)
    secret = Secret(KEY.encode())
    logger.error("found %s in %r", secret, [secret])
    try:
        raise ValueError(secret, {"key": secret})  # noqa: TRY301 - the traceback is what is tested
    except ValueError as error:
        trace = traceback.TracebackException.from_exception(error, capture_locals=True)
        stream.write("".join(line for line in trace.format() if "secret = " in line or "ValueError" in line))
    assert MASK in stream.getvalue()
    assert KEY[12:] not in stream.getvalue()


def test_equality_and_hash_are_those_of_the_bytes() -> None:
    one, same, other = Secret(KEY.encode()), Secret(KEY.encode()), Secret(KEY.encode() + b"x")
    assert one == same
    assert hash(one) == hash(same)
    assert one != other
    assert one != KEY.encode()
    assert len({one, same, other}) == 2
    assert one.reveal() == KEY.encode()


def test_a_secret_takes_no_further_attributes() -> None:
    with pytest.raises(AttributeError):
        Secret(KEY.encode()).note = KEY  # type: ignore[attr-defined]


@given(key=st.binary(max_size=60), other=st.binary(max_size=60))
def test_fingerprints_are_equal_where_keys_are(key: bytes, other: bytes) -> None:
    assert (fingerprint(key) == fingerprint(other)) is (key == other)
    assert Secret(key).fingerprint() == fingerprint(key)
    assert len(fingerprint(key)) * 4 == FINGERPRINT_BITS
    assert set(fingerprint(key)) <= set("0123456789abcdef")


def test_fingerprints_depend_on_what_they_are_keyed_with() -> None:
    keyed = {fingerprint(KEY.encode(), with_key) for with_key in (b"a", b"b", b"c" * 32)}
    assert len(keyed | {fingerprint(KEY.encode())}) == 4
    assert Secret(KEY.encode()).fingerprint(b"a") == fingerprint(KEY.encode(), b"a")


@pytest.mark.parametrize("prefix", ["sk_live_", "sk_test_", "rk_live_", "ak_", "whsec_"])
@pytest.mark.parametrize("text", ["{}", "cannot read '{}'", "/srv/{}.txt", "a {} b {}", "x={}&y=1"])
def test_messages_about_unknown_input_are_masked(prefix: str, text: str) -> None:
    key = prefix + expand("${base62:30}", 3)
    masked = mask_key_shapes(text.replace("{}", key))
    assert MASK in masked
    assert key[len(prefix) + SHOWN_CHARACTERS :] not in masked
    assert masked.replace(key[: len(prefix) + SHOWN_CHARACTERS] + MASK, "{}") == text


def test_a_message_without_a_key_stays_as_it_is() -> None:
    assert mask_key_shapes("no such file: sk_live_notes.txt") == "no such file: sk_live_notes.txt"

"""Prefix words that much else ends with: searched for with a body behind them, reported in context only."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyleak.findings import AttributionVerdict, Environment, LocationKind
from keyleak.matching.beginning import CHARACTERS, LENGTH, begins_body
from keyleak.rulebook.template import expand
from keyleak.sources.inspector import Inspector, Place
from strategies import found_in, reported_on, rulebook

UUID, SHORT = "sk_${uuid}", "sk_${base32:27}"
WITH_CONTEXT = (
    "CKO_SECRET_KEY=%s",
    "new Checkout('%s', { pk: publicKey })",
    "checkout_com:\n  base: https://api.checkout.com\n  secret_key: %s\n",
    '{"CHECKOUT_SECRET_KEY": "%s"}',
    "const { Checkout } = require('checkout-sdk-node');\n\nconst secretKey = '%s';\n",
    "curl https://api.checkout.com/payments -H 'Authorization: %s'",
    'CheckoutApi.create().secretKey("%s").environment(SANDBOX)  // CKO_SECRET_KEY',
)


def sightings(content: bytes) -> list[tuple[str, str, str | None]]:
    found = Inspector(rulebook()).inspect(content, Place(LocationKind.FILE, "x")).sightings
    return [(each.secret.reveal().decode(), each.rule, each.attribution.issuer) for each in found]


@pytest.mark.parametrize("form", WITH_CONTEXT)
@pytest.mark.parametrize(
    ("template", "rule"), [(UUID, "checkout-live-uuid-key"), (SHORT, "checkout-live-key")]
)
def test_a_key_is_found_where_something_gives_it_to_its_issuer(form: str, template: str, rule: str) -> None:
    key = expand(template)
    assert sightings((form % key).encode()) == [(key, rule, "checkout")]


@pytest.mark.parametrize(
    "form",
    [
        "%s",
        "API_KEY=%s",
        "git checkout %s",
        "STRIPE_SECRET_KEY=%s",
        "const id = '%s';",
        "ELEVENLABS_API_KEY=%s",
    ],
)
@pytest.mark.parametrize("template", [UUID, SHORT, "sk_${hex:40}"])
def test_without_its_issuer_it_is_not_reported(form: str, template: str) -> None:
    assert sightings((form % expand(template)).encode()) == []


@pytest.mark.parametrize("word", ["task_", "disk_", "ask_", "_sk_", "xsk_", "tsk_"])
@pytest.mark.parametrize("template", ["${uuid}", "${base32:27}"])
def test_the_end_of_a_longer_word_is_no_prefix(word: str, template: str) -> None:
    assert found_in(f"CKO_SECRET_KEY={word}{expand(template)}".encode()) == []


@pytest.mark.parametrize(
    ("form", "count"),
    [
        ("CLERK_MACHINE_SECRET_KEY=%s", 1),
        ("createClerkClient({ machineSecretKey: '%s' })", 1),
        ('clerk.m2m.create_token(machine_secret_key="%s")', 1),
        ("CLERK_SECRET_KEY=%s", 0),
        ("clerkClient.apiKeys.verify('%s')", 0),
        ("machineSecretKeys: 7, other: '%s'", 0),
    ],
)
def test_a_rule_found_by_context_may_name_the_only_names_it_goes_by(form: str, count: int) -> None:
    """Clerk's customers issue keys with its prefix: those are not Clerk's."""
    key = expand("ak_${base62:42}")
    assert sightings((form % key).encode()) == [(key, "clerk-machine-secret-key", "clerk")] * count


def test_a_value_of_another_issuer_by_assignment_stays_that_issuers() -> None:
    key = expand(SHORT)
    assert sightings(f"FLORA_API_KEY={key}".encode()) == [(key, "flora-assigned-key", "flora")]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_it_is_found_in_utf16(encoding: str) -> None:
    key = expand(UUID)
    assert list(reported_on(f"CKO_SECRET_KEY={key}\n".encode(encoding))) == [key.encode()]


def test_it_is_found_in_base64_beside_its_name() -> None:
    key = expand(UUID)
    encoded = base64.b64encode(key.encode()).decode()
    (sighting,) = (
        Inspector(rulebook())
        .inspect(f"data:\n  CKO_SECRET_KEY: {encoded}\n".encode(), Place(LocationKind.FILE, "secret.yaml"))
        .sightings
    )
    assert (sighting.secret.reveal(), sighting.location.decoded) == (key.encode(), ("base64",))
    assert sighting.attribution.verdict is AttributionVerdict.ATTRIBUTED
    assert sighting.environment is Environment.LIVE


@given(st.binary(max_size=LENGTH + 4), st.integers(0, 4))
def test_a_body_begins_where_all_its_first_characters_are_of_one(text: bytes, at: int) -> None:
    beginning = text[at : at + LENGTH]
    expected = len(beginning) == LENGTH and all(character in CHARACTERS for character in beginning)
    assert begins_body(text, at) is expected

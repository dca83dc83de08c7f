"""The rulebook as bytes, for a start that parses no YAML, and back.

The rule files stay the one source of truth: these bytes are made from them, carry the digest of what they
were made from, and are thrown away wherever anything differs (`kept_rulebook.py`).
"""

from __future__ import annotations

import hashlib
import marshal
from types import MappingProxyType
from typing import Any, Final

from keyleak.findings import Environment, Severity, Strength
from keyleak.rulebook.model import (
    Context,
    EnvironmentRule,
    FoundBy,
    Issuer,
    KeyRule,
    PlaceholderWords,
    Reach,
    Rulebook,
    Runbook,
    Sample,
    VerdictRule,
    VerifyCall,
)
from keyleak.rulebook.provenance import Provenance

# Plain tuples, texts and numbers only. `marshal` needs no import and reads in a tenth of a millisecond what
# JSON takes three to import and read; what it reads is checked against a digest and comes from this user.
_MARSHAL_VERSION: Final = 4
_DIGEST_SIZE: Final = hashlib.sha256().digest_size


def packed(rulebook: Rulebook, made_from: bytes) -> bytes:
    """A rulebook as bytes.

    Args:
        rulebook: the rules.
        made_from: digest of everything the rulebook was made from.
    """
    words = rulebook.placeholders
    content = (
        made_from,
        rulebook.sha256,
        tuple(_issuer_fields(issuer) for issuer in rulebook.issuers),
        tuple(tuple(sorted(group)) for group in (words.decisive, words.plain, words.short)),
        (words.starts, words.fragments),
    )
    body = marshal.dumps(content, _MARSHAL_VERSION)
    return hashlib.sha256(body).digest() + body


def unpacked(data: bytes, made_from: bytes) -> Rulebook | None:
    """The rulebook of some bytes, or None where they are damaged or were made from something else.

    Args:
        data: what `packed` gave.
        made_from: digest of everything the rulebook must have been made from.
    """
    body = data[_DIGEST_SIZE:]
    if hashlib.sha256(body).digest() != data[:_DIGEST_SIZE]:
        return None
    content = marshal.loads(body)  # noqa: S302 - see above
    if content[0] != made_from:
        return None
    _, sha256, issuers, (decisive, plain, short), (starts, fragments) = content
    words = PlaceholderWords(frozenset(decisive), frozenset(plain), frozenset(short), starts, fragments)
    return Rulebook(tuple(_issuer(fields) for fields in issuers), words, sha256)


def _issuer_fields(issuer: Issuer) -> tuple[Any, ...]:
    verify, runbook = issuer.verify, issuer.runbook
    return (
        (issuer.issuer, issuer.name, issuer.homepage, issuer.docs),
        (issuer.anonymous, issuer.namesakes, issuer.common_word, issuer.provenance.value),
        tuple(_key_fields(key) for key in issuer.keys),
        _fields(issuer.context),
        None if verify is None else _verify_fields(verify),
        None if runbook is None else _fields(runbook),
        tuple(_fields(sample) for sample in issuer.samples),
    )


def _issuer(fields: tuple[Any, ...]) -> Issuer:
    names, flags, keys, context, verify, runbook, samples = fields
    (name, shown, homepage, docs), (anonymous, namesakes, common, provenance) = names, flags
    return Issuer(
        *(name, shown, homepage, docs),
        tuple(_key(key) for key in keys),
        Context(*context),
        None if verify is None else _verify(verify),
        None if runbook is None else Runbook(*runbook),
        tuple(Sample(*sample) for sample in samples),
        *(anonymous, namesakes, common, Provenance(provenance)),
    )


def _fields(record: Context | Reach | Runbook | Sample) -> tuple[Any, ...]:
    """The fields of a record that holds nothing but texts, numbers and tuples of texts."""
    return tuple(getattr(record, name) for name in type(record).__slots__)


def _key_fields(key: KeyRule) -> tuple[Any, ...]:
    return (
        *(key.id, key.issuer, key.description, key.found_by.value, key.prefixes, key.pattern),
        *(key.environment.value, key.strength.value, key.min_entropy),
        tuple((environment.value, severity.value) for environment, severity in key.severity.items()),
        *(key.examples, key.counter_examples, key.decodes_to, key.names, key.file, key.line),
        key.provenance.value,
    )


def _key(fields: tuple[Any, ...]) -> KeyRule:
    id_, issuer, description, found_by, prefixes, pattern, environment, strength, entropy, *rest = fields
    severity, *plain, provenance = rest
    severities = {Environment(place): Severity(how) for place, how in severity}
    return KeyRule(
        *(id_, issuer, description, FoundBy(found_by), prefixes, pattern, EnvironmentRule(environment)),
        *(Strength(strength), entropy, MappingProxyType(severities), *plain, Provenance(provenance)),
    )


def _verify_fields(verify: VerifyCall) -> tuple[Any, ...]:
    verdicts = tuple((rule.status, rule.verdict, tuple(rule.json.items())) for rule in verify.verdicts)
    reach = None if verify.reach is None else _fields(verify.reach)
    return (
        (verify.method, verify.url, verify.auth, verdicts, verify.requests_per_second, verify.at_once),
        (verify.keys, verify.headers, verify.request_id, reach, verify.capabilities),
    )


def _verify(fields: tuple[Any, ...]) -> VerifyCall:
    (method, url, auth, verdicts, per_second, at_once), (keys, headers, request_id, reach, capabilities) = (
        fields
    )
    rules = tuple(
        VerdictRule(status, verdict, MappingProxyType(dict(json))) for status, verdict, json in verdicts
    )
    return VerifyCall(
        *(method, url, auth, rules, per_second, keys, at_once, headers, request_id),
        None if reach is None else Reach(*reach),
        capabilities,
    )
